"""The files of measured data, checked: from a local folder (RSSLIB_DATA), the download cache or a public source."""

import hashlib
import io
import json
import os
import stat
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rsslib.arguments import check_choice, check_type, is_number, shown
from rsslib.files import read_bytes
from rsslib.project import InputError, atomic_path

REGISTRY: dict[str, dict] = json.loads(Path(__file__).with_name("registry.json").read_text(encoding="utf-8"))
"""For each data set, its public URL and, for each file, the folder there and the md5 (registry.json).

`archive` is the second public source, a zip archive: a file is taken from it by its name and its md5.
"""

SINGLE_TX = ("single_tx.csv", "location_coordinates.json", "location_indexes.json", "off_campus.json", "unused.json")
"""The files of the one-transmitter measurements."""

USER_AGENT = "rsslib/0.1.0 (open-source research software; localization of radio transmitters)"
HEADERS = {"User-Agent": USER_AGENT}
"""What every request says of itself: some public services refuse the default names of libraries."""

SECONDS = 15.0
"""Timeout after which a public source counts as unreachable [s]."""
TRANSFER_SECONDS = 120.0
"""Time within which a file must have come from a public source as a whole [s]."""
MAX_BYTES = 2**28
"""Size that no file of a public source exceeds [bytes]."""


def fetch(destination: str | Path, names: Iterable[str] = SINGLE_TX, dataset: str = "frs") -> list[Path]:
    """Copy the named files of a data set into the folder `destination` and return their paths.

    Each file is that of `locate`; a right one in `destination` is left alone.
    Errors: those of `locate`, then nothing is copied; InputError for a folder that cannot be written.

    >>> fetch("data/raw/frs", ["location_indexes.json"])   # doctest: +SKIP
    [PosixPath('data/raw/frs/location_indexes.json')]
    """
    if not isinstance(destination, (str, os.PathLike)) or "\0" in os.fspath(destination):
        raise InputError(f"destination: expected the path of a folder, found type {type(destination).__name__}")
    targets = {name: Path(destination) / name for name in _names(names, dataset)}
    sources = {name: locate(name, dataset) for name, target in targets.items() if not _is_right(target, name, dataset)}
    for name, source in sources.items():
        _write(targets[name], read_bytes(source, "measurements"))
    return list(targets.values())


def locate(name: str, dataset: str = "frs") -> Path:
    """Return the path of a file of a data set, its checksum checked.

    It lies in the folder RSSLIB_DATA (first in its subfolder named after the data set), else in the download cache, to
    which it is downloaded where needed: from the public source, else from the second one (docs/data.md).
    Errors: InputError for a wrong checksum, an unknown name, a cache that cannot be written or sources that do not have
    the file.

    >>> locate("location_indexes.json")   # doctest: +SKIP
    """
    path, expected = _local(name, dataset), _entry(name, dataset)["md5"]
    if path is None:
        return _download(name, dataset)
    found = _md5(path)
    if found != expected:
        raise InputError(f"{path}: wrong checksum: md5 is {found}; expected {expected}, that of the published file: "
                         "RSSLIB_DATA must name a folder with the published files; where it is unset, they are "
                         "downloaded")
    return path


def available(names: Iterable[str] = SINGLE_TX, dataset: str = "frs") -> bool:
    """Return whether RSSLIB_DATA or the cache has all the named files; does not use the network.

    >>> available()   # doctest: +SKIP
    True
    """
    return all([_local(name, dataset) for name in _names(names, dataset)])


def reachable(names: Iterable[str] = SINGLE_TX, dataset: str = "frs", seconds: float = SECONDS) -> bool:
    """Return whether the named files are available locally or the public source answers within `seconds`.

    >>> reachable()   # doctest: +SKIP
    True
    """
    names = _names(names, dataset)
    if available(names, dataset):
        return True
    response, trouble = _ask(_url(names[0], dataset), seconds)
    if response is not None:
        response.close()
    return not trouble


def in_data_folder(name: str, subfolder: str) -> Path | None:
    """Return the file in a subfolder of RSSLIB_DATA or in RSSLIB_DATA itself, None if it is in neither.

    Errors: InputError if RSSLIB_DATA is no folder, or it or the file cannot be read.
    """
    folder = os.environ.get("RSSLIB_DATA")
    if not folder:
        return None
    try:
        os.stat(os.path.join(folder, "."))    # fails where files in it could not be found
        for path in (Path(folder, subfolder, name), Path(folder, name)):
            if _is_file(path):
                return path
    except OSError as error:
        what = {FileNotFoundError: "no such folder", NotADirectoryError: "this is no folder"}.get(
            type(error), f"{error.filename}: {error.strerror}")
        raise InputError(f"RSSLIB_DATA={folder}: {what}; name the folder that holds the data, or unset it") from None
    return None


def cache_folder(dataset: str) -> Path:
    """Return the folder of a data set in the user's download cache."""
    import pooch  # imported here: with RSSLIB_DATA nothing is downloaded

    return Path(pooch.os_cache("rsslib")) / dataset


def within(seconds: float, ask: Callable[[], Any]) -> tuple[Any, str]:
    """Return the result of the network request `ask` and "", or None and the reason for no answer within `seconds`.

    Errors: InputError for a time that is not above 0 or above a day.
    """
    if not is_number(seconds, (int, float)) or not 0 < seconds <= 86400:
        raise InputError(f"seconds is {shown(seconds)}; expected a time above 0 and up to 86400 s")
    outcome: list = [None, f"no complete answer in {seconds:g} s"]

    def run() -> None:
        try:
            outcome[:] = ask(), ""
        except InputError as error:
            outcome[1] = str(error)
        except (OSError, ValueError) as error:
            outcome[1] = type(error).__name__

    # a thread, since the request's timeout covers neither the lookup of the host name nor a slow transfer
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return outcome[0], outcome[1]


def _names(names: Any, dataset: str) -> list[str]:
    """Return the names of files as a list, each of them registered; one text is one name."""
    check_type("names", names, Iterable, f"those of files, such as {SINGLE_TX}")
    found = []
    for name in [names] if isinstance(names, str) else names:
        _entry(name, dataset)
        found.append(name)
    return found


def _entry(name: Any, dataset: Any) -> dict:
    check_choice("data set", dataset, REGISTRY)
    files = REGISTRY[dataset]["files"]
    check_choice(f"file of {dataset!r}", name, files)
    return files[name]


def _url(name: str, dataset: str) -> str:
    return "/".join(part for part in (REGISTRY[dataset]["url"], _entry(name, dataset)["path"], name) if part)


def _md5(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def _is_file(path: Path) -> bool:
    """Return whether there is a plain file; OSError if the folder cannot be searched."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError):    # the last: no file can have such a name
        return False


def _is_right(path: Path, name: str, dataset: str) -> bool:
    return os.path.isfile(path) and _md5(path) == _entry(name, dataset)["md5"]


def _write(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


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
    """Download a file into the cache, from the first public source that has it, and return its path there."""
    folder, sources = cache_folder(dataset), [(_url(name, dataset), lambda content: {name: content})]
    if "archive" in REGISTRY[dataset]:
        sources.append((REGISTRY[dataset]["archive"]["url"], lambda content: _members(content, dataset)))
    troubles = []
    for url, unpacked in sources:
        files, trouble = _transferred(url, unpacked)
        right = {file: content for file, content in files.items()
                 if hashlib.md5(content).hexdigest() == _entry(file, dataset)["md5"]}
        for file, content in right.items():
            try:
                _write(folder / file, content)
            except InputError as error:
                raise InputError(f"{error}: {folder} is the download cache; XDG_CACHE_HOME moves it, and with "
                                 "RSSLIB_DATA none is needed") from error
        if name in right:
            return folder / name
        wrong = f"wrong checksum, md5 {hashlib.md5(files[name]).hexdigest()}" if name in files else "it is not in there"
        troubles.append(f"{url} is out of reach ({trouble})" if trouble else f"{url}: {wrong}")
    raise InputError(f"{name}: not in RSSLIB_DATA (unset), not in the download cache, and no public source has it with "
                     f"md5 {_entry(name, dataset)['md5']}: {'; '.join(troubles)}; set RSSLIB_DATA to a folder with the "
                     "files, or use the synthetic campus")


def _ask(url: str, seconds: float) -> tuple[Any, str]:
    """Return the response of a server, its content still to come, and why it is of no use, "" if it is."""
    import requests

    response, trouble = within(seconds, lambda: requests.get(url, timeout=seconds, headers=HEADERS, stream=True))
    if response is not None and response.status_code >= 400:
        response.close()
        trouble = f"HTTP status {response.status_code}"
    return response, trouble


def _transferred(url: str, unpacked: Callable[[bytes], dict]) -> tuple[dict[str, bytes], str]:
    """Return the files in the answer of a server, by name, and why there are none, "" if there are."""
    response, trouble = _ask(url, SECONDS)

    def whole() -> dict[str, bytes]:
        content = bytearray()
        with response:    # held in memory: a transfer that is given up leaves no file
            for part in response.iter_content(2**16):
                content += part
                if len(content) > MAX_BYTES:
                    raise InputError(f"more than {MAX_BYTES} bytes")
        return unpacked(bytes(content))

    files, trouble = (None, trouble) if trouble else within(TRANSFER_SECONDS, whole)
    return files or {}, trouble


def _members(content: bytes, dataset: str) -> dict[str, bytes]:
    """Return the registered files in a zip archive, by name: of several with one name, that with the right checksum."""
    files, found = REGISTRY[dataset]["files"], {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                name = member.filename.rpartition("/")[2]
                if name in files and member.file_size <= MAX_BYTES / 4:
                    unpacked = archive.read(member)
                    if name not in found or hashlib.md5(unpacked).hexdigest() == files[name]["md5"]:
                        found[name] = unpacked
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, MemoryError) as error:
        raise InputError(f"no zip archive that can be read: {error}") from None
    return found
