"""Quantities: our numbers, read from a profile's records or computed from them, with their 95 % intervals."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from rsslib.ledger import results
from rsslib.ledger.claims import COMPUTE
from rsslib.project import InputError

Interval = Sequence[float]
Quantity = tuple[float, Interval | None]
Difference = tuple[float, Interval]


class Records:
    """The records of a profile, by default in ROOT/results; each file is read only once."""

    def __init__(self, profile: str, folder: str | Path | None = None):
        self.profile, self._folder = profile, folder
        self._files: dict[str, dict] = {}

    def has(self, name: str) -> bool:
        """Return whether the profile has the file of records `name`, such as "table2"."""
        return name in self._files or results.path(self.profile, name, self._folder).exists()

    def read(self, name: str) -> dict:
        """Return what `results.read` returns, with the same errors, and InputError for a file without records."""
        if name not in self._files:
            path = results.path(self.profile, name, self._folder)
            try:
                content = results.read(self.profile, name, self._folder)
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"{path}: cannot be read ({error}); delete it and run its stage again") from error
            rows = content.get("records", []) if isinstance(content, dict) else None
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise InputError(f'{path}: expected {{"provenance": ..., "records": [...]}}; delete it and run its '
                                 "stage again")
            self._files[name] = content
        return self._files[name]


def quantity(spec: Any, records: Records) -> Quantity:
    """Return the value of a selector of claims.yaml and its 95 % interval, if the records have one.

    The interval of a computed number is made of the ends of its parts' intervals: it is too wide rather than too
    narrow, above all where the parts were measured on the same samples.

    Errors: InputError for a missing file, record or number.
    """
    if not isinstance(spec, Mapping):
        return spec, None
    if "compute" in spec:
        parts = [quantity(part, records) for part in spec["of"]]
        value = COMPUTE[spec["compute"]]([part[0] for part in parts])
        ci95 = _around(COMPUTE[spec["compute"]], parts) if any(ci95 for _, ci95 in parts) else None
        return value, ci95 if ci95 and all(map(math.isfinite, ci95)) else None
    field, record = spec["field"], _record(spec, records)
    if not isinstance(record.get(field), (int, float)):
        raise InputError(f"{spec['file']}.json: no {field}: {record.get(f'{field}_reason', 'expected a number')}")
    return record[field], interval(record, field)


def estimated(spec: Any, records: Records) -> bool:
    """Return whether a selector reads a number that has no interval: an estimate whose error is not known.

    >>> estimated({"compute": "max", "of": [1, 2]}, Records("smoke"))
    False
    """
    if not isinstance(spec, Mapping):
        return False
    if "compute" in spec:
        return any(estimated(part, records) for part in spec["of"])
    return interval(_record(spec, records), spec["field"]) is None


def _record(spec: Mapping, records: Records) -> Mapping:
    return results.one(records.read(spec["file"]).get(spec.get("list", "records"), []), **spec["where"])


def _around(compute: Callable, parts: Sequence[Quantity]) -> Interval:
    """Return the least and the largest computed number that the ends of the parts' intervals give."""
    try:
        corners = [compute(corner) for corner in product(*(ci95 or (value, value) for value, ci95 in parts))]
    except ZeroDivisionError:
        return -math.inf, math.inf
    return min(corners), max(corners)


def interval(record: Mapping, field: str) -> Interval | None:
    """Return the 95 % interval of a field of a record, None if it has none."""
    return record.get(f"ci95_{field}", record.get(f"ci95_{field.removeprefix('median_')}"))


def paired(left: Any, right: Any, records: Records) -> Difference | None:
    """Return the paired difference of two selectors, left minus right, and its interval, if there are any.

    They are in `<file>_pairs`, under the field of the two, or under that which a selector's `pair` names: `{field: of
    the pairs, over: of the record that it is divided by}`. `{within: field}` says where the record of both has them.
    """
    if not all(isinstance(side, Mapping) and "file" in side for side in (left, right)):
        return None
    if "within" in right.get("pair", {}):
        return _turned(paired(right, left, records))
    asked, name = left.get("pair", right.get("pair", {})), f"{left['file']}_pairs"
    if "within" in asked:
        same = (left["file"], left["where"]) == (right["file"], right["where"])
        return _with_interval(_record(left, records), asked["within"]) if same else None
    if (right["file"], right["field"]) != (left["file"], left["field"]) or not records.has(name):
        return None
    if records.read(name).get("provenance") != records.read(left["file"]).get("provenance"):
        return None    # of another run
    found: Difference | None = None
    field = asked.get("field", left["field"])
    for pair in records.read(name)["records"]:
        if _is(pair, "left", left["where"]) and _is(pair, "right", right["where"]):
            found = found or _with_interval(pair, field)
        elif _is(pair, "right", left["where"]) and _is(pair, "left", right["where"]):
            found = found or _turned(_with_interval(pair, field))
    if found and "over" in asked:
        whole = _record(left, records)[asked["over"]]
        return found[0] / whole, [end / whole for end in found[1]]
    return found


def _with_interval(record: Mapping, field: str) -> Difference | None:
    ci95 = interval(record, field)
    return (record[field], ci95) if ci95 else None


def _turned(difference: Difference | None) -> Difference | None:
    """Return right minus left from left minus right."""
    if difference is None:
        return None
    value, ci95 = difference
    return 0 - value, [0 - end for end in reversed(ci95)]    # not -end: that would show "-0"


def _is(pair: Mapping, side: str, where: Mapping) -> bool:
    """Return whether one side of a pair is the record with the values `where`."""
    return all(pair.get(f"{side}_{key}", pair.get(key)) == value for key, value in where.items())


def files(spec: object) -> list[str]:
    """Return the files of records in a claim's `record`.

    >>> files({"compute": "ratio", "of": [{"file": "table2", "where": {}, "field": "n"}, 2]})
    ['table2']
    """
    if not isinstance(spec, Mapping):
        return []
    if "file" in spec:
        return [spec["file"]]
    return sorted({name for part in (spec.get("left"), spec.get("right"), *spec.get("of", [])) for name in files(part)})
