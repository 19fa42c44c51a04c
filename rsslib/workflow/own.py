"""The commands for measurements of one's own, fit, locate and plot, and for predictions of one's own, score."""

import argparse
import re
import sys
import warnings
from pathlib import Path

from rsslib.project import ROOT, InputError, InputWarning

COMMANDS = ("fit", "locate", "plot", "score")
MEASUREMENTS = "data/quick/measurements.nc"
OPTIONS = ("crs", "not_heard", "skip_bad", "layout")


def add_to(chosen) -> None:
    """Add the commands to the command line."""
    fit = chosen.add_parser("fit", help="fit to a csv of readings with known places: `rsslib fit readings.csv "
                            "--sensors sensors.csv -o model`")
    fit.add_argument("readings", help="csv: one row per reading (time, sensor, rss), or one row per sample (one column "
                     "per sensor); the transmitter's place in tx_lat, tx_lon or tx_x, tx_y; with --layout frs a folder")
    fit.add_argument("-o", "--output", required=True, help="folder for the model")
    fit.add_argument("--with-network", action="store_true", help="train networks, too: one to two minutes per "
                     "1,000 samples")
    fit.add_argument("--split", help="with --layout frs: fit to its training samples and test on the others")
    locate = chosen.add_parser("locate", help="locate the samples of another csv: `rsslib locate model new.csv -o "
                               "found.geojson`")
    locate.add_argument("model", help="folder that `rsslib fit` wrote")
    locate.add_argument("readings", help="csv as for fit, without the transmitter's place")
    locate.add_argument("-o", "--output", required=True, help="found.geojson, found.csv or found.gpkg")
    locate.add_argument("--places", choices=["seen", "unseen"], default="seen", help="regions that hold the "
                        "transmitter at places like the measured ones, or where nobody measured")
    for parser, sensors in ((fit, "csv: sensor, lat, lon or x, y"),
                            (locate, "csv, of all sensors, where some moved since the fit")):
        parser.add_argument("--sensors", help=sensors)
        parser.add_argument("--crs", help="of x and y, such as EPSG:25833; default: degrees are WGS 84, x and y "
                            "local metres")
        parser.add_argument("--not-heard", type=float, action="append", help="a number that stands for \"not heard\", "
                            "such as 100 or -999; may be repeated")
        parser.add_argument("--skip-bad", action="store_true", help="leave out lines that cannot be used")
        parser.add_argument("--layout", choices=["uji", "lorawan", *(["frs"] if parser is fit else [])],
                            help="of a public data set")
    plot = chosen.add_parser("plot", help="draw them: `rsslib plot model found.geojson`")
    plot.add_argument("model", help="folder that `rsslib fit` wrote")
    plot.add_argument("found", help="the .geojson that `rsslib locate` wrote")
    plot.add_argument("-o", "--output", help="the .png; default: beside the .geojson")
    score = chosen.add_parser("score", help="compare your predictions with ours on the same samples: `rsslib score "
                              "predictions.csv --split published_random`")
    score.add_argument("predictions", help="csv: time, and lat, lon or x, y (UTM zone 12N), one row per test sample")
    score.add_argument("--split", required=True, help="random, july, november, gridN, blocks, published_random, "
                       "published_grid")


def run(given: argparse.Namespace) -> int:
    """Run one of COMMANDS; return 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", InputWarning)
        warnings.showwarning = lambda message, *_, **__: print(f"note: {message}", file=sys.stderr)
        try:
            return {"fit": _fit, "locate": _locate, "plot": _plot, "score": _score}[given.command](given)
        except InputError as error:    # in the words of the command line
            raise InputError(re.sub(r"not_heard=(\S+?) to measurements.build or load", r"--not-heard \1", str(error))
                             ) from None


def _fit(given: argparse.Namespace) -> int:
    from rsslib.data.positions import LOCAL
    from rsslib.locator import output
    from rsslib.locator.locator import Locator
    from rsslib.tables.reading import read_table

    if given.split and given.layout != "frs":
        raise InputError("--split: only with --layout frs; the self-test of fit holds samples out by itself")
    locator = Locator(network=given.with_network)
    if given.layout == "frs":
        return _frs(given, locator)
    dataset = read_table(given.readings, given.sensors, **_options(given))
    locator.fit(dataset).save(given.output)
    print(output.summary(locator))
    found = "found.csv" if locator.crs_ == LOCAL else "found.geojson"    # that has no metres from a corner
    print(f"Written to {given.output}. Next: rsslib locate {given.output} new.csv -o {found}")
    return 0


def _frs(given: argparse.Namespace, locator) -> int:
    from rsslib.data import frs, splits
    from rsslib.locator import output

    path = Path(given.readings)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; expected the one with single_tx.csv")
    if given.crs or given.sensors or given.not_heard or given.skip_bad:
        raise InputError("--layout frs: takes none of --crs, --sensors, --not-heard, --skip-bad: its files say that")
    dataset = frs.load_csv(path if path.is_dir() else path.parent)
    if not given.split:
        locator.fit(dataset).save(given.output)
        print(output.summary(locator))
        return 0
    sets = splits.make(dataset, given.split)
    locator.fit(dataset.isel(sample=sets["train"])).save(given.output)
    print(output.summary(locator))
    for name, samples in sets.items():
        if name != "train":
            print(f"{given.split}, {name}: {len(samples)} samples, median error "
                  f"{-locator.score(dataset.isel(sample=samples)):.1f} m")
    return 0


def _locate(given: argparse.Namespace) -> int:
    from rsslib.locator import output
    from rsslib.locator.locator import Locator

    if Path(given.output).suffix not in output.SUFFIXES:
        raise InputError(f"-o {given.output}: expected a name that ends in {', '.join(output.SUFFIXES)}")
    promise = {"seen": "seen places", "unseen": "unseen cells"}[given.places]
    found = Locator.load(given.model).locate(given.readings, given.sensors, promise=promise, **_options(given))
    output.write(found, given.output)
    side = output.length(1000 * float(found.area90_km2.median()) ** 0.5)
    placed, trusted = (int(flags.sum()) for flags in (found.x.notna(), found.trusted))
    of = f"{placed}" if placed == len(found) else f"{placed} of {len(found)}"
    print(f"{of} samples located, {trusted} of them trusted; half of the 90 % regions are smaller than {side} x {side}."
          f" Written to {given.output}.")
    return 0


def _plot(given: argparse.Namespace) -> int:
    from rsslib.locator.plot import plot

    if not Path(given.found).name:
        raise InputError(f"found is {given.found!r}; expected the .geojson that `rsslib locate` wrote")
    path = plot(given.model, given.found, given.output or Path(given.found).with_suffix(".png"))
    print(f"Written to {path} and {path.with_suffix('.pdf')}.")
    return 0


def _score(given: argparse.Namespace) -> int:
    from rsslib.reports import scoreboard

    if not (ROOT / MEASUREMENTS).is_file():
        raise InputError(f"{ROOT / MEASUREMENTS}: not there; run `dvc repro data@quick` once, which fetches the "
                         "measurements")
    print(scoreboard.of_file(given.predictions, given.split, ROOT / MEASUREMENTS))
    return 0


def _options(given: argparse.Namespace) -> dict:
    return {name: getattr(given, name) for name in OPTIONS}
