"""Findings of 05_hybrid_models: what the fallback on ranging gains and costs, and what a choice of two models does."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

from rsslib.ledger import results
from rsslib.ledger.resampling import interval
from rsslib.ledger.wording import (
    REFUTED,
    SETTLED,
    UNDECIDED,
    difference,
    digits,
    fixed,
    less,
    listed,
    reach,
    settled,
    span,
)
from rsslib.reports.findings import BOOTSTRAP, Answer, Records
from rsslib.reports.style import LOOKS, Told

_SAME = "the same"
_FALLBACK = {SETTLED: "pays", REFUTED: "costs", UNDECIDED: "is undecided", _SAME: "changes nothing"}
_RANK = {SETTLED: "ahead", REFUTED: "behind", UNDECIDED: "undecided", _SAME: "level"}
_CHOICE = {SETTLED: "helps", REFUTED: "harms", _SAME: "changes nothing", UNDECIDED: "is undecided"}
_TRUST = {SETTLED: "more often than it is the better one", REFUTED: "less often than it is the better one",
          UNDECIDED: "undecided", _SAME: "as often as it is the better one"}
_COIN = {SETTLED: "more than a coin's 50 %", REFUTED: "less than a coin's 50 %", UNDECIDED: "undecided"}
_BESIDE = {REFUTED: "ranging alone has the lower median error", SETTLED: "ranging alone has the higher median error",
           UNDECIDED: "it is undecided whether the hybrid or ranging alone has the lower median error",
           _SAME: "ranging alone has the same median error"}
_OTHER = {"july": "november", "november": "july"}
_SETS = (*_OTHER, "april")
_SIDES = {"val": "in distribution", "ood": "out of distribution"}
_MINUS = "\N{MINUS SIGN}"


def answer(fig11_pairs: Records, table4: Records, table4_pairs: Records) -> Answer:
    """Return the answer: does the fallback help out of distribution, and does choosing the more confident model?

    Input: the pairs of `hybrid_models.grid_records`, and the records and pairs of `hybrid_models.table4`.
    """
    word = f"the fallback: {_fallback_word(fig11_pairs)}; {_choice_word(table4_pairs)}"
    fallback = "The fallback was tried on no GridN separation."
    if fig11_pairs:
        fallback = (f"{_fallback(fig11_pairs, 'ood')}. Hybrid {_MINUS} network: {_by_size(fig11_pairs, 'ood')}."
                    f"{_beside_ranging(fig11_pairs)} {_fallback(fig11_pairs, 'val')}. Hybrid {_MINUS} network: "
                    f"{_by_size(fig11_pairs, 'val', brief=True)}.")
    return Answer(word, f"{fallback}\n\nThe more confident of two models, differences of median errors: "
                        f"{_seasons(table4, table4_pairs)}. {_coin(table4)} ({BOOTSTRAP}.)")


def grid_sizes(records: Records, pairs: Records, printed: Mapping[tuple, float]) -> Told:
    """Return what Figure 11 says. Input: records and pairs of `hybrid_models.grid_records`, printed values."""
    own, ood = (reach([record["median_m"] for record in results.select(records, set=name, method="ranging")])
                for name in _SIDES)
    paper = listed([f"{value:g} m at N = {n} {_SIDES[name]}" for (n, name, _), value in printed.items()])
    alt = (f"Median error in metres of the network (CNN), of ranging and of their hybrid over N, the cells per side, "
           f"in distribution and out of distribution, and the paired difference hybrid {_MINUS} CNN. Differences out "
           f"of distribution: {_by_size(pairs, 'ood')}; in distribution: {_by_size(pairs, 'val', brief=True)}. Ranging "
           f"alone: {ood} m out of distribution, {own} m in distribution.{_beside_ranging(pairs)} {BOOTSTRAP}."
           + (f" The paper's CNN, open markers: {paper}." if paper else ""))
    return Told(_fallback(pairs, "ood"), alt)


def hybrid_medians(table4: Records, pairs: Records, rates: Mapping[str, float]) -> Told:
    """Return what Table IV's figure says of records of `hybrid_models`; rates: the printed ones by set, 0..1."""
    wrong, right = (_grouped({name: _outcome(_pair(pairs, name, models[name])) for name in _OTHER}, _RANK)
                    for models in (_OTHER, {name: name for name in _OTHER}))
    paper = listed([f"{100 * rate:.1f} % in {LOOKS[name].label}" for name, rate in rates.items()])
    alt = ("Left: median error in metres of the July model, the November model and their hybrid in three seasons; the "
           f"dashed line is an oracle, which takes the better model of each sample. Differences of "
           f"medians: {_seasons(table4, pairs)}. Right: better model taken, in percent. {_coin(table4)} {BOOTSTRAP}."
           + (f" The paper's rates, open markers: {paper}." if paper else ""))
    return Told(f"Hybrid against the wrong season's model: {wrong}; against the right one: {right}", alt)


def confidence_duel(panels: Mapping[str, SimpleNamespace]) -> Told:
    """Return what the figure of two confidences says. Input: title -> what `hybrid_models.duel` returns."""
    verdicts, said = {}, []
    for title, panel in panels.items():
        taken, better = panel.first >= panel.second, panel.first_better
        ends = interval(panel.drawn["excess"], difference=True)
        verdicts[title] = _SAME if ends and not any(ends) else settled(ends, ">", len(taken))
        apart = difference(taken.mean() - better.mean(), ends, "points", 100)
        said.append(f"in {title} (n {len(taken)}) taken {100 * taken.mean():.0f} %, better "
                    f"{100 * better.mean():.0f} %, a difference of {apart}{_open(verdicts[title])}")
    alt = ("A panel for each season: the July model's confidence across, the November model's upwards, each divided by "
           "its own threshold, logarithmic; a dot for each sample has the colour and marker of the better model, whose "
           "location was nearer to the transmitter. Below the diagonal the hybrid takes the July model, above it the "
           "November model. How often the July model is taken, and how often it is the better one: "
           f"{'; '.join(said)}. {BOOTSTRAP}.")
    if set(verdicts.values()) == {UNDECIDED}:
        return Told("Whether the hybrid takes the July model more often than it is the better one is undecided", alt)
    return Told(f"Hybrid takes the July model {_grouped(verdicts, _TRUST)}", alt)


def min_max_box(x: Sequence[float], y: Sequence[float], d: Sequence[float], centre: Sequence[float]) -> Told:
    """Return what the sketch of Min-Max says: receivers at x, y that are at most d away [m], and the box's centre."""
    drawn = "; ".join(f"({east:g}, {north:g}) with {radius:g} m" for east, north, radius in zip(x, y, d))
    return Told(f"Min-Max takes the middle of the box that all squares share: ({centre[0]:g}, {centre[1]:g})",
                f"A sketch in metres east and north: receivers at {drawn}, a circle and its square around each, "
                f"and the box that lies in every square, with its middle at ({centre[0]:g}, {centre[1]:g}).")


def _grouped(verdicts: Mapping[str, str], words: Mapping[str, str]) -> str:
    """Return where each verdict holds, as "ahead in both", "behind in July, undecided in November"."""
    groups = {word: [LOOKS[name].label if name in LOOKS else name for name, verdict in verdicts.items()
                     if verdict == key] for key, word in words.items()}
    every = {2: "both", 3: "all three seasons"}.get(len(verdicts), "")
    return ", ".join(f"{word} in {every if every and len(names) == len(verdicts) else listed(names)}"
                     for word, names in groups.items() if names)


def _outcome(pair: Mapping) -> str:
    """Return what a paired difference settles of "the left one is lower", or that both are the same."""
    ends = pair.get("ci95_median_m")
    return _SAME if ends and not any(ends) else settled(ends, n=pair["n"])


def _open(verdict: str) -> str:
    return " (undecided)" if verdict == UNDECIDED else ""


def _difference(pair: Mapping) -> str:
    if _outcome(pair) == _SAME:
        return "level"
    return difference(pair["median_m"], pair.get("ci95_median_m"), "m")


def fallbacks(pairs: Records, name: str) -> list[Mapping]:
    """Return the differences hybrid minus CNN on a set, by rising N."""
    return sorted(results.select(pairs, set=name, left_method="hybrid", right_method="cnn"),
                  key=lambda pair: pair["n_cells"])


def _fallback(pairs: Records, name: str) -> str:
    """Return what the fallback does on a set, by the size of the grid."""
    chosen = fallbacks(pairs, name)
    groups = {word: [pair["n_cells"] for pair in chosen if _outcome(pair) == verdict]
              for verdict, word in _FALLBACK.items()}
    texts = [f"{word} {_at(some, chosen)}" for word, some in groups.items() if some]
    texts[1:] = [text.replace(" cells", "") for text in texts[1:]]
    return f"{_SIDES[name].capitalize()} the fallback {', '.join(texts)}"


def _at(some: list[int], pairs: Records) -> str:
    """Return which of the grids `some` are: "up to 3×3 cells", "from 5×5 cells on", "on 4×4 cells"."""
    sizes = [pair["n_cells"] for pair in pairs]
    if len(some) > 1 and some == sizes:
        return "on every grid"
    if len(some) > 1 and some == sizes[:len(some)]:
        return f"up to {some[-1]}×{some[-1]} cells"
    if len(some) > 1 and some == sizes[-len(some):]:
        return f"from {some[0]}×{some[0]} cells on"
    return f"on {listed([f'{n}×{n}' for n in some])} cells"


def _by_size(pairs: Records, name: str, brief: bool = False) -> str:
    """Return the differences hybrid minus CNN on a set with their intervals; in brief, of three or more the range."""
    chosen = fallbacks(pairs, name)
    n = f"n {reach([pair['n'] for pair in chosen])}"
    if brief and len(chosen) > 2:
        count = max(1, *(digits(pair["median_m"], (pair["median_m"],) * 2) for pair in chosen))
        low, high = (fixed(end(pair["median_m"] for pair in chosen), count, sign=True) for end in (min, max))
        return f"{low} m ({n})" if low == high else f"{low} to {high} m ({n})"
    return ", ".join(f"Grid{pair['n_cells']} {_difference(pair)}" for pair in chosen) + f" ({n})"


def _beside_ranging(pairs: Records) -> str:
    """Return how the hybrid compares with ranging alone on the grids where the fallback pays, "" where on none."""
    chosen = [results.one(pairs, n_cells=pair["n_cells"], set="ood", left_method="hybrid", right_method="ranging")
              for pair in fallbacks(pairs, "ood") if _outcome(pair) == SETTLED]
    groups = {what: [f"Grid{pair['n_cells']} {_difference(pair)}" for pair in chosen if _outcome(pair) == verdict]
              for verdict, what in _BESIDE.items()}
    said = "; ".join(f"{what}, hybrid {_MINUS} ranging: {', '.join(texts)}" for what, texts in groups.items() if texts)
    return f" Where the fallback pays, {said}." if said else ""


def _fallback_word(pairs: Records) -> str:
    chosen = fallbacks(pairs, "ood")
    outcomes = [_outcome(pair) for pair in chosen]
    pays = [pair["n_cells"] for pair, outcome in zip(chosen, outcomes) if outcome == SETTLED]
    if not chosen:
        return "not tried"
    if pays:
        return "yes" if len(pays) == len(chosen) else f"yes, {_at(pays, chosen)}"
    return UNDECIDED if UNDECIDED in outcomes and REFUTED not in outcomes else "no"


def _choice_word(pairs: Records) -> str:
    """Return whether the hybrid beats the other season's model in both seasons, and trails the season's own."""
    wrong = {name: _outcome(_pair(pairs, name, other)) for name, other in _OTHER.items()}
    trails = [LOOKS[name].label for name in _OTHER if _outcome(_pair(pairs, name, name)) == REFUTED]
    if set(wrong.values()) == {SETTLED}:
        less = f", but{'' if len(trails) == len(_OTHER) else f' in {listed(trails)}'} not the season's own"
        return "choosing the more confident model beats the other season's" + (less if trails else "")
    if set(wrong.values()) == {UNDECIDED}:
        return "whether choosing the more confident model helps is undecided"
    return f"choosing the more confident model {_grouped(wrong, _CHOICE)}"


def _pair(pairs: Records, name: str, model: str) -> Mapping:
    return results.one(pairs, set=name, left_model="hybrid", right_model=model)


def _seasons(table4: Records, pairs: Records) -> str:
    """Return how the hybrid's median error differs from each model's: in a season, the other season's model first."""
    texts = []
    for name in _SETS:
        against = []
        for model in (_OTHER[name], name) if name in _OTHER else _OTHER:
            pair = _pair(pairs, name, model)
            model = f"{LOOKS[model].label} model"
            against.append(f"hybrid level with the {model}" if _outcome(pair) == _SAME else
                           f"hybrid {_MINUS} {model}: {_difference(pair)}{_open(_outcome(pair))}")
        n = results.one(table4, set=name, model="hybrid")["n"]
        texts.append(f"in {LOOKS[name].label} (n {n}) {', '.join(against)}")
    return "; ".join(texts)


def _coin(table4: Records) -> str:
    """Return how often the hybrid takes the better model, beside a coin's half."""
    rates, verdicts = [], {}
    for name in _SETS:
        record = results.one(table4, set=name, model="hybrid")
        rate, ends = record["best_choice_rate"], record.get("ci95_best_choice_rate")
        beyond = less(ends, 0.5)
        verdicts[name] = settled(beyond, ">", record["n"])
        count = 0 if verdicts[name] == UNDECIDED or not beyond else digits(rate - 0.5, beyond, 100)
        rates.append(f"{100 * rate:.{count}f} % of {LOOKS[name].label}'s samples {span(ends, count, scale=100)}")
    return f"The hybrid takes the better model for {listed(rates)}: {_grouped(verdicts, _COIN)}."
