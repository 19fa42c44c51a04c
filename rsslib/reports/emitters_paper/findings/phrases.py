"""Phrases that findings on several emitters share: values with intervals, verdicts by environment, pairs turned."""

from collections.abc import Iterable, Mapping

from rsslib.ledger.wording import ENOUGH, REFUTED, SETTLED, UNDECIDED, decimals, fixed, listed, settled, span
from rsslib.reports.drawing import with_ends
from rsslib.reports.findings import by_verdict, known, share, usable  # noqa: F401
from rsslib.reports.style import LOOKS, environment_label
from rsslib.reports.tables import NOTHING, cell

NEAR = "rmse_px_both_right"
SEES = {None: "the single stage", "binary map": "the binary map", "logits": "the logits alone",
        "logits and readings": "the logits with readings"}
"""Each method in words, by what its second stage sees."""
_COUNTS = ("count better than", "count worse than", "", ">", "points")
_DISTANCES = ("are closer than", "are farther off than", " where both count right", "<", "% of the side")


def place(name: str) -> str:
    """Return an environment's name within a sentence: a city's is a proper name, the others are not.

    >>> place("free_space"), place("sydney")
    ('free space', 'Sydney')
    """
    label = environment_label(name)
    return first_lower(label) if name in ("free_space", "procedural") else label


def differences(pairs: Iterable[Mapping], first: str | None, second: str | None) -> list[Mapping]:
    """Return the paired differences, first minus second, of the two whose second stages see that (None: no second)."""
    found = []
    for pair in pairs:
        sides = pair["left_second_stage_sees"], pair["right_second_stage_sees"]
        if sides == (first, second):
            found.append(pair)
        elif sides == (second, first):
            ends = {key: value and [0 - end for end in reversed(value)] for key, value in pair.items()
                    if key.startswith("ci95")}
            names = [key.removeprefix("ci95_") for key in ends]
            found.append({**pair, **ends, **{name: pair[name] and 0 - pair[name] for name in names}})
    return found


def verdict(pair: Mapping, field: str, expected: str) -> str:
    """Return what a paired difference says of "first `expected` second": undecided by fewer than `ENOUGH` samples."""
    return settled(pair[f"ci95_{field}"], expected, _compared(pair, field), ENOUGH)


def _compared(pair: Mapping, field: str) -> int:
    """Return by how many samples a difference was found: positions, by those whose count both have right."""
    return pair.get("samples_both_right", pair["samples"]) if field == NEAR else pair["samples"]


def judged(pairs: Iterable[Mapping], field: str, expected: str) -> dict[str, list[Mapping]]:
    """Return the paired differences that are known by their `verdict`, in the sequence settled, refuted, undecided."""
    return by_verdict((pair for pair in pairs if known(pair, field)), lambda pair: verdict(pair, field, expected))


def stated(first: str, second: str, pairs: Iterable[Mapping], field: str, side: float = 64) -> str:
    """Return which of two is ahead, by environment, with the difference and its paired interval.

    Input: both in words, in the plural; their paired differences; the cells of a map's side, for distances.
    """
    better, worse, where, expected, unit = _COUNTS if field == "cmr" else _DISTANCES
    groups = judged(pairs, field, expected)
    verbs = {SETTLED: f"{first} {better} {second}{where} in ", REFUTED: f"{first} {worse} {second}{where} in ",
             UNDECIDED: "it is undecided in " if len(groups) > 1 else
             f"whether {first} {better} {second}{where} is undecided in "}
    parts = []
    for word, group in groups.items():
        texts = []
        for pair in group:
            scale, n = _scale(field, side), _compared(pair, field)
            digits = _decimals(pair, field, scale)
            few = f", by {number_of(n, 'sample')} only" * (n < ENOUGH)
            texts.append(f"{place(pair['environment'])} ({fixed(scale * pair[field], digits, True)} {unit} "
                         f"{span(pair[f'ci95_{field}'], digits, True, scale)}{', settled' * (word != UNDECIDED)}{few})")
        parts.append(verbs[word] + listed(texts))
    text = "; ".join(parts) or f"{first} and {second} share no sample that both count right"
    return f"{text[0].upper()}{text[1:]}."


def _scale(field: str, side: float) -> float:
    return 100 / side if field.startswith("rmse") else 100


def _decimals(pair: Mapping, field: str, scale: float) -> int:
    return decimals([scale * end for end in (pair[field], *pair[f"ci95_{field}"])], 1)


def readable(pairs: Iterable[Mapping], side: float, fields: Iterable[str] = ("cmr", NEAR)) -> list[dict]:
    """Return paired differences for a table: who counts better, and some fields, first minus second, as text.

    Input: pairs; the cells of a map's side, of which the text of distances is a percentage; fields.
    """
    fields = list(fields)
    rows = []
    for pair in pairs:
        first, second = (_side(pair, name) for name in ("left", "right"))
        better = {SETTLED: first, REFUTED: second}.get(verdict(pair, "cmr", ">"), UNDECIDED)
        texts = {field: cell(pair, field, _decimals(pair, field, scale), scale) if known(pair, field) else NOTHING
                 for field in fields for scale in [_scale(field, side)]}
        rows.append({"environment": pair["environment"], "method": pair["left_method"], "first": first,
                     "second": second, "better": better} | texts)
    return rows


def _side(pair: Mapping, name: str) -> str:
    """Return one side of a pair in words."""
    if f"{name}_trained_on" in pair:
        return f"trained in {place(pair[f'{name}_trained_on'])}"
    seen = pair[f"{name}_second_stage_sees"]
    return f"two-stage, {SEES[seen][4:]}" if seen else LOOKS[pair[f"{name}_method"]].label


def by_case(records: Iterable[Mapping]) -> dict[str, list[Mapping]]:
    """Return the records of each environment and method, {both in words: records}."""
    cases: dict[str, list[Mapping]] = {}
    for record in records:
        cases.setdefault(case_name(record), []).append(record)
    return cases


def case_name(record: Mapping) -> str:
    """Return environment and method in words."""
    return f"{environment_label(record['environment'])}, {LOOKS[record['method']].label}"


def percent(record: Mapping, field: str) -> str:
    """Return a share in percent with its interval, or that there is none."""
    return share(with_ends(record, field), 1) if known(record, field) else "none"


def number_of(number: int, word: str) -> str:
    """Return a number and what is counted.

    >>> number_of(1, "epoch"), number_of(4, "epoch")
    ('1 epoch', '4 epochs')
    """
    return f"{number} {word}{'s' * (number != 1)}"


def first_lower(text: str) -> str:
    """Return a text that begins with a small letter."""
    return text[0].lower() + text[1:]


def bullets(lines: Iterable[str]) -> str:
    """Return a list in Markdown, after an empty line."""
    return "\n\n" + "\n".join(f"- {line}" for line in lines)
