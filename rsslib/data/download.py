"""The files of measured data: from a local folder (RSSLIB_DATA), the download cache or the public source."""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rsslib.project import InputError, atomic_path

REGISTRY: dict[str, dict] = json.loads(Path(__file__).with_name("registry.json").read_text(encoding="utf-8"))
"""For each data set, its public URL and, for each file, the folder there and the md5 (registry.json)."""

SINGLE_TX = ("single_tx.csv", "location_coordinates.json", "location_indexes.json", "off_campus.json", "unused.json")
"""The files of the one-transmitter measurements."""

SECONDS = 15.0
"""Timeout after which a public source counts as unreachable [s]."""


def fetch(destination: str | Path, names: Iterable[str] = SINGLE_TX, dataset: str = "frs") -> list[Path]:
    """Copy the named files of a data set into the folder `destination` and return their paths.

    Each file is taken from the folder RSSLIB_DATA (first its subfolder named after the data set), else the download
    cache, else the public source.
    Errors: InputError for a wrong checksum, an unknown name or an unreachable source; then nothing is copied.

    >>> fetch("data/raw/frs", ["location_indexes.json"])   # doctest: +SKIP
    [PosixPath('data/raw/frs/location_indexes.json')]
    """
    targets = {name: Path(destination) / name for name in names}
    wanted = [name for name, target in targets.items() if not _is_right(target, name, dataset)]
    sources = {name: _local(name, dataset) or _download(name, dataset) for name in wanted}
    for name, source in sources.items():
        expected = _entry(name, dataset)["md5"]
        if _md5(source) != expected:
            raise InputError(f"{name}: wrong checksum: expected md5 {expected}, got {_md5(source)} from {source}; "
                             "remove that file or unset RSSLIB_DATA, so that a fresh copy is fetched")
    for name, source in sources.items():
        with atomic_path(targets[name]) as temporary:
            shutil.copyfile(source, temporary)
    return list(targets.values())


def available(names: Iterable[str] = SINGLE_TX, dataset: str = "frs") -> bool:
    """Return whether RSSLIB_DATA or the cache has all the named files; does not use the network.

    >>> available()   # doctest: +SKIP
    True
    """
    return all(_local(name, dataset) for name in names)


def reachable(names: Iterable[str] = SINGLE_TX, dataset: str = "frs", seconds: float = SECONDS) -> bool:
    """Return whether the named files are available locally or the public source answers within `seconds`.

    >>> reachable()   # doctest: +SKIP
    True
    """
    names = list(names)
    return available(names, dataset) or not _silence(_url(names[0], dataset), seconds)


def in_data_folder(name: str, subfolder: str) -> Path | None:
    """Return the file in a subfolder of RSSLIB_DATA or in RSSLIB_DATA itself, None if it is in neither.

    Errors: InputError if RSSLIB_DATA is not a folder.
    """
    folder = os.environ.get("RSSLIB_DATA")
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise InputError(f"RSSLIB_DATA={folder}: no such folder; name the one that holds the data, or unset it")
    return next((path for path in (Path(folder, subfolder, name), Path(folder, name)) if path.is_file()), None)


def cache_folder(dataset: str) -> Path:
    """Return the folder of a data set in the user's download cache."""
    import pooch  # imported here: with RSSLIB_DATA nothing is downloaded

    return Path(pooch.os_cache("rsslib")) / dataset


def within(seconds: float, ask: Callable[[], Any]) -> tuple[Any, str]:
    """Return the result of the network request `ask` and "", or None and the reason for no answer within `seconds`."""
    outcome: list = [None, f"no answer in {seconds:g} s"]

    def run() -> None:
        try:
            outcome[:] = ask(), ""
        except (OSError, ValueError) as error:
            outcome[1] = type(error).__name__

    # a thread, since the request's timeout covers neither the lookup of the host name nor a slow transfer
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return outcome[0], outcome[1]


def _entry(name: str, dataset: str) -> dict:
    if dataset not in REGISTRY:
        raise InputError(f"data set '{dataset}': not in the registry; expected one of {', '.join(REGISTRY)}")
    files = REGISTRY[dataset]["files"]
    if name not in files:
        raise InputError(f"file '{name}': not in the registry of '{dataset}'; expected one of {', '.join(files)}")
    return files[name]


def _url(name: str, dataset: str) -> str:
    return "/".join(part for part in (REGISTRY[dataset]["url"], _entry(name, dataset)["path"], name) if part)


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def _is_right(path: Path, name: str, dataset: str) -> bool:
    return path.is_file() and _md5(path) == _entry(name, dataset)["md5"]


def _local(name: str, dataset: str) -> Path | None:
    """Return the file in RSSLIB_DATA without a check, else the one in the cache if its checksum is right."""
    _entry(name, dataset)
    path = in_data_folder(name, dataset)
    if path:
        return path
    if os.environ.get("RSSLIB_DATA"):
        raise InputError(f"RSSLIB_DATA={os.environ['RSSLIB_DATA']}: no {name} in it or its subfolder {dataset}; "
                         "name the folder that holds the measurements, or unset it")
    path = cache_folder(dataset) / name
    return path if _is_right(path, name, dataset) else None  # a corrupt download is fetched again


def _download(name: str, dataset: str) -> Path:
    """Download a file into the cache; pooch stores it only if its checksum is right."""
    import pooch

    url, expected = _url(name, dataset), _entry(name, dataset)["md5"]
    trouble = _silence(url, SECONDS)
    try:
        if not trouble:
            return Path(pooch.retrieve(url, f"md5:{expected}", name, cache_folder(dataset),
                                       downloader=pooch.HTTPDownloader(timeout=SECONDS)))
    except OSError as error:  # includes the errors of requests
        trouble = type(error).__name__
    except ValueError:
        raise InputError(f"{name}: wrong checksum: expected md5 {expected}, got another from {url}; "
                         "set RSSLIB_DATA to a folder with the files") from None
    raise InputError(f"{name}: not in RSSLIB_DATA (unset), not in the cache, and {REGISTRY[dataset]['url']} is out of "
                     f"reach ({trouble}); set RSSLIB_DATA to a folder with the files, or use the synthetic campus")


def _silence(url: str, seconds: float) -> str:
    """Return why `url` does not answer within `seconds`, or "" if it does."""
    import requests

    status, trouble = within(seconds, lambda: requests.head(url, timeout=seconds, allow_redirects=True).status_code)
    return trouble or ("" if status < 400 else f"HTTP status {status}")
