"""The provenance of records (data, parameters, code) and the stamp of a run (commit, time, machine)."""

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

from rsslib import sources
from rsslib.arguments import check_type
from rsslib.files import parsed, read_yaml
from rsslib.ledger.results import plain
from rsslib.project import ROOT, InputError

_START = time.perf_counter()
_STAGES = "the stages of DVC"


def provenance(notebook: str, dataset_attrs: Mapping, parameters: Mapping, device: str = "cpu",
               torch: str | None = None) -> dict:
    """Return the provenance of records: data (title, source, DOI, licence, md5), parameters, code, device, torch.

    `notebook`, such as "notebooks/02_loss_comparison.ipynb", makes the records; `torch` is the version of the training,
    by default the installed one. `parameter_hash` is that of the parameters as canonical JSON with sorted keys;
    `code_hash` is that of the notebook, its `upstream` notebooks and their modules (`rsslib.sources`). Both are the
    first 12 hexadecimal digits of SHA-256.

    Errors: InputError for a notebook or a dvc.yaml that cannot be read, or attributes or parameters of another type.
    """
    if not str(notebook).endswith(".ipynb"):
        raise InputError(f"provenance: `notebook` is {notebook!r}; expected a path such as notebooks/01_data.ipynb")
    for name, given in (("dataset_attrs", dataset_attrs), ("parameters", parameters)):
        check_type(f"provenance: `{name}`", given, Mapping, "a mapping")
    canonical = json.dumps(plain(parameters), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    data = {key: dataset_attrs.get(key) for key in ("title", "source", "doi", "licence", "md5")}
    return data | {"parameter_hash": hashlib.sha256(canonical.encode()).hexdigest()[:12],
                   "code_hash": sources.digest(*(ROOT / name for name in upstream(notebook))),
                   "device": str(device), "torch": torch or _version("torch")}


def upstream(notebook: str, root: Path = ROOT) -> list[str]:
    """Return a notebook and those on whose outputs its stages depend (dvc.yaml), directly or indirectly, sorted.

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
    """Return the dependencies and the outputs of each notebook's stages, with * for variables in their paths."""
    reads: dict[str, set[str]] = {}
    makes: dict[str, set[str]] = {}
    if not (path := root / "dvc.yaml").exists():
        return reads, makes

    def add(stages: Mapping) -> None:
        for stage in stages.values():
            body = stage.get("do", stage)
            for notebook in re.findall(r"notebooks/[^\s',]+\.ipynb", str(body["cmd"])):
                reads.setdefault(notebook, set()).update(_patterns(body.get("deps", [])))
                makes.setdefault(notebook, set()).update(_patterns(body.get("outs", [])))

    parsed(lambda: add(read_yaml(path, _STAGES)["stages"]), path, _STAGES)
    return reads, makes


def _patterns(paths: list) -> Iterator[str]:
    names = (name for entry in paths for name in ([entry] if isinstance(entry, str) else entry))
    return (re.sub(r"\$\{[^}]*\}", "*", name) for name in names)


def _meet(one: str, other: str) -> bool:
    """Return whether the paths may be equal, or one may be in the other."""
    return all(fnmatch(a, b) or fnmatch(b, a) for a, b in zip(one.split("/"), other.split("/")))


def stamp(started: float | None = None, **more: object) -> dict:
    """Return the facts of this run: commit, date, seconds, peak memory [MB], platform, and `more`.

    Seconds are since `started` (a `time.perf_counter()` value), by default since the import of this module.
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
    """Return the processor and a hash of its instruction set, on which the results of a training may depend."""
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
