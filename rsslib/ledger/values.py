"""Our side of a claim: numbers with their intervals, and paired differences, read from the records."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rsslib.ledger import results
from rsslib.ledger.claims import COMPUTE
from rsslib.project import ROOT, InputError


def records_path(name: str, profile: str, folder: str | Path | None = None) -> Path:
    """Return where a file of records lies: `<folder>/<profile>/<name>.json`, by default below ROOT/results."""
    return Path(folder or ROOT / "results") / profile / f"{name}.json"


def files(spec: object) -> list[str]:
    """Name the files of records that a claim's `record` reads, such as ["table2"].

    Example
    -------
    >>> files({"compute": "ratio", "of": [{"file": "table2", "where": {}, "field": "n"}, 2]})
    ['table2']
    """
    if not isinstance(spec, Mapping):
        return []
    if "file" in spec:
        return [spec["file"]]
    parts = [spec.get("left"), spec.get("right"), *spec.get("of", [])]
    return sorted({name for part in parts for name in files(part)})


def number(value: float) -> str:
    """Write a number as the ledger does: whole numbers whole, else one decimal, or 3 digits below ten.

    Example
    -------
    >>> number(4577), number(277.52), number(1.052)
    ('4577', '277.5', '1.05')
    """
    if isinstance(value, int):
        return str(value)
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def ends(interval: Sequence | None) -> str:
    """Write an interval behind its number, " [260.0, 290.5]", or nothing.

    Example
    -------
    >>> ends([260.0, 290.5]), ends(None)
    (' [260.0, 290.5]', '')
    """
    return f" [{number(interval[0])}, {number(interval[1])}]" if interval else ""


def quantity(spec: object, profile: str, folder: str | Path | None) -> tuple[float, Sequence | None]:
    """Return the value that a selector of claims.yaml asks for and, where the record has one, its 95 % interval.

    Raises InputError where there is no such file, record or number.
    """
    if not isinstance(spec, Mapping):
        return spec, None
    if "compute" in spec:
        parts = [quantity(part, profile, folder) for part in spec["of"]]
        value = COMPUTE[spec["compute"]]([part[0] for part in parts])
        return value, next((found for part, found in parts if part == value), None)    # of min and max
    name, field = spec["file"], spec["field"]
    content = results.read(profile, name, folder)
    record = results.one(content.get(spec.get("list", "records"), []), **spec["where"])
    value = record.get(field)
    if not isinstance(value, (int, float)):
        raise InputError(f"{name}.json: no {field}: {record.get(f'{field}_reason', 'expected a number')}")
    return value, interval(record, field)


def interval(record: Mapping, field: str) -> Sequence | None:
    """Return the 95 % interval that a record has of one of its fields."""
    return record.get(f"ci95_{field}", record.get(f"ci95_{field.removeprefix('median_')}"))


def paired(record: Mapping, profile: str, folder: str | Path | None) -> tuple[float, Sequence] | None:
    """Return an ordering's left minus right on the same samples, with its interval, if `<file>_pairs.json` has it."""
    left, right = record["left"], record["right"]
    if not all(isinstance(side, Mapping) and "file" in side for side in (left, right)):
        return None
    name, field = f"{left['file']}_pairs", left["field"]
    if (right["file"], right["field"]) != (left["file"], field) or not records_path(name, profile, folder).exists():
        return None
    pairs = results.read(profile, name, folder)
    if pairs.get("provenance") != results.read(profile, left["file"], folder).get("provenance"):
        return None    # of another run
    for pair in pairs["records"]:
        found = pair.get(f"ci95_{field}")
        if found and _is(pair, "left", left["where"]) and _is(pair, "right", right["where"]):
            return pair[field], found
        if found and _is(pair, "right", left["where"]) and _is(pair, "left", right["where"]):
            return 0 - pair[field], [0 - end for end in reversed(found)]    # not -end: that would show "-0"
    return None


def _is(pair: Mapping, side: str, where: Mapping) -> bool:
    """Say whether one side of a pair is the record that `where` asks for."""
    return all(pair.get(f"{side}_{key}", pair.get(key)) == value for key, value in where.items())
