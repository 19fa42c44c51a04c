"""The figures of the paper on several emitters: one figure, one function that draws our records and returns it."""

from rsslib.reports.emitters_paper.figures.maps import emitter_sample, emitter_scenes
from rsslib.reports.emitters_paper.figures.pipeline import emitter_pipeline
from rsslib.reports.emitters_paper.figures.scores import (
    emitter_counts,
    emitter_sweep,
    emitter_table,
    emitter_transfer,
    two_transmitters,
)
from rsslib.reports.style import BANNER, ENVIRONMENTS, save

__all__ = ["BANNER", "ENVIRONMENTS", "emitter_counts", "emitter_pipeline", "emitter_sample", "emitter_scenes",
           "emitter_sweep", "emitter_table", "emitter_transfer", "save", "two_transmitters"]
