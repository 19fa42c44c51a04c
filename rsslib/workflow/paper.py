"""Train what no stage of DVC trains in a given time, such as the profile `full`: `rsslib paper --minutes N`.

A training is the training notebook, its cells run one after the other in a process of its own; several processes share
one GPU. What is finished stays, what is not continues from its checkpoint at the next call. Reports read what it leaves
in results/<profile>/trained, without training again.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import torch

from rsslib import files, sources
from rsslib.arguments import check_choice
from rsslib.files import parsed, read_bytes, read_json, read_yaml
from rsslib.project import ROOT, InputError, write_json
from rsslib.workflow import chain, parameters
from rsslib.workflow.commands import UNTIL_DONE

LOCALIZER, EMITTERS, MAPS, ABLATION, UNSEEN = (f"notebooks/train/{name}.ipynb" for name in (
    "localizer", "emitters", "radio_maps", "ablation", "unseen_cells"))
FIRST = ("grid2", "july", "grid5", "random", "november", "blocks")
"""The splits in the order of what they settle."""
DATA = "data/quick"    # of both papers: measurements, and gain maps of cities
_OWN = ("profile", "root", "measurements", "inputs", "split", "loss", "environment", "pool", "seed")
"""Parameters that tell one training from another."""


class Training(NamedTuple):
    """One run of a training notebook: an ensemble of paper 1, the networks of paper 2 in one environment, radio maps.

    name; notebook; sections of params.yaml; output, the last file that it leaves, below
    results/<profile>; needs, a file or folder below DATA.
    """

    profile: str
    name: str
    notebook: str
    sections: tuple[str, ...]
    output: str
    needs: str

    def finished(self) -> Path:
        """Return the file that says with which parameters and code it was finished."""
        return ROOT / "data" / self.profile / "finished" / f"{self.name}.json"

    def outputs(self) -> Path:
        """Return the last file that it leaves for reports."""
        return ROOT / "results" / self.profile / self.output

    def stamp(self) -> Path:
        """Return the file that says how it was made."""
        return ROOT / "results" / self.profile / self.output.split("/")[0] / f"{self.name}.stamp.json"

    def log(self) -> Path:
        """Return the file that holds what it prints."""
        return ROOT / "scratch" / "logs" / f"{self.profile}-{self.name}.log"


def order(profile: str = "full") -> list[Training]:
    """Return the trainings of a profile, those that settle most first.

    Of `full`: CoM and EMD on every split, for paper 1's central claim; paper 2, seed by seed; radio maps, their regions
    for unseen cells and their ablation; PSE; EMD on the grids of Figure 11; the sliced EMD. Of others, whose trainings
    are stages of DVC: EMD on these grids.

    >>> [training.name for training in order()][:3]
    ['grid2-com', 'grid2-emd', 'july-com']
    """
    content = read_yaml(ROOT / "params.yaml", "sections of notebook parameters")
    known, emitters = parsed(lambda: (content["split"][profile], content.get("emitters", {}).get(profile, {})),
                             ROOT / "params.yaml", "a section `split` for each profile")
    grids = [(grid, "emd") for grid in content.get("more_grids", ()) if grid in known]
    if profile != "full":
        return [_localizer(profile, *grid) for grid in grids]
    pairs = [(split, loss) for split in FIRST for loss in ("com", "emd")]
    others = [(split, "pse") for split in FIRST] + grids + [(split, "sliced") for split in ("grid2", "random")]
    first, rest = ([_localizer(profile, split, loss) for split, loss in chosen
                    if split in known and loss in content["loss"]] for chosen in (pairs, others))
    ours = [training(profile, split) for section, training in (("maps", _maps), ("unseen", _unseen),
                                                               ("ablation", _ablation))
            for split in content.get(section, {}).get(profile, {}) if split != "base"]
    return [*first, *(_emitters(profile, pool, environment) for pool, where in emitters.get("pools", {}).items()
                      for environment in where), *ours, *rest]


def _localizer(profile: str, split: str, loss: str) -> Training:
    name = f"{split}-{loss}"
    return Training(profile, name, LOCALIZER, (f"train.{profile}", f"split.{profile}.{split}", f"loss.{loss}"),
                    f"trained/{name}/predictions.nc", "measurements.nc")


def _emitters(profile: str, pool: str, environment: str) -> Training:
    return Training(profile, f"{pool}-{environment}", EMITTERS,
                    tuple(f"emitters.{profile}.{section}" for section in ("base", environment, pool)),
                    f"emitters/{pool}/{environment}-other_input/{environment}.nc", "scenes")


def _maps(profile: str, split: str) -> Training:
    return Training(profile, f"maps-{split}", MAPS, (f"maps.{profile}.base", f"maps.{profile}.{split}"),
                    f"maps/{split}/maps.nc", "measurements.nc")


def _unseen(profile: str, split: str) -> Training:
    return Training(profile, f"unseen-{split}", UNSEEN, (f"unseen.{profile}.base", f"unseen.{profile}.{split}"),
                    f"unseen/{split}.json", "measurements.nc")


def _ablation(profile: str, split: str) -> Training:
    return Training(profile, f"ablation-{split}", ABLATION, (f"ablation.{profile}.base", f"ablation.{profile}.{split}"),
                    f"ablation/{split}.nc", "measurements.nc")


def settings(training: Training, values: Sequence[str] = ()) -> dict[str, Any]:
    """Return the parameters of a training: its sections of params.yaml, then `key=value` texts.

    Errors: those of `parameters.merge`; InputError for a value that would make it another training.
    """
    for value in values:
        if value.partition("=")[0] in _OWN:
            raise InputError(f"command line: {value!r}; expected no {', '.join(_OWN)}: each training has its own")
    return parameters.merge(ROOT / training.notebook, training.sections, values, ROOT / "params.yaml")


def train(minutes: float, at_once: int, values: Sequence[str] = (), only: Sequence[str] = (),
          profile: str = "full") -> int:
    """Train in the order of `order` for at most `minutes`, `at_once` trainings at the same time.

    `only` names the trainings, in the order wanted; none: all. Returns 0, or 1 where a training failed. A training that
    is finished with these settings and this code is not run again.
    Errors: those of `settings`; InputError for an unknown training, or where the measurements of the profile are
    missing.
    """
    if not 0 < minutes <= UNTIL_DONE or not 1 <= at_once <= 256:
        raise InputError(f"command line: --minutes {minutes:g}, --at-once {at_once}; expected minutes above 0 up to "
                         f"{UNTIL_DONE:g}, and 1 to 256 trainings at once")
    known = {training.name: training for training in order(profile)}
    for name in only:
        check_choice("command line: --only", name, known)
    given = {known[name]: settings(known[name], values) for name in only or known}
    made_of = {training: _made_of(training) for training in given}
    waiting = [training for training in given if not _is_finished(training, given[training], made_of[training])]
    slow = profile == "full" and any(training.notebook == LOCALIZER for training in waiting)
    if slow and not torch.cuda.is_available():
        _say("warning: no CUDA GPU is seen here: the UNets of paper 1 take days; `make reproduce` is the job for a CPU")
    _say(f"{len(given) - len(waiting)} of {len(given)} trainings are finished; {len(waiting)} to go"
         + f", at most {minutes:g} min" * (minutes < UNTIL_DONE))
    return _run(waiting, given, made_of, time.monotonic() + 60 * minutes, at_once)


def unfinished(profile: str = "full") -> list[Training]:
    """Return the trainings that are not finished with their settings and this code, in the order of `order`."""
    return [training for training in order(profile) if not _is_finished(training, settings(training),
                                                                       _made_of(training))]


def _made_of(training: Training) -> dict[str, str]:
    """Return the hashes of a training's code and data. Errors: InputError where data are missing."""
    path = ROOT / DATA / training.needs
    found = sorted(path.glob("*.nc")) if path.is_dir() else [path]
    if not found or not found[0].is_file():
        raise InputError(f"{path}: not there; run `rsslib reproduce` where Jupyter is, and copy it")
    total = sha256()
    for file in found:
        total.update(file.name.encode() + read_bytes(file, "data to train on"))
    return {"code": sources.digest(ROOT / training.notebook), "data": total.hexdigest()}


def execute(notebook: str | Path, given: Mapping[str, Any]) -> None:
    """Run the code cells of a notebook in this process, from ROOT, with `given` in place of its defaults."""
    os.chdir(ROOT)
    space: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(sources.cells(notebook), 1):
        if cell["cell_type"] == "code":
            exec(compile(cell["source"], f"{notebook}, cell {number}", "exec"), space)
            if "parameters" in cell["metadata"].get("tags", []):
                space.update(given)


def _run(waiting: list[Training], given: Mapping[Training, Mapping], made_of: Mapping[Training, dict], end: float,
         at_once: int) -> int:
    running: dict[Training, Any] = {}
    started, failed, context = time.monotonic(), 0, multiprocessing.get_context("spawn")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))    # by way of `finally`, which stops the trainings, too

    def outcome(training: Training, code: int, stopped: bool = False) -> None:
        words = "done" if code == 0 else "stopped; it continues next time" if stopped and code < 0 else (
            f"was killed by signal {-code}: too little memory?" if code < 0 else
            f"failed, see {training.log()}: {_last_line(training)}")
        _say(f"{time.monotonic() - started:5.0f} s  {training.name} {words}")

    try:
        while (waiting or running) and time.monotonic() < end:
            while waiting and len(running) < at_once:
                training = waiting.pop(0)
                arguments = training, dict(given[training]), made_of[training]
                running[training] = context.Process(target=_one, args=arguments)
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
            outcome(training, process.exitcode, stopped=True)
    if waiting:
        _say(f"not begun: {', '.join(training.name for training in waiting)}")
    return int(failed > 0)


def _last_line(training: Training) -> str:
    """Return the end of a training's log: of one that failed on another machine nothing else is seen."""
    log = training.log()
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    return lines[-1] if lines else "it is empty"


def _one(training: Training, given: dict[str, Any], made_of: dict) -> None:
    """Run one training; what it prints goes to its log."""
    chain.die_with_parent()
    training.log().parent.mkdir(parents=True, exist_ok=True)
    with training.log().open("a", encoding="utf-8") as log:
        for stream in (1, 2):    # what libraries print, too
            os.dup2(log.fileno(), stream)
        execute(ROOT / training.notebook, given)
        describe(training, given, made_of["code"])
        write_json(training.finished(), {"parameters": given, **made_of})


def describe(training: Training, given: Mapping[str, Any], code: str) -> Path:
    """Say in the stamp of a finished training with which parameters, code and device it was made."""
    path, again = training.outputs(), "train again"
    made = (read_json(path, "records of a training", again) if path.suffix == ".json" else
            files.read_netcdf(path, "predictions", again).attrs)
    device = torch.cuda.get_device_name() if made["device"] == "cuda" else made["device"]
    known = read_json(training.stamp(), "the time of a training") if training.stamp().is_file() else {}
    return write_json(training.stamp(), {**known, "device": device, "torch": made["torch"],
                                         "computed_in": made["computed_in"], "code": code, "parameters": dict(given)})


def _is_finished(training: Training, wanted: Mapping[str, Any], made_of: dict) -> bool:
    path = training.finished()
    return path.is_file() and training.outputs().is_file() and (
        read_json(path, "a finished training") == {"parameters": wanted, **made_of})


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
