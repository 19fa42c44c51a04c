"""The stages of dvc.yaml, several at a time: those that are out of date, each as soon as what it needs is there.

`dvc repro` runs one stage after the other. Here stages go to an executor, of threads or of a cluster, and DVC is told
what they left, so that `dvc status` and `dvc repro` go on from it. DVC stays locked until the end.
"""

import ctypes
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from rsslib.project import ROOT, InputError

SECONDS_UNSAVED = 60.0
"""What was finished so long ago is written into dvc.lock, for a run that is killed."""
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class Runner(NamedTuple):
    """Runs stages: `start` promises the exit status of a `dvc.stage.Stage`, `places` says how many run at a time."""

    start: Callable[[Any], "Future[int]"]
    places: Callable[[], int]


def cores() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a stage: this interpreter first on PATH, and threads that do not burn others' time.

    Stages run beside each other. So numpy and its like have one thread, and what asks for more, such as radio maps, has
    threads that sleep while they wait for each other, and do not spin (the OpenMP runtime reads that when torch loads).
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    return os.environ | {"PATH": path} | quiet | dict(variables or {})


def die_with_parent() -> None:
    """Let Linux kill this process when its parent ends: another may do its work again."""
    if _LIBC:
        _LIBC.prctl(1, signal.SIGKILL)    # PR_SET_PDEATHSIG


@contextmanager
def side_by_side(folder: Path = ROOT, variables: Mapping[str, str] | None = None, log: Path | None = None,
                 ) -> Iterator[Runner]:
    """Yield what runs stages in processes of this machine, as many at a time as there are cores.

    What they print is added to `log`, if there is one.
    """
    def shell(stage: Any) -> int:
        run = partial(subprocess.run, shlex.split(stage.cmd), cwd=folder, env=environment(variables), check=False)
        if log is None:
            return run().returncode
        with log.open("a", encoding="utf-8") as output:
            return run(stdout=output, stderr=subprocess.STDOUT).returncode

    with ThreadPoolExecutor(cores()) as pool:
        yield Runner(lambda stage: pool.submit(shell, stage), cores)


def run(chosen: Callable[[str], bool], runner: Runner, folder: Path = ROOT, force: Callable[[str], bool] | None = None,
        upstream: bool = True) -> int:
    """Run the stages with a chosen name, and with `upstream` what they need, where they are out of date or by `force`.

    After a failure nothing new begins, and what runs comes to its end. Returns 0, or the exit status of the first that
    failed. Errors: InputError where another DVC is at work in `folder`.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo

    with Repo(str(folder)) as repo:
        try:
            with repo.lock:
                return _run(_graph(repo, chosen, upstream), runner, force or (lambda name: False))
        except LockError as error:
            raise InputError(f"{folder}: another DVC is at work here ({error}); wait for its end") from None
        except DvcException as error:
            raise InputError(f"{folder}/dvc.yaml: DVC cannot read it: {' '.join(str(error).split())}") from None


def _graph(repo: Any, chosen: Callable[[str], bool], upstream: bool) -> dict[Any, set]:
    """Return the stages to bring up to date, each with those of them that it needs, in the order of dvc.yaml."""
    graph = repo.index.graph
    wanted = {stage for stage in graph if chosen(stage.name)}
    while upstream and (more := {need for stage in wanted for need in graph.successors(stage)} - wanted):
        wanted |= more
    return {stage: set(graph.successors(stage)) & wanted for stage in repo.index.stages if stage in wanted}


def _run(needs: dict[Any, set], runner: Runner, force: Callable[[str], bool]) -> int:
    """Run the stages, those first on which most others wait, then those with most to read: mostly the longest."""
    total, told, status = len(needs), time.monotonic(), 0
    rank = {stage: (-len(_waiting_for(stage, needs)), -len(stage.deps)) for stage in needs}
    running: dict[Future[int], Any] = {}
    finished: list[Any] = []    # and not yet in dvc.lock
    try:
        while not status and needs or running:
            if not status:
                _begin(needs, running, runner, rank, force)
            if time.monotonic() - told > SECONDS_UNSAVED:    # now that all places are taken: it lasts some seconds
                _tell(finished)
                told = time.monotonic()
            for future in wait(running, SECONDS_UNSAVED, FIRST_COMPLETED).done:
                stage, code = running.pop(future), future.result()
                if not status and not code:
                    _begin(needs, running, runner, rank, force, stage)    # its place need not wait until it is kept
                code = code or _kept(stage)
                status = status or code
                if not code:
                    finished.append(stage)
                    _forget(stage, needs)
                _say(f"{total - len(needs)} of {total} stages: {stage.name} " + ("failed" if code else "done"))
    finally:
        wait(running)    # after Ctrl-C, too: nobody else may begin while they write
        _tell(finished)
    return status


def _begin(needs: dict[Any, set], running: dict[Future[int], Any], runner: Runner,
           rank: Mapping[Any, tuple[int, int]], force: Callable[[str], bool], ended: Any = None) -> None:
    """Start stages that wait for none, but `ended`, as there are places; forget those that are up to date."""
    while len(running) < max(1, runner.places()) and (ready := [
            stage for stage, missing in needs.items() if not missing and stage not in (ended, *running.values())]):
        stage = min(ready, key=rank.__getitem__)
        if force(stage.name) or stage.changed():
            stage.remove_outs()    # as DVC does: nothing of an earlier run is left in a folder
            running[runner.start(stage)] = stage
        else:
            _forget(stage, needs)


def _forget(stage: Any, needs: dict[Any, set]) -> None:
    """Take a finished stage from the list and from what others need."""
    del needs[stage]
    for missing in needs.values():
        missing.discard(stage)


def _waiting_for(stage: Any, needs: Mapping[Any, set]) -> set:
    """Return the stages that need this one, by way of others, too."""
    direct = {other for other, missing in needs.items() if stage in missing}
    return direct.union(*(_waiting_for(other, needs) for other in direct))


def _kept(stage: Any) -> int:
    """Let DVC hash what a stage read and keep what it wrote, before another reads that; return 1 where it cannot."""
    from dvc.exceptions import DvcException

    try:
        stage.save(run_cache=False)
        stage.commit()
    except DvcException as error:    # such as an output that was not written
        _say(f"{stage.name}: {error}")
        return 1
    return 0


def _tell(finished: list[Any]) -> None:
    """Write the hashes of finished stages into dvc.lock: at once, since the file is large."""
    if finished:
        finished[0].dvcfile.dump_stages(finished, update_pipeline=False)
    finished.clear()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
