"""A fitted locator on disk: maps, networks, and a header that is sealed with digests of them."""

from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rsslib.arguments import check_type
from rsslib.files import read_bytes
from rsslib.learning import weights
from rsslib.locator import held_out, scale
from rsslib.project import InputError
from rsslib.radio_maps import map_files, regions
from rsslib.radio_maps.fed import FedLocalizer
from rsslib.radio_maps.localizer import RadioMaps
from rsslib.radio_maps.maps import Maps

FORMAT = "rsslib-locator-2"
KEPT = ("scale_", "crs_", "input_crs_", "not_heard_", "source_", "samples_", "sensors_", "places_", "regions_",
        "self_test_", "doubts_", "surest_", "model_")
"""What a fit leaves."""
Model = RadioMaps | FedLocalizer
_NETWORKS = "networks"


def maps_of(model: Model) -> Maps:
    """Return the maps of a fitted model."""
    return model.fitted()[0] if isinstance(model, FedLocalizer) else model.fitted()


def save(kept: Mapping[str, Any], params: Mapping[str, Any], folder: str | Path) -> Path:
    """Write what a fit left, and the parameters; the header, which names what belongs to it, comes last."""
    check_type("folder", folder, (str, Path), "the name of a folder for the model")
    model = kept["model_"]
    if isinstance(model, FedLocalizer):
        model.save(Path(folder) / _NETWORKS)
    map_files.save(maps_of(model), folder)
    plain = {name: kept[name] for name in ("crs_", "input_crs_", "source_", "samples_", "not_heard_")}
    header = {"format": FORMAT, **plain, "scale_": asdict(kept["scale_"]),
              "params": {name: value.item() if isinstance(value, np.generic) else value
                         for name, value in params.items()},
              "sensors_": kept["sensors_"].to_dict("list"), "places_": kept["places_"].round(2).tolist(),
              "regions_": {promise: {"thresholds": [one.threshold(level) for level in held_out.LEVELS],
                                     "samples": one.samples} for promise, one in kept["regions_"].items()},
              "self_test_": {name: asdict(one) for name, one in kept["self_test_"].items()},
              "doubts_": kept["doubts_"].tolist(), "surest_": kept["surest_"].tolist(),
              "made_of": _digests(folder, isinstance(model, FedLocalizer))}
    return weights.save(folder, {}, header)


def load(folder: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what `save` was given. Errors: InputError naming what is missing, damaged or of another saving."""
    check_type("folder", folder, (str, Path), "the name of a folder with a model")
    kept, params, made_of = weights.load_header(
        folder, FORMAT, lambda header: (_kept(header), dict(header["params"]), dict(header["made_of"])))
    for name, digest in _digests(folder, len(made_of) > 1).items():
        if made_of.get(name) != digest:
            raise InputError(f"{folder}/{name}: not what this model was saved with; fit again")
    kept["model_"] = FedLocalizer.load(Path(folder) / _NETWORKS) if len(made_of) > 1 else RadioMaps.load(folder)
    return kept, params


def _kept(header: dict) -> dict[str, Any]:
    kept: dict[str, Any] = {name: str(header[name]) for name in ("crs_", "input_crs_", "source_")}
    kept |= {"not_heard_": [float(mark) for mark in header["not_heard_"]]}
    kept |= {"samples_": int(header["samples_"]), "scale_": scale.Scale(**header["scale_"])}
    kept |= {name: np.array(header[name], np.float64) for name in ("places_", "doubts_", "surest_")}
    kept["sensors_"] = pd.DataFrame(header["sensors_"])
    kept["regions_"] = {promise: regions.Regions(dict(zip(held_out.LEVELS, map(float, one["thresholds"]))),
                                                 int(one["samples"]), promise)
                        for promise, one in header["regions_"].items()}
    return kept | {"self_test_": {name: held_out.SelfTest(**one) for name, one in header["self_test_"].items()}}


def _digests(folder: str | Path, network: bool) -> dict[str, str]:
    """Return the digests of the maps and of the header of the networks, which has those of their weights."""
    names = [map_files.NAME, *([f"{_NETWORKS}/{weights.HEADER}"] if network else [])]
    return {name: sha256(read_bytes(Path(folder) / name, "a part of a model", "fit again")).hexdigest()
            for name in names}
