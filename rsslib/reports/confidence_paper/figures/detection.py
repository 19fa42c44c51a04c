"""Low confidence: Figure 10 (error against confidence) and Table III (how many OOD samples it finds, how bad)."""

from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.stats import rankdata

from rsslib.ledger.wording import fixed
from rsslib.reports import drawing, style, tables
from rsslib.reports.confidence_paper.findings import detection as findings
from rsslib.reports.findings import Records, known
from rsslib.reports.style import IN_DISTRIBUTION

_LEAST_M = 1.0  # smaller errors are drawn here, for the scale is logarithmic
_SHADE = "#EEF0F2"
_MEDIAN = {"color": style.GREY, "lw": 0.8, "ls": (0, (3, 2))}
_TOP = {True: 0.7, False: 0.56}  # the share of a panel below its text, by whether the panel is high
_MARKED = (0.1, 0.5, 0.9)  # ranks at which the axis of confidence shows its values


@style.styled
def confidence_scatter(panels: Mapping[str, SimpleNamespace], paper: findings.Printed | None, note: str,
                       synthetic: bool = False, width: float = style.PAGE_IN) -> Figure:
    """Draw error against confidence, validation and OOD, for Random test (Figure 10 of paper 1).

    Confidence is spaced by its rank among all samples of a separation; the axis shows the values. Input: split -> what
    `ood_detection.scatter` returns; paper: what `findings.detection.printed` returns, which is not shown beside
    synthetic data. Errors: InputError for none or too many.
    """
    drawing.legible(panels)
    paper, upright = {} if synthetic else paper or {}, width == style.PAGE_IN and len(panels) > 1
    fig, axes = _pairs(len(panels), upright, note, findings.scatter(panels, paper), synthetic)
    top = _TOP[upright or len(panels) <= 4]
    for pair, (split, panel) in zip(axes, panels.items()):
        for ax, name in zip(pair, ("val", "ood")):
            _scatter(ax, panel, split, name, paper, top)
            other = "test" if split in IN_DISTRIBUTION else "OOD"
            ax.set_title(f"{tables.name(split)}: {'validation' if name == 'val' else other}")
    low, high = axes[0, 0].get_ylim()
    axes[0, 0].set_ylim(low, high * (high / low) ** (1.03 / top - 1))
    drawing.log_axis(axes[0, 0].yaxis, (1, 3) if top == _TOP[True] else (1,))
    for ax in axes.ravel():
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("error [m]")
    last = axes[-_beside(len(panels)):, -1] if upright else axes[-1]
    drawing.label_below(last, "confidence, spaced by its rank")
    drawing.legend_above(fig, [Line2D([], [], color=style.INK, lw=0.8, label="validation's 10th percentile"),
                               Patch(color=_SHADE, label="labelled low-confidence"),
                               Line2D([], [], label="validation's median error", **_MEDIAN)], 3 if upright else 2)
    return fig


def _pairs(number: int, upright: bool, note: str, told: style.Told, synthetic: bool) -> tuple[style.Page, np.ndarray]:
    """Return the figure and a pair of panels for each separation, (number, 2): above each other if `upright`."""
    if not upright:
        each = 2.3 if number == 1 else 1.85 if number <= 4 else 1.5
        fig = style.page(style.COLUMN_IN, each * number, note, told, synthetic)
        return fig, fig.subplots(number, 2, sharey=True, squeeze=False)
    columns = _beside(number)
    blocks = number // columns
    fig = style.page(style.PAGE_IN, 3.7 * blocks, note, told, synthetic)
    axes = fig.subplots(2 * blocks, columns, sharey=True, squeeze=False)
    return fig, np.concatenate([axes[2 * block:2 * block + 2].T for block in range(blocks)])


def _beside(number: int) -> int:
    """Return how many separations stand beside each other on a page: up to five, six as three and three."""
    return number if number <= 5 else 3


def _scatter(ax: Axes, panel: SimpleNamespace, split: str, name: str, paper: findings.Printed, top: float) -> None:
    """Draw the samples of one set; write above them the correlation and the share below the threshold."""
    shown, both = getattr(panel, name), np.concatenate([panel.val.confidence, panel.ood.confidence])
    ranks = (rankdata(both) - 0.5) / len(both)
    x = ranks[:len(panel.val.confidence)] if name == "val" else ranks[len(panel.val.confidence):]
    limit = (both < panel.threshold).mean()
    ax.set(yscale="log", xlim=(-0.02, 1.02))
    ax.axvspan(-1, limit, ymax=top, color=_SHADE, lw=0, zorder=0)
    ax.axvline(limit, ymax=top, color=style.INK, lw=0.8, zorder=3)
    ax.axhline(max(np.median(panel.val.error_m), _LEAST_M), zorder=2.5, **_MEDIAN)
    ax.scatter(x, np.maximum(shown.error_m, _LEAST_M), s=4, lw=0, alpha=0.5, color=style.LOOKS[name].colour, zorder=2)
    ax.set_xticks(_MARKED, [f"{value:.3g}" for value in np.quantile(both, _MARKED)])
    record = shown.record
    lines = [f"ρ {findings.rho(record)}", f"{fixed(100 * record[findings.RATE])} % low-confidence"]
    rho, rate = paper.get("spearman", {}).get((split, record["set"])), paper.get(findings.RATE, {}).get((split,))
    said = [f"ρ {fixed(rho, 2)}"] if rho is not None else []
    said += [f"{100 * rate:.1f} %"] if rate is not None and name == "ood" else []
    lines += [f"paper: {', '.join(said)}"] * bool(said)
    ax.text(0.03, 0.98, "\n".join(lines), transform=ax.transAxes, fontsize=6.2, va="top", linespacing=1.2)


@style.styled
def low_confidence_rates(records: Records, paper: findings.Printed | None, note: str, synthetic: bool = False,
                         width: float = style.PAGE_IN) -> Figure:
    """Draw how many OOD samples low confidence flags, and the median errors on either side (Table III of paper 1).

    Input: records of `ood_detection.table3`; paper: what `findings.detection.printed` returns, open marks, which are
    not drawn beside synthetic data. Errors: InputError for none or too many.
    """
    drawing.legible(records)
    paper, wide = {} if synthetic else paper or {}, width == style.PAGE_IN
    fig = style.page(width, 2.5 if wide else 4.4, note, findings.table3(records, paper), synthetic)
    rates, medians = drawing.panels(fig, 2, wide, [2, 3])
    _rates(rates, records, paper.get(findings.RATE, {}))
    for x, record in enumerate(records):
        for shift, (field, name) in zip((-0.28, 0.0, 0.28), findings.MEDIANS.items()):
            if known(record, field):
                said = paper.get(field, {}).get((record["split"],))
                drawing.dot(medians, x + shift, drawing.with_ends(record, field), style.LOOKS[name],
                            fixed(record[field]), said, aside=0.13)
    labels = [f"{tables.name(record['split'])}{chr(10) + 'test' if record['split'] in IN_DISTRIBUTION else ''}\n"
              f"n = {record['n']}" for record in records]
    for ax in (rates, medians):
        drawing.categories(ax, labels)
        ax.tick_params(axis="x", labelsize=6 if len(records) > 4 else None)
    medians.set(yscale="log", title="Median error [m]")
    low, high = medians.get_ylim()
    medians.set_ylim(low / 1.1, high * 1.25)
    drawing.log_axis(medians.yaxis, drawing.FINER if high < 10 * low else (1, 2, 5))
    handles = drawing.handles(findings.MEDIANS.values(), ms=5)
    handles[0].set_label("in distribution")
    if len(findings.outside(records)) < len(records):    # Random's are not OOD
        for handle, word in zip(handles[1:], ("high", "low")):
            handle.set_label(f"{word} confidence")
    drawing.legend_above(fig, [*handles, *drawing.ours_and_printed(bool(paper))], 5 if wide else 2)
    return fig


def _rates(ax: Axes, records: Records, printed: Mapping[tuple, float]) -> None:
    ax.axhline(10, color=style.GREY, lw=0.9, ls=(0, (1, 1.5)), zorder=1)
    for x, record in enumerate(records):
        value, low, high = drawing.with_ends(record, findings.RATE, 100)
        said = printed.get((record["split"],))
        look = style.LOOKS["test" if record["split"] in IN_DISTRIBUTION else "ood"]
        drawing.dot(ax, x, (value, low, high), look, fixed(value), None if said is None else 100 * said, aside=0.22)
    ood = " OOD" * (len(findings.outside(records)) == len(records))
    ax.set_title(f"Low-confidence{ood} samples [%]")
    ax.set_yticks([0, 10, 25, 50, 75, 100], ["0", "10", "25", "50", "75", "100"])
    ax.set_ylim(-3, 112)    # room for a text above 100 %
    ax.annotate("validation: about 10 %", (1, 10), (0, 2), xycoords=("axes fraction", "data"), ha="right", fontsize=6,
                textcoords="offset points", color=style.GREY)
