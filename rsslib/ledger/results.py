"""Tidy records: one JSON file per table or figure, with its provenance, and a stamp of what changes."""

import hashlib
import importlib.util
import json
import math
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np

from rsslib.project import ROOT, InputError, atomic_path

_START = time.perf_counter()
Record = dict[str, object]


def write(profile: str, name: str, records: Iterable[Mapping], provenance: Mapping, stamp: Mapping,
          folder: str | Path | None = None, decimals: int = 4) -> Path:
    """Write `<folder>/<profile>/<name>.json` and `<name>.stamp.json`; return the path of the first.

    Keys stay in the order given and floats are rounded to `decimals`, so that equal results are equal bytes.
    `folder` is ROOT/results when not given. A value that is not finite is stored as null, and only when the
    record says why under `<key>_reason`. When the records are there already, byte for byte, their stamp stays:
    it tells of the run that made them.

    Raises InputError for a value that is not finite and has no reason, or that JSON cannot hold.

    Example
    -------
    >>> write("smoke", "table2", [{"loss": "emd", "median_m": 47.4}], {}, {}, tmp)  # doctest: +SKIP
    """
    lines = [json.dumps(_tidy(record, f"{name}.json, record {row}", decimals), ensure_ascii=False)
             for row, record in enumerate(records)]
    header = json.dumps(_plain(provenance), indent=1, ensure_ascii=False)
    body = ",\n".join(f"  {line}" for line in lines)
    path, stamped = _file(profile, name, folder), _file(profile, f"{name}.stamp", folder)
    text = f'{{"provenance": {header},\n "records": [\n{body}\n ]}}\n'
    if stamped.exists() and path.exists() and path.read_text(encoding="utf-8") == text:
        return path
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    with atomic_path(stamped) as temporary:
        temporary.write_text(json.dumps(_plain(stamp), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read(profile: str, name: str, folder: str | Path | None = None) -> dict:
    """Read one file of results: `{"provenance": {...}, "records": [...]}`, or a stamp for `<name>.stamp`.

    Raises InputError when the file is missing or is not JSON.

    Example
    -------
    >>> read("quick", "table2")["records"][0]["loss"]  # doctest: +SKIP
    'com'
    """
    path = _file(profile, name, folder)
    if not path.exists():
        raise InputError(f"{path}: no such results; run the stage of profile `{profile}` that writes it")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: not valid JSON ({error}); delete it and run its stage again") from error


def select(records: Sequence[Mapping], **where: object) -> list:
    """Return the records whose values equal all of `where`; InputError if no record has such a key.

    Example
    -------
    >>> select([{"loss": "emd", "n": 1}, {"loss": "com", "n": 2}], loss="com")
    [{'loss': 'com', 'n': 2}]
    """
    for key in where:
        if records and not any(key in record for record in records):
            known = sorted({name for record in records for name in record})
            raise InputError(f"no record has the key `{key}`; the keys are {', '.join(known)}")
    return [record for record in records if all(record.get(key) == value for key, value in where.items())]


def one(records: Sequence[Mapping], **where: object) -> Mapping:
    """Return the one record that `select` finds; InputError if there is none or several.

    Example
    -------
    >>> one([{"loss": "emd", "n": 1}, {"loss": "com", "n": 2}], loss="com")["n"]
    2
    """
    found = select(records, **where)
    if len(found) != 1:
        asked = ", ".join(f"{key}={value}" for key, value in where.items())
        advice = "check the values" if not found else "add a key that tells them apart"
        raise InputError(f"{len(found)} records match {asked}, expected one of {len(records)}: {advice}")
    return found[0]


def provenance(dataset_attrs: Mapping, parameters: Mapping, modules: Iterable[str],
               device: str = "cpu", torch: str | None = None) -> dict:
    """Say where records come from: data (title, source, DOI, licence, md5), parameters, code, device, torch.

    `torch` is the version that trained; without it, the one installed here.

    `parameter_hash` is over the parameters as canonical JSON (their order does not matter), `code_hash` over
    the sources of the named modules, such as "rsslib.losses": 12 hexadecimal digits of SHA-256 each.

    Raises InputError for a module that cannot be found.
    """
    canonical = json.dumps(_plain(parameters), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    data = {key: dataset_attrs.get(key) for key in ("title", "source", "doi", "licence", "md5")}
    return data | {"parameter_hash": _digest([canonical.encode()]),
                   "code_hash": _digest(part for name in sorted(set(modules)) for part in _sources(name)),
                   "device": str(device), "torch": torch or _version("torch")}


def stamp(started: float | None = None, **more: object) -> dict:
    """Say what changes from run to run: commit, date, seconds, peak memory (MB), platform, and `more`.

    Seconds count from `started` (a `time.perf_counter()` value), or else from the import of this module.
    """
    return {"commit": _commit(), "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - (_START if started is None else started), 1),
            "peak_memory_mb": _peak_memory_mb(),
            "python": platform.python_version(),
            "platform": f"{platform.system()}-{platform.machine()}", "cpu": _cpu(), **more}


def bootstrap_median(values: Sequence[float] | np.ndarray, seed: int = 0, draws: int = 2000,
                     level: float = 0.95) -> tuple[float, float]:
    """Return the percentile-bootstrap interval of the median of `values`, in their unit.

    Raises InputError when there are no values or some are not finite. Source: Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, section 13.3.

    Example
    -------
    >>> bootstrap_median([5.0, 5.0, 5.0])
    (5.0, 5.0)
    """
    values = np.asarray(values, dtype=float).ravel()
    if values.size == 0 or not np.isfinite(values).all():
        raise InputError(f"bootstrap: expected one or more finite values, got {values.size} "
                         f"with {np.count_nonzero(~np.isfinite(values))} not finite; drop those first")
    generator = np.random.default_rng(seed)
    medians = [np.median(values[generator.integers(values.size, size=values.size)]) for _ in range(draws)]
    low, high = np.quantile(medians, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _file(profile: str, name: str, folder: str | Path | None) -> Path:
    return Path(folder or ROOT / "results") / profile / f"{name}.json"


def _plain(value: object) -> object:
    """Turn numpy values, tuples and paths into what JSON holds."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return str(value)


def _tidy(record: Mapping, where: str, decimals: int) -> Record:
    tidy = {key: _rounded(value, decimals) for key, value in _plain(record).items()}
    for key, value in list(tidy.items()):
        if isinstance(value, float) and not math.isfinite(value):
            if not tidy.get(f"{key}_reason"):
                raise InputError(f"{where}: `{key}` is {value}; expected a number, or say why there is none "
                                 f"under `{key}_reason`")
            tidy[key] = None
    try:
        json.dumps(tidy, allow_nan=False)
    except ValueError as error:
        raise InputError(f"{where}: a list holds a value that is not finite; leave it out") from error
    return tidy


def _rounded(value: object, decimals: int) -> object:
    if isinstance(value, list):
        return [_rounded(item, decimals) for item in value]
    return round(value, decimals) + 0.0 if isinstance(value, float) else value  # + 0.0 turns -0.0 into 0.0


def _sources(name: str) -> Iterable[bytes]:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        spec = None
    if spec is None or not spec.origin:
        raise InputError(f"provenance: no module named {name!r}; give its full name, such as 'rsslib.losses'")
    path = Path(spec.origin)
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    return [f"{name}/{file.name}\n".encode() + file.read_bytes().replace(b"\r\n", b"\n") for file in files]


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:12]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _peak_memory_mb() -> int | None:
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))


def _cpu() -> str:
    """Name the processor and its instruction set: where both are equal, so are the results of a training."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return f"{found.get('model name', platform.machine())} {_digest([found.get('flags', '').encode()])[:6]}"


def _commit() -> str | None:
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True,
                               check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
