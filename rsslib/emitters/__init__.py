"""Localization of several emitters from sparse power maps: samples, small networks that list the emitters, metrics.

Front door: `rsslib.emitters.localizer.EmitterRecipe`, trained by `rsslib.emitters.training.EmitterTrainer`.
"""
