"""One figure, one function that returns it; each takes data, never files, and a note with n and profile."""

from rsslib.figures.confidence import confidence_roc, indicator_scores
from rsslib.figures.curves import error_cdf, training_curves
from rsslib.figures.dots import speed, table2
from rsslib.figures.duel import confidence_duel
from rsslib.figures.errors import confidence_scatter, risk_coverage
from rsslib.figures.fallback import grid_sizes
from rsslib.figures.flow import pipeline
from rsslib.figures.hybrids import hybrid_medians
from rsslib.figures.images import ambiguous, loss_outputs
from rsslib.figures.maps import split_maps
from rsslib.figures.ood import odd_inputs, prediction_maps
from rsslib.figures.style import BANNER, save

__all__ = ["BANNER", "ambiguous", "confidence_duel", "confidence_roc", "confidence_scatter", "error_cdf",
           "grid_sizes", "hybrid_medians", "indicator_scores", "loss_outputs", "odd_inputs", "pipeline",
           "prediction_maps", "risk_coverage", "save", "speed", "split_maps", "table2", "training_curves"]
