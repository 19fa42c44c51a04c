"""Indicators of confidence: Figure 7, how well each tells OOD samples; which one wins where."""

from collections.abc import Iterable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rsslib.project import InputError
from rsslib.reports import drawing, style
from rsslib.reports.confidence_paper.figures.dots import TABLE2_COLUMNS

INDICATORS = {"max_prediction": "Maximum prediction",
              "max_prediction_normalised": "Maximum prediction (sum-normalised)",
              "max_mean_prediction": "Maximum mean prediction",
              "max_mean_prediction_normalised": "Maximum mean prediction (sum-normalised)",
              "max_spread": "Maximum spread", "sum_spread": "Sum spread"}
# from P. Tol's colour-blind safe scheme "muted"; an indicator and its normalised kin share a colour
_COLOUR = {"max_prediction": "#CC6677", "max_mean_prediction": "#332288", "max_spread": "#44AA99",
           "sum_spread": "#999933"}
INDICATOR_COLOUR = {name: _COLOUR[name.removesuffix("_normalised")] for name in INDICATORS}
_WIDTH = {"max_spread": 2.0}  # seen on both sides of the sum of the spreads, which often lies on it
_DASHED = (0, (3, 1.5))
_SPLITS = ("random", "grid2", "grid5", "july", "november")
_TARGETS = {"ood": "Which samples are OOD?", "high_error": "Which samples have a high error?"}


def _normalised(name: str) -> bool:
    return name.endswith("_normalised")


def _known(names: Iterable[str], what: str) -> list[str]:
    """Return the indicators `names` in our order; raise InputError for an unknown one, or none."""
    unknown = sorted(set(names) - set(INDICATORS))
    if unknown or not names:
        raise InputError(f"{what}: expected indicators among {', '.join(INDICATORS)}, found {unknown or 'none'}")
    return [name for name in INDICATORS if name in names]


def _handles(shown: Iterable[str], normalised: Line2D, **look) -> list[Line2D]:
    """Return a handle for each colour among the indicators shown, and `normalised` if one of those is."""
    colours = dict.fromkeys(name.removesuffix("_normalised") for name in INDICATORS if name in shown)
    handles = [Line2D([], [], color=_COLOUR[name], label=INDICATORS[name], lw=_WIDTH.get(name, 1.2), **look)
               for name in colours]
    return handles + [normalised] * any(map(_normalised, shown))


@style.styled
def confidence_roc(curves: Mapping[str, Mapping], note: str, synthetic: bool = False) -> Figure:
    """Draw how well each indicator of confidence tells OOD from validation samples (Figure 7 of paper 1).

    Input: title -> (indicator -> object with false_positive and true_positive, (n,) 0..1, auroc, and
    at_threshold, both rates at the 10th percentile of the validation's confidence), a panel for each title.
    Dashed, with open dots: indicators of images divided by their sums.

    Errors: InputError for no panel or more than five, an unknown indicator or rates outside 0..1.
    Example
    -------
    >>> confidence_roc({"Grid2": {"max_mean_prediction": roc}}, "quick profile")   # doctest: +SKIP
    """
    fig, axes = drawing.row(curves, "confidence_roc", 2.9 if len(curves) < 3 else 2.35, note, synthetic)
    for ax, (title, by_indicator) in zip(axes[0], curves.items()):
        _roc(ax, by_indicator, f"confidence_roc, {title}")
    handles = _handles({name for by_indicator in curves.values() for name in by_indicator},
                       Line2D([], [], color=style.GREY, ls=_DASHED, label="dashed: sum-normalised"))
    handles.append(Line2D([], [], ls="", marker="o", color=style.GREY, label="validation's 10th percentile"))
    handles.append(Line2D([], [], color=drawing.PALE, lw=0.8, label="chance"))
    drawing.legend_above(fig, handles, 2 if len(curves) == 1 else 4)
    drawing.label_below(axes[0], "share of validation labelled low-confidence (false positive)")
    axes[0, 0].set_ylabel("share of OOD labelled\nlow-confidence (true positive)")
    return fig


def _roc(ax: Axes, by_indicator: Mapping, what: str) -> None:
    ax.plot([0, 1], [0, 1], color=drawing.PALE, lw=0.8, zorder=1)
    scores, names = {}, ("false_positive", "true_positive", "at_threshold", "auroc")
    for indicator in _known(by_indicator, what):
        curve, colour = by_indicator[indicator], INDICATOR_COLOUR[indicator]
        drawing.need(curve, names, f"{what}, {indicator}")
        false, true, dot, auroc = (drawing.numbers(getattr(curve, name), f"{what}, {indicator}, {name}", 0, 1)
                                   for name in names)
        if len(false) != len(true) or len(dot) != 2:
            raise InputError(f"{what}, {indicator}: expected as many true as false positives, and two rates "
                             "at_threshold")
        line, = ax.plot(false, true, color=colour, zorder=3, lw=_WIDTH.get(indicator, 1.0),
                        ls=_DASHED if _normalised(indicator) else "-")
        ax.plot(*dot, "o", ms=4, color=colour, zorder=4, mew=0.7, mec=colour if _normalised(indicator) else "white",
                mfc="white" if _normalised(indicator) else colour)
        scores[line] = auroc[0]
    best = sorted(scores, key=scores.get, reverse=True)
    ax.legend(best, [f"{scores[line]:.2f}" for line in best], title="AUROC", title_fontsize=6.5, loc="lower right",
              labelspacing=0.15, handlelength=1.5, borderpad=0)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks((0, 0.5, 1), ("0", "0.5", "1"))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.grid()


@style.styled
def indicator_scores(records: Sequence[Mapping], note: str, synthetic: bool = False) -> Figure:
    """Draw which indicator of confidence wins where: AUROC with its interval, a panel for each target.

    Input: records with split, indicator, target ("ood" or "high_error"), set, auroc and ci95_auroc (low,
    high), one for each dot. Open markers: indicators of images divided by their sums.

    Errors: InputError for no record, an unknown name, a dot given twice or an AUROC outside 0..1.
    Example
    -------
    >>> indicator_scores(records, "quick profile, 95 % bootstrap intervals")   # doctest: +SKIP
    """
    cells = _cells(records)
    shown = _known({indicator for _, _, indicator in cells}, "indicator_scores")
    targets = [target for target in _TARGETS if any(target == key[0] for key in cells)]
    fig, axes = drawing.row([_title(target, records) for target in targets], "indicator_scores", 2.45, note, synthetic)
    for ax, target in zip(axes[0], targets):
        _scores(ax, {key[1:]: record for key, record in cells.items() if key[0] == target}, shown)
    handles = _handles(shown, Line2D([], [], ls="", marker="o", mfc="white", color=style.GREY,
                                     label="open: sum-normalised"), marker="o", ls="")
    handles.append(Line2D([], [], color=style.GREY, lw=1.4, label="95 % interval"))
    drawing.legend_above(fig, handles, 2 if len(targets) == 1 else 3)
    axes[0, 0].set_ylabel("AUROC")
    return fig


def _cells(records: Sequence[Mapping]) -> dict[tuple[str, str, str], Mapping]:
    """Return (target, split, indicator) -> record."""
    cells = {}
    for row, record in enumerate(records):
        what = f"indicator_scores, record {row}"
        style.need(record, ("split", "indicator", "target", "set", "auroc", "ci95_auroc"), what)
        for key, known in (("split", _SPLITS), ("indicator", INDICATORS), ("target", _TARGETS)):
            style.need(known, [record[key]], f"{what}, {key}")
        if len(drawing.numbers([record["auroc"], *record["ci95_auroc"]], what, 0, 1)) != 3:
            raise InputError(f"{what}: expected ci95_auroc (low, high), found {record['ci95_auroc']}")
        cell = record["target"], record["split"], record["indicator"]
        if cell in cells:
            raise InputError(f"{what}: {', '.join(cell)} is given twice; keep one set")
        cells[cell] = record
    return cells


def _title(target: str, records: Sequence[Mapping]) -> str:
    """Name the set that the samples of high error are looked for in, if it is one."""
    kinds = {"validation" if record["set"] == "val" else "OOD" for record in records if record["target"] == target}
    who = f"{kinds.pop()} samples" if target != "ood" and len(kinds) == 1 else "samples"
    return _TARGETS[target].replace("samples", who)


def _scores(ax: Axes, cells: Mapping[tuple[str, str], Mapping], shown: Sequence[str]) -> None:
    splits = [split for split in _SPLITS if any(split == key[0] for key in cells)]
    ax.axhline(0.5, color=drawing.PALE, zorder=1)
    for (split, indicator), record in cells.items():
        x = splits.index(split) + (shown.index(indicator) - (len(shown) - 1) / 2) * 0.125
        colour = INDICATOR_COLOUR[indicator]
        ax.plot([x, x], record["ci95_auroc"], color=colour, lw=1.4, alpha=0.6, solid_capstyle="butt")
        ax.plot(x, record["auroc"], "o", color=colour, mfc="white" if _normalised(indicator) else colour)
    ax.set_xticks(range(len(splits)), [TABLE2_COLUMNS[split] for split in splits])
    ax.set_xlim(-0.5, len(splits) - 0.5)
    ax.tick_params(axis="x", length=0)
    ax.grid(axis="y")
