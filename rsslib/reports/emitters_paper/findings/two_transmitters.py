"""Findings of 07_two_transmitters: who counts two transmitters, at what price, and who locates them."""

from collections.abc import Mapping, Sequence

from rsslib.ledger import results
from rsslib.ledger.wording import FEWEST, REFUTED, SETTLED, UNDECIDED, difference, listed, settled, span
from rsslib.reports import findings
from rsslib.reports.emitters_paper.two_transmitters import FIXED, MAPS, METHODS, PAIRS, SETS, TOGETHER
from rsslib.reports.findings import SAMPLES, Answer, Records
from rsslib.reports.style import Told

_SUBJECT = dict(zip(METHODS, ("the network trained on sums", "two peaks")))
_VERBS = {"count": dict(zip(METHODS, ("counts", "count"))), "locate": dict(zip(METHODS, ("locates", "locate")))}
_BESIDE_FIXED = {SETTLED: ("beats them", "beat them"),
                 REFUTED: ("is worse than they are", "are worse than they are"),
                 UNDECIDED: ("is undecided beside them", "are undecided beside them")}
_SINGLE = SETS[0]
_THINGS = {PAIRS: "pairs", _SINGLE: "single transmitters"}
_ERROR = {PAIRS: "two_taken_median_m", _SINGLE: "both_right_median_m"}
"""The paired difference of errors by set: with two locations forced, and where both count right."""
_MINUS = "network \N{MINUS SIGN} peaks:"


def data_line(title: str | None, synthetic: bool | str, measured: bool) -> findings.Text:
    """Return the line on the data, which also says whether the pairs were measured, and how to get those that were."""
    line = findings.data_line(title, synthetic)
    if measured:
        return line
    return findings.Text(f"{line} The pairs are sums of held-out samples, which stand in for the measured ones: for "
                         "those set `real = True` as well.")


def answer(records: Records, pairs: Records, measured: bool) -> Answer:
    """Return the answer: who counts two transmitters, at what price on single ones, and who locates them.

    Input: what `two_transmitters.records` and `pairs` return; whether the pairs are measured ones, and not sums that
    stand in for them.
    """
    kind = "Measured pairs" if measured else "Sums that stand in for measured pairs"
    counts = (f"{kind} ({_n(records, PAIRS)}): {_shares(records, pairs, PAIRS)}. Single transmitters "
              f"({_n(records, _SINGLE)}): {_shares(records, pairs, _SINGLE)}.")
    single = _one(pairs, _SINGLE)
    if n := single["n_both_right"]:
        counts += (f" Where both count a single transmitter right (n {n}), their median errors differ ({_MINUS} "
                   f"{_apart(single, _ERROR[_SINGLE])}).")
    errors = (f"With two locations forced, the median error of a pair is {_errors(records, pairs)}. "
              f"{_against_fixed(records, pairs)} ({SAMPLES}.) {_maps(records, pairs)}".rstrip())
    return Answer(f"{_headline('count', pairs)}; {_headline('locate', pairs)}{_ahead(pairs)}", f"{counts}\n\n{errors}")


def figure(records: Records, pairs: Records) -> Told:
    """Return what the figure says. Input: as `answer`."""
    title = _headline("count", pairs)
    if _winner("locate", pairs, PAIRS):
        title += f"; {_headline('locate', pairs, [PAIRS])}"
    title += _ahead(pairs)
    alt = (f"Left: right counts in percent. Single transmitters ({_n(records, _SINGLE)}): "
           f"{_shares(records, pairs, _SINGLE)}; samples with two ({_n(records, PAIRS)}): "
           f"{_shares(records, pairs, PAIRS)}. Right: the median error of a pair in metres, with two locations forced: "
           f"{_errors(records, pairs)}. The dashed line is a pair of fixed locations, for which no measurement is "
           f"used. {_against_fixed(records, pairs)} {SAMPLES}. {_maps(records, pairs)}".rstrip())
    return Told(title[:1].upper() + title[1:], alt)


def _maps(records: Records, pairs: Records) -> str:
    """Return how our own method, sums of two maps, counts and locates beside the network."""
    if not any(record["method"] == MAPS for record in records):
        return ""
    network, peaks = (_apart(_one(pairs, PAIRS, MAPS, method), _ERROR[PAIRS]) for method in METHODS)
    text = (f"Our own method, sums of two maps, counts {_right(records, MAPS)} right; its median error of a pair is "
            f"{_error(records, MAPS)} (maps \N{MINUS SIGN} network: {network}; maps \N{MINUS SIGN} peaks: {peaks}).")
    if not any(record["method"] == TOGETHER for record in records):
        return text
    areas = {method: results.one(records, method=method, set=PAIRS)["count_auroc"] for method in (
        *METHODS, MAPS, TOGETHER)}
    return (f"{text} The scores of all three, weighed on sums of validation samples, count {_right(records, TOGETHER)} "
            f"right; they tell pairs from single transmitters with an area under the ROC curve of "
            f"{areas.pop(TOGETHER):.2f}, each alone with {listed([f'{area:.2f}' for area in areas.values()])}.")


def _ahead(pairs: Records) -> str:
    """Return that our own method locates pairs better than both others and two fixed locations, if that is settled."""
    beside = {pair["right_method"]: pair for pair in pairs if (pair["left_method"], pair["set"]) == (MAPS, PAIRS)}
    ahead = {*beside} >= {*METHODS, FIXED} and all(
        _verdict(pair, _ERROR[PAIRS]) == SETTLED for pair in beside.values())
    return "; our sums of two maps locate pairs best" if ahead else ""


def _right(records: Records, method: str) -> str:
    """Return how often a method counts right on each set."""
    rows = {name: results.one(records, method=method, set=name) for name in SETS}
    return " and ".join(f"{100 * row['count_accuracy']:.0f} % of {_THINGS[name]} "
                        f"{span(row['ci95_count_accuracy'], scale=100)}" for name, row in rows.items())


def _headline(what: str, pairs: Records, sets: Sequence[str] = (PAIRS, _SINGLE)) -> str:
    """Return which method counts or locates better on each of the sets, of which one may have nothing to compare."""
    known = [name for name in sets if what == "count" or name == PAIRS or f"ci95_{_ERROR[name]}" in _one(pairs, name)]
    winners = {name: _winner(what, pairs, name) for name in known}
    groups = {method: [_THINGS[name] for name in known if winners[name] == method] for method in winners.values()}
    return "; ".join(f"{_SUBJECT[method]} {_VERBS[what][method]} {' and '.join(things)} better" if method else
                     f"which {what}s {' or '.join(things)} better is undecided" for method, things in groups.items())


def _one(pairs: Records, name: str, left: str = METHODS[0], right: str = METHODS[1]) -> Mapping:
    return results.one(pairs, left_method=left, right_method=right, set=name)


def _n(records: Records, name: str) -> str:
    return f"n {results.one(records, method=METHODS[0], set=name)['n']}"


def _winner(what: str, pairs: Records, name: str) -> str | None:
    """Return the method that counts or locates better on a set, None where the paired difference leaves it open."""
    verdict = _verdict(_one(pairs, name), "count_accuracy" if what == "count" else _ERROR[name])
    return None if verdict == UNDECIDED else METHODS[(verdict == REFUTED) == (what == "locate")]


def _verdict(pair: Mapping, field: str) -> str:
    """Return what a paired difference settles of "the left one is lower"."""
    n = pair.get("n_both_right" if field == _ERROR[_SINGLE] else "n", FEWEST)
    return settled(pair.get(f"ci95_{field}"), n=n)


def _apart(pair: Mapping, field: str, unit: str = "m", scale: float = 1) -> str:
    """Return a paired difference with its interval, and whether it is undecided."""
    ends = pair.get(f"ci95_{field}")
    undecided = ends and _verdict(pair, field) == UNDECIDED
    return difference(pair[field], ends, unit, scale) + (", undecided" if undecided else "")


def _shares(records: Records, pairs: Records, name: str) -> str:
    """Return how often each method counts right on a set, and the difference."""
    texts = []
    for method in METHODS:
        record = results.one(records, method=method, set=name)
        texts.append(f"{_SUBJECT[method]} {_VERBS['count'][method]} {100 * record['count_accuracy']:.0f} % right "
                     f"{span(record['ci95_count_accuracy'], scale=100)}")
    return f"{' and '.join(texts)} ({_MINUS} {_apart(_one(pairs, name), 'count_accuracy', 'points', 100)})"


def _errors(records: Records, pairs: Records) -> str:
    """Return the median error of a pair by each method, and the difference."""
    texts = [f"{_error(records, method)} for {_SUBJECT[method]}" for method in METHODS]
    return f"{' and '.join(texts)} ({_MINUS} {_apart(_one(pairs, PAIRS), _ERROR[PAIRS])})"


def _error(records: Records, method: str) -> str:
    """Return the median error of a pair with its interval, if there is one."""
    record = results.one(records, method=method, set=PAIRS)
    ends = record.get(f"ci95_{_ERROR[PAIRS]}")
    return f"{record[_ERROR[PAIRS]]:.0f} m" + (f" {span(ends)}" if ends else "")


def _against_fixed(records: Records, pairs: Records) -> str:
    """Return whether each method beats two fixed locations."""
    texts = []
    for number, method in enumerate(METHODS):
        pair, field = _one(pairs, PAIRS, method, FIXED), _ERROR[PAIRS]
        texts.append(f"{_SUBJECT[method]} {_BESIDE_FIXED[_verdict(pair, field)][number]} "
                     f"({difference(pair[field], pair.get(f'ci95_{field}'), 'm')})")
    return f"The error of two fixed locations is {_error(records, FIXED)}: {' and '.join(texts)}."
