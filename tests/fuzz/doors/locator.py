"""Doors of one's own measurements: the locator, its files, its commands, and the scoreboard of predictions."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from rsslib import __main__ as command_line
from rsslib import project
from rsslib.data import measurements, splits
from rsslib.data.grid import transmitters
from rsslib.locator import output, plot
from rsslib.locator.locator import Locator
from rsslib.reports import scoreboard
from rsslib.workflow import own

from .. import small
from ..arrays import NO_PATHS, ODD
from ..law import Call, unless
from ..mutations import OTHER_NAMES, TEXTS, Mutator
from . import tables
from .registry import door

PROMISES = ("unseen cells", "Seen places", "all", "", None, 1)
SPLITS = ("july", "blocks", "grid2", "grid1", "published_random", "Random", *TEXTS)
FILES = ("found", "found.shp", "new/deep/found.geojson", "found.GEOJSON", "x" * 300 + ".csv", "a\0.csv", "",
         "plain/found.csv", ".csv", "folder.csv", "found.csv", "found.gpkg")
NOT_TRUE = tuple(value for value in ODD if value is not True)    # which would train networks
TOLD = ("the data set to locate", "promise", *tables.TOLD)


def valid_places(found: pd.DataFrame) -> str:
    """What is wrong with what a locator found."""
    placed = np.isfinite(found.x.to_numpy())
    numbers = found.loc[placed, ["x", "y", "confidence", "area50_km2", "area90_km2"]].to_numpy(np.float64)
    if not placed.any() or not np.isfinite(numbers).all() or found.trusted.dtype != bool:
        return "no places, or some that are no numbers"
    if (found.area50_km2 > found.area90_km2).any() or not found.confidence[placed].between(0, 1).all():
        return "a smaller region that is larger, or a confidence that is none"
    return unless(all(one.is_valid and not one.is_empty for name in ("region50", "region90")
                      for one in found[name][placed]) and not found.trusted[~placed].any(), "regions that are none")


def _source(dataset: Any) -> str:
    """Return the name of measurements, which errors tell."""
    return str(getattr(dataset, "attrs", {}).get("source"))


@door("locator.locator.Locator.fit", 0.5)
def _fit(m: Mutator) -> Call:
    dataset = m.dataset(small.own_site(), often=0.6)
    given = m.arguments(0.3, seed=0, threads=1) | {"network": m.choice(False, NOT_TRUE, "network", 0.1)}

    def judge(fitted: Locator) -> str:
        test = fitted.test_of_seen_
        if not np.isfinite([test.median_m, test.p90_m, test.covered90]).all():
            return "a self-test that is no number"
        return valid_places(fitted.locate(small.own_site(3)))
    return Call(lambda: Locator(**given).fit(dataset), [*given, "the data set to fit", "dataset", _source(dataset)],
                judge)


@door("locator.locator.Locator.locate")
def _locate(m: Mutator) -> Call:
    readings = tables.frame(m, small.own_tables()["new"], "readings")
    sensors = m.choice(None, [small.own_tables()["sensors"]], "sensors", 0.3)
    sensors = sensors if sensors is None else tables.frame(m, sensors, "sensors", 0.4)
    given = tables.settings(m) | {"promise": m.choice("seen places", PROMISES, "promise", 0.2)}
    return Call(lambda: small.own_locator().locate(readings, sensors, **given), TOLD, valid_places)


@door("locator.locator.Locator.locate:measurements")
def _locate_measurements(m: Mutator) -> Call:
    dataset = m.dataset(small.own_site(8))
    return Call(lambda: small.own_locator().locate(dataset),
                [*TOLD, "data.nc", _source(dataset)], valid_places)


@door("locator.locator.Locator.read")
def _read(m: Mutator) -> Call:
    readings = tables.file(m, small.own_tables()["new"], "new.csv")
    given = tables.settings(m, 0.2)
    return Call(lambda: small.own_locator().read(readings, **given), [readings.name, *TOLD], tables.valid_measurements)


@door("locator.locator.Locator.calibrate", 0.5)
def _calibrate(m: Mutator) -> Call:
    dataset, force = m.dataset(small.own_site(), often=0.6), m.choice(False, (*[True] * 20, *ODD), "force", 0.3)
    return Call(lambda: small.own_locator().calibrate(dataset, force=force),
                [*TOLD, "force", "the data set to calibrate on", "calibrate", "data.nc", _source(dataset)],
                lambda found: unless(np.isfinite(found.maps.offset).all() and found.reason, "no offsets"))


@door("locator.locator.Locator.score")
def _score(m: Mutator) -> Call:
    dataset = m.dataset(small.own_site(8), often=0.8)
    return Call(lambda: small.own_locator().score(dataset),
                [*TOLD, "score", "dataset", _source(dataset)],
                lambda score: unless(np.isfinite(score) and score <= 0, f"{score} is no score"))


def _model(m: Mutator, often: float) -> Path:
    """Write the model into a folder, one of its files mutated."""
    content = small.own_model()
    name = m.choice("header.json", ("maps.nc",), "file", 0.5)
    folder = m.folder / "model"
    folder.mkdir()
    for other in content.keys() - {name}:
        (folder / other).write_bytes(content[other])
    header = [lambda _: m.dumped(m.tree(json.loads(content["header.json"])))] if name == "header.json" else []
    above, m.folder = m.folder, folder
    if name == "header.json":
        m.file(name, content[name], header, often)
    else:
        m.netcdf(name, content[name], often)
    m.folder = above
    return folder


@door("locator.locator.Locator.load")
def _load(m: Mutator) -> Call:
    folder = m.choice(_model(m, 0.7), (*ODD, *TEXTS, m.folder / "model" / "header.json"), "folder", 0.15)
    return Call(lambda: Locator.load(folder), ["header.json", "maps.nc", "model", "folder", str(folder)],
                lambda found: valid_places(found.locate(small.own_site(3))))


@door("locator.locator.Locator.save", 0.5)
def _save(m: Mutator) -> Call:
    folder = m.target(0.5, OTHER_NAMES, "model")
    folder = m.choice(folder, NO_PATHS, "folder", 0.2)
    locator = m.choice(small.own_locator(), (Locator(),), "unfitted", 0.1)
    path = folder if isinstance(folder, Path) else m.folder / "none"
    return Call(lambda: locator.save(folder), ["folder", "not fitted", path.name or "path"],
                lambda _: valid_places(Locator.load(folder).locate(small.own_site(3))),
                [path / "header.json", path / "maps.nc"])


def _found(m: Mutator, often: float) -> Any:
    """Return what a locator found, now and then without some rows, some columns, or with odd values."""
    return tables.frame(m, small.own_found(), "found", often)


@door("locator.output.write")
def _write(m: Mutator) -> Call:
    found, path = _found(m, 0.5), m.target(0.5, FILES, m.choice("found.geojson", ("found.csv",), "suffix", 0.4))
    path = m.choice(path, NO_PATHS, "path", 0.1)
    (m.folder / "folder.csv").mkdir()

    def judge(written: Path) -> str:
        if written.suffix == ".geojson":
            places = [one for one in output.read(written)["features"] if one["properties"]["kind"] == "place"]
            return unless(len(places) == len(found), "other places than those that were found")
        return unless(len(pd.read_csv(written)) == len(found) if written.suffix == ".csv" else written.stat().st_size,
                      "another table than that which was found")
    named = [path.name or "path"] if isinstance(path, Path) else []
    return Call(lambda: output.write(found, path), [*named, "found", "the file to write"], judge,
                [path, *path.parents] if isinstance(path, Path) else [])


@door("locator.output.read")
def _read_found(m: Mutator) -> Call:
    path = m.json("found.geojson", small.own_geojson())

    def judge(content: dict) -> str:
        shapes = [shapely.geometry.shape(one["geometry"]) for one in content["features"] if one["geometry"]]
        numbers = [shapely.get_coordinates(shape) for shape in shapes]
        kinds = {one["properties"]["kind"] for one in content["features"]}
        return unless("place" in kinds and np.isfinite(np.concatenate([*numbers, np.zeros((1, 2))])).all(), "no places")
    return Call(lambda: output.read(path), [path.name], judge)


@door("locator.plot.plot", 0.4)
def _plot(m: Mutator) -> Call:
    model, found = _model(m, 0.1), m.json("found.geojson", small.own_geojson(), 0.6)
    path = m.target(0.2, ("map", "map.pdf", "plain/map.png", "", "a\0.png", "x" * 300 + ".png"), "map.png")
    return Call(lambda: plot.plot(model, found, path), ["header.json", "maps.nc", found.name, path.name or "path"],
                lambda made: unless(made.stat().st_size > 10_000, "an empty picture"),
                [path, path.with_name("map.pdf"), path.with_name("map_column.pdf")])


@door("reports.scoreboard.scored", 0.5)
def _scored(m: Mutator) -> Call:
    dataset = small.dataset()
    tested, (x, y) = splits.make(dataset, "random")["test"], transmitters(dataset)
    table = pd.DataFrame({"time": dataset.time.values[tested].astype(str), "x": x[tested], "y": y[tested] + 30})
    given = m.choice(None, ["frame"], "kind", 0.4)
    path = tables.frame(m, table, "predictions") if given else tables.file(m, table, "predictions.csv")
    split, dataset = m.choice("random", SPLITS, "split", 0.2), m.dataset(dataset, often=0.15)

    def judge(rows: pd.DataFrame) -> str:
        medians = rows.median_m.to_numpy()
        return unless(np.isfinite(medians).all() and len(rows) == 1 + len(scoreboard.OURS) and
                      scoreboard.told(rows, split), "medians that are no numbers")
    names = ["predictions is", "frame of predictions", *tables.OTHER_FILES, "split", "measurements", "dataset",
             *([] if given else [path.name])]
    return Call(lambda: scoreboard.scored(path, split, dataset), names, judge)


def _main(m: Mutator, arguments: list[str]) -> str:
    """Return what a command prints; a refusal becomes the InputError that it stands for."""
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(io.StringIO()) as told, \
            contextlib.redirect_stdout(io.StringIO()) as printed:
        patch.chdir(m.folder)
        patch.setattr(own, "ROOT", m.folder)
        try:
            status = command_line.main(arguments)
        except SystemExit as end:
            status = end.code
    if status == 2:
        raise project.InputError(told.getvalue().partition("error: ")[2])
    return printed.getvalue() if status == 0 else f"status {status}: {told.getvalue()}"


def _prints(*words: str) -> Any:
    return lambda printed: unless(any(word in printed for word in words), printed[:200])


def _odd(m: Mutator, *more: str) -> list[str]:
    """Return further options of a command, now and then."""
    options = (["--crs", "EPSG:25833"], ["--crs", "Mars"], ["--crs"], ["--not-heard", "100"], ["--not-heard", "nan"],
               ["--not-heard", "x"], ["--skip-bad"], ["--layout", "uji"], ["--layout", "frs"], ["--layout", "x"],
               ["--help"], ["extra"], ["--sensors", "nowhere.csv"], ["--sensors", ""], ["--split", "random"],
               *([one] for one in more))
    return m.choice([], options, "more", 0.3)


@door("workflow.own.run", 0.4)
def _fit_command(m: Mutator) -> Call:
    readings, sensors = (tables.file(m, small.own_tables()[name], f"{name}.csv", 0.35)
                         for name in ("readings", "sensors"))
    model = m.choice("model", ("new/deep/model", "readings.csv", "", "a\0b", "x" * 300), "-o", 0.2)
    more = _odd(m)
    arguments = ["fit", readings.name, "--sensors", sensors.name, "-o", model, *more]
    return Call(lambda: _main(m, arguments), [readings.name, sensors.name, *filter(None, more), *filter(None, [model]),
                                              "arguments", "path", "crs", "-o", "sensors is", "location_indexes.json"],
                _prints("Self-test", "usage:"), [m.folder / model / name for name in ("header.json", "maps.nc")] if
                "\0" not in model else [])


@door("workflow.own.run:locate", 0.6)
def _locate_command(m: Mutator) -> Call:
    model, new = _model(m, 0.1), tables.file(m, small.own_tables()["new"], "new.csv", 0.5)
    out = m.choice("found.geojson", FILES, "-o", 0.3)
    (m.folder / "plain").write_bytes(b"x")
    (m.folder / "folder.csv").mkdir()
    more = _odd(m, "--places", "--places=unseen", "--places=all")
    arguments = ["locate", model.name, new.name, "-o", out, *more]
    names = ["header.json", "maps.nc", new.name, *filter(None, more), *filter(None, [out]), "arguments", "-o", "crs",
             "promise", "--places", "sensors is"]
    return Call(lambda: _main(m, arguments), names, _prints("samples located", "usage:"),
                [m.folder / out] if "\0" not in out else [])


@door("workflow.own.run:score", 0.4)
def _score_command(m: Mutator) -> Call:
    dataset = small.dataset()
    tested, (x, y) = splits.make(dataset, "random")["test"], transmitters(dataset)
    table = pd.DataFrame({"time": dataset.time.values[tested].astype(str), "x": x[tested], "y": y[tested] + 30})
    path = tables.file(m, table, "predictions.csv", 0.5)
    data = m.folder / own.MEASUREMENTS
    data.parent.mkdir(parents=True)
    if m.choice(True, (False,), "measurements", 0.1):
        measurements.save(dataset, data)
    split = m.choice("random", SPLITS, "--split", 0.3)
    return Call(lambda: _main(m, ["score", path.name, "--split", split]),
                [path.name, "split", "--split", data.name, "arguments"], _prints("yours - this"))


@door("workflow.own.run:plot", 0.3)
def _plot_command(m: Mutator) -> Call:
    model, found = _model(m, 0.1), m.json("found.geojson", small.own_geojson(), 0.4)
    given = m.choice(found.name, ("", ".", "..", "/", "a\0b"), "found", 0.1)
    more = m.choice([], (["-o", "map.png"], ["-o", "map.pdf"], ["-o", ""], ["-o"], ["-o", "found.geojson"], ["extra"]),
                    "more", 0.4)
    written = [m.folder / f"{stem}{end}" for stem in ("found", "map") for end in (".png", ".pdf", "_column.pdf")]
    return Call(lambda: _main(m, ["plot", model.name, given, *more]),
                ["header.json", "maps.nc", found.name, "found is", *filter(None, [given, *more]), "arguments", "path"],
                _prints("Written to"), written)
