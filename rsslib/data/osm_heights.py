"""Heights of buildings from the keys of OpenStreetMap: units, lists and ranges, levels, what is no obstacle."""

import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from rsslib.data.buildings import number

LEVEL_M = 3.6
"""Assumed height of one level, typical of offices."""
TALLEST_M = 1000.0
"""Heights from here on are errors: the tallest building of 2025 has 828 m."""
KEYS = ("building", "building:part", "height", "min_height", "building:levels", "building:min_level", "roof:height",
        "roof:levels", "location", "layer")
"""The keys of OpenStreetMap that `extent` reads."""

_FEET = ("ft", "feet", "foot", "'")
_INCHES = ("in", "inch", "inches", '"')
_METRES = {"m": 1.0, "metre": 1.0, "metres": 1.0, "meter": 1.0, "meters": 1.0, "cm": 0.01, "km": 1000.0,
           "yd": 0.9144, "yards": 0.9144, "mi": 1609.344, "miles": 1609.344,
           **dict.fromkeys(_FEET, 0.3048), **dict.fromkeys(_INCHES, 0.0254)}
# a comma before one or two digits is a decimal comma; before three it may separate thousands: not understood
_NUMBER = r"(?:\d+(?:\.\d*|,\d\d?)?|\.\d+)"
_UNIT = "|".join(sorted(_METRES, key=len, reverse=True))
_LENGTH = re.compile(rf"(?P<number>{_NUMBER}) ?(?P<unit>{_UNIT})?\.?"
                     rf"(?: ?(?P<inches>{_NUMBER}) ?(?:{'|'.join(sorted(_INCHES, key=len, reverse=True))})?)?")
# of levels, "2,5" is two and a half, "2,3" and "10, 12" are lists, and "2,50" is not understood
_LEVELS, _COMMA = re.compile(r"\d+(?:\.\d*|,5)?|\.\d+"), re.compile(r", |,(?=[0-46-9](?:,|$))")
_ABOUT = re.compile(r"(?:~|≈|approx(?:imately|\.)?|about|circa|ca?\.?) ?(?=\d)")
_MARKS = str.maketrans({"’": "'", "‘": "'", "′": "'", "´": "'", "`": "'", "″": '"', "”": '"', "“": '"', "–": "-",
                        "—": "-", "−": "-"})
_BELOW = re.compile(r"\s*[-−]\s*0*\.?[1-9]")
_NO = ("no", "false", "0", "none", "null")
_LONGEST = 40


class Extent(NamedTuple):
    """Where a building begins and ends above the street.

    top_m : NaN if the tags do not tell
    base_m : 0 if the tags do not tell
    source : of the top: "height", "levels", "default" (unknown); or "left_out" (no obstacle)
    is_part : whether it is a part of a building (`building:part`) with a height of its own
    unread : the first key and value that are no height that can be read, "" if there is none
    """

    top_m: float
    base_m: float
    source: str
    is_part: bool
    unread: str


def extent(tags: dict) -> Extent:
    """Return top and base of a building from its tags.

        top  = height,  else levels * 3.6 + (roof:height, else roof:levels * 3.6)
        base = min_height,  else building:min_level * 3.6

    A height includes the roof and levels do not. `height_m`, `levels` and `part` may stand for `height`,
    `building:levels` and `building:part`. No obstacles are canopies (`building=roof`), what lies underground
    (`location=underground`, `layer` below 0), what has height 0 or no level, and parts of unknown height: where these
    lie the whole building counts. Negative numbers mean unknown, as -1 does in some data sets.
    Source: wiki.openstreetmap.org, Key:height, Key:building:levels, Key:building:min_level, Simple 3D Buildings.

    >>> extent({"building": "yes", "height": "41 ft"}).top_m
    12.4968
    >>> extent({"building:part": "yes", "building:levels": "5-7", "building:min_level": "4"})[:3]
    (25.2, 14.4, 'levels')
    """
    unread: list[str] = []

    def first(read: Callable[[Any], float], *keys: str) -> float:
        """Return the first number of 0 or more under the keys, NaN if there is none."""
        for key in keys:
            value = _given(tags, key)
            found = math.nan if value is None else read(value)
            if value is not None and math.isnan(found):
                unread.append(f"{key} is {_shown(value)}")
            if found >= 0:
                return found
        return math.nan

    top, source = first(metres, "height_m", "height"), "height"
    if math.isnan(top):
        storeys, source = first(levels, "levels", "building:levels"), "levels"
        roof_m, roof_levels = first(metres, "roof:height"), first(levels, "roof:levels")
        top = storeys * LEVEL_M + _known(roof_m, roof_levels * LEVEL_M)
    base = _known(first(metres, "min_height"), first(levels, "building:min_level") * LEVEL_M)
    building, is_part = _given(tags, "building"), _is_part(tags)
    if math.isnan(top):
        # a part that is tagged as a building too is a building
        source = "left_out" if is_part and ("building:part" not in tags or building is None) else "default"
    if top == 0 or _is_below(tags) or building in ("roof", "no") and (not is_part or source == "default"):
        source = "left_out"
    return Extent(top, base, source, is_part and source != "default", unread[0] if unread else "")


def metres(value: Any) -> float:
    """Return a length [m], the greatest of a list or a range; NaN for what cannot be read, negative for unknown.

    Numbers are metres. Texts may have a unit (m, cm, km, ft, in, yd, mi, their names, ' and "), feet and inches, a
    decimal comma, or begin with ~ or "approx".

    >>> [round(metres(text), 2) for text in ("574'", "12,5", "12 metres", "12'6\\"", "30-40 ft", "1,234")]
    [174.96, 12.5, 12.0, 3.81, 12.19, nan]
    """
    if not isinstance(value, str):
        return number(value) if number(value) < TALLEST_M else math.nan
    if len(value) > _LONGEST:
        return math.nan
    items = _items(value)
    found = [match for item in items if (match := _LENGTH.fullmatch(item))]
    if len(found) < len(items):
        return _negative(value)
    lengths, unit = [], "m"
    for match in reversed(found):    # "30-40 ft": the last unit counts for those before it
        unit = match["unit"] or unit
        inches = _decimal(match["inches"] or "0")
        if match["inches"] and (match["unit"] not in _FEET or inches >= 12):
            return math.nan
        lengths.append(_decimal(match["number"]) * _METRES[unit] + inches * _METRES["in"])
    return max(lengths) if max(lengths) < TALLEST_M else math.nan


def levels(value: Any) -> float:
    """Return a number of levels, the greatest of a list or a range; NaN for what cannot be read, negative for unknown.

    >>> levels("2;3"), levels("3-4"), levels("1,5"), levels("many")
    (3.0, 4.0, 1.5, nan)
    """
    most = TALLEST_M / LEVEL_M
    if not isinstance(value, str):
        return number(value) if number(value) < most else math.nan
    if len(value) > _LONGEST:
        return math.nan
    items = [item for items in _items(value) for item in _COMMA.split(items)]
    if not all(_LEVELS.fullmatch(item) for item in items):
        return _negative(value)
    return highest if (highest := max(map(_decimal, items))) < most else math.nan


def _items(text: str) -> list[str]:
    """Return the members of a list ("2;3") or a range ("3-4") with equal signs for equal marks."""
    text = " ".join(text.translate(_MARKS).replace("''", '"').lower().split())
    return [_ABOUT.sub("", item.strip()) for item in re.split(r";|(?<=[^\s;-])\s?-(?=\s?[\d.])", text)]


def _decimal(text: str) -> float:
    return float(text.replace(",", "."))


def _negative(text: str) -> float:
    """Return -1 (unknown) for a negative number, else NaN."""
    return -1.0 if _BELOW.match(text) and re.fullmatch(_NUMBER, text.strip().lstrip("-− ")) else math.nan


def _known(*values: float) -> float:
    return next((value for value in values if not math.isnan(value)), 0.0)


def _given(tags: dict, key: str) -> Any:
    """Return the value of a key, None for what stands for no value in files made from tables."""
    value = tags.get(key)
    is_nothing = not value.strip() if isinstance(value, str) else isinstance(value, float) and math.isnan(value)
    return None if is_nothing else value


def _is_part(tags: dict) -> bool:
    values = (_given(tags, key) for key in ("part", "building:part"))
    return any(value.strip().lower() not in _NO if isinstance(value, str) else bool(value) for value in values)


def _is_below(tags: dict) -> bool:
    layer, location = _given(tags, "layer"), _given(tags, "location")
    below = _BELOW.match(layer) is not None if isinstance(layer, str) else number(layer) < 0
    return below or isinstance(location, str) and location.strip().lower() == "underground"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return repr(value[:_LONGEST])
    return f"{value:g}" if isinstance(value, float) else f"of type {type(value).__name__}"
