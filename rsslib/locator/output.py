"""What was located, as a file: GeoJSON (RFC 7946), csv, or a GeoPackage; and what the self-test found, in words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rsslib.arguments import check_type
from rsslib.files import read_json
from rsslib.locator import held_out
from rsslib.locator.locator import CELLS, DOUBTFUL, Locator
from rsslib.project import InputError, atomic_path, writing

SUFFIXES = (".geojson", ".csv", ".gpkg")
_REGIONS = tuple(f"region{round(100 * level)}" for level in held_out.LEVELS)
_DIGITS = 7    # of a degree: a centimetre


def write(found: pd.DataFrame, path: str | Path) -> Path:
    """Write what `Locator.locate` returned, as a whole or not at all, by the suffix of the file.

    .geojson: for each sample a point with its columns, and a polygon for each region, in longitude and latitude.
    .csv: the columns but the regions. .gpkg: points and regions as layers (needs GeoPandas).
    Errors: InputError for another suffix, for places in local metres as GeoJSON, or for a .gpkg without GeoPandas.
    """
    check_type("the file to write", path, (str, Path), f"a name that ends in {', '.join(SUFFIXES)}")
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}")
    if path.suffix != ".csv" and "lat" not in found:
        raise InputError(f"{path}: the places are in metres from a corner, and nobody knows where that is; give the "
                         "crs when you fit (--crs), or write .csv")
    with writing(path), atomic_path(path) as temporary:
        if path.suffix == ".csv":
            _plain(found).to_csv(temporary, index=False, float_format="%.10g", lineterminator="\n")
        elif path.suffix == ".geojson":
            temporary.write_text(json.dumps(geojson(found), allow_nan=False) + "\n", encoding="utf-8")
        else:
            _geopackage(found, temporary)
    return path


def geojson(found: pd.DataFrame) -> dict:
    """Return what was located as a FeatureCollection: `kind` is "place", "region50" or "region90".

    A sample without a place has a point without geometry.
    """
    import shapely

    features = []
    plain = _plain(found)
    for number, row in enumerate(plain.to_dict("records")):
        properties = {"sample": number, "kind": "place"} | {name: _value(value) for name, value in row.items()}
        placed = np.isfinite(row["lat"])
        point = {"type": "Point", "coordinates": [round(row["lon"], _DIGITS), round(row["lat"], _DIGITS)]}
        features.append({"type": "Feature", "geometry": point if placed else None, "properties": properties})
        for name in _REGIONS if placed else ():
            region = shapely.orient_polygons(shapely.set_precision(found[name].iloc[number], 10.0 ** -_DIGITS))
            features.append({"type": "Feature", "geometry": shapely.geometry.mapping(region),
                             "properties": {"sample": number, "kind": name}})
    return {"type": "FeatureCollection", "features": features}


def read(path: str | Path) -> dict:
    """Return the FeatureCollection that `write` wrote. Errors: those of `read_json`; InputError for another file."""
    found = read_json(path, "what `rsslib locate` wrote (.geojson)", "run it again with -o found.geojson")
    features = found.get("features") if isinstance(found, dict) else None
    try:
        kinds = {feature["properties"]["kind"] for feature in features or ()}
    except (TypeError, KeyError):
        kinds = set()
    if "place" not in kinds:
        raise InputError(f"{path}: not what `rsslib locate` wrote; expected a FeatureCollection with places")
    return found


def summary(locator: Locator) -> str:
    """Return in plain words what was fitted and what the self-test found."""
    size = locator.scale_
    lines = [f"Fitted to {locator.samples_} samples of {locator.source_}, {len(locator._maps().sensors)} sensors; a "
             f"site of {length(size.width)} x {length(size.height)}, in pixels of {length(size.pixel_m)}.",
             "Self-test, on samples located without themselves:"]
    for name, test in locator.self_test_.items():
        lines.append(f"  {name}: half of {test.samples} within {length(test.median_m)}, nine of ten within "
                     f"{length(test.p90_m)}; their 90 % regions hold {test.covered90:.0%}.")
    unseen = locator.self_test_.get(CELLS)
    if unseen is None:
        lines.append("How it does where nobody measured is not known: too small a part of the site was visited.")
    elif unseen.covered90 < 0.8:
        lines.append("Where nobody measured do not rely on these regions: ask for --places unseen, whose regions hold "
                     "90 % there and are larger.")
    lines.append(f"A place is called trusted if more than {DOUBTFUL:.0%} of the held-out samples were less sure.")
    return "\n".join(lines)


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
    if isinstance(value, float | np.floating):
        return round(float(value), 9) if np.isfinite(value) else None
    return bool(value) if isinstance(value, bool | np.bool_) else None if value != value else value


def _geopackage(found: pd.DataFrame, path: Path) -> None:
    try:
        import geopandas
    except ModuleNotFoundError:
        raise InputError(f"{path.name}: GeoPandas, which writes .gpkg, is not installed; run `pip install geopandas`, "
                         "or write .geojson") from None
    points = geopandas.GeoDataFrame(_plain(found), geometry=geopandas.points_from_xy(found.lon, found.lat), crs=4326)
    points.to_file(path, layer="places", driver="GPKG")
    for name in _REGIONS:
        geopandas.GeoDataFrame({"sample": range(len(found))}, geometry=list(found[name]), crs=4326).to_file(
            path, layer=name, driver="GPKG")
