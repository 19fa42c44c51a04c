"""Buildings by the keys of OpenStreetMap: what is one, its heights (units, lists and ranges, levels), what is gone."""

import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from rsslib.arguments import shown
from rsslib.data.buildings import number

LEVEL_M = 3.6
"""Assumed height of one level, typical of offices."""
TALLEST_M, MOST_LEVELS = 830.0, 163
"""Higher is an error: the tallest building that stands, the Burj Khalifa, has 828 m and 163 levels."""
_GONE = ("demolished", "razed", "removed", "destroyed", "dismantled", "collapsed")
KEYS = ("building", "building:part", "height", "building:height", "est_height", "min_height", "building:min_height",
        "building:levels", "building:levels:aboveground", "building:min_level", "min_level", "roof:height",
        "roof:levels", "location", "layer", "ruins", "parking", *_GONE)
"""The keys of OpenStreetMap that `extent` reads."""

_FEET = ("ft", "feet", "foot", "'")
_INCHES = ("in", "inch", "inches", '"')
_METRES = {**dict.fromkeys(("m", "metre", "metres", "meter", "meters", "mètre", "mètres", "metro", "metros", "metri",
                            "mt", "mts", "mtr"), 1.0), "mm": 0.001, "cm": 0.01, "km": 1000.0,
           "yd": 0.9144, "yards": 0.9144, "mi": 1609.344, "miles": 1609.344,
           **dict.fromkeys(_FEET, 0.3048), **dict.fromkeys(_INCHES, 0.0254)}
# a comma before one or two digits is a decimal comma; before three it may separate thousands: not understood
_NUMBER = r"(?:\d+(?:\.\d*|,\d\d?)?|\.\d+)"
_UNIT = "|".join(sorted(_METRES, key=len, reverse=True))
_LENGTH = re.compile(rf"(?P<number>{_NUMBER}) ?(?P<unit>{_UNIT})?\.?"
                     rf"(?: ?(?P<inches>{_NUMBER}) ?(?:{'|'.join(sorted(_INCHES, key=len, reverse=True))})?)?")
# of levels, "2,5" is two and a half, "2,3" and "10, 12" are lists, and "2,50" is not understood
_LEVELS = re.compile(r"(\d+(?:\.\d*|,5)?|\.\d+)(?: ?(?:levels?|floors?|storeys?|stor(?:y|ies)))?")
_COMMA = re.compile(r", |,(?=[0-46-9](?:,|$))")
_ABOUT = re.compile(r"(?:~|≈|approx(?:imately|\.)?|about|circa|ca?\.?) ?(?=\d)")
_MARKS = str.maketrans({"’": "'", "‘": "'", "′": "'", "´": "'", "`": "'", "″": '"', "”": '"', "“": '"', "–": "-",
                        "—": "-", "−": "-"})
_BELOW = re.compile(r"\s*[-−]\s*0*\.?[1-9]")
# 574'-6" is one length, as on plans, and no range
_PLAN = re.compile(rf"({'|'.join(_FEET)})\.? ?- ?(?={_NUMBER} ?(?:{'|'.join(_INCHES)}))")
_NO = ("no", "false", "0", "none", "null", "proposed", "planned", "ruins", *_GONE)
_CANOPIES = ("roof", "carport", "canopy")
_AREAS = {"building", "building:part", "natural", "landuse", "leisure", "highway", "waterway", "water", "railway",
          "aeroway", "amenity", "barrier", "boundary", "historic", "man_made", "power", "shop", "tourism"}
_LONGEST = 40


class Extent(NamedTuple):
    """Where a building begins and ends above the street.

    top_m : NaN if the tags do not tell
    base_m : 0 if the tags do not tell
    source : of the top: "height", "estimate", "levels", "default" (unknown); or "left_out" (no obstacle)
    is_part : whether it is a part of a building (`building:part`) with a height of its own
    unread : the first key and value that count as unknown though they are given, "" if there is none
    """

    top_m: float
    base_m: float
    source: str
    is_part: bool
    unread: str


def is_tagged(tags: dict) -> bool:
    """Return whether a feature has a key by which OpenStreetMap says what it is, also with a prefix (`razed:building`).

    A key that says `no` is none, but for `building`.

    >>> is_tagged({"natural": "water"}), is_tagged({"height": 9, "name": "Town hall"})
    (True, False)
    """
    return any({key, str(key).partition(":")[2]} & _AREAS and _given(tags, key) is not None and (
        "building" in str(key) or _is_yes(tags, key)) for key in tags)


def is_building(tags: dict) -> bool:
    """Return whether the tags of OpenStreetMap are those of a building or a part of one.

    One that is out of use stands.

    >>> is_building({"building": "house"}), is_building({"building": "No"}), is_building({"was:building": "house"})
    (True, False, False)
    """
    return any(_is_yes(tags, key) for key in ("building", "disused:building", "abandoned:building")) or _is_part(tags)


def extent(tags: dict) -> Extent:
    """Return top and base of a building from its tags.

        top  = height,  else building:height,  else est_height,
               else building:levels * 3.6 + (roof:height, else roof:levels * 3.6)
        base = min_height,  else building:min_height,  else building:min_level * 3.6,  else, of a part, min_level * 3.6

    The first that can be read counts, and the levels beside a height of 0. A height includes the roof and levels do
    not. `height_m`, `levels` and `part` may stand for `height`, `building:levels` and `building:part`. No obstacles are
    canopies (`building=roof`, `carport`), what lies underground (`location=underground`, `layer` below 0), what is gone
    (`building=demolished`, `razed=yes`; ruins without a height), what has height 0 or no level, and parts of unknown
    height: where these lie the whole building counts. Other names of tables are `num_floors`, `building_levels` and
    `building:levels:aboveground`; capitals do not matter. Negative numbers mean unknown, as -1 does in some data sets.
    Source: wiki.openstreetmap.org, Key:height, Key:building:levels, Key:building:min_level, Simple 3D Buildings.

    >>> extent({"building": "yes", "height": "41 ft"}).top_m
    12.4968
    >>> extent({"building:part": "yes", "building:levels": "5-7", "building:min_level": "4"})[:3]
    (25.2, 14.4, 'levels')
    """
    unread: list[str] = []
    tags = {str(key).lower(): value for key, value in tags.items()}
    top, source = _top(tags, unread)
    is_part = _is_part(tags)
    # of a whole building min_level is the number of its ground floor, as indoor maps count, and it stands on the ground
    lowest = ("building:min_level", "min_level") if is_part else ("building:min_level",)
    base = _known(_first(tags, unread, metres, "min_height", "building:min_height"),
                  _first(tags, unread, levels, *lowest) * LEVEL_M)
    if math.isnan(top):
        # a part that is tagged as a building too is a building
        source = "left_out" if is_part and ("building:part" not in tags or _word(tags, "building") is None) else \
            "default"
    is_open = _word(tags, "building") in (*_NO, *_CANOPIES) and (not is_part or source == "default")
    is_ruin = math.isnan(top) and _is_yes(tags, "ruins")    # with a height its walls stand
    if top == 0 or is_open or is_ruin or _is_below(tags) or any(_is_yes(tags, key) for key in _GONE):
        source = "left_out"
    return Extent(top, base, source, is_part and source != "default", unread[0] if unread else "")


def _top(tags: dict, unread: list[str]) -> tuple[float, str]:
    """Return the top [m], NaN if the tags do not tell, and its source; what is given and not taken goes to `unread`."""
    top, source = _first(tags, unread, metres, "height_m", "height", "building:height"), "height"
    if math.isnan(top):
        top, source = _first(tags, unread, metres, "est_height"), "estimate"
    if top > 0:
        return top, source
    storeys = _first(tags, unread, levels, "levels", "building:levels", "building:levels:aboveground", "num_floors",
                     "building_levels")
    if top == 0 and storeys > 0:
        unread.append(f"its height is 0 and it has {storeys:g} levels")
    if math.isnan(top) or storeys > 0:
        roof_m, roof_levels = (_first(tags, unread, metres, "roof:height"),
                               _first(tags, unread, levels, "roof:levels"))
        top, source = storeys * LEVEL_M + _known(roof_m, roof_levels * LEVEL_M), "levels"
    if top > TALLEST_M:
        unread.append(f"its {storeys:g} levels and its roof make {top:g} m")
        top = math.nan
    return top, source


def _first(tags: dict, unread: list[str], read: Callable[[Any], float], *keys: str) -> float:
    """Return the first number of 0 or more under the keys, NaN if there is none; add to `unread` what is no number."""
    for key in keys:
        value = _given(tags, key)
        found = math.nan if value is None else read(value)
        # -1 m stands for unknown in some data sets; of levels it may mean a cellar
        if value is not None and (math.isnan(found) or found < 0 and key == "building:levels"):
            unread.append(f"{key} is {shown(value)}")
        if found >= 0:
            return found
    return math.nan


def metres(value: Any) -> float:
    """Return a length [m], the greatest of a list or a range; NaN for what cannot be read, negative for unknown.

    Numbers are metres. Texts may have a unit (m, cm, km, ft, in, yd, mi, their names, ' and "), feet and inches, a
    decimal comma, or begin with ~ or "approx". One unit of a list or a range counts for all of it.

    >>> [round(metres(text), 2) for text in ("574'", "12,5", "12 metres", "12'6\\"", "30-40 ft", "1,234")]
    [174.96, 12.5, 12.0, 3.81, 12.19, nan]
    """
    if not isinstance(value, str):
        return number(value) if number(value) <= TALLEST_M else math.nan
    if len(value) > _LONGEST:
        return math.nan
    items = _items(value)
    found = [match for item in items if (match := _LENGTH.fullmatch(item))]
    if len(found) < len(items):
        return _negative(value)
    units = {match["unit"] for match in found} - {None} or {"m"}
    if len(units) > 1 and not all(match["unit"] for match in found):
        return math.nan
    lengths = []
    for match in found:
        unit, inches = match["unit"] or min(units), _decimal(match["inches"] or "0")
        if match["inches"] and (match["unit"] not in _FEET or inches >= 12):
            return math.nan
        lengths.append(_decimal(match["number"]) * _METRES[unit] + inches * _METRES["in"])
    return max(lengths) if max(lengths) <= TALLEST_M else math.nan


def levels(value: Any) -> float:
    """Return a number of levels, the greatest of a list or a range; NaN for what cannot be read, negative for unknown.

    >>> levels("2;3"), levels("3-4"), levels("1,5"), levels("many")
    (3.0, 4.0, 1.5, nan)
    """
    if not isinstance(value, str):
        return number(value) if number(value) <= MOST_LEVELS else math.nan
    if len(value) > _LONGEST:
        return math.nan
    items = [_LEVELS.fullmatch(item) for items in _items(value) for item in _COMMA.split(items)]
    if not all(items):
        return _negative(value)
    highest = max(_decimal(item[1]) for item in items if item)
    return highest if highest <= MOST_LEVELS else math.nan


def _items(text: str) -> list[str]:
    """Return the members of a list ("2;3", "2/3") or a range ("3-4", "3 to 4") with equal signs for equal marks."""
    text = _PLAN.sub(r"\1 ", " ".join(text.translate(_MARKS).replace("''", '"').lower().split()))
    return [_ABOUT.sub("", item.strip()) for item in re.split(
        r";|/|\||\.\.|, | to | or |(?<=[^\s;-])\s?-(?=\s?[\d.])", text)]


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


def _word(tags: dict, key: str) -> str | None:
    value = _given(tags, key)
    return None if value is None else str(value).strip().lower()


def _is_yes(tags: dict, key: str) -> bool:
    return _word(tags, key) not in (None, *_NO)


def _is_part(tags: dict) -> bool:
    return _is_yes(tags, "part") or _is_yes(tags, "building:part")


def _is_below(tags: dict) -> bool:
    layer = _given(tags, "layer")
    below = _BELOW.match(layer) is not None if isinstance(layer, str) else number(layer) < 0
    return below or _word(tags, "location") in ("underground", "underwater") or _word(tags, "parking") == "underground"
