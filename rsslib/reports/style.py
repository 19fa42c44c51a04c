"""The common look of all figures: sizes, colours, the note, the banner of synthetic data, and saving."""

import io
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import matplotlib.style
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rsslib.project import InputError, atomic_path

STYLE = Path(__file__).with_name("rsslib.mplstyle")
BANNER = "synthetic campus: not comparable with the paper"
COLUMN_IN, PAGE_IN = 3.5, 7.16


class Look(NamedTuple):
    """How a figure shows a method, a model or a set of samples: its name in words, colour and marker."""

    label: str
    colour: str
    marker: str = "o"


LOOKS = {
    # losses: P. Tol's colour-blind safe scheme "high contrast", whose greys differ too
    "com": Look("CoM", "#DDAA33", "o"), "pse": Look("PSE", "#BB5566", "s"), "emd": Look("EMD", "#004488", "D"),
    # sets of samples, and the models trained on a season: Tol's "vibrant"
    "train": Look("train", "#AEB7C2"), "val": Look("validation", "#33BBEE"), "test": Look("test", "#EE7733"),
    "ood": Look("OOD test", "#EE7733"), "april": Look("April", "#009988"), "july": Look("July", "#CC3311", "v"),
    "november": Look("November", "#0077BB", "^"),
    # the fallback of a network that is not confident, and the choice between two methods
    "ranging": Look("ranging", "#6B7683", "s"), "hybrid": Look("hybrid", "#AA3377", "o"),
    # indicators of confidence
    "max_prediction": Look("Maximum prediction", "#CC79A7", "v"),
    "max_mean_prediction": Look("Maximum mean prediction", "#332288", "o"),
    "max_spread": Look("Maximum spread", "#56B4E9", "s"), "sum_spread": Look("Sum spread", "#999933", "D"),
    # methods of the paper on several emitters
    "single_stage": Look("single-stage", "#228833", "s"), "two_stage_logit": Look("two-stage, logits", "#882255", "D"),
    "two_stage_binary": Look("two-stage, binary", "#66CCEE", "o"),
    # two transmitters on real measurements
    "trained on sums": Look("trained on sums", "#6F4C9B", "P"), "two peaks": Look("two peaks", "#4EB265", "X"),
}
"""The one registry. No two looks share a colour but "test" and "ood", the sets that errors are reported on."""
ENVIRONMENTS = {"free_space": "Free space", "chicago": "Chicago", "sydney": "Sydney", "procedural": "Made-up streets"}
SEPARATIONS = {"random": "Random", "july": "July→Nov", "november": "Nov→July", "grid2": "Grid2", "grid5": "Grid5"}

RED, GREY, INK, PALE = "#B3261E", "#6B7683", "#222B35", "#B5BDC6"
IMAGE_COLOURS = LinearSegmentedColormap.from_list(
    "rsslib_image", ["#F5F8FA", "#CFE1EE", "#7FB0D3", "#2B6CA3", "#0B2F57"])

_METADATA = {".png": {"Software": None}, ".pdf": {"CreationDate": None, "Creator": None, "Producer": None}}


class Page(Figure):
    """A Figure that a notebook shows as `save` writes it, at screen resolution; unknown to pyplot."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        with _look():
            self.savefig(picture, format="png", dpi=130, metadata=_METADATA[".png"])
        return picture.getvalue()


def _look():
    return matplotlib.style.context(STYLE, after_reset=True)


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Run a figure's function under the style file, whatever the user's own settings are."""
    return _look()(draw)


def page(width: float, height: float, note: str, synthetic: bool | str = False, legend_in: float = 0.0) -> Page:
    """Return an empty figure: `height` inches for its axes, the note at the foot and, if asked, the banner.

    The note is wrapped so that `legend_in` inches at its right stay free for a legend. `synthetic` is False, True for
    BANNER, or the banner's own text.
    """
    lines = textwrap.wrap(note, int(21 * (width - legend_in)))
    foot, head = 0.12 + 0.11 * max(len(lines), 1), 0.22 if synthetic else 0.0
    total = foot + height + head
    fig = Page(figsize=(width, total))
    fig.get_layout_engine().set(rect=(0, foot / total, 1, height / total))
    fig.text(0.06 / width, 0.05 / total, "\n".join(lines), va="bottom", fontsize=6, color=GREY)
    if synthetic:
        fig.add_artist(Rectangle((0, 1 - 0.2 / total), 1, 0.2 / total, color=RED, lw=0))
        fig.text(0.5, 1 - 0.1 / total, BANNER if synthetic is True else synthetic, ha="center",
                 va="center_baseline", fontsize=7, fontweight="bold", color="white")
    return fig


def darker(colour: str) -> tuple[float, ...]:
    """Return the shade of `colour` that is dark enough for small text on white."""
    return tuple(0.72 * part for part in to_rgb(colour))


def save(fig: Figure, path: str | Path) -> Path:
    """Write a figure whole to a .png (200 dpi) or .pdf file; the same figure gives the same bytes.

    Errors: InputError for another suffix.

    >>> save(table2(records, None, "paper profile"), "figures/paper/table2.png")   # doctest: +SKIP
    """
    path = Path(path)
    if path.suffix not in _METADATA:
        raise InputError(f"{path}: expected a name ending in {' or '.join(_METADATA)}")
    with atomic_path(path) as temporary, _look():
        fig.savefig(temporary, metadata=_METADATA[path.suffix])
    return path
