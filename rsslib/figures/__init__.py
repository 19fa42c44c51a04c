"""One figure, one function that returns it; each takes data, never files, and a note with n and profile."""

from rsslib.figures.curves import error_cdf, training_curves
from rsslib.figures.dots import speed, table2
from rsslib.figures.flow import pipeline
from rsslib.figures.images import ambiguous, loss_outputs
from rsslib.figures.maps import split_maps
from rsslib.figures.style import BANNER, save

__all__ = ["BANNER", "ambiguous", "error_cdf", "loss_outputs", "pipeline", "save", "speed", "split_maps",
           "table2", "training_curves"]
