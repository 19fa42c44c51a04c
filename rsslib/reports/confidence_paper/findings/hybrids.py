"""Findings of 05_hybrid_models: what the fallback on ranging gains and costs, and what a choice of two models does."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import numpy as np

from rsslib.ledger import results
from rsslib.ledger.statistics import bootstrap_mean_difference
from rsslib.ledger.wording import (
    FEWEST,
    REFUTED,
    SETTLED,
    UNDECIDED,
    difference,
    digits,
    fixed,
    listed,
    reach,
    settled,
    span,
)
from rsslib.reports import style
from rsslib.reports.findings import Answer

Records = Sequence[Mapping]

_SAME = "the same"
_FALLBACK = {SETTLED: "pays", REFUTED: "costs", UNDECIDED: "is undecided", _SAME: "changes nothing"}
_RANK = {SETTLED: "ahead", REFUTED: "behind", UNDECIDED: "undecided", _SAME: "level"}
_TRUST = {SETTLED: "more often than it is the better one", REFUTED: "less often than it is the better one",
          UNDECIDED: "undecided", _SAME: "as often as it is the better one"}
_COIN = {SETTLED: "more than a coin's 50 %", REFUTED: "less than a coin's 50 %", UNDECIDED: "undecided"}
_BESIDE = {1: "ranging alone has the lower median error", -1: "ranging alone has the higher median error",
           0: "ranging alone has the same median error"}
_OTHER = {"july": "november", "november": "july"}
_SETS = (*_OTHER, "april")
_MEANT = "95 % intervals: i.i.d. bootstrap over the samples"
_MINUS = "\N{MINUS SIGN}"


def answer(fig11_pairs: Records, table4: Records, table4_pairs: Records) -> Answer:
    """Return the answer: does the fallback help out of distribution, and does choosing the more confident model?

    Input: records of `hybrid_models.grid_pairs`, `table4` and `table4_pairs`.
    """
    word = f"the fallback: {_fallback_word(fig11_pairs)}; {_choice_word(table4_pairs)}"
    return Answer(word, f"{_fallback(fig11_pairs)}\n\nThe more confident of two models, differences of median errors: "
                        f"{_seasons(table4, table4_pairs)}. {_coin(table4)} ({_MEANT}.)")


def grid_sizes(records: Records, pairs: Records, printed: Mapping[tuple, float]) -> style.Told:
    """Return what Figure 11 says. Input: records of `hybrid_models.grid_records` and `grid_pairs`, printed values."""
    own, ood = (reach([record["median_m"] for record in results.select(records, set=name, method="ranging")])
                for name in ("val", "ood"))
    paper = listed([f"{value:g} m at N = {n} {_side(name)}" for (n, name, _), value in printed.items()])
    alt = (f"Median error in metres of the network (CNN), of ranging and of their hybrid over N, the cells per side, "
           f"in distribution and out of distribution, and the paired difference hybrid {_MINUS} CNN. Differences out "
           f"of distribution: {_by_size(pairs, 'ood')}; in distribution: {_by_size(pairs, 'val', brief=True)}. Ranging "
           f"alone: {ood} m out of distribution, {own} m in distribution.{_beside_ranging(pairs)} {_MEANT}."
           + (f" The paper's CNN, open markers: {paper}." if paper else ""))
    return style.Told(_fallback_clause(pairs, "ood"), alt)


def hybrid_medians(table4: Records, pairs: Records, rates: Mapping[str, float]) -> style.Told:
    """Return what Table IV's figure says.

    Input: records of `hybrid_models.table4` and `table4_pairs`; the printed rates by set, 0..1.
    """
    wrong, right = ({name: _outcome(_pair(pairs, name, model)) for name, model in models.items()}
                    for models in (_OTHER, {name: name for name in _OTHER}))
    title = (f"Hybrid against the wrong season's model: {_grouped(wrong, _RANK)}; against the right one: "
             f"{_grouped(right, _RANK)}")
    paper = listed([f"{100 * rate:.1f} % in {_label(name)}" for name, rate in rates.items()])
    alt = ("Left: median error in metres of the July model, the November model and their hybrid in three seasons; the "
           f"dashed line is an oracle, which takes the better model of each sample. Differences of "
           f"medians: {_seasons(table4, pairs)}. Right: better model taken, in percent. {_coin(table4)} {_MEANT}."
           + (f" The paper's rates, open markers: {paper}." if paper else ""))
    return style.Told(title, alt)


def confidence_duel(panels: Mapping[str, SimpleNamespace]) -> style.Told:
    """Return what the figure of two confidences says. Input: title -> what `hybrid_models.duel` returns."""
    verdicts, said = {}, []
    for title, panel in panels.items():
        taken, better = panel.first >= panel.second, panel.first_better
        ends = bootstrap_mean_difference(taken.astype(float), better.astype(float))
        verdicts[title] = settled(ends, ">", len(taken)) if any(ends) else _SAME
        apart = difference(taken.mean() - better.mean(), ends, "points", 100)
        said.append(f"in {title} (n {len(taken)}) taken {100 * taken.mean():.0f} %, better "
                    f"{100 * better.mean():.0f} %, a difference of {apart}{_open(verdicts[title])}")
    alt = ("A panel for each season: the July model's confidence across, the November model's upwards, each divided by "
           "its own threshold, logarithmic; a dot for each sample has the colour and marker of the better model, whose "
           "location was nearer to the transmitter. Below the diagonal the hybrid takes the July model, above it the "
           "November model. How often the July model is taken, and how often it is the better one: "
           f"{'; '.join(said)}. {_MEANT}.")
    if set(verdicts.values()) == {UNDECIDED}:
        return style.Told("Whether the hybrid takes the July model more often than it is the better one is undecided",
                          alt)
    return style.Told(f"Hybrid takes the July model {_grouped(verdicts, _TRUST)}", alt)


def min_max_box(x: Sequence[float], y: Sequence[float], d: Sequence[float], centre: Sequence[float]) -> style.Told:
    """Return what the sketch of Min-Max says: receivers at x, y that are at most d away [m], and the box's centre."""
    drawn = "; ".join(f"({east:g}, {north:g}) with {radius:g} m" for east, north, radius in zip(x, y, d))
    return style.Told(f"Min-Max takes the middle of the box that all squares share: ({centre[0]:g}, {centre[1]:g})",
                      f"A sketch in metres east and north: receivers at {drawn}, a circle and its square around each, "
                      f"and the box that lies in every square, with its middle at ({centre[0]:g}, {centre[1]:g}).")


def _label(name: str) -> str:
    return style.LOOKS[name].label


def _side(name: str) -> str:
    return {"val": "in distribution", "ood": "out of distribution"}[name]


def _grouped(verdicts: Mapping[str, str], words: Mapping[str, str]) -> str:
    """Return where each verdict holds, as "ahead in both", "behind in July, undecided in November"."""
    groups = {word: [name if name[:1].isupper() else _label(name) for name, verdict in verdicts.items()
                     if verdict == key] for key, word in words.items()}
    every = {2: "both", 3: "all three seasons"}.get(len(verdicts), "")
    return ", ".join(f"{word} in {every if every and len(names) == len(verdicts) else listed(names)}"
                     for word, names in groups.items() if names)


def _outcome(pair: Mapping) -> str:
    """Return what a paired difference settles of "the left one is lower", or that both are the same."""
    ends = pair.get("ci95_median_m")
    if not ends:
        return UNDECIDED
    return settled(ends, n=pair["n"]) if any(ends) else _SAME


def _open(verdict: str) -> str:
    return " (undecided)" if verdict == UNDECIDED else ""


def _difference(pair: Mapping) -> str:
    """Return a paired difference with its interval, or why it has none."""
    ends = pair.get("ci95_median_m")
    if not ends:
        return f"{fixed(pair['median_m'], 1, sign=True)} m (fewer than {FEWEST} samples: undecided)"
    return difference(pair["median_m"], ends, "m") if any(ends) else "level"


def _fallbacks(pairs: Records, name: str) -> list[Mapping]:
    """Return the differences hybrid minus CNN on a set, by rising N."""
    return sorted(results.select(pairs, set=name, left_method="hybrid", right_method="cnn"),
                  key=lambda pair: pair["n_cells"])


def _fallback(pairs: Records) -> str:
    """Return what the fallback does on either set, with its differences."""
    if not pairs:
        return "The fallback was tried on no GridN separation."
    ood, own = (_fallback_clause(pairs, name) for name in ("ood", "val"))
    return (f"{ood}. Hybrid {_MINUS} network: {_by_size(pairs, 'ood')}.{_beside_ranging(pairs)} {own}. Hybrid {_MINUS} "
            f"network: {_by_size(pairs, 'val', brief=True)}.")


def _fallback_clause(pairs: Records, name: str) -> str:
    """Return what the fallback does on a set, by the size of the grid."""
    chosen = _fallbacks(pairs, name)
    sizes = [pair["n_cells"] for pair in chosen]
    groups = {word: [pair["n_cells"] for pair in chosen if _outcome(pair) == verdict]
              for verdict, word in _FALLBACK.items()}
    texts = [f"{word} {_at(some, sizes)}" for word, some in groups.items() if some] or ["was not tried"]
    texts[1:] = [text.replace(" cells", "") for text in texts[1:]]
    return f"{_side(name).capitalize()} the fallback {', '.join(texts)}"


def _at(some: list[int], sizes: list[int]) -> str:
    """Return which of the grids `some` are: "up to 3×3 cells", "from 5×5 cells on", "on 4×4 cells"."""
    if len(some) > 1 and some == sizes:
        return "on every grid"
    if len(some) > 1 and some == sizes[:len(some)]:
        return f"up to {some[-1]}×{some[-1]} cells"
    if len(some) > 1 and some == sizes[-len(some):]:
        return f"from {some[0]}×{some[0]} cells on"
    return f"on {listed([f'{n}×{n}' for n in some])} cells"


def _by_size(pairs: Records, name: str, brief: bool = False) -> str:
    """Return the differences hybrid minus CNN on a set with their intervals; in brief, of three or more the range."""
    chosen = _fallbacks(pairs, name)
    n = f"n {reach([pair['n'] for pair in chosen])}"
    if brief and len(chosen) > 2:
        count = max(1, *(digits(pair["median_m"], (pair["median_m"],) * 2) for pair in chosen))
        low, high = (fixed(end(pair["median_m"] for pair in chosen), count, sign=True) for end in (min, max))
        return f"{low} m ({n})" if low == high else f"{low} to {high} m ({n})"
    return ", ".join(f"Grid{pair['n_cells']} {_difference(pair)}" for pair in chosen) + f" ({n})"


def _beside_ranging(pairs: Records) -> str:
    """Return how the hybrid compares with ranging alone on the grids where the fallback pays, "" where on none."""
    chosen = [results.one(pairs, n_cells=pair["n_cells"], set="ood", left_method="hybrid", right_method="ranging")
              for pair in _fallbacks(pairs, "ood") if _outcome(pair) == SETTLED]
    groups = {what: [f"Grid{pair['n_cells']} {_difference(pair)}{_open(_outcome(pair))}" for pair in chosen
                     if np.sign(pair["median_m"]) == sign] for sign, what in _BESIDE.items()}
    said = "; ".join(f"{what}, hybrid {_MINUS} ranging: {', '.join(texts)}" for what, texts in groups.items() if texts)
    return f" Where the fallback pays, {said}." if said else ""


def _fallback_word(pairs: Records) -> str:
    chosen = _fallbacks(pairs, "ood")
    outcomes = [_outcome(pair) for pair in chosen]
    if not chosen:
        return "not tried"
    if SETTLED in outcomes:
        pays = [pair["n_cells"] for pair, outcome in zip(chosen, outcomes) if outcome == SETTLED]
        return "yes" if len(pays) == len(chosen) else f"yes, {_at(pays, [pair['n_cells'] for pair in chosen])}"
    return UNDECIDED if UNDECIDED in outcomes and REFUTED not in outcomes else "no"


def _choice_word(pairs: Records) -> str:
    """Return whether the hybrid beats the other season's model in both seasons, and trails the season's own."""
    wrong = {name: _outcome(_pair(pairs, name, other)) for name, other in _OTHER.items()}
    trails = [_label(name) for name in _OTHER if _outcome(_pair(pairs, name, name)) == REFUTED]
    if set(wrong.values()) == {SETTLED}:
        less = f", but{'' if len(trails) == len(_OTHER) else f' in {listed(trails)}'} less than knowing the season"
        return "choosing the more confident model helps" + (less if trails else "")
    if set(wrong.values()) == {UNDECIDED}:
        return "whether choosing the more confident model helps is undecided"
    words = {SETTLED: "helps", REFUTED: "harms", _SAME: "changes nothing", UNDECIDED: "is undecided"}
    return f"choosing the more confident model {_grouped(wrong, words)}"


def _pair(pairs: Records, name: str, model: str) -> Mapping:
    return results.one(pairs, set=name, left_model="hybrid", right_model=model)


def _seasons(table4: Records, pairs: Records) -> str:
    """Return how the hybrid's median error differs from each model's: in a season, the other season's model first."""
    texts = []
    for name in _SETS:
        models = (_OTHER[name], name) if name in _OTHER else tuple(_OTHER)
        n = results.one(table4, set=name, model="hybrid")["n"]
        against = ", ".join(_against(_pair(pairs, name, model), model) for model in models)
        texts.append(f"in {_label(name)} (n {n}) {against}")
    return "; ".join(texts)


def _against(pair: Mapping, model: str) -> str:
    if _outcome(pair) == _SAME:
        return f"hybrid level with the {_label(model)} model"
    return f"hybrid {_MINUS} {_label(model)} model: {_difference(pair)}{_open(_outcome(pair))}"


def _coin(table4: Records) -> str:
    """Return how often the hybrid takes the better model, beside a coin's half."""
    rates, verdicts = [], {}
    for name in _SETS:
        record = results.one(table4, set=name, model="hybrid")
        rate, ends = record["best_choice_rate"], record["ci95_best_choice_rate"]
        beyond = [end - 0.5 for end in ends]
        verdicts[name] = settled(beyond, ">", record["n"])
        count = 0 if verdicts[name] == UNDECIDED else digits(rate - 0.5, beyond, 100)
        rates.append(f"{100 * rate:.{count}f} % of {_label(name)}'s samples {span(ends, count, scale=100)}")
    return f"The hybrid takes the better model for {listed(rates)}: {_grouped(verdicts, _COIN)}."
