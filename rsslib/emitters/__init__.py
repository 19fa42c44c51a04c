"""Several emitters from sparse power maps: samples, small networks that list who is on the air and where, their scores.

Front door: `rsslib.emitters.localizer.EmitterRecipe`, trained by `rsslib.emitters.training.EmitterTrainer`.
"""
