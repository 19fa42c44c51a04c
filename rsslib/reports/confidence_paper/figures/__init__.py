"""The figures of the paper on confidence: one figure, one function that draws our records and returns the page."""

from rsslib.reports.confidence_paper.figures.confidence import confidence_roc, indicator_scores
from rsslib.reports.confidence_paper.figures.curves import error_cdf, training_curves
from rsslib.reports.confidence_paper.figures.dots import speed, table2
from rsslib.reports.confidence_paper.figures.duel import confidence_duel
from rsslib.reports.confidence_paper.figures.errors import confidence_scatter, risk_coverage
from rsslib.reports.confidence_paper.figures.fallback import grid_sizes
from rsslib.reports.confidence_paper.figures.flow import pipeline
from rsslib.reports.confidence_paper.figures.hybrids import hybrid_medians
from rsslib.reports.confidence_paper.figures.images import ambiguous, loss_outputs
from rsslib.reports.confidence_paper.figures.ood import odd_inputs, prediction_maps
from rsslib.reports.maps import split_maps
from rsslib.reports.style import BANNER, save

__all__ = ["BANNER", "ambiguous", "confidence_duel", "confidence_roc", "confidence_scatter", "error_cdf", "grid_sizes",
           "hybrid_medians", "indicator_scores", "loss_outputs", "odd_inputs", "pipeline", "prediction_maps",
           "risk_coverage", "save", "speed", "split_maps", "table2", "training_curves"]
