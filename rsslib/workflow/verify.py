"""`make verify`: run the smoke chain twice from scratch; equal runs must write equal bytes."""

import json
import math
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from rsslib.project import ROOT, InputError
from rsslib.workflow import commands

COMPARED = ("results/smoke/**/*", "figures/smoke/**/*", "build/smoke/**/*.ipynb")
RELATIVE = 0.25
"""How far a number may lie from the committed one, relative to the larger, on another machine: training amplifies
the last digits in which processors differ."""
FLOOR = 0.01
"""Numbers smaller than this are compared as if they were this large: records keep four decimals."""

_MADE = ("results/", "figures/", "build/", "dvc.lock")  # what stages write: each run has to make it anew
_OF_THE_MACHINE = ("torch", "device")
_STEPPED = ("best_epoch", "emd_below_com_ood_share")    # counts of a few epochs: no small difference is possible


def main(root: Path = ROOT) -> int:
    """Run the smoke chain in two copies of the project, compare, print a table; return 0 or 1.

    Run a and run b must agree byte for byte (stamps aside), and run a with the committed records within
    `RELATIVE`, or exactly where torch and the CPU are those of the committed ones. The copies, in
    build/verify, are deleted when all agrees.

    Raises InputError when the project is no git clone or a run fails.
    """
    place = root / "build" / "verify"
    shutil.rmtree(place, ignore_errors=True)
    first, second = place / "a", place / "b"
    for folder in (first, second):
        export(root, folder)
        _run(folder)
    runs = compare_runs(first, second)
    records = compare_records(first / "results" / "smoke", root / "results" / "smoke")
    print(_table(runs, records))
    if not runs or not records or any(map(math.isinf, [*runs.values(), *records.values()])):
        print("verify: FAILED; the two runs are kept in build/verify/a and build/verify/b")
        return 1
    shutil.rmtree(place)
    print("verify: passed")
    return 0


def export(root: Path, folder: Path) -> None:
    """Copy the files that git tracks or would track from `root` to `folder`, without what stages write."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root,
                            capture_output=True, text=True, check=False)
    if listed.returncode:
        raise InputError(f"{root}: verify copies the files that git knows; run it in a git clone")
    for name in listed.stdout.split("\0"):
        if name and not name.startswith(_MADE) and (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name)


def compare_runs(first: Path, second: Path) -> dict[str, float]:
    """Compare the results, figures and executed notebooks of two runs byte for byte, stamps aside.

    Returns per file 0 where the two are equal, infinity where they differ or one is missing.

    Example
    -------
    >>> compare_runs(Path("build/verify/a"), Path("build/verify/b"))  # doctest: +SKIP
    {'results/smoke/table2.json': 0.0}
    """
    names = sorted(_files(first) | _files(second))
    return {name: 0.0 if _bytes(first / name) == _bytes(second / name) else math.inf for name in names}


def compare_records(new: Path, kept: Path) -> dict[str, float]:
    """Compare the JSON records in two folders; return per file the largest relative difference of a number.

    It is infinite where a file or key is missing, a text differs, a number differs by more than `RELATIVE`,
    or at all where both were made by the same torch on the same CPU. The provenance is compared too, since
    another code or parameter hash means records of other code, but for the device and torch.
    """
    names = sorted({path.name for folder in (new, kept) for path in folder.glob("*.json")
                    if not _is_stamp(path)})
    return {name: _distance(new / name, kept / name) for name in names}


def differences(new: object, kept: object) -> Iterator[float]:
    """Yield the relative difference of every two numbers that are not equal, infinity for all else.

    Example
    -------
    >>> list(differences({"n": 90, "loss": "emd"}, {"n": 100, "loss": "com"}))
    [0.1, inf]
    """
    if isinstance(new, Mapping) and isinstance(kept, Mapping) and new.keys() == kept.keys():
        for key in new:
            yield from differences(new[key], kept[key])
    elif isinstance(new, list) and isinstance(kept, list) and len(new) == len(kept):
        for pair in zip(new, kept, strict=True):
            yield from differences(*pair)
    elif new != kept:
        numbers = all(type(value) in (int, float) for value in (new, kept))  # true and false are none
        yield abs(new - kept) / max(abs(new), abs(kept), FLOOR) if numbers else math.inf


def _run(folder: Path) -> None:
    log = folder.with_suffix(".log")
    print(f"verify: running the smoke chain in build/verify/{folder.name}", flush=True)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    with log.open("w", encoding="utf-8") as output:
        status = commands.repro("smoke", folder, ["--force", "--no-run-cache"], {"PYTHONPATH": path}, output)
    if status:
        last = "\n".join(log.read_text(encoding="utf-8").splitlines()[-20:])
        raise InputError(f"a stage failed in build/verify/{folder.name}; the end of its log {log}:\n{last}")


def _distance(new: Path, kept: Path) -> float:
    if not (new.exists() and kept.exists()):
        return math.inf
    ours, theirs = (json.loads(path.read_text(encoding="utf-8")) for path in (new, kept))
    exact = _machine(new, ours) == _machine(kept, theirs) is not None
    for content in (ours, theirs):
        for key in _OF_THE_MACHINE:
            content.get("provenance", {}).pop(key, None)
        if not exact:
            content["records"] = [_without_steps(record) for record in content.get("records", [])]
        if not exact and new.stem.endswith("_pairs"):    # differences near 0 have no relative size
            content["records"] = [{key: value for key, value in record.items() if type(value) is str}
                                  for record in content["records"]]
    largest = max(differences(ours, theirs), default=0.0)
    return math.inf if largest > (0.0 if exact else RELATIVE) else largest


def _without_steps(record: Mapping) -> dict:
    kept = {key: value for key, value in record.items() if key not in _STEPPED}
    return kept | ({"value": None} if record.get("fact") in _STEPPED else {})


def _machine(path: Path, content: Mapping) -> tuple | None:
    """Return the CPU and torch that made a file of records, None where its stamp does not name the CPU."""
    stamp = path.with_suffix(".stamp.json")
    cpu = json.loads(stamp.read_text(encoding="utf-8")).get("cpu") if stamp.exists() else None
    return (cpu, content.get("provenance", {}).get("torch")) if cpu else None


def _files(folder: Path) -> set[str]:
    found = (path for pattern in COMPARED for path in folder.glob(pattern))
    return {path.relative_to(folder).as_posix() for path in found if path.is_file() and not _is_stamp(path)}


def _is_stamp(path: Path) -> bool:
    return path.name.endswith(".stamp.json")


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _table(runs: Mapping[str, float], records: Mapping[str, float]) -> str:
    lines = [f"{'compared':<46} {'files':>6} {'equal':>6} {'near':>6} {'differ':>6}"]
    for title, found in (("run a with run b, byte for byte", runs),
                         (f"run a with results/smoke, within {RELATIVE:.0%}", records)):
        equal, far = (sum(value == wanted for value in found.values()) for wanted in (0, math.inf))
        near = len(found) - equal - far
        lines.append(f"{title:<46} {len(found):>6} {equal:>6} {near:>6} {far:>6}")
    lines += [f"  run b differs: {name}" for name, value in runs.items() if value]
    lines += [f"  results/smoke/{name} differs" + ("" if math.isinf(value) else f" by up to {value:.2%}")
              for name, value in records.items() if value]
    return "\n".join(lines)
