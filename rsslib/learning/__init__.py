"""How networks are trained, whatever they learn: one trainer, optimizer, checkpoint and form of weights for both papers.

Front door: `rsslib.learning.trainer.Trainer`.
"""
