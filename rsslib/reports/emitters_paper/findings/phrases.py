"""Phrases that findings on several emitters share: values with intervals, verdicts by environment, pairs turned."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from rsslib.ledger.wording import REFUTED, SETTLED, UNDECIDED, fixed, listed, rounded, settled, span
from rsslib.project import InputError
from rsslib.reports.drawing import with_ends
from rsslib.reports.style import LOOKS, environment_label
from rsslib.reports.tables import NOTHING, cell

NEAR = "rmse_px_both_right"
ENOUGH = 30
"""Samples from which on an interval may settle something: a bootstrap of fewer says too little of the tails."""
SEES = {None: "the single stage", "binary map": "the binary map", "logits": "the logits alone",
        "logits and readings": "the logits with readings"}
"""Each method in words, by what its second stage sees."""
_COUNTS = ("count better than", "count worse than", "")
_DISTANCES = ("are closer than", "are farther off than", " where both count right")


def usable(records: Sequence[Mapping], what: str) -> Sequence[Mapping]:
    """Return records to be told of. Raises InputError where there are none, or they say why they were not run."""
    reason = "there are none" if not records else next((record["not_run"] for record in records
                                                        if "not_run" in record), None)
    if reason:
        raise InputError(f"{what}: no records to draw or to tell of, since {reason}")
    return records


def known(record: Mapping, field: str) -> bool:
    """Return whether a record has a number in this field."""
    return record.get(field) is not None and not np.isnan(record[field])


def place(name: str) -> str:
    """Return an environment's name within a sentence: a city's is a proper name, the others are not.

    >>> place("free_space"), place("sydney")
    ('free space', 'Sydney')
    """
    label = environment_label(name)
    return first_lower(label) if name in ("free_space", "procedural") else label


def sees(table: Iterable[Mapping], method: str) -> str | None:
    """Return what the second stage of a method sees in these records; None where the method is not among them."""
    return next((record["second_stage_sees"] for record in table if record["method"] == method), None)


def differences(pairs: Iterable[Mapping], first: str | None, second: str | None) -> list[Mapping]:
    """Return the paired differences, first minus second, of the two whose second stages see that (None: no second)."""
    found = []
    for pair in pairs:
        sides = pair["left_second_stage_sees"], pair["right_second_stage_sees"]
        if sides == (first, second):
            found.append(pair)
        elif sides == (second, first):
            found.append({**pair, **_turned(pair)})
    return found


def _turned(pair: Mapping) -> dict:
    """Return the differences of a pair with the sides exchanged."""
    ends = {key: value and [0 - end for end in reversed(value)] for key, value in pair.items()
            if key.startswith("ci95")}
    return ends | {name: None if pair[name] is None else 0 - pair[name] for name in (key[5:] for key in ends)}


def verdict(pair: Mapping, field: str, expected: str) -> str:
    """Return what a paired difference says of "first `expected` second": undecided by fewer than `ENOUGH` samples.

    Positions are compared over the samples that both count right: `samples_both_right`, where a record has them.
    """
    enough = _compared(pair, field) >= ENOUGH and pair[f"ci95_{field}"]
    return settled(pair[f"ci95_{field}"], expected) if enough else UNDECIDED


def _compared(pair: Mapping, field: str) -> int:
    """Return by how many samples a difference was found."""
    return pair.get("samples_both_right", pair["samples"]) if field == NEAR else pair["samples"]


def judged(pairs: Sequence[Mapping], field: str, expected: str) -> dict[str, list[Mapping]]:
    """Return paired differences by their `verdict`, in the sequence settled, refuted, undecided."""
    groups: dict[str, list[Mapping]] = {}
    for word in (SETTLED, REFUTED, UNDECIDED):
        for pair in pairs:
            if verdict(pair, field, expected) == word:
                groups.setdefault(word, []).append(pair)
    return groups


def decimals(pair: Mapping, field: str, scale: float = 100, digits: int = 1) -> int:
    """Return how many decimals a difference needs, `digits` or more, so that no end of it but 0 itself reads as 0.

    >>> decimals({"cmr": -0.0083, "ci95_cmr": [-0.0163, -0.0003]}, "cmr")
    2
    """
    ends = [scale * end for end in (pair[field], *pair[f"ci95_{field}"]) if end]
    while digits < 4 and not all(rounded(end, digits) for end in ends):
        digits += 1
    return digits


def stated(first: str, second: str, pairs: Sequence[Mapping], field: str, side: float = 64) -> str:
    """Return which of two is ahead, by environment, with the difference and its paired interval.

    Input: both in words, in the plural; their paired differences; the cells of a map's side, for distances.
    """
    (better, worse, where), expected = (_COUNTS, ">") if field == "cmr" else (_DISTANCES, "<")
    groups = judged([pair for pair in pairs if known(pair, field)], field, expected)
    verbs = {SETTLED: f"{first} {better} {second}{where} in ", REFUTED: f"{first} {worse} {second}{where} in ",
             UNDECIDED: "it is undecided in " if len(groups) > 1 else
             f"whether {first} {better} {second}{where} is undecided in "}
    parts = []
    for word, group in groups.items():
        texts = [f"{place(pair['environment'])} ({_amount(pair, field, side)}{', settled' * (word != UNDECIDED)}{few})"
                 for pair in group for few in [_few(_compared(pair, field))]]
        parts.append(verbs[word] + listed(texts))
    text = "; ".join(parts) or f"{first} and {second} share no sample that both count right"
    return f"{text[0].upper()}{text[1:]}."


def _few(samples: int) -> str:
    return f", by {number_of(samples, 'sample')} only" * (samples < ENOUGH)


def _amount(pair: Mapping, field: str, side: float) -> str:
    unit, scale = ("points", 100) if field == "cmr" else ("% of the side", 100 / side)
    digits = decimals(pair, field, scale)
    return f"{fixed(scale * pair[field], digits, True)} {unit} {span(pair[f'ci95_{field}'], digits, True, scale)}"


def readable(pairs: Iterable[Mapping], side: float) -> list[dict]:
    """Return paired differences for a table: who counts better, and CMR and RMSE, first minus second, as text.

    Input: pairs; the cells of a map's side, of which the text of distances is a percentage.
    """
    rows = []
    for pair in pairs:
        first, second = (_side(pair, name) for name in ("left", "right"))
        better = {SETTLED: first, REFUTED: second}.get(verdict(pair, "cmr", ">"), UNDECIDED)
        texts = {field: cell(pair, field, decimals(pair, field, scale), scale) if known(pair, field) else NOTHING
                 for field, scale in (("cmr", 100), (NEAR, 100 / side))}
        rows.append({"environment": pair["environment"], "method": pair["left_method"], "first": first,
                     "second": second, "better": better} | texts)
    return rows


def _side(pair: Mapping, name: str) -> str:
    """Return one side of a pair in words."""
    if f"{name}_trained_on" in pair:
        return f"trained in {place(pair[f'{name}_trained_on'])}"
    seen = pair[f"{name}_second_stage_sees"]
    return f"two-stage, {SEES[seen][4:]}" if seen else LOOKS[pair[f"{name}_method"]].label


def by_case(records: Iterable[Mapping]) -> dict[tuple[str, str], list[Mapping]]:
    """Return the records of each environment and method."""
    cases: dict[tuple[str, str], list[Mapping]] = {}
    for record in records:
        cases.setdefault((record["environment"], record["method"]), []).append(record)
    return cases


def places(table: Iterable[Mapping]) -> list[str]:
    return list(dict.fromkeys(record["environment"] for record in table))


def case_name(key: tuple[str, str]) -> str:
    return f"{environment_label(key[0])}, {LOOKS[key[1]].label}"


def percent(record: Mapping, field: str) -> str:
    """Return a share in percent with its interval, or that there is none."""
    return share(with_ends(record, field), 1) if known(record, field) else "none"


def share(values: Sequence[float], digits: int = 0) -> str:
    return f"{fixed(100 * values[0], digits)} % {span(values[1:], digits, scale=100)}"


def number_of(number: int, word: str) -> str:
    """Return a number and what is counted.

    >>> number_of(1, "epoch"), number_of(4, "epoch")
    ('1 epoch', '4 epochs')
    """
    return f"{number} {word}{'s' * (number != 1)}"


def first_lower(text: str) -> str:
    return text[0].lower() + text[1:]


def bullets(lines: Iterable[str]) -> str:
    return "\n\n" + "\n".join(f"- {line}" for line in lines)
