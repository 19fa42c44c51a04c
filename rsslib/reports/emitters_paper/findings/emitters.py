"""What notebook 06 finds: how small networks count and locate emitters, and whether a map of occupied cells helps."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.stats import binomtest

from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED, fixed, listed, reach, settled, together
from rsslib.reports.drawing import with_ends
from rsslib.reports.emitters_paper.findings.phrases import (
    ENOUGH,
    NEAR,
    SEES,
    bullets,
    by_case,
    case_name,
    differences,
    first_lower,
    judged,
    known,
    number_of,
    percent,
    place,
    places,
    sees,
    stated,
    usable,
    verdict,
)
from rsslib.reports.findings import Answer, Text
from rsslib.reports.style import LOOKS, Told

CENTRE = 0.3826
"""Mean distance of a uniformly random place from the middle of the map, as a share of its side."""
_READINGS = "With readings: the second stage also sees the sensors' image; in the paper it sees the logits alone. "
_FINAL = ("Intervals: 95 %, i.i.d. bootstrap over test samples, paired where two methods are compared; "
          f"what another training would give is not in them. By fewer than {ENOUGH} samples nothing is settled.")


def answer(table: Sequence[Mapping], pairs: Sequence[Mapping], fresh_pairs: Sequence[Mapping]) -> Answer:
    """Return whether a small network counts and locates emitters, and whether a map of occupied cells helps it.

    Input: the records of the table, the paired differences of its methods, and those on fresh samples.
    """
    usable(table, "answer")
    logits, side = sees(table, "two_stage_logit"), table[0].get("n", 64)
    ours = [record for record in table if record["method"] != "two_stage_binary"]
    chance = 1 / table[0]["n_max"]
    counted = together([_than_chance(record, chance) for record in ours])
    words = {SETTLED: "yes, it counts better than a constant answer",
             UNDECIDED: "undecided whether it counts better than a constant answer",
             REFUTED: "no, not everywhere better than a constant answer"}
    lines = [_levels(ours, chance)] if ours else []
    right, near = (" ".join(
        stated(SEES[logits], SEES[other], found, field, side) for other in (None, "binary map")
        if (found := differences(pairs, logits, other)) and logits) for field in ("cmr", NEAR))
    lines += [right or "No network with two stages over logits is compared.", *_on_fresh(fresh_pairs, logits),
              near, *(_best(table, pairs, name) for name in places(table)),
              _READINGS * (logits == "logits and readings") + _FINAL]
    helps = f"; {_helps(differences(pairs, logits, None), logits)}" if logits else ""
    return Answer(f"{words[counted]}{helps}" if ours else "not compared with a constant answer",
                  bullets(filter(None, lines)))


def beyond(by_count: Sequence[Mapping], by_effect: Sequence[Mapping], swept: Sequence[Mapping],
           moved: Sequence[Mapping], moved_pairs: Sequence[Mapping], epochs: int = 0) -> Text:
    """Return what else was found, one line for each of the records that this profile has."""
    table, five = _of_table(by_count), [record for record in by_count if record["method"].endswith("up to 5")]
    lines = [f"{counts(table).title}.", " ".join([f"{effects(by_effect).title}.", *_falls(by_effect)])]
    if five:
        shares = [percent(record, "share_right") for record in five]
        lines.append(f"Up to five emitters, trained for {number_of(epochs, 'epoch')}: right counts of "
                     + listed([f"{share} for {record['true_count']}" for share, record in zip(shares, five)]) + ".")
    if epochs and any("cmr" in record for record in swept):
        lines.append(f"{sweep(swept, epochs).title}.")
    if any("cmr" in pair for pair in moved_pairs):
        lines.append(f"{transfer(moved, moved_pairs).title}.")
    return Text(bullets(lines).lstrip())


def table1(table: Sequence[Mapping], pairs: Sequence[Mapping], paper: bool) -> Told:
    """Return what the drawing of the paper's table says: whose counts are settled to be better."""
    usable(table, "emitter_table")
    logits = sees(table, "two_stage_logit")
    tallies = [f"against {SEES[other]}: {_tally(differences(pairs, logits, other))}"
               for other in ("binary map", None) if differences(pairs, logits, other)] if logits else []
    values = "; ".join(f"{case_name((record['environment'], record['method']))}: {percent(record, 'cmr')} and "
                       f"{percent(record, 'rmse_fraction')} of the side" for record in table)
    right = [100 * record["cmr"] for record in table]
    return Told(f"Counts of {SEES[logits]} {'; '.join(tallies)}" if tallies else
                f"The count is right in {reach(right)} % of the samples",
                "Four panels: right counts (CMR), error of position where the count is right (RMSE), false alarms and "
                "misses, by environment and method, with 95 % intervals"
                f"{'; open markers are what the paper prints' if paper else ''}. CMR and RMSE: {values}. "
                "Leads are judged by paired differences on the same samples (i.i.d. bootstrap).")


def counts(records: Sequence[Mapping]) -> Told:
    """Return what right counts by the true number say: in how many cases one emitter is ahead of all other numbers."""
    cases = by_case(usable(records, "emitter_counts"))
    ahead = [key for key, group in cases.items() if _one_ahead(group)]
    lines = [f"{case_name(key)}: " + listed([f"{percent(record, 'share_right')} for {record['true_count']}"
                                        for record in group]) for key, group in cases.items()]
    return Told(f"One emitter is counted best in {len(ahead)} of {number_of(len(cases), 'case')} (intervals do not "
                "overlap)",
                "A panel for each environment: the share of samples with the right count by the true number of "
                f"emitters, a marker with its 95 % interval for each method. {'; '.join(lines)}.")


def weak_together(records: Sequence[Mapping]) -> list[Mapping]:
    """Return records by effect with the classes under 1 dB made one, since few samples are in each of them.

    Wilson's interval, since a bootstrap of few samples that agree has no width.
    """
    pooled: list[Mapping] = []
    for group in by_case(records).values():
        weak = [record for record in group if (record["to_db"] or np.inf) <= 1]
        together = _pooled(weak)
        if together:
            pooled.append({**weak[0], "from_db": 0.0, "to_db": weak[-1]["to_db"], "share_right": together[0],
                           "ci95_share_right": list(together[1:]), "n": sum(record["n"] for record in weak)})
        pooled += [record for record in group if record not in weak]
    return pooled


def effects(records: Sequence[Mapping]) -> Told:
    """Return what right counts by the weakest emitter's effect say: under 1 dB against 10 dB and more."""
    cases = by_case(weak_together(usable(records, "emitter_effects")))
    both = {key: (group[0], group[-1]) for key, group in cases.items()
            if not group[0]["from_db"] and group[-1]["from_db"] >= 10}
    fewer = [key for key, (weak, strong) in both.items() if _apart(weak, strong)]
    lines = [f"{case_name(key)}: " + ", ".join(f"{percent(record, 'share_right')} {_class(record)}"
                                               for record in group) for key, group in cases.items()]
    others = [case_name(key) for key in both if key not in fewer]
    but = f", not in {others[0]}" if len(others) == 1 and len(both) > 1 else ""
    return Told("Weakest emitter under 1 dB: fewer right counts than from 10 dB in "
                f"{len(fewer)} of {number_of(len(both), 'case')} (intervals apart){but}" if both else
                "Right counts by the effect of a sample's weakest emitter",
                "A panel for each environment: the share of samples with the right count, by how much the weakest "
                "emitter of a sample changes the network input, in classes from under 1 dB to 10 dB and more; "
                f"n is the number of samples in a class. {'; '.join(lines)}. {' '.join(_falls(records))}".rstrip())


def _falls(records: Sequence[Mapping]) -> list[str]:
    """Return for which methods the strongest class has fewer right counts than a weaker one, intervals apart."""
    said = []
    for key, group in by_case(weak_together(records)).items():
        best = max(group, key=lambda record: record["share_right"])
        if _apart(group[-1], best):
            said.append(f"{case_name(key)} ({percent(best, 'share_right')} {_class(best)}, "
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


def sweep(records: Sequence[Mapping], epochs: int) -> Told:
    """Return what more sensors give: CMR and RMSE with the fewest and with the most."""
    usable(records, "emitter_sweep")
    some = sorted((record for record in records if record["n_max"] == min(one["n_max"] for one in records)),
                  key=lambda record: record["n_sensors"])
    few, many = some[0], some[-1]
    values = "; ".join(f"{record['n_sensors']} sensors: {percent(record, 'cmr')} and "
                       f"{percent(record, 'rmse_fraction')} of the side" for record in some)
    title = f"From {few['n_sensors']} to {many['n_sensors']} sensors, right counts {_moves(few, many, 'cmr')}, " \
            f"errors {_moves(few, many, 'rmse_fraction', ' of the map side')}" if len(some) > 1 else \
            f"With {few['n_sensors']} sensors alone, {percent(few, 'cmr')} right counts"
    return Told(f"{title} ({number_of(epochs, 'epoch')} each)",
                "Two panels over the number of sensors, logarithmic: right counts (CMR) and error of position where "
                f"the count is right (RMSE), with 95 % intervals, of networks trained for {number_of(epochs, 'epoch')} "
                f"each. {values}. A line marks the number of sensors of the table.")


def transfer(records: Sequence[Mapping], pairs: Sequence[Mapping]) -> Told:
    """Return what training elsewhere costs, by paired differences on the same samples, and the records' values."""
    usable(records, "emitter_transfer")
    usable(pairs, "emitter_transfer, differences")
    fewer, further = (judged([pair for pair in pairs if known(pair, field)], field, sign).get(SETTLED, [])
                      for field, sign in (("cmr", "<"), (NEAR, ">")))
    values = "; ".join(f"{LOOKS[record['method']].label}, tested in {place(record['tested_on'])}, trained in "
                       f"{place(record['trained_on'])}: {percent(record, 'cmr')} and "
                       f"{percent(record, 'rmse_fraction')} of the side" for record in records)
    return Told(f"Networks from another city: fewer right counts settled in {len(fewer)} of "
                f"{number_of(len(pairs), 'test')}, larger errors in {len(further)} of {len(pairs)}",
                "Two panels, right counts (CMR) and error of position (RMSE): for each city a slope from its own "
                f"network to those trained elsewhere, on the same samples, with 95 % intervals. {values}.")


def _than_chance(record: Mapping, chance: float) -> str:
    """Return whether a record's counts are right more often than a constant answer's."""
    ends = [end - chance for end in with_ends(record, "cmr")[1:]]
    return settled(ends, ">") if record["samples"] >= ENOUGH else UNDECIDED


def _helps(pairs: Sequence[Mapping], logits: str | None) -> str:
    """Return whether a map first helps to count, from the logits' differences from the single stage."""
    groups = judged(pairs, "cmr", ">")
    if set(groups) <= {UNDECIDED}:
        return f"undecided whether mapping the occupied cells first ({SEES[logits]}) helps to count"
    names = {SETTLED: "counts better in", REFUTED: "counts worse in", UNDECIDED: "undecided in"}
    parts = [f"{names[word]} {listed([place(pair['environment']) for pair in group])}"
             for word, group in groups.items()]
    return f"with the occupied cells mapped first ({SEES[logits]}) it {'; '.join(parts)}"


def _levels(records: Sequence[Mapping], chance: float) -> str:
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


def _best(table: Sequence[Mapping], pairs: Sequence[Mapping], name: str) -> str:
    """Return which methods count best in an environment, and over which others their lead is settled."""
    here = [record for record in table if record["environment"] == name]
    top = max(record["cmr"] for record in here)
    best, others = ([record["second_stage_sees"] for record in here if (record["cmr"] == top) == first]
                    for first in (True, False))
    value = percent(next(record for record in here if record["cmr"] == top), "cmr")
    groups: dict[str, list[str]] = {}
    for other in others:
        for pair in differences(pairs, best[0], other):
            if pair["environment"] == name:
                groups.setdefault(verdict(pair, "cmr", ">"), []).append(SEES[other])
    leads = ", ".join(f"the lead over {listed(names)} is {'settled' if word == SETTLED else word}"
                      for word, names in groups.items())
    level = " (level)" * (len(best) > 1)
    return (f"Highest CMR in {place(name)}: {listed([SEES[seen] for seen in best])}{level}, {value}"
            + f"; {leads}" * bool(leads) + ".")


def _on_fresh(pairs: Sequence[Mapping], logits: str | None) -> list[str]:
    """Return what fresh samples say, not used to choose any setting, the other input of the second stage included."""
    if not pairs or "not_run" in pairs[0]:
        return []
    seen = {pair[f"{side}_second_stage_sees"] for pair in pairs for side in ("left", "right")}
    others = sorted(seen - {None, "binary map", logits})
    lines = []
    for first in filter(None, (logits, *others)):
        told = [first_lower(stated(SEES[first], SEES[second], found, "cmr")[:-1])
                for second in (None, "binary map") if (found := differences(pairs, first, second))]
        head = f"On {number_of(pairs[0]['samples'], 'fresh sample')}, not used to choose any setting"
        head += ", with the paper's input" * (first == "logits")
        lines += [f"{head}: {'; '.join(told)}."] * bool(told)
    return lines


def _tally(pairs: Sequence[Mapping]) -> str:
    """Return in how many environments the first of two is settled to count better or worse, or is undecided."""
    groups, names = judged(pairs, "cmr", ">"), {SETTLED: "better", REFUTED: "worse", UNDECIDED: UNDECIDED}
    if len(groups) == 1:
        return names[next(iter(groups))] + f" in {len(pairs)} of {len(pairs)}" * (len(pairs) > 1)
    return ", ".join(f"{names[word]} in {len(group)}" for word, group in groups.items())


def _of_table(records: Sequence[Mapping]) -> list[Mapping]:
    return [record for record in records if record["method"] in LOOKS]


def _one_ahead(group: Sequence[Mapping]) -> bool:
    """Return whether one emitter is counted right more often than any other number, the intervals apart."""
    one = [record for record in group if record["true_count"] == 1]
    others = [record for record in group if record["true_count"] != 1]
    return bool(one and others) and all(_apart(other, one[0]) for other in others)


def _pooled(records: Iterable[Mapping]) -> tuple[float, float, float] | None:
    """Return the share of right counts of several classes together with its interval, None for no sample.

    Wilson's interval, since a bootstrap of few samples that agree has no width.
    """
    classes = list(records)
    n = sum(record["n"] for record in classes)
    if not n:
        return None
    right = round(sum(record["n"] * record["share_right"] for record in classes))
    return right / n, *binomtest(right, n).proportion_ci(method="wilson")


def _moves(few: Mapping, many: Mapping, field: str, of: str = "") -> str:
    """Return how a field changes from one record to another, undecided where their intervals meet."""
    if not known(few, field) or not known(many, field):
        return "without a right count are not known"
    (old, low, high), (new, other_low, other_high) = (with_ends(record, field, 100) for record in (few, many))
    few_samples = min(few["samples"], many["samples"]) < ENOUGH
    if other_low <= high and low <= other_high or few_samples:
        return f"{fixed(old)} and {fixed(new)} %{of} (undecided)"
    return f"{'rise' if new > old else 'fall'} from {fixed(old)} to {fixed(new)} %{of}"
