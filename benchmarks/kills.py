"""Is anything lost when trainings are killed? `python benchmarks/kills.py [KILLS]` (30) ends with 1 if so.

Processes run the three training notebooks in small and are killed at random moments, in the training and while outputs
are saved; after every few kills the notebook is run to its end. Its outputs must have the bytes of a run without kills,
and no epoch that was saved may be trained again.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rsslib.data import campus, measurements
from rsslib.project import ROOT

EMITTERS = ["occupancy", "single_stage", "two_stage_logit"]
RUNS: dict[str, dict[str, Any]] = {
    "localizer": {"members": 2, "epochs": 5, "curves": True},
    "emitters": {"stage": EMITTERS, "inputs": "", "n": 16, "train": 64, "val": 32, "test": 20, "sensors": 16,
                 "epochs": 3, "batch_size": 16},
    "pairs": {"samples": 60, "epochs": 5}}
"""The notebooks and the parameters that make them small."""
PRELOADED = ["torch._dynamo", "rsslib.emitters.predictions", "rsslib.emitters.real_pairs"]
"""Imported once, by the process that all others are copies of."""
LONGEST_S = 0.08
"""Half of the kills come at an event, half up to this long after it, so that they also hit what opens no file [s]."""
EVENTS = ("open", "os.rename", "os.remove", "os.mkdir")
"""Of Python's audit hooks: what writing files consists of."""


def main() -> int:
    """Kill, compare and report; return 1 if anything was lost or differs."""
    parser = argparse.ArgumentParser(description="Kill trainings at random moments: is anything lost?")
    parser.add_argument("kills", type=int, nargs="?", default=30)
    parser.add_argument("--notebooks", nargs="+", choices=list(RUNS), default=list(RUNS))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    os.environ["RSSLIB_PROGRESS"] = "off"
    multiprocessing.set_forkserver_preload(PRELOADED)
    with tempfile.TemporaryDirectory() as name:
        counts, problems = kill(Path(name), given.kills, random.Random(given.seed), given.notebooks)
    print(f"{sum(counts.values())} kills: " + ", ".join(f"{number} {what}" for what, number in sorted(counts.items())))
    print("\n".join(problems) or "nothing lost, the same bytes as without kills")
    return 1 if problems else 0


def kill(folder: Path, kills: int, rng: random.Random, notebooks: list[str]) -> tuple[Counter, list[str]]:
    """Return how many kills hit each notebook's training and saving, and what was lost or differs."""
    dataset = campus.make(0, 40, 160, 40)
    given = measurements.save(dataset, folder / "measurements.nc")
    wanted = {name: _outputs(_finished(name, folder / f"whole-{name}", given)) for name in notebooks}
    counts: Counter = Counter()
    problems = [f"{name}: no outputs" for name, files in wanted.items() if not files]
    for trial in range(kills):
        name, root = notebooks[trial % len(notebooks)], folder / f"trial-{trial}"
        for phase in rng.sample(["training", "saving", "saving"], 3):
            left = sum(counts.values()) < kills
            delay = rng.choice([0, rng.uniform(0, LONGEST_S)])
            if left and _killed(name, root, given, phase, rng.randint(1, 12), delay):
                counts[f"{name} {phase}"] += 1
        if _outputs(_finished(name, root, given)) != wanted[name]:
            problems.append(f"{root.name}, {name}: other bytes than without kills")
        problems += [f"{root.name}, {name}: {loss}" for loss in _lost(root / "log")]
        if sum(counts.values()) >= kills:
            break
    return counts, problems


def _outputs(root: Path) -> dict[str, bytes]:
    """Return the files that a run left, but for those that hold times."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*"))
            if path.is_file() and path.name != "log" and not path.name.endswith(".stamp.json")}


def _killed(name: str, root: Path, given: Path, phase: str, event: int, delay: float) -> bool:
    """Return whether the kill came before the end of the run."""
    return _child(name, root, given, phase, event, delay) == -signal.SIGKILL


def _finished(name: str, root: Path, given: Path) -> Path:
    """Run a notebook to its end; return its folder."""
    status = _child(name, root, given, "", 0, 0.0)
    if status:
        raise RuntimeError(f"{name} ended with {status}")
    return root


def _child(name: str, root: Path, given: Path, phase: str, event: int, delay: float) -> int:
    inputs = {"localizer": {"measurements": str(given)}, "pairs": {"inputs": str(given.parent)}}.get(name, {})
    parameters = RUNS[name] | inputs | {"root": str(root), "profile": "killed", "precision": "float32", "threads": 1}
    root.mkdir(parents=True, exist_ok=True)
    process = multiprocessing.get_context("forkserver").Process(
        target=_run, args=(name, parameters, root / "log", phase, event, delay))
    process.start()
    process.join()
    return process.exitcode or 0


def _lost(log: Path) -> list[str]:
    """Return the epochs that were trained again although they had been saved, from the lines of all runs."""
    saved: dict[str, int] = {}
    losses = []
    for line in log.read_text(encoding="utf-8").splitlines():
        what, epoch, name = line.split(" ", 2)
        if what == "removed":
            saved.clear()    # everything had been written
        elif what == "saved":
            saved[name] = int(epoch)
        elif what == "starts" and int(epoch) < saved.get(name, 0):
            losses.append(f"{name}: starts after epoch {epoch}, though epoch {saved[name]} was saved")
    return losses


def _run(notebook: str, parameters: dict, log: Path, phase: str, event: int, delay: float) -> None:
    """Run a notebook's cells in this process, which kills itself `delay` seconds after event `event` of a phase."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)    # what the notebook prints
    _watch(log, phase, event, delay)
    names: dict[str, Any] = {}
    for cell in json.loads((ROOT / f"notebooks/train/{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
            names.update(parameters if "parameters" in cell["metadata"].get("tags", []) else {})


def _watch(log: Path, phase: str, event: int, delay: float) -> None:
    """Write a log of what is saved, and arm the kill."""
    from rsslib.learning.checkpoint import Checkpoint
    from rsslib.learning.trainer import Trainer

    state = {"phase": "", "left": event}
    fit, save, remove = Trainer.fit, Checkpoint.save, Checkpoint.remove

    def note(text: str) -> None:
        with log.open("a", encoding="utf-8") as lines:
            lines.write(f"{text}\n")

    def watched_fit(self: Trainer) -> None:
        self.checkpoint.name = self.name    # type: ignore[attr-defined]
        note(f"starts {self.epoch} {self.name}")
        state["phase"] = "training"
        fit(self)
        state["phase"] = "saving"

    def watched_save(self: Checkpoint, content: Any, now: bool = False) -> None:
        save(self, content, now=True)    # after every epoch
        note(f"saved {content()['epoch']} {self.name}")    # type: ignore[attr-defined]

    def watched_remove(self: Checkpoint) -> None:
        note("removed 0 all")
        remove(self)

    def heard(name: str, arguments: tuple) -> None:
        if state["phase"] == phase and name in EVENTS and str(arguments[0]) != str(log):
            state["left"] -= 1
            if not state["left"] and delay:
                threading.Thread(target=_kill_after, args=(delay,), daemon=True).start()
            elif not state["left"]:
                _kill_after(0)

    Trainer.fit, Checkpoint.save, Checkpoint.remove = (    # type: ignore[method-assign]
        watched_fit, watched_save, watched_remove)
    if phase:
        sys.addaudithook(heard)


def _kill_after(delay: float) -> None:
    time.sleep(delay)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
