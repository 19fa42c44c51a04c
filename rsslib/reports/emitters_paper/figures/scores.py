"""Scores of several emitters: Table I of paper 2, the sweep of sensors, right counts, other cities, real pairs."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from rsslib.emitters.networks import METHODS
from rsslib.ledger import results
from rsslib.ledger.wording import fixed
from rsslib.reports import drawing, style
from rsslib.reports.emitters_paper.findings import emitters, ray_traced
from rsslib.reports.emitters_paper.findings.phrases import place
from rsslib.reports.findings import Records, known

METRICS = {"cmr": ("Count matched (CMR)", "% of the samples", "higher is better"),
           "rmse_fraction": ("RMSE, where matched", "% of the side", "lower is better"),
           "fa": ("False alarms (FA)", "% of the true emitters", "lower is better"),
           "mr": ("Misses (MR)", "% of the true emitters", "lower is better")}
"""Title, unit and direction of each metric."""


def dots(ax: Axes, records: Records, by: str, labels: Mapping, methods: Sequence[str], field: str, scale: float = 100,
         digits: int = 0, printed: Mapping | None = None, apart: float = 0.31) -> None:
    """Draw a field of each record, times `scale`, with its interval: the methods `apart` at each value of `by`.

    What a record has no value of is left out.

    labels: value of `by` -> its label; printed: (value of `by`, method, field) -> the paper's value, drawn open.
    """
    known_ones = [record for record in records if known(record, field)]
    for (value, method), record in drawing.cells(known_ones, by, "method").items():
        # the printed values need room at the right
        x = list(labels).index(value) + apart * (methods.index(method) - (len(methods) - 1) / 2) - 0.04 * bool(printed)
        paper = (printed or {}).get((value, method, field))
        drawing.dot(ax, x, drawing.with_ends(record, field, scale), style.LOOKS[method],
                    fixed(scale * record[field], digits), paper and scale * paper, aside=0.135)
    drawing.categories(ax, list(labels.values()))


def _furnish(ax: Axes, metric: str) -> None:
    """Give a panel the title, direction and unit of its metric."""
    title, unit, direction = METRICS[metric]
    ax.set(title=title, ylabel=unit)
    ax.set_title(direction, loc="right", fontsize=6, fontweight="normal", color=style.GREY)


def _environments(records: Records) -> dict[str, str]:
    """Return the label of each environment of the records."""
    return {record["environment"]: style.environment_label(record["environment"]) for record in records}


@style.styled
def emitter_table(records: Records, pairs: Records, paper: Mapping | None, note: str, synthetic: bool | str = False,
                  width: float = style.PAGE_IN) -> style.Page:
    """Draw Table I of paper 2: how each method counts and locates several emitters, beside the paper's values.

    Input: a record for each environment and method with cmr, fa, mr, rmse_fraction (of the map's side), fractions, each
    with its ci95_<name> (low, high); the paired differences of the methods, which the title judges; paper:
    (environment, method, metric) -> printed value, a fraction, or None; open markers.
    """
    paper = None if synthetic else paper
    fig, axes = _panels(4, width, 1.95, note, emitters.table1(records, pairs, bool(paper)), synthetic)
    methods = drawing.known(METHODS, records, "method")
    for ax, metric in zip(axes, METRICS):
        dots(ax, records, "environment", _environments(records), methods, metric, digits=1, printed=paper)
        _furnish(ax, metric)
        ax.margins(y=0.16)
    handles = drawing.handles(methods) + drawing.ours_and_printed(bool(paper))
    drawing.legend_above(fig, handles, _columns(width, handles))
    return fig


@style.styled
def emitter_sweep(records: Records, epochs: int, note: str, synthetic: bool | str = False, marked: int = 40,
                  width: float = style.PAGE_IN) -> style.Page:
    """Draw what more sensors give: CMR and RMSE over the number of sensors, a line for each method.

    Input: a record for each method and n_sensors with cmr and rmse_fraction (of the map's side), fractions, each
    with its ci95_<name> (low, high); the epochs that each network was trained for; marked, the table's number of
    sensors. Records with more emitters than others are left out.
    """
    fig, axes = _panels(2, width, 2.2, note, emitters.sweep(records, epochs), synthetic)
    fewest = min(record["n_max"] for record in records)
    records = sorted(results.select(records, n_max=fewest), key=lambda record: record["n_sensors"])
    methods, sizes = drawing.known(METHODS, records, "method"), _values(records, "n_sensors")
    for ax, metric in zip(axes, ("cmr", "rmse_fraction")):
        for method in methods:
            if some := [record for record in results.select(records, method=method) if known(record, metric)]:
                drawing.line(ax, [record["n_sensors"] for record in some],
                             [drawing.with_ends(record, metric, 100) for record in some], style.LOOKS[method])
        _furnish(ax, metric)
        ax.grid(axis="y")
        ax.set_xscale("log", base=2)
        ax.set_xticks(sizes, [f"{size:g}" for size in sizes])
        ax.set(xlabel="number of sensors", ylim=(0, 1.06 * ax.get_ylim()[1]))
        ax.axvline(marked, color=style.GREY, ls=":", lw=1)
        ax.annotate(f"{marked}, as in the table", (marked, 0), (3, 4), textcoords="offset points", fontsize=6,
                    color=style.GREY)
    drawing.legend_above(fig, drawing.handles(methods, ls="-", mec="white", mew=0.4), len(methods))
    return fig


@style.styled
def emitter_counts(records: Records, note: str, synthetic: bool | str = False,
                   width: float = style.PAGE_IN) -> style.Page:
    """Draw how often the number of emitters is right, for each true number, a panel for each environment.

    Input: a record for each environment, method and true_count with n, share_right, 0..1, and, if it is known, its
    ci95_share_right (low, high).
    """
    said = emitters.counts(records)
    return _shares(records, "true_count", {number: f"{number}" for number in _values(records, "true_count")},
                   "true number of emitters; n: samples", note, said, synthetic, width)


@style.styled
def emitter_effects(records: Records, note: str, synthetic: bool | str = False,
                    width: float = style.PAGE_IN) -> style.Page:
    """Draw how often the number of emitters is right, by the effect of a sample's weakest one, by environment.

    Input: records as those of `emitter_counts`, with from_db and to_db (None: no end) instead of true_count. Classes
    under 1 dB are drawn as one.
    """
    said, records = emitters.effects(records), emitters.weak_together(records)
    ends = {record["from_db"]: record["to_db"] for record in records}
    labels = {low: f"under {ends[low]:g}" if not low else f"{low:g} to {ends[low]:g}" if ends[low] else f"from {low:g}"
              for low in _values(records, "from_db")}
    return _shares(records, "from_db", labels, "effect of a sample's weakest emitter [dB]; n: samples", note, said,
                   synthetic, width)


def _shares(records: Records, by: str, labels: Mapping, label: str, note: str, said: style.Told, synthetic: bool | str,
            width: float) -> style.Page:
    """Draw shares of right counts over the values of `by`, with the number of samples of each."""
    environments, methods = _environments(records), drawing.known(METHODS, records, "method")
    number = {(record["environment"], record[by]): record["n"] for record in records}
    fig, axes = _panels(len(environments), width, 2.2, note, said, synthetic, sharey=True)
    for ax, (environment, title) in zip(axes, environments.items()):
        named = {value: f"{text}\nn = {number.get((environment, value), 0)}" for value, text in labels.items()}
        dots(ax, results.select(records, environment=environment), by, named, methods, "share_right")
        ax.set(ylim=(0, 116), yticks=range(0, 101, 25), title=title)
        ax.tick_params(axis="x", labelsize=6)
    for ax in axes if width == style.COLUMN_IN else axes[:1]:
        ax.set_ylabel("samples with the right count [%]")
    drawing.label_below(axes[-1:] if width == style.COLUMN_IN else axes, label)
    drawing.legend_above(fig, drawing.handles(methods), len(methods))
    return fig


@style.styled
def emitter_transfer(records: Records, pairs: Records, note: str, synthetic: bool | str = False,
                     width: float = style.PAGE_IN) -> style.Page:
    """Draw what training elsewhere costs: CMR and RMSE in each city, a slope from its own network to the others'.

    Input: a record for each trained_on, tested_on (names of environments) and method with cmr and rmse_fraction, 0..1,
    and their ci95_<name> (low, high); their paired differences, which the title judges.
    """
    said, methods = emitters.transfer(records, pairs), drawing.known(METHODS, records, "method")
    cells = drawing.cells(records, "tested_on", "trained_on", "method")
    tests = {site: sorted(dict.fromkeys(trained for tested, trained, _ in cells if tested == site),
                          key=lambda name: name != site) for site in _values(records, "tested_on", False)}
    steps = [(tested, trained) for tested, several in tests.items() for trained in several]
    fig, axes = _panels(2, width, 2.4, note, said, synthetic)
    for ax, metric in zip(axes, ("cmr", "rmse_fraction")):
        for tested, method, trained in ((site, *both) for site in tests for both in product(methods, tests[site])):
            shift = 0.13 * (methods.index(method) - (len(methods) - 1) / 2)
            if known(record := cells.get((tested, trained, method), {}), metric):
                x, value = steps.index((tested, trained)) + shift, drawing.with_ends(record, metric, 100)
                drawing.dot(ax, x, value, style.LOOKS[method])
                if known(own := cells.get((tested, tested, method), {}), metric):
                    ax.plot([steps.index((tested, tested)) + shift, x], [100 * own[metric], value[0]],
                            color=style.LOOKS[method].colour, lw=1)
        drawing.categories(ax, [_step(*step, len(steps) > 4) for step in steps])
        ax.tick_params(axis="x", labelsize=6, labelrotation=90 if len(steps) > 4 else 0)
        for border in np.cumsum([len(several) for several in tests.values()])[:-1]:
            ax.axvline(border - 0.5, color=style.PALE, lw=0.8)
        _furnish(ax, metric)
        ax.margins(y=0.12)
    drawing.legend_above(fig, drawing.handles(methods), len(methods))
    return fig


def _step(tested: str, trained: str, upright: bool) -> str:
    """Return the label of networks trained in one environment and tested in another, for many of them in two lines."""
    if tested == trained:
        return f"tested and trained\nin {place(tested)}" if upright else f"tested and\ntrained in\n{place(tested)}"
    gap = " " if upright else "\n"
    return f"tested in{gap}{place(tested)},\ntrained in{gap}{place(trained)}"


@style.styled
def emitter_ray_scores(records: Records, note: str, synthetic: bool | str = False,
                       width: float = style.PAGE_IN) -> style.Page:
    """Draw CMR and RMSE of each method on gains by the formula, ray-traced, and with the formula's threshold.

    Input: records of 08, one for each trained_on, tested_on ("<city>, <one of ray_traced.MODELS>") and method; a row
    of panels for each trained_on.
    """
    said, chance = ray_traced.scores(records), 100 / records[0]["n_max"]
    constant = {"color": style.GREY, "ls": ":", "lw": 1}
    records = [{**record, "model": ray_traced.model(record)} for record in records]
    methods, trained = drawing.known(METHODS, records, "method"), list(_values(records, "trained_on", False))
    labels = {ray_traced.FORMULA: "formula", ray_traced.TRACED: "ray-traced", ray_traced.KEPT:
              "ray-traced, the\nformula's threshold"}
    fig, axes = _panels(2 * len(trained), width, 1.9, note, said, synthetic)
    for ax, (name, metric) in zip(axes, product(trained, ("cmr", "rmse_fraction"))):
        part = [record for record in records if record["trained_on"] == name]
        dots(ax, part, "model", labels, methods, metric, digits=1, apart=0.27)
        _furnish(ax, metric)
        ax.set_title(f"Trained in {place(name)}: {'CMR' if metric == 'cmr' else 'RMSE'}")
        if metric == "cmr":
            ax.axhline(chance, **constant)
        ax.margins(y=0.16)
    handles = [*drawing.handles(methods), Line2D([], [], label="a constant answer", **constant)]
    drawing.legend_above(fig, handles, _columns(width, handles))
    return fig


def _panels(number: int, width: float, height: float, note: str, said: style.Told, synthetic: bool | str,
            sharey: bool = False) -> tuple[style.Page, np.ndarray]:
    """Return a page and its panels, each `height` inches high: one column of them, or rows of two or three."""
    columns = 1 if width == style.COLUMN_IN else number if number < 4 else 2
    rows = -(-number // columns)
    wide = style.COLUMN_IN if number == 1 else width
    fig = style.page(wide, height * rows + 0.1 * (rows == 1) + 0.16, note, said, synthetic)
    axes = fig.subplots(rows, columns, squeeze=False, sharey=sharey).ravel()
    for ax in axes[number:]:
        ax.set_axis_off()
    return fig, axes[:number]


def _columns(width: float, handles: Sequence) -> int:
    """Return how many handles a legend has in a row."""
    return 2 if width == style.COLUMN_IN else len(handles)


def _values(records: Records, key: str, ordered: bool = True) -> list:
    """Return the different values of a field, in rising order or as they come."""
    found = list(dict.fromkeys(record[key] for record in records))
    return sorted(found) if ordered else found
