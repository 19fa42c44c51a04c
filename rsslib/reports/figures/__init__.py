"""One figure, one function that returns it; each takes data, never files, and a note with n and profile."""

from rsslib.reports.figures.confidence import confidence_roc, indicator_scores
from rsslib.reports.figures.curves import error_cdf, training_curves
from rsslib.reports.figures.dots import speed, table2
from rsslib.reports.figures.duel import confidence_duel
from rsslib.reports.figures.emitter_dots import emitter_counts, emitter_sweep, emitter_table
from rsslib.reports.figures.emitter_flow import emitter_pipeline
from rsslib.reports.figures.emitter_maps import emitter_sample, emitter_scenes
from rsslib.reports.figures.emitter_scores import ENVIRONMENTS, emitter_transfer
from rsslib.reports.figures.errors import confidence_scatter, risk_coverage
from rsslib.reports.figures.fallback import grid_sizes
from rsslib.reports.figures.flow import pipeline
from rsslib.reports.figures.hybrids import hybrid_medians
from rsslib.reports.figures.images import ambiguous, loss_outputs
from rsslib.reports.figures.maps import split_maps
from rsslib.reports.figures.ood import odd_inputs, prediction_maps
from rsslib.reports.figures.pairs import two_transmitters
from rsslib.reports.figures.style import BANNER, save

__all__ = ["BANNER", "ENVIRONMENTS", "ambiguous", "confidence_duel", "confidence_roc", "confidence_scatter",
           "emitter_counts", "emitter_pipeline", "emitter_sample", "emitter_scenes", "emitter_sweep", "emitter_table",
           "emitter_transfer", "error_cdf", "grid_sizes", "hybrid_medians", "indicator_scores", "loss_outputs",
           "odd_inputs", "pipeline", "prediction_maps", "risk_coverage", "save", "speed", "split_maps", "table2",
           "training_curves", "two_transmitters"]
