"""The figures of the paper on several emitters: one figure, one function that draws our records and returns it."""

from rsslib.reports.emitters_paper.figures.maps import emitter_rays, emitter_sample, emitter_scenes, emitter_task
from rsslib.reports.emitters_paper.figures.pipeline import emitter_pipeline
from rsslib.reports.emitters_paper.figures.scores import (
    emitter_counts,
    emitter_effects,
    emitter_ray_scores,
    emitter_sweep,
    emitter_table,
    emitter_transfer,
)
from rsslib.reports.emitters_paper.figures.two_transmitters import two_transmitters
from rsslib.reports.style import save

__all__ = ["emitter_counts", "emitter_effects", "emitter_pipeline", "emitter_ray_scores",
           "emitter_rays", "emitter_sample", "emitter_scenes", "emitter_sweep", "emitter_table", "emitter_task",
           "emitter_transfer", "save", "two_transmitters"]
