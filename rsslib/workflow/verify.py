"""`make verify`: run the smoke chain twice from scratch; equal runs must write equal bytes."""

import math
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rsslib.project import ROOT, InputError
from rsslib.workflow import commands

COMPARED = ("results/smoke/**/*", "figures/smoke/**/*", "build/smoke/**/*.ipynb",
            "docs/executed/smoke/*.ipynb")
RELATIVE = 0.25    # of the larger number; on another machine, as training amplifies the last digits of its processor
FLOOR = 0.01    # smaller numbers are compared as if they were this large: records keep four decimals
_MADE = ("results/", "figures/", "build/", "docs/executed/", "dvc.lock")    # what stages write: each run recreates it
_STAMP = "*.stamp.json"    # time and machine
_STEPPED = ("best_epoch", "emd_below_com_ood_share")    # counts of a few epochs: no small difference is possible


def main(root: Path = ROOT) -> int:
    """Run the smoke chain in two copies of the project, compare, print a table; return 0 or 1.

    Run a and run b must agree byte for byte (stamps aside), and run a with the committed records within `RELATIVE`, or
    exactly where torch and CPU are the same. The copies, in build/verify, are deleted when all agrees. Errors:
    InputError when the project is no git clone or a run fails.
    """
    copies = root / "build" / "verify"
    if copies.exists():
        shutil.rmtree(copies)
    first, second = copies / "a", copies / "b"
    for folder in (first, second):
        export(root, folder)
        _run(folder)
    runs = compare_runs(first, second)
    records = compare_records(first / "results" / "smoke", root / "results" / "smoke")
    print(_table(runs, records))
    if not runs or not records or math.inf in {*runs.values(), *records.values()}:
        print("verify: FAILED; the two runs are kept in build/verify/a and build/verify/b")
        return 1
    shutil.rmtree(copies)
    print("verify: passed")
    return 0


def export(root: Path, folder: Path) -> None:
    """Copy the files that git tracks or would track from `root` to `folder`, without what stages write."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root,
                                capture_output=True, check=True)
    except FileNotFoundError:
        raise InputError("git is not installed; verify copies the files that git knows") from None
    except subprocess.CalledProcessError as error:
        told = os.fsdecode(error.stderr).strip().partition("\n")[0]
        raise InputError(f"{root}: verify copies the files that git knows; run it in a git clone ({told})") from None
    for name in os.fsdecode(listed.stdout).split("\0"):
        if name and not name.startswith(_MADE) and (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name)


def compare_runs(first: Path, second: Path) -> dict[str, float]:
    """Compare the results, figures and executed notebooks of two runs byte for byte, stamps aside.

    Returns per file 0 where the two are equal, infinity where they differ or one is missing.
    """
    left, right = ({path.relative_to(folder).as_posix(): path.read_bytes() for pattern in COMPARED
                    for path in folder.glob(pattern) if path.is_file() and not path.match(_STAMP)}
                   for folder in (first, second))
    return {name: 0.0 if left.get(name) == right.get(name) else math.inf for name in sorted({*left, *right})}


def compare_records(new: Path, kept: Path) -> dict[str, float]:
    """Compare the JSON records in two folders; return per file the largest relative difference of a number.

    It is infinite where a file or key is missing, a text differs, a number differs by more than `RELATIVE`, or at all
    where both were made by the same torch on the same CPU. Of the provenance, device and torch may differ.
    """
    names = sorted({path.name for folder in (new, kept) for path in folder.glob("*.json") if not path.match(_STAMP)})
    return {name: _distance(new / name, kept / name) for name in names}


def differences(new: Any, kept: Any) -> Iterator[float]:
    """Yield the relative difference of every two numbers that are not equal, infinity for anything else.

    Example
    -------
    >>> list(differences({"n": 90, "loss": "emd"}, {"n": 100, "loss": "com"}))
    [0.1, inf]
    """
    if isinstance(new, Mapping) and isinstance(kept, Mapping) and new.keys() == kept.keys():
        for key in new:
            yield from differences(new[key], kept[key])
    elif isinstance(new, list) and isinstance(kept, list) and len(new) == len(kept):
        for pair in zip(new, kept):
            yield from differences(*pair)
    elif new != kept:
        numbers = all(type(value) in (int, float) for value in (new, kept))    # true and false are none
        yield abs(new - kept) / max(abs(new), abs(kept), FLOOR) if numbers else math.inf


def _run(folder: Path) -> None:
    log = folder.with_suffix(".log")
    print(f"verify: running the smoke chain in build/verify/{folder.name}", flush=True)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    log.write_text("", encoding="utf-8")
    if commands.repro("smoke", folder, True, {"PYTHONPATH": path}, log):
        last = "\n".join(log.read_text(encoding="utf-8").splitlines()[-20:])
        raise InputError(f"a stage failed in build/verify/{folder.name}; the end of its log {log}:\n{last}")


def _distance(new: Path, kept: Path) -> float:
    if not (new.exists() and kept.exists()):
        return math.inf
    (machine, ours), (other_machine, theirs) = _read(new), _read(kept)
    exact = machine == other_machine is not None
    if not exact:
        for content in (ours, theirs):
            content["records"] = [_comparable(record, new.stem) for record in content["records"]]
    largest = max(differences(ours, theirs), default=0.0)
    return math.inf if largest > (0.0 if exact else RELATIVE) else largest


def _read(path: Path) -> tuple[tuple[str, str] | None, dict[str, Any]]:
    """Return the CPU and torch that made a file of records, None where its stamp names no CPU, and its content."""
    from rsslib.ledger import results  # here, not above: the other commands need not wait for it

    content, stamp = results.load(path), path.with_suffix(".stamp.json")
    torch, _ = content["provenance"].pop("torch", None), content["provenance"].pop("device", None)
    cpu = results.load(stamp).get("cpu") if stamp.exists() else None
    return (cpu, torch) if cpu else None, content


def _comparable(record: Mapping[str, Any], stem: str) -> dict[str, Any]:
    """Return the fields of a record that another machine reproduces nearly."""
    if stem.endswith("_pairs"):    # differences near 0 have no relative size
        return {key: value for key, value in record.items() if isinstance(value, str)}
    kept = {key: value for key, value in record.items() if key not in _STEPPED}
    return kept | ({"value": None} if record.get("fact") in _STEPPED else {})


def _table(runs: Mapping[str, float], records: Mapping[str, float]) -> str:
    lines = [f"{'compared':<46} {'files':>6} {'equal':>6} {'near':>6} {'differ':>6}"]
    for title, compared in (("run a with run b, byte for byte", runs),
                            (f"run a with results/smoke, within {RELATIVE:.0%}", records)):
        equal, far = (sum(value == wanted for value in compared.values()) for wanted in (0, math.inf))
        lines.append(f"{title:<46} {len(compared):>6} {equal:>6} {len(compared) - equal - far:>6} {far:>6}")
    lines += [f"  run b differs: {name}" for name, value in runs.items() if value]
    lines += [f"  results/smoke/{name} differs" + ("" if math.isinf(value) else f" by up to {value:.2%}")
              for name, value in records.items() if value]
    return "\n".join(lines)
