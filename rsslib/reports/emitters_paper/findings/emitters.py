"""What notebook 06 finds: how small networks count and locate emitters, and whether a map of occupied cells helps."""

from collections.abc import Mapping

import numpy as np
from scipy.stats import binomtest

from rsslib.ledger.wording import ENOUGH, REFUTED, SETTLED, UNDECIDED, fixed, listed, reach, settled, together
from rsslib.reports.drawing import with_ends
from rsslib.reports.emitters_paper.findings.phrases import (
    NEAR,
    SEES,
    bullets,
    by_case,
    case_name,
    differences,
    first_lower,
    judged,
    number_of,
    percent,
    place,
    stated,
    verdict,
)
from rsslib.reports.findings import Answer, Records, Text, known, usable
from rsslib.reports.style import LOOKS, Told

CENTRE = 0.3826
"""Mean distance of a uniformly random place from the middle of the map, as a share of its side."""
_READINGS = "With readings: the second stage also sees the sensors' image; in the paper it sees the logits alone. "
_FINAL = ("Intervals: 95 %, bootstrap over test samples, paired where two methods are compared; what another training "
          "would give is {}in them. By fewer than {} samples nothing is settled.")

def answer(table: Records, pairs: Records, variant_pairs: Records = (), finer_pairs: Records = ()) -> Answer:
    """Return whether a small network counts and locates emitters, and whether a map of occupied cells helps it.

    Input: the records of the table, the paired differences of its methods, those of the variant with readings, and
    those of networks for more cells, if there are any.
    """
    usable(table, "answer: table")
    logits, side = _logits(table), table[0].get("n", 64)
    ours = [record for record in table if record["method"] != "two_stage_binary"]
    chance = 1 / table[0]["n_max"]
    compared = {other: found for other in (None, "binary map") if logits and (
        found := differences(pairs, logits, other))}
    right, near = (" ".join(stated(SEES[logits], SEES[other], found, field, side) for other, found in compared.items())
                   for field in ("cmr", NEAR))
    lines = [_levels(ours, chance) if ours else "",
             right or "No network with two stages over logits is compared.", near, *_on_variant(variant_pairs),
             *_on_finer(finer_pairs, logits),
             *(_best(table, pairs, name) for name in dict.fromkeys(record["environment"] for record in table)),
             _READINGS * (logits == "logits and readings")
             + _FINAL.format("not " * (table[0]["networks"] == 1), ENOUGH)]
    words = {SETTLED: "yes, it counts better than a constant answer",
             UNDECIDED: "undecided whether it counts better than a constant answer",
             REFUTED: "no, not everywhere better than a constant answer"}
    counted = words[together([settled([end - chance for end in with_ends(record, "cmr")[1:]], ">", record["samples"],
                                      ENOUGH) for record in ours])]
    helps = f"; {_helps(compared.get(None, []), logits)}" if logits else ""
    return Answer((counted if ours else "not compared with a constant answer") + helps, bullets(filter(None, lines)))


def beyond(by_count: Records, by_effect: Records, swept: Records, moved: Records, moved_pairs: Records,
           epochs: int = 0) -> Text:
    """Return what else was found, one line for each of the records that this profile has."""
    five = [record for record in by_count if record["method"].endswith("up to 5")]
    table = [record for record in by_count if record not in five]
    lines = [f"{counts(table).title}.", " ".join([f"{effects(by_effect).title}.", *_falls(by_effect)])]
    if five:
        shares = listed([f"{percent(record, 'share_right')} for {record['true_count']}" for record in five])
        lines.append(f"Up to five emitters, trained for {number_of(epochs, 'epoch')}: right counts of {shares}.")
    if epochs and any("cmr" in record for record in swept):
        lines.append(f"{sweep(swept, epochs).title}.")
    if any("cmr" in pair for pair in moved_pairs):
        lines.append(f"{transfer(moved, moved_pairs).title}.")
    return Text(bullets(lines).lstrip())


def table1(table: Records, pairs: Records, paper: bool) -> Told:
    """Return what the drawing of the paper's table says: whose counts are settled to be better."""
    logits = _logits(table)
    tallies = [f"against {SEES[other]}: {_tally(found)}" for other in ("binary map", None)
               if logits and (found := differences(pairs, logits, other))]
    values = "; ".join(f"{case_name(record)}: {_both(record)}" for record in table)
    return Told(f"Counts of {SEES[logits]} {'; '.join(tallies)}" if tallies else
                f"The count is right in {reach([100 * record['cmr'] for record in table])} % of the samples",
                "Four panels: right counts (CMR), error of position where the count is right (RMSE), false alarms and "
                "misses, by environment and method, with 95 % intervals"
                f"{'; open markers are what the paper prints' if paper else ''}. CMR and RMSE: {values}. "
                "Leads are judged by paired differences on the same samples (bootstrap).")


def counts(records: Records) -> Told:
    """Return what right counts by the true number say: in how many cases one emitter is ahead of all other numbers."""
    cases, ahead = by_case(records), 0
    for group in cases.values():
        one, others = ([record for record in group if (record["true_count"] == 1) == first] for first in (True, False))
        ahead += bool(one and others) and all(_apart(other, one[0]) for other in others)
    lines = [f"{case}: " + listed([f"{percent(record, 'share_right')} for {record['true_count']}" for record in group])
             for case, group in cases.items()]
    return Told(f"One emitter is counted best in {ahead} of {number_of(len(cases), 'case')} (intervals do not overlap)",
                "A panel for each environment: the share of samples with the right count by the true number of "
                f"emitters, a marker with its 95 % interval for each method. {'; '.join(lines)}.")


def weak_together(records: Records) -> list[Mapping]:
    """Return records by effect with the classes under 1 dB made one, since few samples are in each of them.

    Wilson's interval, since a bootstrap of few samples that agree has no width.
    """
    pooled: list[Mapping] = []
    for group in by_case(records).values():
        weak = [record for record in group if (record["to_db"] or np.inf) <= 1]
        if n := sum(record["n"] for record in weak):
            right = round(sum(record["n"] * record["share_right"] for record in weak))
            ends = binomtest(right, n).proportion_ci(method="wilson")
            pooled.append({**weak[0], "from_db": 0.0, "to_db": weak[-1]["to_db"], "share_right": right / n,
                           "ci95_share_right": list(ends), "n": n})
        pooled += [record for record in group if record not in weak]
    return pooled


def effects(records: Records) -> Told:
    """Return what right counts by the weakest emitter's effect say: under 1 dB against 10 dB and more."""
    cases = by_case(weak_together(records))
    both = {case: _apart(group[0], group[-1]) for case, group in cases.items()
            if not group[0]["from_db"] and group[-1]["from_db"] >= 10}
    lines = [f"{case}: " + ", ".join(f"{percent(record, 'share_right')} {_class(record)}" for record in group)
             for case, group in cases.items()]
    others = [case for case, fewer in both.items() if not fewer]
    but = f", not in {others[0]}" if len(others) == 1 and len(both) > 1 else ""
    return Told("Weakest emitter under 1 dB: fewer right counts than from 10 dB in "
                f"{sum(both.values())} of {number_of(len(both), 'case')} (intervals apart){but}" if both else
                "Right counts by the effect of a sample's weakest emitter",
                "A panel for each environment: the share of samples with the right count, by how much the weakest "
                "emitter of a sample changes the network input, in classes from under 1 dB to 10 dB and more; "
                f"n is the number of samples in a class. {'; '.join(lines)}. {' '.join(_falls(records))}".rstrip())


def _falls(records: Records) -> list[str]:
    """Return for which methods the strongest class has fewer right counts than a weaker one, intervals apart."""
    said = []
    for case, group in by_case(weak_together(records)).items():
        best = max(group, key=lambda record: record["share_right"])
        if _apart(group[-1], best):
            said.append(f"{case} ({percent(best, 'share_right')} {_class(best)}, "
                        f"{percent(group[-1], 'share_right')} {_class(group[-1])})")
    return [f"Against the trend, right counts fall again in the strongest class: {listed(said)}."] * bool(said)


def _class(record: Mapping) -> str:
    """Return a class of effects in words."""
    low, high = record["from_db"], record["to_db"]
    return f"from {low:g} dB" if high is None else f"at {low:g} to {high:g} dB" if low else f"under {high:g} dB"


def _apart(few: Mapping, many: Mapping) -> bool:
    """Return whether the first of two shares of right counts is lower, the intervals apart, by enough samples."""
    return (with_ends(few, "share_right")[2] < with_ends(many, "share_right")[1]
            and min(few["n"], many["n"]) >= ENOUGH)


def sweep(records: Records, epochs: int) -> Told:
    """Return what more sensors give: CMR and RMSE with the fewest and with the most."""
    n_max = min(record["n_max"] for record in records)
    some = sorted((record for record in records if record["n_max"] == n_max), key=lambda record: record["n_sensors"])
    few, many = some[0], some[-1]
    values = "; ".join(f"{record['n_sensors']} sensors: {_both(record)}" for record in some)
    title = (f"From {few['n_sensors']} to {many['n_sensors']} sensors, right counts {_moves(few, many, 'cmr')}, "
             f"errors {_moves(few, many, 'rmse_fraction', ' of the map side')}" if len(some) > 1 else
             f"With {few['n_sensors']} sensors alone, {percent(few, 'cmr')} right counts")
    return Told(f"{title} ({number_of(epochs, 'epoch')} each)",
                "Two panels over the number of sensors, logarithmic: right counts (CMR) and error of position where "
                f"the count is right (RMSE), with 95 % intervals, of networks trained for {number_of(epochs, 'epoch')} "
                f"each. {values}. A line marks the number of sensors of the table.")


def transfer(records: Records, pairs: Records) -> Told:
    """Return what training elsewhere costs, by paired differences on the same samples, and the records' values."""
    usable(pairs, "emitter_transfer, differences")
    fewer, further = (judged(pairs, field, sign).get(SETTLED, []) for field, sign in (("cmr", "<"), (NEAR, ">")))
    values = "; ".join(f"{LOOKS[record['method']].label}, tested in {place(record['tested_on'])}, trained in "
                       f"{place(record['trained_on'])}: {_both(record)}" for record in records)
    return Told(f"Networks from another city: fewer right counts settled in {len(fewer)} of "
                f"{number_of(len(pairs), 'test')}, larger errors in {len(further)} of {len(pairs)}",
                "Two panels, right counts (CMR) and error of position (RMSE): for each city a slope from its own "
                f"network to those trained elsewhere, on the same samples, with 95 % intervals. {values}.")


def _logits(table: Records) -> str | None:
    """Return what the second stage over logits sees in these records; None where it is not among them."""
    return next((record["second_stage_sees"] for record in table if record["method"] == "two_stage_logit"), None)


def _both(record: Mapping) -> str:
    """Return right counts and error of a record."""
    return f"{percent(record, 'cmr')} and {percent(record, 'rmse_fraction')} of the side"


def _helps(pairs: Records, logits: str) -> str:
    """Return whether a map first helps to count, from the logits' differences from the single stage."""
    groups = judged(pairs, "cmr", ">")
    if set(groups) <= {UNDECIDED}:
        return f"undecided whether mapping the occupied cells first ({SEES[logits]}) helps to count"
    names = {SETTLED: "counts better in", REFUTED: "counts worse in", UNDECIDED: "undecided in"}
    parts = [f"{names[word]} {listed([place(pair['environment']) for pair in group])}"
             for word, group in groups.items()]
    return f"with the occupied cells mapped first ({SEES[logits]}) it {'; '.join(parts)}"


def _levels(records: Records, chance: float) -> str:
    """Return the range of right counts and of errors of these records, beside what no network would reach."""
    right = [100 * record["cmr"] for record in records]
    errors = [100 * record["rmse_fraction"] for record in records if known(record, "rmse_fraction")]
    away = (f" Where the count is right, RMSE is {reach(errors, 1)} % of the map's side (the mean over samples of each "
            f"sample's root); a place drawn at random is on average {100 * CENTRE:.0f} % from the middle."
            if errors else "")
    who = listed(list(dict.fromkeys(SEES[record["second_stage_sees"]] for record in records)))
    return (f"{who[0].upper()}{who[1:]}: right counts in {reach(right, 1)} % of "
            f"{number_of(records[0]['samples'], 'sample')} in each environment; a constant answer in "
            f"{100 * chance:.0f} %.{away}")


def _best(table: Records, pairs: Records, name: str) -> str:
    """Return which methods count best in an environment, and over which others their lead is settled."""
    here = [record for record in table if record["environment"] == name]
    top = max(here, key=lambda record: record["cmr"])
    best, others = ([record["second_stage_sees"] for record in here if (record["cmr"] == top["cmr"]) == first]
                    for first in (True, False))
    groups: dict[str, list[str]] = {}
    for other in others:
        for pair in differences(pairs, best[0], other):
            if pair["environment"] == name:
                groups.setdefault(verdict(pair, "cmr", ">"), []).append(SEES[other])
    leads = ", ".join(f"the lead over {listed(names)} is {'settled' if word == SETTLED else word}"
                      for word, names in groups.items())
    level = " (level)" * (len(best) > 1)
    return (f"Highest CMR in {place(name)}: {listed([SEES[seen] for seen in best])}{level}, {percent(top, 'cmr')}"
            + f"; {leads}" * bool(leads) + ".")


def _on_variant(pairs: Records) -> list[str]:
    """Return what the readings beside the logits change."""
    seen, pairs = "logits and readings", [pair for pair in pairs if "not_run" not in pair]
    told = [first_lower(stated(SEES[seen], SEES[other], found, "cmr")[:-1])
            for other in (None, "logits") if (found := differences(pairs, seen, other))]
    return [f"A variant of ours, with the readings beside the logits: {'; '.join(told)}."] * bool(told)


def _on_finer(pairs: Records, logits: str | None) -> list[str]:
    """Return what networks for more cells say of binary maps."""
    run = [pair for pair in pairs if "not_run" not in pair]
    if not logits or not (found := differences(run, logits, "binary map")):
        return []
    n = found[0]["n"]
    both = [stated(SEES[logits], SEES["binary map"], found, field, n)[:-1] for field in ("cmr", NEAR)]
    return [f"With {n} cells a side, one training: {'; '.join(map(first_lower, both))}."]


def _tally(pairs: Records) -> str:
    """Return in how many environments the first of two is settled to count better or worse, or is undecided."""
    groups, names = judged(pairs, "cmr", ">"), {SETTLED: "better", REFUTED: "worse", UNDECIDED: UNDECIDED}
    if len(groups) == 1:
        return names[next(iter(groups))] + f" in {len(pairs)} of {len(pairs)}" * (len(pairs) > 1)
    return ", ".join(f"{names[word]} in {len(group)}" for word, group in groups.items())


def _moves(few: Mapping, many: Mapping, field: str, of: str = "") -> str:
    """Return how a field changes from one record to another, undecided where their intervals meet."""
    if not known(few, field) or not known(many, field):
        return "without a right count are not known"
    (old, low, high), (new, other_low, other_high) = (with_ends(record, field, 100) for record in (few, many))
    if other_low <= high and low <= other_high or min(few["samples"], many["samples"]) < ENOUGH:
        return f"{fixed(old)} and {fixed(new)} %{of} (undecided)"
    return f"{'rise' if new > old else 'fall'} from {fixed(old)} to {fixed(new)} %{of}"
