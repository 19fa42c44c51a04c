"""The figures of the paper on confidence: one figure, one function that draws our records and returns the page."""

from rsslib.reports.confidence_paper.figures.confidence import confidence_roc, indicator_scores, risk_coverage
from rsslib.reports.confidence_paper.figures.detection import confidence_scatter, low_confidence_rates
from rsslib.reports.confidence_paper.figures.hybrids import confidence_duel, grid_sizes, hybrid_medians, min_max_box
from rsslib.reports.confidence_paper.figures.images import ambiguous, loss_outputs, pipeline
from rsslib.reports.confidence_paper.figures.loss_comparison import (
    differences,
    fit_and_transfer,
    table2,
    training_curves,
)
from rsslib.reports.confidence_paper.figures.separations import split_maps
from rsslib.reports.confidence_paper.figures.unseen import odd_inputs, prediction_maps
from rsslib.reports.style import save

__all__ = ["ambiguous", "confidence_duel", "confidence_roc", "confidence_scatter", "differences", "fit_and_transfer",
           "grid_sizes", "hybrid_medians", "indicator_scores", "loss_outputs", "low_confidence_rates", "min_max_box",
           "odd_inputs", "pipeline", "prediction_maps", "risk_coverage", "save", "split_maps", "table2",
           "training_curves"]
