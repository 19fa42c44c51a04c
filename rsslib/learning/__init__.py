"""Training shared by the networks of both papers: trainer, optimizer, checkpoint, devices, files of weights.

Front door: `rsslib.learning.trainer.Trainer`.
"""
