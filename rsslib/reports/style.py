"""The common look of all figures: sizes, colours, the note, the banner of synthetic data, and saving."""

import inspect
import io
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import NamedTuple

import matplotlib.style
from fontTools import subset
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.path import Path as Outline
from matplotlib.textpath import TextPath

from rsslib.project import InputError, atomic_path
from rsslib.reports.findings import usable

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
    "sliced": Look("sliced EMD", "#66AADD", "X"),
    # sets of samples, and the models trained on a season: Tol's "vibrant"
    "train": Look("train", "#AEB7C2"), "val": Look("validation", "#33BBEE"), "test": Look("test", "#EE7733", "^"),
    "ood": Look("OOD test", "#EE7733", "^"), "april": Look("April", "#009988", "p"),
    "july": Look("July", "#CC3311", "v"), "november": Look("November", "#0077BB", "^"),
    # the fallback of a network that is not confident, and the choice between two methods
    "ranging": Look("ranging", "#6B7683", "P"), "hybrid": Look("hybrid", "#AA3377", "o"),
    # indicators of confidence
    "max_prediction": Look("Maximum prediction", "#CC79A7", "v"),
    "max_mean_prediction": Look("Maximum mean prediction", "#332288", "o"),
    "max_spread": Look("Maximum spread", "#56B4E9", "s"), "sum_spread": Look("Sum spread", "#999933", "D"),
    "max_prediction_normalised": Look("Normalised maximum prediction", "#E9BFD6", "v"),
    "max_mean_prediction_normalised": Look("Normalised maximum mean prediction", "#7A6CC8", "o"),
    # the OOD samples on either side of the threshold
    "low_confidence": Look("OOD, low confidence", "#8C2D04", "<"),
    "high_confidence": Look("OOD, high confidence", "#FDAE6B", ">"),
    # methods of the paper on several emitters
    "single_stage": Look("single-stage", "#228833", "s"), "two_stage_logit": Look("two-stage, logits", "#882255", "D"),
    "two_stage_binary": Look("two-stage, binary", "#66CCEE", "^"),
    # our own method
    "maps": Look("radio maps", "#117733", "h"), "network": Look("network fed by maps", "#D55E00", "o"),
    "calibrated": Look("radio maps, self-calibrated", "#44AA99", "d"),
    # two transmitters on real measurements
    "trained on sums": Look("trained on sums", "#6F4C9B", "P"), "two peaks": Look("two peaks", "#4EB265", "X"),
    "sums of two maps": Look("sums of two maps", "#1D3D12", "h"),
}
"""The one registry. No two looks share a colour but "test" and "ood", the sets that errors are reported on."""
ENVIRONMENTS = {"free_space": "Free space", "chicago": "Chicago", "sydney": "Sydney", "procedural": "Made-up streets"}
SEPARATIONS = {"random": "Random", "july": "July→Nov", "november": "Nov→July", "grid2": "Grid2", "grid5": "Grid5"}
IN_DISTRIBUTION = ("random", "published_random", "blocks")
"""The separations whose test samples come from the places and seasons of the training samples: from among them in time,
or, in `blocks`, from stretches of time of their own."""

RED, GREY, INK, PALE = "#B3261E", "#6B7683", "#222B35", "#B5BDC6"
IMAGE_COLOURS = LinearSegmentedColormap.from_list(
    "rsslib_image", ["#F5F8FA", "#CFE1EE", "#7FB0D3", "#2B6CA3", "#0B2F57"])

# a PDF holds the letters that it shows, already placed; cutting tables of how letters join took half the time of saving
_OF_JOINING = "GDEF", "GPOS", "GSUB"
if hasattr(subset.Options, "_drop_tables_default"):
    subset.Options._drop_tables_default = [*subset.Options._drop_tables_default, *_OF_JOINING]
_look = partial(matplotlib.style.context, STYLE, after_reset=True)
_PLAIN = {"png": {"Software": None}, "pdf": {"CreationDate": None, "Creator": None, "Producer": None}}
_ALT = {"png": "Description", "pdf": "Subject"}    # the field of a file's metadata that holds the alternative text


class Told(NamedTuple):
    """What a figure says: `title`, its finding in one line, and `alt`, the text for those who do not see it."""

    title: str
    alt: str


class Page(Figure):
    """A Figure that a notebook shows as `save` writes it, at screen resolution; unknown to pyplot.

    `told` is what it says; `column`, if it has a variant of one column, draws that.
    """

    told: Told
    column: Callable[[], "Page"] | None = None

    def __repr__(self) -> str:
        return f"Figure: {self.told.title}\n{self.told.alt}"

    def _repr_png_(self) -> tuple[bytes, dict]:
        picture = io.BytesIO()
        with _look():
            self.savefig(picture, format="png", dpi=110, metadata=_PLAIN["png"])
        return picture.getvalue(), {"alt": self.told.alt}


def styled(draw: Callable[..., Page]) -> Callable[..., Page]:
    """Run a figure's function under the style file, whatever the user's own settings are.

    Where the function takes a `width` [inches], its page gets a variant of one column, which `save` writes as well.
    Errors: InputError where its first list or mapping is empty, or says why its records were not run.
    """
    signature = inspect.signature(draw)

    @wraps(draw)
    def drawn(*args, **kwargs) -> Page:
        given = signature.bind(*args, **kwargs).arguments.items()
        for name, records in [pair for pair in given if isinstance(pair[1], (list, dict))][:1]:
            usable(records, f"{draw.__name__}: {name}")
        with _look():
            fig = draw(*args, **kwargs)
        if "width" in signature.parameters and "width" not in kwargs:
            fig.column = partial(drawn, *args, **kwargs, width=COLUMN_IN)
        return fig

    return drawn


def page(width: float, height: float, note: str, told: Told, synthetic: bool | str = False,
         legend_in: float = 0.0) -> Page:
    """Return an empty figure: `height` inches for its axes, the title above them, the note below, perhaps the banner.

    Title and note are wrapped, the note so that `legend_in` inches at its right stay free for a legend. `synthetic` is
    False, True for BANNER, or the banner's own text.
    """
    banner = BANNER if synthetic is True else synthetic or ""
    notes, titles = wrapped(note, width - legend_in - 0.12, 6), wrapped(told.title, width - 0.12, 8, "bold")
    banners = wrapped(banner, width - 0.12, 7, "bold")
    foot, top = 0.12 + 0.11 * max(len(notes), 1), 0.22 + 0.12 * (len(banners) - 1) if banner else 0.0
    head = top + 0.07 + 0.14 * len(titles)
    total = foot + height + head
    fig = Page(figsize=(width, total))
    fig.told = told._replace(alt=f"{banner[0].upper()}{banner[1:]}. {told.alt}") if banner else told
    fig.get_layout_engine().set(rect=(0, foot / total, 1, height / total))
    plain = {"parse_math": False, "linespacing": 1.15}    # a dollar is a dollar
    fig.text(0.06 / width, 0.05 / total, "\n".join(notes), va="bottom", fontsize=6, color=GREY, **plain)
    fig.text(0.06 / width, 1 - (top + 0.06) / total, "\n".join(titles), va="top", fontsize=8, fontweight="bold",
             **plain)
    if banner:
        fig.add_artist(Rectangle((0, 1 - (top - 0.02) / total), 1, (top - 0.02) / total, color=RED, lw=0))
        fig.text(0.5, 1 - (top - 0.02) / 2 / total, "\n".join(banners), ha="center", va="center_baseline", fontsize=7,
                 fontweight="bold", color="white", **plain)
    return fig


def wrapped(text: str, width: float, size: float, weight: str = "normal") -> list[str]:
    """Return the lines of a text that is `width` inches wide in a font of `size` points; a longer word has its own.

    >>> wrapped("EMD is nearest in three separations", 1.0, 8)
    ['EMD is nearest in', 'three separations']
    """
    font, lines = FontProperties(family="DejaVu Sans", weight=weight), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        drawn = TextPath((0, 0), longer.replace("$", "S"), size=size, prop=font)
        outline = Outline(drawn.vertices[drawn.codes != Outline.CLOSEPOLY])    # its curves bulge at their points alone
        if lines[-1] and outline.get_extents().width > (70 if size > 6 else 67) * width:    # not 72: hints
            lines.append(word)
        else:
            lines[-1] = longer
    return lines if lines[0] else []


def environment_label(name: str) -> str:
    """Return the name of an environment for readers.

    >>> environment_label("free_space"), environment_label("new_york")
    ('Free space', 'New York')
    """
    return ENVIRONMENTS.get(name, name.replace("_", " ").title())


def darker(colour: str) -> tuple[float, ...]:
    """Return the shade of `colour` that is dark enough for small text on white."""
    return tuple(0.72 * part for part in to_rgb(colour))


def save(fig: Page, path: str | Path) -> Path:
    """Write a figure as .png (200 dpi), as .pdf beside it, and its variant of one column, if any, as <stem>_column.pdf.

    Each file is whole or not there and holds the alternative text; the same figure gives the same bytes.
    Errors: InputError for a name that does not end in .png.

    >>> save(table2(records, None, "paper profile"), "figures/paper/table2.png")   # doctest: +SKIP
    """
    path = Path(path)
    if path.suffix != ".png":
        raise InputError(f"{path}: expected a name ending in .png; the .pdf is written beside it")
    _write(fig, path)
    fig.set_layout_engine("none")    # it is laid out; the PDF shall not move a label
    _write(fig, path.with_suffix(".pdf"))
    if fig.column:
        _write(fig.column(), path.with_name(f"{path.stem}_column.pdf"))
    return path


def _write(fig: Page, path: Path) -> None:
    kind = path.suffix[1:]
    with atomic_path(path) as temporary, _look():
        fig.savefig(temporary, metadata=_PLAIN[kind] | {"Title": fig.told.title, _ALT[kind]: fig.told.alt})
