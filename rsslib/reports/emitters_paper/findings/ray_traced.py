"""What notebook 08 finds: what is left of the networks' skill on a city whose gains are ray-traced."""

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np

from rsslib.ledger.wording import UNDECIDED, fixed, listed, reach
from rsslib.reports.drawing import with_ends
from rsslib.reports.emitters_paper.cases import Case, off_m
from rsslib.reports.emitters_paper.findings.phrases import (
    ENOUGH,
    SEES,
    bullets,
    known,
    number_of,
    percent,
    place,
    usable,
)
from rsslib.reports.findings import Answer
from rsslib.reports.style import LOOKS, Told

FORMULA, TRACED, KEPT = "formula", "ray-traced", "ray-traced, formula's threshold"
MODELS = (FORMULA, TRACED, KEPT)
"""How the gains of a test were made, after the city in `tested_on`: the formula of 06; rays, with the threshold that
half of their cells exceed; rays, with the formula's threshold."""
LITTLE = 0.15
"""Networks that nowhere count right more often than a constant answer by more than this have little skill to lose."""
_WHERE = {FORMULA: "by the formula", TRACED: "on ray-traced gains", KEPT: "on these with the formula's threshold"}
_NOTE = ("Intervals: 95 %, i.i.d. bootstrap over test samples. Those of the formula and of the rays are of different "
         "samples: a difference counts as settled only where the intervals are apart.")


def model(record: Mapping) -> str:
    """Return how the gains of a record's test were made, one of MODELS.

    >>> model({"tested_on": "sydney, ray-traced"})
    'ray-traced'
    """
    return record["tested_on"].partition(", ")[2]


def answer(records: Sequence[Mapping]) -> Answer:
    """Return what is left on ray-traced maps, from the records of 08, or that it was not run and why."""
    reason = "there are no records" if not records else records[0].get("not_run", "").partition(":")[0]
    if reason:    # what follows the colon differs between machines
        return Answer("not run", f"{reason[0].upper()}{reason[1:]}. With Sionna RT installed, `dvc repro ray-traced` "
                                 "answers on the networks of the quick profile.")
    if not any(model(record) == TRACED for record in records):
        return Answer("not run", "None of these tests is on ray-traced gains.")
    trained = _trained(records)
    lines = [said(records, name) for name in trained for said in (_against, _errors, _most)]
    return Answer("; ".join(_word(records, name) for name in trained), bullets([*lines, *_repeated(records), _NOTE]))


def scores(records: Sequence[Mapping]) -> Told:
    """Return what the chart of right counts and errors by model of the gains says."""
    usable(records, "emitter_ray_scores")
    values = [f"trained in {place(record['trained_on'])}, {model(record)}, {LOOKS[record['method']].label}: "
              f"{percent(record, 'cmr')} and {percent(record, 'rmse_fraction')} of the side" for record in records]
    said = "; ".join(_title(records, name) for name in _trained(records))
    return Told(f"{said[0].upper()}{said[1:]}",
                "Panels of right counts (CMR) and error of position where the count is right (RMSE), a row for each "
                "training environment: markers with 95 % intervals for each method, on gains by the formula, "
                f"ray-traced, and ray-traced with the formula's threshold. {'; '.join(values)}. A constant answer "
                f"counts right in {_constant(records)} %.")


def maps(cases: Sequence[Case]) -> Told:
    """Return what one sample on several maps says: whether it is the same, and how far off the predictions are."""
    first = cases[0]
    same = all(np.array_equal(case.truth, first.truth) and np.array_equal(case.sensors[:, :2], first.sensors[:, :2])
               for case in cases)
    dark = [np.isinf(case.power).sum() / np.isfinite(np.where(np.isinf(case.power), 0, case.power)).sum()
            for case in cases]
    away = [off_m(case) for case in cases]
    said = [f"{case.title}: " + (f"{fixed(distance)} m off" if distance is not None else
                                 f"{len(case.predicted)} instead of {len(case.truth)} found")
            for case, distance in zip(cases, away)]
    return Told(f"{'The same emitters and sensors' if same else 'NOT the same sample'} on each map. "
                f"{'; '.join(said)}",
                "A row for each model of the gains: power map, sensors, estimated logits of occupancy, and predicted "
                "emitters, crosses, beside the true ones, stars. "
                + ("Emitters, their powers and sensors are the same in all rows. " if same else
                   "The rows are of different samples. ")
                + " ".join(f"{case.title}: no ray reaches {100 * share:.0f} % of the outdoor cells."
                           for case, share in zip(cases, dark) if share))


def _trained(records: Sequence[Mapping]) -> list[str]:
    return list(dict.fromkeys(record["trained_on"] for record in records))


def _of(records: Sequence[Mapping], trained: str, one: str) -> dict[str, Mapping]:
    """Return the record of each method, of networks trained in one environment on the maps of one model."""
    return {record["method"]: record for record in records
            if record["trained_on"] == trained and model(record) == one}


def _constant(records: Sequence[Mapping]) -> str:
    """Return how often a constant answer is right [%]: every number of emitters is as common."""
    return fixed(100 / records[0]["n_max"])


def _changes(records: Sequence[Mapping], trained: str, one: str, other: str) -> dict[str, list[str]]:
    """Return the methods by what their right counts on the maps of `one` are against `other`: fewer, more, undecided.

    Settled where the intervals of enough samples are apart.
    """
    groups: dict[str, list[str]] = {}
    there = _of(records, trained, other)
    for method, record in _of(records, trained, one).items():
        if method in there:
            (_, low, high), (_, least, most) = (with_ends(part, "cmr") for part in (record, there[method]))
            enough = min(record["samples"], there[method]["samples"]) >= ENOUGH
            word = "fewer" if enough and high < least else "more" if enough and low > most else UNDECIDED
            groups.setdefault(word, []).append(method)
    return groups


def _little(records: Sequence[Mapping], trained: str) -> float | None:
    """Return the largest lead of networks over a constant answer on any map, where it is little; None where it is not.
    """
    right = [record["cmr"] for one in MODELS for record in _of(records, trained, one).values()]
    ahead = max(right) - 1 / records[0]["n_max"]
    return ahead if ahead <= LITTLE else None


def _word(records: Sequence[Mapping], trained: str) -> str:
    """Return the answer for the networks of one environment."""
    head, changes = f"networks trained in {place(trained)}", _changes(records, trained, TRACED, FORMULA)
    if _little(records, trained) is not None:
        right = [100 * record["cmr"] for one in MODELS for record in _of(records, trained, one).values()]
        return f"{head} count right in {reach(right, 1)} % on these maps, a constant answer in {_constant(records)} %"
    if set(changes) <= {UNDECIDED}:
        return f"undecided whether {head} count worse on ray-traced gains"
    words = {"fewer": "worse", "more": "better", UNDECIDED: UNDECIDED}
    if len(changes) > 1:
        return f"{head} count on ray-traced gains " + ", ".join(
            f"{words[change]} with {_named(records, trained, changes[change])}" for change in words
            if change in changes)
    change = next(iter(changes))
    because = ", most of it because of the threshold" * _threshold(records, trained, change)
    return f"{head} count {words[change]} on ray-traced gains{because}"


def _title(records: Sequence[Mapping], trained: str) -> str:
    """Return what the figure says of the networks of one environment."""
    head, little, changes = (f"trained in {place(trained)}", _little(records, trained),
                             _changes(records, trained, TRACED, FORMULA))
    if little is not None:
        return f"{head}: at most {ceil(100 * max(0.0, little))} points above a constant answer"
    counted = sum(map(len, changes.values()))
    said = [f"{change} right counts on ray-traced gains"
            + f" for {len(changes[change])} of {counted} methods" * (len(changes[change]) < counted)
            for change in ("fewer", "more") if change in changes]
    return f"{head}: {listed(said) or 'undecided whether counts are worse on ray-traced gains'}"


def _named(records: Sequence[Mapping], trained: str, methods: Sequence[str]) -> str:
    return listed([SEES[_of(records, trained, TRACED)[name]["second_stage_sees"]] for name in methods])


def _threshold(records: Sequence[Mapping], trained: str, change: str) -> bool:
    """Return whether the formula's threshold takes back more than half of a change, settled for every method."""
    formula, traced, kept = (_of(records, trained, one) for one in MODELS)
    if not kept or set(_changes(records, trained, TRACED, KEPT)) != {change}:
        return False
    whole, rest = (sum(formula[name]["cmr"] - part[name]["cmr"] for name in traced) for part in (traced, kept))
    return abs(rest) < abs(whole) / 2


def _against(records: Sequence[Mapping], trained: str) -> str:
    """Return the range of right counts over the methods on the maps of each model, and which changes are settled."""
    tests = {one: _of(records, trained, one) for one in MODELS}
    shares = [f"{reach([100 * record['cmr'] for record in tests[one].values()], 1)} % {words}"
              for one, words in _WHERE.items() if tests[one]]
    said = [f"{_WHERE[one]}, {_who(records, trained, one)}" for one in (TRACED, KEPT) if tests[one] and tests[FORMULA]]
    return (f"Trained in {place(trained)}: right counts in {listed(shares)} "
            f"({number_of(records[0]['samples'], 'sample')} each; a constant answer: {_constant(records)} %)."
            + f" Against the formula: {'; '.join(said)}." * bool(said))


def _who(records: Sequence[Mapping], trained: str, one: str) -> str:
    """Return for which methods the right counts on the maps of `one` are fewer or more than by the formula."""
    changes = _changes(records, trained, one, FORMULA)
    whom = {change: "every method" if len(changes) == 1 else _named(records, trained, methods)
            for change, methods in changes.items()}
    words = {"fewer": "fewer are right (settled) for", "more": "more are right (settled) for",
             UNDECIDED: "undecided for"}
    return ", ".join(f"{word} {whom[change]}" for change, word in words.items() if change in changes)


def _errors(records: Sequence[Mapping], trained: str) -> str:
    """Return the range of errors of position over the methods on the maps of each model."""
    parts = []
    for one, words in _WHERE.items():
        errors = [100 * record["rmse_fraction"] for record in _of(records, trained, one).values()
                  if known(record, "rmse_fraction")]
        parts += [f"{reach(errors, 1)} {words}" if errors else f"none {words}"] * bool(_of(records, trained, one))
    return (f"Trained in {place(trained)}, RMSE where the count is right, % of the side: {listed(parts)} (the mean "
            "over samples of each sample's root).")


def _most(records: Sequence[Mapping], trained: str) -> str:
    """Return which methods count best on traced maps, and whether their intervals are apart from the others'."""
    tests = list(_of(records, trained, TRACED).values())
    if not tests:
        return f"Trained in {place(trained)}: not tested on ray-traced gains."
    top = max(record["cmr"] for record in tests)
    best, others = ([record for record in tests if (record["cmr"] == top) == first] for first in (True, False))
    names = listed([f"{SEES[record['second_stage_sees']]}, {percent(record, 'cmr')}" for record in best])
    lead = all(with_ends(other, "cmr")[2] < with_ends(best[0], "cmr")[1] for other in others) and \
        min(record["samples"] for record in tests) >= ENOUGH
    return (f"Highest CMR on ray-traced gains (trained in {place(trained)}): {names}"
            + (f"; the lead over the others is {'settled' if lead else UNDECIDED}." if others else "."))


def _repeated(records: Sequence[Mapping]) -> list[str]:
    """Return what traced the gains and how far a second trace differs, where a record says so."""
    told = [record for record in records if "repeated_gains" in record]
    if not told:
        return []
    gains, differ, far = (told[0][f"repeated_{what}"] for what in ("gains", "differ", "differ_3db"))
    where = f"the {gains} gains at cells that a ray reaches from {number_of(told[0]['repeated_positions'], 'position')}"
    said = (f"Not repeatable: of {where}, {fixed(100 * differ / gains, 1)} % differ in a second trace with the same "
            f"seed, {fixed(100 * far / gains, 1)} % by more than 3 dB." if differ else
            f"Repeatable on one machine: none of {where} differs in a second trace.")
    return [f"Traced by {told[0]['traced_by']}. {said}"]
