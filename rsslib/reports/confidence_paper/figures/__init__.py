"""The figures of the paper on confidence: one figure, one function that draws our records and returns the page."""

from rsslib.reports.confidence_paper.figures.confidence import (
    confidence_roc,
    confidence_scatter,
    indicator_scores,
    risk_coverage,
)
from rsslib.reports.confidence_paper.figures.hybrids import confidence_duel, grid_sizes, hybrid_medians
from rsslib.reports.confidence_paper.figures.images import ambiguous, loss_outputs, pipeline
from rsslib.reports.confidence_paper.figures.loss_comparison import error_cdf, table2, training_curves
from rsslib.reports.confidence_paper.figures.unseen import odd_inputs, prediction_maps
from rsslib.reports.style import BANNER, save

__all__ = ["BANNER", "ambiguous", "confidence_duel", "confidence_roc", "confidence_scatter", "error_cdf", "grid_sizes",
           "hybrid_medians", "indicator_scores", "loss_outputs", "odd_inputs", "pipeline", "prediction_maps",
           "risk_coverage", "save", "table2", "training_curves"]
