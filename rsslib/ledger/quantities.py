"""Quantities: our numbers, read from a profile's records or computed from them, with their 95 % intervals."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from rsslib.ledger import results
from rsslib.ledger.claims import COMPUTE
from rsslib.ledger.wording import FEWEST
from rsslib.project import InputError

Interval = Sequence[float]
Quantity = tuple[float, Interval | None]
Difference = tuple[float, Interval]
_COUNTS = ("n", "samples"), ("n_both_right", "samples_both_right")
"""Fields of a paired difference that count its samples; of one between samples that both methods count right."""


class Records:
    """The records of a profile, by default in ROOT/results; each file is read only once."""

    def __init__(self, profile: str, folder: str | Path | None = None):
        self.profile, self._folder = profile, folder
        self._files: dict[str, dict] = {}

    def path(self, name: str) -> Path:
        """Return the path of the file of records `name`, such as "table2"."""
        return results.path(self.profile, name, self._folder)

    def has(self, name: str) -> bool:
        """Return whether the profile has the file of records `name`."""
        return name in self._files or self.path(name).exists()

    def read(self, name: str) -> dict:
        """Return what `results.read` returns, with the same errors."""
        if name not in self._files:
            self._files[name] = results.read(self.profile, name, self._folder)
        return self._files[name]

    def one(self, spec: Mapping) -> Mapping:
        """Return the record that a selector of claims.yaml names. Errors: InputError naming its file."""
        rows = self.read(spec["file"]).get(spec.get("list", "records"), [])
        try:
            return results.one(rows, **spec["where"])
        except InputError as error:
            raise type(error)(f"{self.path(spec['file'])}: {error}") from None

    def number(self, record: Mapping, field: str, name: str) -> float:
        """Return the number in a field of a record of the file `name`.

        Errors: NoRecord if it is not there, InputError if it is something else.
        """
        value = record.get(field)
        if not results.is_number(value):
            raise (results.NoRecord if value is None else InputError)(
                f"{self.path(name)}: `{field}` is {repr(value) if value is not None else 'missing'}"
                f"{f': {reason}' if (reason := record.get(f'{field}_reason')) else ''}; expected a number")
        return record[field]


def quantity(spec: Any, records: Records) -> Quantity:
    """Return the value of a selector of claims.yaml and its 95 % interval, if the records have one.

    The interval of a computed number is made of the ends of its parts' intervals: it is too wide rather than too
    narrow, above all where the parts were measured on the same samples.

    Errors: NoRecord for a missing file, record or number, or a division by 0; InputError for what is wrong.
    """
    if not isinstance(spec, Mapping):
        return spec, None
    if "compute" in spec:
        parts = [quantity(part, records) for part in spec["of"]]
        try:
            value = COMPUTE[spec["compute"]]([part[0] for part in parts])
        except ZeroDivisionError:
            raise results.NoRecord(f"{spec['compute']} of {' and '.join(files(spec)) or 'numbers'}: the second "
                                   "number is 0") from None
        if not results.is_number(value):
            raise InputError(f"{spec['compute']} of {' and '.join(files(spec))}: {value} is no number to compare")
        ci95 = _around(COMPUTE[spec["compute"]], parts) if any(ci95 for _, ci95 in parts) else None
        return value, ci95 if ci95 and all(map(math.isfinite, ci95)) else None
    record = records.one(spec)
    return records.number(record, spec["field"], spec["file"]), interval(record, spec["field"])


def estimated(spec: Any, records: Records) -> bool:
    """Return whether a selector reads a number that has no interval: an estimate whose error is not known.

    >>> estimated({"compute": "max", "of": [1, 2]}, Records("smoke"))
    False
    """
    if not isinstance(spec, Mapping):
        return False
    if "compute" in spec:
        return any(estimated(part, records) for part in spec["of"])
    return interval(records.one(spec), spec["field"]) is None


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
        return _with_interval(records.one(left), asked["within"], left["file"], records) if same else None
    if (right["file"], right["field"]) != (left["file"], left["field"]) or not records.has(name):
        return None
    if records.read(name)["provenance"] != records.read(left["file"])["provenance"]:
        return None    # of another run
    field, found = asked.get("field", left["field"]), []
    for pair in records.read(name)["records"]:
        if _is(pair, "left", left["where"]) and _is(pair, "right", right["where"]):
            found.append(_with_interval(pair, field, name, records))
        elif _is(pair, "right", left["where"]) and _is(pair, "left", right["where"]):
            found.append(_turned(_with_interval(pair, field, name, records)))
    if len(found) > 1:
        raise InputError(f"{records.path(name)}: {len(found)} records are the difference of {left['where']} and "
                         f"{right['where']}, expected one: run their stage again")
    difference = found[0] if found else None
    if difference and "over" in asked:
        whole = records.number(records.one(left), asked["over"], left["file"])
        if whole <= 0:
            raise InputError(f"{records.path(left['file'])}: `{asked['over']}` is {whole}; expected a number above 0")
        return difference[0] / whole, [end / whole for end in difference[1]]
    return difference


def _with_interval(record: Mapping, field: str, name: str, records: Records) -> Difference | None:
    """Return a difference, None where it has no interval, or is known to be of fewer samples than settle anything."""
    ci95 = interval(record, field)
    counts = [record.get(key) for key in _COUNTS["both_right" in field]]
    few = any(results.is_number(count) and count < FEWEST for count in counts)
    return (records.number(record, field, name), ci95) if ci95 and not few else None


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
