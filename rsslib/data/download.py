"""Where the measured files come from: a folder of yours, the download cache, the public source."""

import hashlib
import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from rsslib.project import InputError, atomic_path

REGISTRY: dict[str, dict] = json.loads(Path(__file__).with_name("registry.json").read_text(encoding="utf-8"))
"""Per data set: its public address and, per file, the folder there and the md5 (registry.json)."""

SINGLE_TX = (
    "single_tx.csv",
    "location_coordinates.json",
    "location_indexes.json",
    "off_campus.json",
    "unused.json",
)
"""The files of the one-transmitter measurements."""

SECONDS = 15.0
"""How long the public source may stay silent, in s, before it counts as out of reach."""


def fetch(destination: str | Path, names: Iterable[str] = SINGLE_TX, dataset: str = "frs") -> list[Path]:
    """Copy the named files of a data set into the folder `destination` and return their paths.

    Each file comes from the folder in the environment variable RSSLIB_DATA (first its subfolder named after
    the data set), the download cache or the public source, in this order.  Raises InputError when a checksum
    is wrong, a name is not in the registry or the source is out of reach; then nothing is copied.

    >>> fetch("data/raw/frs", ["location_indexes.json"])   # doctest: +SKIP
    [PosixPath('data/raw/frs/location_indexes.json')]
    """
    targets = {name: Path(destination) / name for name in names}
    sources = {
        name: _local(name, dataset)
        for name, target in targets.items()
        if not _is_right(target, name, dataset)
    }
    absent = [name for name, source in sources.items() if source is None]
    if absent:
        sources |= _download(absent, dataset)
    contents = {name: source.read_bytes() for name, source in sources.items()}
    for name, content in contents.items():
        _check(content, name, dataset, str(sources[name]))
    for name, content in contents.items():
        with atomic_path(targets[name]) as temporary:
            temporary.write_bytes(content)
    return list(targets.values())


def available(names: Iterable[str] = SINGLE_TX, dataset: str = "frs") -> bool:
    """Return whether RSSLIB_DATA or the cache holds all the named files; asks no network.

    >>> available()   # doctest: +SKIP
    True
    """
    return all(_local(name, dataset) for name in names)


def reachable(names: Iterable[str] = SINGLE_TX, dataset: str = "frs", seconds: float = SECONDS) -> bool:
    """Return whether the named files can be had: locally, or from a public source that answers in `seconds`.

    >>> reachable()   # doctest: +SKIP
    True
    """
    names = list(names)
    return available(names, dataset) or not _why_silent(_url(names[0], dataset), seconds)


def _entry(name: str, dataset: str) -> dict:
    if dataset not in REGISTRY:
        raise InputError(f"data set '{dataset}': not in the registry; expected one of {', '.join(REGISTRY)}")
    files = REGISTRY[dataset]["files"]
    if name not in files:
        raise InputError(
            f"file '{name}': not in the registry of '{dataset}'; expected one of {', '.join(files)}"
        )
    return files[name]


def _url(name: str, dataset: str) -> str:
    parts = (REGISTRY[dataset]["url"], _entry(name, dataset)["path"], name)
    return "/".join(part for part in parts if part)


def _local(name: str, dataset: str) -> Path | None:
    _entry(name, dataset)
    return _given(name, dataset) or _cached(name, dataset)


def _given(name: str, dataset: str) -> Path | None:
    """Return the file in the folder that the reader names in RSSLIB_DATA, right or wrong."""
    folder = os.environ.get("RSSLIB_DATA")
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise InputError(f"RSSLIB_DATA={folder}: no such folder; name the one that holds the measurements, or unset it")
    candidates = (Path(folder) / dataset / name, Path(folder) / name)
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise InputError(f"RSSLIB_DATA={folder}: holds no {name}, neither in {dataset}/ nor itself; name the folder "
                         "that holds the measurements, or unset it")
    return found


def _cached(name: str, dataset: str) -> Path | None:
    path = _cache_folder(dataset) / name
    return path if _is_right(path, name, dataset) else None  # a spoilt download is fetched again


def _cache_folder(dataset: str) -> Path:
    import pooch  # here, not above: with RSSLIB_DATA set nothing is downloaded

    return Path(pooch.os_cache("rsslib")) / dataset


def _is_right(path: Path, name: str, dataset: str) -> bool:
    return path.is_file() and hashlib.md5(path.read_bytes()).hexdigest() == _entry(name, dataset)["md5"]


def _check(content: bytes, name: str, dataset: str, origin: str) -> None:
    expected, found = _entry(name, dataset)["md5"], hashlib.md5(content).hexdigest()
    if found != expected:
        raise InputError(
            f"{name}: wrong checksum: expected md5 {expected}, found {found} in {origin}; "
            "remove that file or take RSSLIB_DATA away, so that a fresh copy is fetched"
        )


def _download(names: list[str], dataset: str) -> dict[str, Path]:
    """Download files into the cache; pooch keeps a file only when its checksum is right."""
    import pooch
    import requests

    def get(url: str, output: str, keeper: pooch.Pooch) -> None:
        pooch.HTTPDownloader(timeout=SECONDS)(url, output, keeper)
        _check(Path(output).read_bytes(), url.rsplit("/", 1)[-1], dataset, url)  # our message, before pooch's

    trouble = _why_silent(_url(names[0], dataset), SECONDS)
    keeper = pooch.create(
        path=_cache_folder(dataset),
        base_url="",
        registry={name: f"md5:{_entry(name, dataset)['md5']}" for name in names},
        urls={name: _url(name, dataset) for name in names},
    )
    for name in names:
        if not trouble:
            try:
                keeper.fetch(name, downloader=get)
            except (requests.RequestException, OSError) as error:
                trouble = f"{name}: {type(error).__name__}"
    if trouble:
        raise InputError(
            f"{names[0]}: not in RSSLIB_DATA ({os.environ.get('RSSLIB_DATA') or 'unset'}), not in the cache, "
            f"and {REGISTRY[dataset]['url']} is out of reach ({trouble}); "
            f"set RSSLIB_DATA to a folder with the files, or use the synthetic campus"
        )
    return {name: _cache_folder(dataset) / name for name in names}


def _why_silent(url: str, seconds: float) -> str:
    """Return why `url` does not answer within `seconds`, or '' if it does."""
    import requests

    outcome = [f"no answer in {seconds:g} s"]

    def ask() -> None:
        try:
            with requests.head(url, timeout=seconds, allow_redirects=True) as answer:
                outcome[0] = "" if answer.ok else f"HTTP status {answer.status_code}"
        except (requests.RequestException, OSError) as error:
            outcome[0] = type(error).__name__

    # a thread, since looking up a host name ignores the timeout of the request
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return outcome[0]
