"""Train the networks of the profile `full` in a given time, without Jupyter and DVC: `rsslib paper --minutes N`.

A training is the training notebook, its cells run one after the other in a process of its own; several processes share
one GPU. What is finished stays, what is not continues from its checkpoint at the next call. Reports read what it leaves
in results/<profile>/trained, without training again.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import torch

from rsslib import sources
from rsslib.arguments import check_choice
from rsslib.files import parsed, read_bytes, read_json, read_yaml
from rsslib.localization import predictions
from rsslib.project import ROOT, InputError, write_json
from rsslib.workflow import parameters

NOTEBOOK = "notebooks/train/localizer.ipynb"
FIRST = ("grid2", "july", "grid5", "random", "november", "blocks")
"""The splits in the order of what they settle."""
MEASURED = "data/quick/measurements.nc"    # as in its section of params.yaml
_OWN = ("profile", "root", "measurements", "split", "loss")    # what tells one training from another


class Training(NamedTuple):
    """One training of a profile: an ensemble for one split and one loss."""

    profile: str
    split: str
    loss: str

    @property
    def name(self) -> str:
        """Name of its output folder."""
        return f"{self.split}-{self.loss}"

    def finished(self) -> Path:
        """Return the file that says with which parameters and code it was finished."""
        return ROOT / "data" / self.profile / "finished" / f"{self.name}.json"

    def outputs(self) -> Path:
        """Return the folder of its predictions, images and history."""
        return ROOT / "results" / self.profile / "trained" / self.name

    def log(self) -> Path:
        """Return the file that holds what it prints."""
        return ROOT / "scratch" / "logs" / f"{self.profile}-{self.name}.log"


def order(profile: str = "full") -> list[Training]:
    """Return the trainings of a profile, those that settle most first.

    CoM and EMD on every split, for the paper's central claim; PSE; EMD on the grids of Figure 11; the sliced EMD.

    >>> [training.name for training in order()][:3]
    ['grid2-com', 'grid2-emd', 'july-com']
    """
    content = read_yaml(ROOT / "params.yaml", "sections of notebook parameters")
    known = parsed(lambda: content["split"][profile], ROOT / "params.yaml", "a section `split` for each profile")
    pairs = [(split, loss) for split in FIRST for loss in ("com", "emd")]
    pairs += [(split, "pse") for split in FIRST] + [(grid, "emd") for grid in content.get("more_grids", ())]
    pairs += [(split, "sliced") for split in ("grid2", "random")]
    return [Training(profile, split, loss) for split, loss in pairs if split in known and loss in content["loss"]]


def settings(training: Training, values: Sequence[str] = ()) -> dict[str, Any]:
    """Return the parameters of a training: its sections of params.yaml, then `key=value` texts.

    Errors: those of `parameters.merge`; InputError for a value that would make it another training.
    """
    for value in values:
        if value.partition("=")[0] in _OWN:
            raise InputError(f"command line: {value!r}; expected no {', '.join(_OWN)}: each training has its own")
    sections = (f"train.{training.profile}", f"split.{training.profile}.{training.split}", f"loss.{training.loss}")
    return parameters.merge(ROOT / NOTEBOOK, sections, values, ROOT / "params.yaml")


def train(minutes: float, at_once: int, values: Sequence[str] = (), only: Sequence[str] = (),
          profile: str = "full") -> int:
    """Train in the order of `order` for at most `minutes`, `at_once` trainings at the same time.

    `only` names the trainings, in the order wanted; none: all. Returns 0, or 1 where a training failed. A training that
    is finished with these settings and this code is not run again.
    Errors: those of `settings`; InputError for an unknown training, or where the measurements of the profile are
    missing.
    """
    if not 0 < minutes <= 1e5 or not 1 <= at_once <= 256:
        raise InputError(f"command line: --minutes {minutes:g}, --at-once {at_once}; expected minutes above 0, and 1 "
                         "to 256 trainings at once")
    measured = ROOT / MEASURED
    if not measured.is_file():
        raise InputError(f"{measured}: not there; run `rsslib run notebooks/01_data_prep.ipynb scratch/01.ipynb "
                         "--section data.quick` where Jupyter is, and copy the file")
    made_of = {"code": sources.digest(ROOT / NOTEBOOK),
               "measurements": sha256(read_bytes(measured, "measurements")).hexdigest()}
    known = {training.name: training for training in order(profile)}
    for name in only:
        check_choice("command line: --only", name, known)
    given = {known[name]: settings(known[name], values) for name in only or known}
    waiting = [training for training, wanted in given.items() if not _is_finished(training, wanted, made_of)]
    if not torch.cuda.is_available():
        _say("warning: no CUDA GPU is seen here: this will be very slow; `make reproduce` is the job for a CPU")
    _say(f"{len(given) - len(waiting)} of {len(given)} trainings are finished; {len(waiting)} to go, {minutes:g} min")
    return _run(waiting, given, made_of, time.monotonic() + 60 * minutes, at_once)


def execute(notebook: str | Path, given: Mapping[str, Any]) -> None:
    """Run the code cells of a notebook in this process, from ROOT, with `given` in place of its defaults."""
    os.chdir(ROOT)
    space: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(sources.cells(notebook), 1):
        if cell["cell_type"] == "code":
            exec(compile(cell["source"], f"{notebook}, cell {number}", "exec"), space)
            if "parameters" in cell["metadata"].get("tags", []):
                space.update(given)


def _run(waiting: list[Training], given: Mapping[Training, Mapping], made_of: dict, end: float, at_once: int) -> int:
    running: dict[Training, Any] = {}
    started, failed, context = time.monotonic(), 0, multiprocessing.get_context("spawn")

    def outcome(training: Training, code: int) -> None:
        words = "done" if code == 0 else f"failed, see {training.log()}" if code > 0 else (
            "stopped: the time is over; it continues next time")
        _say(f"{time.monotonic() - started:5.0f} s  {training.name} {words}")

    try:
        while (waiting or running) and time.monotonic() < end:
            while waiting and len(running) < at_once:
                training = waiting.pop(0)
                running[training] = context.Process(target=_one, args=(training, dict(given[training]), made_of))
                running[training].start()
            for training in [one for one, process in running.items() if process.exitcode is not None]:
                code = running.pop(training).exitcode
                failed += code != 0
                outcome(training, code)
            time.sleep(0.1)
    finally:
        for process in running.values():
            process.terminate()
        for training, process in running.items():
            process.join()
            failed += process.exitcode > 0
            outcome(training, process.exitcode)
    if waiting:
        _say(f"not begun: {', '.join(training.name for training in waiting)}")
    return int(failed > 0)


def _one(training: Training, given: dict[str, Any], made_of: dict) -> None:
    """Run one training; what it prints goes to its log."""
    training.log().parent.mkdir(parents=True, exist_ok=True)
    with training.log().open("a", encoding="utf-8") as log:
        for stream in (1, 2):    # what libraries print, too
            os.dup2(log.fileno(), stream)
        execute(ROOT / NOTEBOOK, given)
        describe(training, given, made_of["code"])
        write_json(training.finished(), {"parameters": given, **made_of})


def describe(training: Training, given: Mapping[str, Any], code: str) -> Path:
    """Say in the stamp of a finished training with which parameters, code and device it was made."""
    located = predictions.load(training.outputs() / "predictions.nc")
    device = torch.cuda.get_device_name() if located.attrs["device"] == "cuda" else located.attrs["device"]
    stamp = training.outputs().with_name(f"{training.name}.stamp.json")
    return write_json(stamp, {**read_json(stamp, "the time of a training"), "device": device,
                              "torch": located.attrs["torch"], "computed_in": located.attrs["computed_in"],
                              "code": code, "parameters": dict(given)})


def _is_finished(training: Training, wanted: Mapping[str, Any], made_of: dict) -> bool:
    path = training.finished()
    return path.is_file() and read_json(path, "a finished training") == {"parameters": wanted, **made_of} and (
        training.outputs() / "predictions.nc").is_file()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
