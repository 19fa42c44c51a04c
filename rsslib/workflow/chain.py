"""The stages of dvc.yaml, several at a time: those that are out of date, each as soon as what it needs is there.

`dvc repro` runs one stage after the other. Here stages go to an executor, of threads or of a cluster, and DVC is told
what they left, so that `dvc status` and `dvc repro` go on from it.
"""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rsslib.project import ROOT, InputError

SECONDS_UNSAVED = 60.0
"""What was finished so long ago is told to DVC, for a run that is killed."""
Run = Callable[[Any], "Future[int]"]
"""Starts a stage, as `dvc.stage.Stage`, and promises the exit status of its command."""


def cores() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a stage: this interpreter first on PATH, and libraries with one thread each.

    One thread, since stages run beside each other: threads of one that wait for those of another burn its time.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return os.environ | {"PATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"} | dict(variables or {})


def shell(command: str, folder: Path, variables: Mapping[str, str], log: Path | None = None) -> int:
    """Run the command of a stage and return its exit status; what it prints is added to `log`, if there is one."""
    if log is None:
        return subprocess.run(shlex.split(command), cwd=folder, env=dict(variables), check=False).returncode
    with log.open("a", encoding="utf-8") as output:
        return subprocess.run(shlex.split(command), cwd=folder, env=dict(variables), stdout=output,
                              stderr=subprocess.STDOUT, check=False).returncode


@contextmanager
def side_by_side(folder: Path = ROOT, variables: Mapping[str, str] | None = None, log: Path | None = None,
                 ) -> Iterator[Run]:
    """Yield a way to run stages in processes of this machine, as many at a time as there are cores."""
    pool = ThreadPoolExecutor(cores())
    try:
        yield submitting(pool, folder, variables, log)
    finally:
        pool.shutdown(cancel_futures=True)    # Ctrl-C ends what runs, and begins nothing new


def submitting(executor: Executor, folder: Path, variables: Mapping[str, str] | None = None,
               log: Path | None = None) -> Run:
    """Return what hands the command of a stage to an executor."""
    return lambda stage: executor.submit(shell, stage.cmd, folder, environment(variables), log)


def run(chosen: Callable[[str], bool], start: Run, folder: Path = ROOT, force: bool = False,
        upstream: bool = True) -> int:
    """Run the stages with a chosen name, and with `upstream` what they need, where they are out of date or by `force`.

    A stage that fails lets those that run come to their end. Returns 0, or the exit status of the first that failed.
    Errors: InputError where another DVC is at work in `folder`.
    """
    from dvc.lock import LockError
    from dvc.repo import Repo

    with Repo(str(folder)) as repo:
        try:
            with repo.lock:
                return _run(_graph(repo, chosen, upstream), start, force)
        except LockError as error:
            raise InputError(f"{folder}: another DVC is at work here ({error}); wait for its end") from None


def _graph(repo: Any, chosen: Callable[[str], bool], upstream: bool) -> dict[Any, set]:
    """Return the stages to bring up to date, each with those of them that it needs, in the order of dvc.yaml."""
    graph = repo.index.graph
    wanted = {stage for stage in graph if chosen(stage.name)}
    while upstream and (more := {need for stage in wanted for need in graph.successors(stage)} - wanted):
        wanted |= more
    return {stage: set(graph.successors(stage)) & wanted for stage in repo.index.stages if stage in wanted}


def _run(needs: dict[Any, set], start: Run, force: bool) -> int:
    """Run the stages, those first on which most others wait."""
    total, told, status = len(needs), time.monotonic(), 0
    rank = {stage: -len(_waiting_for(stage, needs)) for stage in needs}
    running: dict[Future[int], Any] = {}
    finished: list[Any] = []    # and not yet told to DVC
    try:
        while needs or running:
            for stage in sorted(_ready(needs, running.values()), key=rank.__getitem__) if not status else ():
                if force or stage.changed():
                    stage.remove_outs()    # as DVC does: nothing of an earlier run is left in a folder
                    running[start(stage)] = stage
                else:
                    _forget(stage, needs)
            if not running:
                if status or not needs:
                    break
                continue
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                stage = running.pop(future)
                if future.cancelled():
                    continue
                if code := future.result():
                    status = status or code
                    for other in running:    # those that have not begun
                        other.cancel()
                else:
                    _forget(stage, needs)
                    finished.append(stage)
                _say(f"{total - len(needs)} of {total} stages: {stage.name} " + ("failed" if code else "done"))
            if time.monotonic() - told > SECONDS_UNSAVED:
                _tell(finished)
                told = time.monotonic()
    finally:
        _tell(finished)
    return status


def _ready(needs: Mapping[Any, set], running: Collection) -> list[Any]:
    return [stage for stage, missing in needs.items() if not missing and stage not in running]


def _forget(stage: Any, needs: dict[Any, set]) -> None:
    """Take a finished stage from the list and from what others need."""
    del needs[stage]
    for missing in needs.values():
        missing.discard(stage)


def _waiting_for(stage: Any, needs: Mapping[Any, set]) -> set:
    """Return the stages that need this one, by way of others, too."""
    direct = {other for other, missing in needs.items() if stage in missing}
    return direct.union(*(_waiting_for(other, needs) for other in direct))


def _tell(finished: list[Any]) -> None:
    """Let DVC keep the outputs of finished stages, and write their hashes into dvc.lock."""
    for stage in finished:
        stage.save(run_cache=False)
        stage.commit()
    if finished:
        finished[0].dvcfile.dump_stages(finished, update_pipeline=False)
    finished.clear()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
