"""Records of our own method on each data separation, beside paper 1's EMD on the same samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import xarray as xr

from rsslib.confidence import hybrid
from rsslib.data import splits
from rsslib.files import parsed, read_json
from rsslib.ledger import repeated
from rsslib.ledger.resampling import Draw, Statistic, Times, interval, resampled
from rsslib.ledger.statistics import area
from rsslib.localization import predictions
from rsslib.project import InputError
from rsslib.radio_maps.localizer import RadioMaps
from rsslib.radio_maps.recipe import MapRecipe
from rsslib.reports.confidence_paper import hybrid_models
from rsslib.reports.confidence_paper.summaries import ends, field, placed, resampled_errors, trained

Models = Mapping[str, Sequence[xr.Dataset]]
METHODS = ("maps", "calibrated", "calibrated_other", "network", "network_calibrated", "network_calibrated_other")
"""Maps; after self-calibration on the set that is tested, or on other samples of its season; the same of networks."""
TRANSDUCTIVE = ("calibrated", "network_calibrated")
LEVEL = 0.9
"""Of the regions whose coverage is told."""


@dataclass(frozen=True)
class Maps:
    """What the training on one separation left: predictions by method, one for each network, and the facts of the maps.

    methods : predictions by METHODS, a dataset for each set and seed; a calibration only where it was not refused
    covered, offsets : records of regions and of receivers, as the training writes them
    """

    methods: dict[str, list[xr.Dataset]]
    covered: list[dict]
    offsets: list[dict]


def load(folder: str | Path, names: Sequence[str], dataset: xr.Dataset,
         unseen_cells: str | Path = "") -> dict[str, Maps]:
    """Read `<folder>/<split>/` for each split, and of networks' regions for unseen cells `<unseen_cells>/<split>.json`.

    These take several trainings, and need not be there. Errors: InputError naming the parameter or the file; those of
    `summaries.placed`.
    """
    if not isinstance(names, (list, tuple)) or not names:
        raise InputError(f"splits: found {names!r}; expected a list with at least one data separation")
    found = {}
    for split in names:
        path = Path(folder) / str(split)
        if not path.is_dir():
            raise InputError(f"splits: {split} has no radio maps: no folder {path}; run its training stage first")
        files = {method: [path / "maps.nc"] if method == "maps" else sorted(path.glob(f"{method}-*.nc"), key=_in_order)
                 for method in METHODS}
        methods = {method: [*placed({str(one): predictions.load(one) for one in some}, dataset).values()]
                   for method, some in files.items() if some}
        covered, offsets = _facts(path / "facts.json", "covered", "offsets")
        if unseen_cells and (told := Path(unseen_cells) / f"{split}.json").exists():
            covered += _of_unseen_cells(told, str(split), [one.stem for one in files["network"]])
        found[str(split)] = Maps(methods, covered, offsets)
    return found


def _in_order(path: Path) -> tuple[str, int]:
    """Return what sorts the files of networks by their seeds: `network-10.nc` after `network-9.nc`."""
    name, _, seed = path.stem.rpartition("-")
    return (name, int(seed)) if seed.isdigit() else (path.stem, -1)


def _of_unseen_cells(path: Path, split: str, networks: Sequence[str]) -> list[dict]:
    """Return the records of networks' regions for unseen cells; they are of the first of the networks, or of all."""
    def checked() -> list[dict]:
        for one in records:
            if (one["split"], one["method"], one["promise"]) != (split, "network", "unseen cells"):
                raise ValueError(f"a record of {one['method']} on {one['split']}, {one['promise']}")
            if not (0 < one["level"] < 1 and 0 <= one["threshold"] <= 1 and one["area_km2"] >= 0):
                raise ValueError(f"level {one['level']}, threshold {one['threshold']}, area {one['area_km2']}")
        keys = [(one["set"], one["level"], int(one["seed"])) for one in records]
        seeds = [f"network-{seed}" for seed in sorted({seed for *_, seed in keys})]
        if len(set(keys)) < len(keys) or seeds != [*networks][:len(seeds)]:
            raise ValueError(f"regions of {', '.join(seeds)}, where there are {', '.join(networks)}")
        return records

    (records,) = _facts(path, "covered")
    return parsed(checked, path, "regions of networks for unseen cells", "run its training again")


def _facts(path: Path, *keys: str) -> list[list[dict]]:
    """Return records that a training wrote, by keys of the file."""
    what, again = "what a training of radio maps writes", "run its training stage again"
    return parsed(lambda: [list(read_json(path, what, again)[key]) for key in keys], path, what, again)


def beyond(maps: Mapping[str, Maps], emd: Mapping[str, xr.Dataset]) -> tuple[list[dict], list[dict]]:
    """Return a record for each method, split and set, and differences from EMD, and of networks from the maps.

    median_m is the mean over the seeds of their median errors, ci95_m a bootstrap over blocks of time and seeds, of
    which N - 1 of N are drawn. coverage90 is how often the regions of 90 % hold the transmitter, with its interval, and
    area90_km2 their median area, if they were calibrated as `promise` says. transductive: the readings of the tested
    samples, not their locations, were used. Differences: left_method, right_method (emd, maps), median_m.
    Input: emd, predictions of ensembles by split, with `block`, where there are some.
    """
    rows, pairs = [], []
    for split, one in maps.items():
        alone = _by_set(one.methods.get("maps", []))
        for method, models in one.methods.items():
            for name, parts in _by_set(models).items():
                keys = {"split": split, "set": name}
                rows.append({"method": method} | keys | _errors_told(parts, method in TRANSDUCTIVE)
                            | _coverage(one.covered, method, name, split, parts))
                if split in emd and name in emd[split].set.values and name != "val":
                    other = predictions.of_set(emd[split], name)
                    pairs.append(keys | {"left_method": method, "right_method": "emd"} | _difference(
                        parts, other, resampled_errors(other)))
                if method == "network" and name in alone and name != "val":
                    pairs.append(keys | {"left_method": "network", "right_method": "maps"} | _difference(
                        parts, alone[name][0], _resampled(alone[name])))
    return rows + _by_season(maps), pairs


def _errors_told(parts: Sequence[xr.Dataset], transductive: bool) -> dict:
    errors = _errors(parts)
    return {"n": errors.shape[1], "seeds": len(errors), "transductive": transductive, "mean_m": float(errors.mean()),
            "median_m": float(np.median(errors, axis=1).mean())} | ends("m", interval(_resampled(parts)))


def _resampled(parts: Sequence[xr.Dataset]) -> np.ndarray:
    """Return the mean of the networks' median errors in each resample, (resamples,) [m]."""
    return resampled(networks_drawn(_errors(parts)), {"part": parts[0].block.values})


def _coverage(covered: Sequence[dict], method: str, name: str, split: str, parts: Sequence[xr.Dataset]) -> dict:
    """Return coverage and area of the regions: for unseen cells if a set is out of distribution, else for seen places.

    Regions of networks for unseen cells take several trainings: they may be of the first seeds alone, then coverage and
    area are those of these networks. The interval is over blocks of time.
    """
    own = [record for record in covered if record["method"] == method and record["set"] == name
           and record["level"] == LEVEL]
    far = [record for record in own if record["promise"] == "unseen cells"] if unseen(split, name) else []
    chosen = sorted(far or [record for record in own if record["promise"] == "seen places"],
                    key=lambda record: record["seed"])
    if not chosen:
        return {}
    holds = np.stack([part.mass.values <= record["threshold"] for part, record in zip(
        parts[:len(chosen)] if far else parts, chosen, strict=True)])
    drawn = resampled(lambda times, _: repeated.mean(holds.mean(axis=0), times["part"]),
                      {"part": parts[0].block.values})
    return field("coverage90", holds.mean(), drawn) | {
        "area90_km2": float(np.mean([record["area_km2"] for record in chosen])), "promise": chosen[0]["promise"]}


def unseen(split: str, name: str) -> bool:
    """Return whether a set is out of distribution for the samples that a split trains on.

    >>> unseen("july", "november"), unseen("july", "july"), unseen("random", "test")
    (True, False, False)
    """
    return name not in ("val", "test", split)


def _by_season(maps: Mapping[str, Maps], pair: Sequence[str] = ("july", "november")) -> list[dict]:
    """Return records of the more confident of two seasons' networks, as in the paper's Section V.B, by each seed.

    The one whose posterior has the lower entropy is the more confident.
    """
    own = [maps[split].methods.get("network", []) if split in maps else [] for split in pair]
    if not all(own):
        return []
    # the other indicators are those of the members' mean image, which is not the posterior that answers
    own = [[model.assign(max_mean_prediction=np.exp(-model.entropy_network)) for model in each] for each in own]
    rows = []
    for name in (*pair, "april"):
        parts = [hybrid.choose(models, name).assign_coords(block=predictions.of_set(models[0], name).block)
                 for models in (list(each) for each in zip(*own, strict=True))]
        rows.append({"method": "network_chosen", "split": "+".join(pair), "set": name} | _errors_told(parts, False))
    return rows


def fallbacks(maps: Mapping[str, Maps], emd: Mapping[str, xr.Dataset]) -> tuple[list[dict], list[dict]]:
    """Return the records of EMD, of radio maps, and of EMD with the maps as the fallback of samples it is unsure of.

    As in the paper's Section V.A, with the maps where that has ranging; see `hybrid_models.fallback_records`.
    """
    located: dict[str, dict[str, xr.Dataset]] = {}
    told: dict[str, tuple[dict, list[str]]] = {}
    for split, model in emd.items():
        places, sets = {name: model[name].values.copy() for name in ("x_hat", "y_hat")}, []
        for name, (part,) in _by_set(maps[split].methods["maps"]).items():
            at = model.set.values == name
            if at.any():
                if not np.array_equal(part.measurement, model.measurement[at]):
                    raise InputError("radio maps: EMD was tested on other samples; both come from the same "
                                     "measurements and split")
                sets.append(name)
                for axis in places:
                    places[axis][at] = part[axis].values
        ours = model.assign({axis: ("sample", values) for axis, values in places.items()})
        mixed = hybrid.fallback(model, places["x_hat"], places["y_hat"])
        located[split] = {"cnn": model, "ranging": ours, "hybrid": mixed}
        told[split] = ({}, sets)
    return hybrid_models.fallback_records(located, told, "maps")


def by_grid(dataset: xr.Dataset, sizes: Sequence[int], folder: str | Path, pixel_m: float,
            known: Mapping[str, Maps]) -> tuple[list[dict], list[dict]]:
    """Return `fallbacks` on GridN for each N of `sizes`: what Figure 11 is with the maps.

    Input: folder, with the trainings of EMD on these grids; pixel_m, of the maps that are fitted here; known, those
    that were fitted before. Errors: those of `summaries.trained`.
    """
    names = [f"grid{size}" for size in sizes]
    paths = trained(folder, names, "emd", "grids")
    emd = placed({split: predictions.load(path / "predictions.nc") for split, path in paths.items()}, dataset)
    maps = {split: known[split] for split in emd if split in known}
    for split in emd.keys() - maps.keys():
        sets = splits.make(dataset, split)
        located = RadioMaps(MapRecipe(pixel_m=pixel_m)).fit(dataset, sets.pop("train")).predict(dataset, sets)
        maps[split] = Maps({"maps": [*placed({split: located}, dataset).values()]}, [], [])
    return fallbacks(maps, emd)


def _by_set(models: Sequence[xr.Dataset]) -> dict[str, list[xr.Dataset]]:
    """Return the predictions of each set, of all networks that have it."""
    found: dict[str, list[xr.Dataset]] = {}
    for model in models:
        for name in dict.fromkeys(model.set.values.tolist()):
            found.setdefault(name, []).append(predictions.of_set(model, name))
    return found


def _errors(parts: Sequence[xr.Dataset]) -> np.ndarray:
    """Return the errors of each network on the same samples, (networks, samples) [m]."""
    if any(not np.array_equal(part.measurement, parts[0].measurement) for part in parts):
        raise InputError("radio maps: the networks were tested on different samples; train them all again")
    return np.stack([predictions.errors(part) for part in parts])


def networks_drawn(errors: np.ndarray, others: np.ndarray | None = None) -> Statistic:
    """Return a statistic for one call of `resampled`: the mean of the medians of N - 1 networks drawn from N.

    Input: errors of N networks on the same samples, (networks, samples) [m]. With `others`, of the same networks after
    a change, it is the mean of the differences.
    """
    generator = np.random.default_rng(crc32(b"networks"))

    def statistic(times: Times, _: Draw) -> np.ndarray:
        medians = np.stack([repeated.median(error, times["part"]) for error in errors])
        if others is not None:
            medians -= np.stack([repeated.median(error, times["part"]) for error in others])
        chosen = generator.integers(len(errors), size=(len(times["part"]), max(len(errors) - 1, 1)))
        return np.take_along_axis(medians, chosen.T, axis=0).mean(axis=0)
    return statistic


def _difference(parts: Sequence[xr.Dataset], other: xr.Dataset, drawn: np.ndarray) -> dict:
    """Return the median error of networks less another one, `drawn` in each resample, (resamples,) [m]."""
    if not np.array_equal(parts[0].measurement, other.measurement):
        raise InputError("radio maps: methods were tested on different samples; train them on the same measurements")
    # both draw the same blocks; in one statistic, networks and ensembles would count in each other's widening
    value = np.median(_errors(parts), axis=1).mean() - np.median(predictions.errors(other))
    return {"n": parts[0].sizes["sample"]} | field("median_m", float(value), _resampled(parts) - drawn, difference=True)


DOUBT = ("entropy", "map_std")
"""How unsure the posterior is, and the maps are there; chosen on cells held out of `train` and `val`."""
_SIGN = {"max_mean_prediction": -1}    # of the indicators below: what grows with confidence


def detection(maps: Mapping[str, Maps], emd: Mapping[str, xr.Dataset]) -> list[dict]:
    """Return the area under the ROC curve of telling the OOD set from validation, by indicator; none where none is OOD.

    Indicators: entropy of the posterior (of networks, also without the maps' factor), map_std, how unsure the maps are
    where it lies; DOUBT, both (see `doubt`); of EMD the maximum mean prediction, the paper's choice.
    Each is a mean over the networks. below_val10 is the share of the OOD samples below the 10th percentile of
    validation.
    """
    records = []
    for split, one in maps.items():
        judged = splits.report_set(split)
        if judged in ("test", split):
            continue
        told: list[tuple[str, Sequence[str], Sequence[xr.Dataset]]] = [
            ("maps", ("entropy",), one.methods["maps"]), ("maps", ("map_std",), one.methods["maps"])]
        if one.methods.get("network"):
            told += [("network", names, one.methods["network"]) for names in (("entropy_network",), DOUBT[:1], DOUBT)]
        told += [("emd", ("max_mean_prediction",), [emd[split]])] if split in emd else []
        for method, names, models in told:
            chosen = [model.isel(sample=np.isin(model.set.values, ["val", judged])) for model in models]
            each = [detected(doubt(model, names), model.set.values == judged) for model in chosen]
            records.append({"split": split, "set": judged, "method": method, "indicator": " + ".join(names)} | {
                key: float(np.mean([values[key] for values in each])) for key in each[0]} | {"networks": len(models)})
    return records


def doubt(model: xr.Dataset, names: Sequence[str]) -> np.ndarray:
    """Return the sum of indicators, each less its mean on `val` and divided by its standard deviation there, (sample,).

    Input: predictions with the set `val`; an indicator that is the same for all of `val` is not divided.
    """
    known, total = model.set.values == "val", np.zeros(model.sizes["sample"])
    for name in names:
        values = _SIGN.get(name, 1) * model[name].values.astype(float)
        if not known.any() or not np.isfinite(values).all():
            raise InputError(f"radio maps: {name} is no number for {(~np.isfinite(values)).sum()} of {len(values)} "
                             f"samples, {known.sum()} of them of `val`; expected all finite: train again")
        total += (values - values[known].mean()) / (values[known].std() if np.ptp(values[known]) else 1.0)
    return total


def detected(doubts: np.ndarray, far: np.ndarray) -> dict[str, float]:
    """Return auroc, and below_val10 of `detection`, of samples that are `far`, (sample,) bool, or else of `val`."""
    return {"auroc": area(far, -doubts), "below_val10": float(np.mean(doubts[far] > np.quantile(doubts[~far], 0.9)))}


def shifts(maps: Mapping[str, Maps], one: str = "july", other: str = "november") -> list[dict]:
    """Return each receiver's offset from one season to the other, and back, where both were estimated [dB]."""
    if not {one, other} <= {*maps}:
        return []
    there, back = ({record["receiver"]: record for record in maps[split].offsets if record["set"] == name}
                   for split, name in ((one, "november_all"), (other, "july")))
    return [{"receiver": name, "there_db": there[name]["estimated_db"], "back_db": back[name]["estimated_db"],
             "there_uncertain_db": there[name]["uncertain_db"], "back_uncertain_db": back[name]["uncertain_db"]}
            for name in there if name in back]
