"""What was located, as a file: GeoJSON (RFC 7946), csv, or a GeoPackage; and what the self-test found, in words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rsslib.arguments import WHOLE, check_type, is_number, shown
from rsslib.data.positions import LOCAL
from rsslib.files import parsed, read_json
from rsslib.locator import held_out
from rsslib.locator.locator import DOUBTFUL, Locator
from rsslib.project import InputError, atomic_path, writing
from rsslib.tables import systems

SUFFIXES = (".geojson", ".csv", ".gpkg")
_REGIONS = tuple(f"region{round(100 * level)}" for level in held_out.LEVELS)
_DIGITS = 7    # of a degree: a centimetre


def write(found: pd.DataFrame, path: str | Path) -> Path:
    """Write what `Locator.locate` returned, as a whole or not at all, by the suffix of the file.

    .geojson: for each sample a point with its columns, and a polygon for each region, in longitude and latitude.
    .csv: the columns but the regions. .gpkg: points and regions as layers (needs GeoPandas).
    Errors: InputError for another suffix, for places in local metres as GeoJSON, for a .gpkg without GeoPandas, or for
    another frame.
    """
    check_type("the file to write", path, (str, Path), f"a name that ends in {', '.join(SUFFIXES)}")
    path = Path(path)
    _check_found(found)
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}")
    if path.suffix != ".csv" and "lat" not in found:
        raise InputError(f"{path}: the places are in metres from a corner, and nobody knows where that is; give the "
                         "crs when you fit (--crs), or write .csv")
    with writing(path), atomic_path(path) as temporary:
        if path.suffix == ".csv":
            _plain(found).to_csv(temporary, index=False, float_format="%.10g", lineterminator="\n", errors="replace")
        elif path.suffix == ".geojson":
            temporary.write_text(json.dumps(geojson(found), allow_nan=False) + "\n", encoding="utf-8")
        else:
            _geopackage(found, temporary, path)
    return path


def geojson(found: pd.DataFrame) -> dict:
    """Return what was located as a FeatureCollection: `kind` is "place", "region50" or "region90".

    A sample without a place has a point without geometry.
    """
    import shapely

    features = []
    plain = _plain(found)
    for number, row in enumerate(plain.to_dict("records")):
        properties = {str(name): _value(value) for name, value in row.items()} | {"sample": number, "kind": "place"}
        placed = np.isfinite(row["lat"])
        point = {"type": "Point", "coordinates": [round(row["lon"], _DIGITS), round(row["lat"], _DIGITS)]}
        features.append({"type": "Feature", "geometry": point if placed else None, "properties": properties})
        for name in _REGIONS if placed else ():
            region = shapely.orient_polygons(shapely.set_precision(found[name].iloc[number], 10.0 ** -_DIGITS))
            features.append({"type": "Feature", "geometry": shapely.geometry.mapping(region),
                             "properties": {"sample": number, "kind": name, "promise": found.attrs.get("promise", "")}})
    return {"type": "FeatureCollection", "features": features}


def read(path: str | Path) -> dict:
    """Return the FeatureCollection that `write` wrote, its kinds and geometries checked.

    Errors: those of `read_json`; InputError for another file.
    """
    what, remedy = "what `rsslib locate` wrote (.geojson)", (
        "run it again with -o found.geojson; where places are in metres from a corner, fit with --crs first")
    found = read_json(path, what, remedy)
    parsed(lambda: _check_features(found["features"]), path, what, remedy)
    return found


def _check_features(features: Any) -> None:
    """Raise ValueError, KeyError or TypeError for other features than those of `geojson`."""
    check_type("features", features, list)
    for number, feature in enumerate(features):
        properties, geometry = feature["properties"], feature["geometry"]
        is_place = properties["kind"] == "place"
        if not is_place and properties["kind"] not in _REGIONS:
            raise ValueError(f"feature {number}: kind is {shown(properties['kind'])}")
        if is_place:
            check_type(f"feature {number}: trusted", properties["trusted"], bool)
        if geometry is None and is_place:
            continue
        kinds = {"Point": 0} if is_place else {"Polygon": 2, "MultiPolygon": 3}
        parts = [geometry["coordinates"]]
        for _ in range(kinds[geometry["type"]]):
            if not all(isinstance(part, list) and part for part in parts):
                raise ValueError(f"feature {number}: no rings of places")
            rings, parts = parts, [one for part in parts for one in part]
        for place in parts:
            if not isinstance(place, list) or len(place) != 2 or not all(map(is_number, place)) or not (
                    -180 <= place[0] <= 180 and -90 <= place[1] <= 90):
                raise ValueError(f"feature {number}: {shown(place)} is no longitude and latitude")
        if not is_place and not all(len(ring) > 3 and ring[0] == ring[-1] for ring in rings):
            raise ValueError(f"feature {number}: a ring that is open")
    if not any(feature["properties"]["kind"] == "place" for feature in features):
        raise ValueError("no places")


def _check_found(found: Any) -> None:
    """Raise InputError for another frame than `Locator.locate` returns, perhaps of fewer rows and more columns."""
    import shapely

    expected = "what Locator.locate returned"
    check_type("found", found, pd.DataFrame, expected)
    needed = ["time", "x", "y", "trusted", *(("lon", *_REGIONS) if "lat" in found else ())]
    lost = [name for name in needed if name not in found]
    if lost or not found.columns.is_unique:
        problem = f"no column {lost[0]}" if lost else "a column that stands twice"
        raise InputError(f"found: {problem}; expected {expected}")
    for name in ("x", "y", *(("lat", "lon") if "lat" in found else ())):
        if not pd.api.types.is_float_dtype(found[name].dtype):
            raise InputError(f"found: column {name} holds {found[name].dtype}; expected {expected}")
    if found.trusted.dtype != bool or not pd.api.types.is_datetime64_dtype(found.time.dtype) or found.time.isna().any():
        raise InputError(f"found: column trusted holds {found.trusted.dtype}, column time {found.time.dtype}; expected "
                         f"{expected}")
    if "lat" not in found:
        return
    lon, lat = (found[name].to_numpy(np.float64, na_value=np.nan) for name in ("lon", "lat"))
    placed = np.isfinite(lat)
    if not ((np.abs(lon) <= 180) & (np.abs(lat) <= 90))[placed].all():
        raise InputError(f"found: places that are no longitude and latitude; expected {expected}")
    for name in _REGIONS:
        if not all(isinstance(one, shapely.Polygon | shapely.MultiPolygon) and not one.is_empty
                   for one in found[name][placed]):
            raise InputError(f"found: column {name} holds other things than regions; expected {expected}")


def summary(locator: Locator) -> str:
    """Return in plain words what was fitted and what the self-test found."""
    size = locator.scale_
    lines = [f"Fitted to {locator.samples_} samples of {locator.source_}, {len(locator._maps().sensors)} sensors; a "
             f"site of {length(size.width)} x {length(size.height)}, in pixels of {length(size.pixel_m)}"
             f"{_where(locator)}.",
             "Self-test, on samples located without themselves:"]
    for name, test in locator.self_test_.items():
        lines.append(f"  {name}: half of {test.samples} within {length(test.median_m)}, nine of ten within "
                     f"{length(test.p90_m)}; their 90 % regions hold {test.covered90:.0%}.")
    unseen = locator.self_test_.get(held_out.CELLS)
    if unseen is None:
        lines.append("How it does where nobody measured is not known" + (
            ": of networks that takes several trainings." if locator.network else
            ": too small a part of the site was visited."))
    elif unseen.covered90 < 0.8:
        lines.append("Where nobody measured do not rely on these regions: ask for --places unseen, whose regions hold "
                     "90 % there and are larger.")
    lines.append(f"A place is called trusted if more than {DOUBTFUL:.0%} of the held-out samples were less sure.")
    return "\n".join(lines)


def _where(locator: Locator) -> str:
    """Return where the middle of a site is, so that a wrong crs or swapped columns show."""
    if locator.crs_ == LOCAL:
        return "; in metres from a corner, so write .csv, or give the crs (--crs)"
    middle = (np.array([at]) for at in (locator.scale_.west + locator.scale_.width / 2,
                                        locator.scale_.south + locator.scale_.height / 2))
    lon, lat = systems.transform(locator.crs_, systems.DEGREES, *middle)
    return f", about latitude {lat[0]:.4f}, longitude {lon[0]:.4f} (elsewhere? check --crs, and lat and lon)"


def length(metres: float) -> str:
    """Return a length in words, with two digits that count.

    >>> length(232.1), length(0.123), length(12_345.0)
    ('230 m', '0.12 m', '12 km')
    """
    unit, value = ("km", metres / 1000) if metres >= 9950 else ("m", metres)
    return f"{float(f'{value:.2g}'):.10g} {unit}"


def _plain(found: pd.DataFrame) -> pd.DataFrame:
    plain = found.drop(columns=[name for name in _REGIONS if name in found])
    return plain.assign(time=plain.time.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str.rstrip("0").str.rstrip(".") + "Z")


def _value(value: Any) -> Any:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if is_number(value, WHOLE):
        return int(value)
    if is_number(value):
        return round(float(value), 9) if np.isfinite(value) else None
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else str(value)


def _geopackage(found: pd.DataFrame, temporary: Path, path: Path) -> None:
    try:
        import geopandas
    except ModuleNotFoundError:
        raise InputError(f"{path}: GeoPandas, which writes .gpkg, is not installed; run `pip install geopandas`, "
                         "or write .geojson") from None
    points = geopandas.GeoDataFrame(_plain(found), geometry=geopandas.points_from_xy(found.lon, found.lat), crs=4326)
    points.to_file(temporary, layer="places", driver="GPKG")
    for name in _REGIONS:
        geopandas.GeoDataFrame({"sample": range(len(found))}, geometry=list(found[name]), crs=4326).to_file(
            temporary, layer=name, driver="GPKG")
