"""Where a record comes from: its data, parameters and code, which stay; when and where it was made, which changes."""

import hashlib
import json
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path

import yaml

from rsslib import sources
from rsslib.ledger.results import plain
from rsslib.project import ROOT

_START = time.perf_counter()


def provenance(notebook: str, dataset_attrs: Mapping, parameters: Mapping, device: str = "cpu",
               torch: str | None = None) -> dict:
    """Say where records come from: data (title, source, DOI, licence, md5), parameters, code, device, torch.

    `notebook`, such as "notebooks/02_loss_comparison.ipynb", makes the records; `torch` is the version that trained,
    without it the one installed here. `parameter_hash` is over the parameters as canonical JSON (their order does not
    matter), `code_hash` over the code of the notebook and of those upstream of it (`upstream`), with the modules that
    they rest on (`rsslib.sources`): 12 hexadecimal digits of SHA-256 each.

    Errors: InputError for a notebook that cannot be read.
    """
    canonical = json.dumps(plain(parameters), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    data = {key: dataset_attrs.get(key) for key in ("title", "source", "doi", "licence", "md5")}
    return data | {"parameter_hash": hashlib.sha256(canonical.encode()).hexdigest()[:12],
                   "code_hash": sources.digest(*(ROOT / name for name in upstream(notebook))),
                   "device": str(device), "torch": torch or _version("torch")}


def upstream(notebook: str, root: Path = ROOT) -> list[str]:
    """Return a notebook and those whose stages make, directly or not, what its own stages read (dvc.yaml), sorted.

    >>> upstream("notebooks/train/localizer.ipynb")    # doctest: +SKIP
    ['notebooks/01_data_prep.ipynb', 'notebooks/train/localizer.ipynb']
    """
    reads, makes = _paths(root)
    reached, left = set(), [notebook]
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            left += [maker for maker, outs in makes.items() if any(_meet(dep, out) for dep in reads.get(name, ())
                                                                   for out in outs)]
    return sorted(reached)


def _paths(root: Path) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return what the stages of each notebook read and make, paths with * for what differs between its stages."""
    if not (root / "dvc.yaml").is_file():
        return {}, {}
    stages = yaml.load((root / "dvc.yaml").read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    reads: dict[str, set[str]] = {}
    makes: dict[str, set[str]] = {}
    for stage in stages["stages"].values():
        body = stage.get("do", stage)
        for notebook in re.findall(r"notebooks/\S+\.ipynb", body["cmd"]):
            reads.setdefault(notebook, set()).update(_patterns(body["deps"]))
            makes.setdefault(notebook, set()).update(_patterns(body["outs"]))
    return reads, makes


def _patterns(paths: list) -> Iterator[str]:
    names = (name for entry in paths for name in ([entry] if isinstance(entry, str) else entry))
    return (re.sub(r"\$\{[^}]*\}", "*", name) for name in names)


def _meet(one: str, other: str) -> bool:
    """Say whether one path may lie in the other, or be it."""
    return all(fnmatch(a, b) or fnmatch(b, a) for a, b in zip(one.split("/"), other.split("/")))


def stamp(started: float | None = None, **more: object) -> dict:
    """Say what changes from run to run: commit, date, seconds, peak memory (MB), platform, and `more`.

    Seconds count from `started` (a `time.perf_counter()` value), or else from the import of this module.
    """
    return {"commit": _commit(), "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - (_START if started is None else started), 1),
            "peak_memory_mb": _peak_memory_mb(),
            "python": platform.python_version(),
            "platform": f"{platform.system()}-{platform.machine()}", "cpu": _cpu(), **more}


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
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = hashlib.sha256(fields.get("flags", "").encode()).hexdigest()[:6]
    return f"{fields.get('model name', platform.machine())} {flags}"


def _commit() -> str | None:
    try:
        result = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True,
                                check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout.strip()
