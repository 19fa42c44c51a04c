"""Do records and weights equal those of another commit? `python benchmarks/same_records.py COMMIT [--weights]`."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("results/full", "results/quick", "results/smoke")
MISSING = "missing"
RUNS = (
    ("01_data_prep", "--section data.smoke"),
    *(("train/localizer", f"--section train.smoke --section split.smoke.grid2 --section loss.{loss}")
      for loss in ("com", "pse", "emd")),
    ("train/emitters", "--section emitters.smoke.base environment=free_space epochs=2 inputs= "
                       "stage=[occupancy,single_stage,two_stage_logit,two_stage_binary]"),
)
"""Notebooks and their arguments: measurements, then small networks of both papers, of each loss and method."""


def main() -> int:
    """Compare, print each difference and what was compared; return 1 if anything differs."""
    parser = argparse.ArgumentParser(description="Do the working tree's records and weights equal those of a commit?")
    parser.add_argument("commit", help="the commit to compare with, such as 0bd2593 or HEAD~3")
    parser.add_argument("--weights", action="store_true",
                        help="also train one small network of each paper with both codes, and compare their weights")
    given = parser.parse_args()
    differences = compare_records(given.commit)
    if given.weights:
        differences += compare_weights(given.commit)
    print("\n".join(differences) or "no difference")
    return 1 if differences else 0


def compare_records(commit: str) -> list[str]:
    """Return the differences of all records, provenance and stamps aside; print how much was compared."""
    committed = set(_git("ls-tree", "-r", "--name-only", commit, *FOLDERS).decode().split())
    names = committed | {path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in (ROOT / folder).iterdir()}
    names = {name for name in names if name.endswith(".json") and not name.endswith(".stamp.json")}
    differences, records, numbers = [], 0, 0
    for name in sorted(names):
        ours = _leaves((ROOT / name).read_bytes() if (ROOT / name).exists() else b"null")
        theirs = _leaves(_git("show", f"{commit}:{name}") if name in committed else b"null")
        for key in [*theirs, *(key for key in ours if key not in theirs)]:
            left, right = ours.get(key, MISSING), theirs.get(key, MISSING)
            if left != right or type(left) is not type(right):
                differences.append(f"{name}: {key} is {left!r}, was {right!r}")
        records += len({key.split(".")[1] for key in theirs if key.startswith("records.")})
        numbers += sum(type(value) in (int, float) for value in theirs.values())
    print(f"records of {commit}: {len(names)} files, {records} records, {numbers} numbers compared")
    return differences


def compare_weights(commit: str) -> list[str]:
    """Train with the code of the commit and of the working tree; return the files of weights that are not equal."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "code").mkdir()
        subprocess.run(["tar", "-x", "-C", str(folder / "code")], input=_git("archive", commit), check=True)
        theirs, ours = _weights(folder / "code", folder / "theirs"), _weights(ROOT, folder / "ours")
    print(f"weights: {len(theirs)} files, {sum(map(len, theirs.values()))} bytes compared")
    return [f"{path}: weights differ, or are of one code alone" for path in sorted({*theirs, *ours})
            if theirs.get(path) != ours.get(path)] + ([] if theirs else ["no weights were made"])


def _weights(code: Path, root: Path) -> dict[str, bytes]:
    """Train with the code in a folder, everything written below `root`; return the weights by their path there."""
    variables = os.environ | {"PYTHONPATH": str(code), "RSSLIB_PROGRESS": "off"}
    for notebook, arguments in RUNS:
        print(f"{notebook} with the code of {'the working tree' if code == ROOT else 'the commit'}", flush=True)
        own = f"notebooks/{notebook}.ipynb {root}/{Path(notebook).name}.ipynb {arguments} root={root}".split()
        subprocess.run([sys.executable, "-m", "rsslib.run", *own], cwd=code, env=variables, check=True)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.safetensors")}


def _leaves(text: bytes) -> dict[str, Any]:
    """Return the values of a file of records by their dotted path, without its provenance; of none: nothing."""
    def walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
        if isinstance(value, (dict, list)) and value:
            for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
                yield from walk(inner, f"{path}.{key}" if path else str(key))
        else:
            yield path, value

    content = json.loads(text) or {}
    content.pop("provenance", None)
    return dict(walk(content, "")) if content else {}


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
