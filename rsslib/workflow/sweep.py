"""The long work of a profile on a cluster, through Dask distributed: `rsslib sweep PROFILE --scheduler ADDRESS`.

A task is the command of one stage of dvc.yaml, or one training of `rsslib paper`, in a process of its own: it writes
the bytes that it writes without a cluster. A worker that is lost loses what it was doing, which another does again.
Workers that do not see this folder get what a task reads, and send back what it writes.
"""

import io
import os
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, as_completed
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from rsslib.arguments import whole
from rsslib.project import ROOT, InputError, atomic_path
from rsslib.workflow import chain, commands, paper

CODE = ("rsslib", "notebooks", "params.yaml", "dvc.yaml", "claims.yaml", "pyproject.toml", "constraints.txt")
"""What every task reads, besides its data."""
WAIT_S = 60    # for a scheduler that does not answer, and for a first worker
_TRAINS = re.compile(r"rsslib paper|notebooks/train/(?:localizer|emitters|radio_maps|ablation|unseen_cells|pairs)"
                     r"\.ipynb")


class Task(NamedTuple):
    """One command, with its files below the project's folder."""

    name: str
    command: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]


class Lost(RuntimeError):
    """A task's command failed: its exit status and the end of what it printed. An exception, so that Dask retries."""


def sweep(profile: str, scheduler: str = "", workers: int = 0, retries: int = 1, gpu: bool = False) -> int:
    """Bring `profile` up to date on a cluster; return 0, or 1 where a task failed.

    scheduler, the address of one that runs; none: `workers` processes of this machine (0: one for each core), one
    thread each. retries, of a task whose command fails. gpu: trainings go to workers that offer GPU=1, one to each.
    Errors: InputError for an unknown profile, numbers out of range, a scheduler that does not answer or has no
    workers, and where Dask distributed is missing.
    """
    if profile not in commands.PLANS:
        raise InputError(f"command line: profile {profile!r}; expected one of {', '.join(commands.PLANS)}")
    whole("command line: --workers", workers, 0, 1024)
    whole("command line: --retries", retries, 0, 100)
    commands.ready()
    if gpu and not scheduler:
        raise InputError("command line: --gpu without --scheduler; on one machine `rsslib paper --at-once 4` shares "
                         "the GPU")
    with _client(scheduler, workers or chain.cores()) as client:
        shared = _seen(client)
        known = client.scheduler_info(-1)["workers"].values()
        if gpu and not any(one.get("resources", {}).get("GPU") for one in known):
            raise InputError(f"command line: --gpu: no worker of {scheduler} offers a GPU; start `dask worker` with "
                             "--resources GPU=1")
        _say(f"{len(client.nthreads())} workers, {'with' if shared else 'without'} a shared folder; "
             f"dashboard: {client.dashboard_link}")
        submit = partial(_submit, client, shared, retries, gpu)
        if profile == "full" and (status := _train(submit)):
            return status
        runner = chain.Runner(lambda stage: submit(_of_stage(stage)), lambda: sum(client.nthreads().values()))
        return chain.run(lambda name: f"@{profile}" in name, runner, upstream=profile != "full")


def _train(submit: Callable[[Task], "Future[int]"]) -> int:
    """Run what `rsslib paper` would train, each training a task; return 0, or 1 where one failed."""
    futures = {submit(_of_training(training)): training.name for training in paper.unfinished()}
    failed = 0
    for number, future in enumerate(as_completed(futures), 1):
        failed += future.result() != 0
        _say(f"{number} of {len(futures)} trainings: {futures[future]} " + ("failed" if future.result() else "done"))
    return int(failed > 0)


def _of_stage(stage: Any) -> Task:
    writes = tuple(out.def_path for out in stage.outs)
    stamps = (Path(path).with_suffix(".stamp.json").as_posix() for path in writes if path.startswith("results/"))
    return Task(stage.name, stage.cmd, tuple(dep.def_path for dep in stage.deps if dep.is_in_repo), (*writes, *stamps))


def _of_training(training: paper.Training) -> Task:
    last = training.outputs()
    writes = [last.parent]
    if training.notebook == paper.EMITTERS:    # a folder for each of its networks
        environment = last.stem
        writes = [last.parent.with_name(f"{environment}-{stage}") for stage in paper.settings(training)["stage"]]
    elif training.notebook in (paper.ABLATION, paper.UNSEEN):
        writes = [last]
    return Task(training.name, f"python -m rsslib paper --only {training.name}", (f"{paper.DATA}/{training.needs}",),
                tuple(path.relative_to(ROOT).as_posix() for path in (*writes, training.stamp(), training.finished())))


def _submit(client: Any, shared: bool, retries: int, gpu: bool, task: Task) -> "Future[int]":
    """Hand a task to the cluster; the promise is kept when its files are here."""
    needs = {"resources": {"GPU": 1}} if gpu and _TRAINS.search(task.command) else {}
    pool = client.get_executor(retries=retries, pure=False, **needs)
    promised: Future[int] = Future()
    promised.set_running_or_notify_cancel()

    def arrived(future: Future) -> None:
        try:
            unpack(future.result(), ROOT)
            promised.set_result(0)
        except BaseException as error:    # whatever it is: the thread that waits must hear of it
            _say(f"{task.name}: {error or type(error).__name__}")
            promised.set_result(1)

    bundle = b"" if shared else pack(ROOT, (*CODE, *task.reads))
    pool.submit(work, task, str(ROOT), bundle).add_done_callback(arrived)
    return promised


def work(task: Task, root: str, bundle: bytes) -> bytes:
    """Run a task on a worker, in `root`, or without a shared folder where `bundle` is unpacked; return what it wrote.

    Errors: Lost where its command fails.
    """
    if not bundle:
        if not Path(root).is_dir():
            raise Lost(f"a worker that came later does not see {root}, which the first ones did")
        _command(task, Path(root))
        return b""
    with tempfile.TemporaryDirectory(prefix="rsslib-") as folder:
        unpack(bundle, Path(folder))
        _command(task, Path(folder))
        return pack(Path(folder), task.writes)


def _command(task: Task, folder: Path) -> None:
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(shlex.split(task.command), cwd=folder, check=False, text=True, errors="replace",
                          env=chain.environment({"PYTHONPATH": path, "RSSLIB_PROGRESS": "off"}),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=chain.die_with_parent)
    if done.returncode:
        raise Lost(f"exit status {done.returncode}\n" + "\n".join(done.stdout.splitlines()[-20:]))


def pack(folder: Path, names: Iterable[str]) -> bytes:
    """Return files and folders below `folder` as a compressed archive, without what Python keeps of its own."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for name in names:
            if (folder / name).exists():
                archive.add(folder / name, name, filter=lambda one: None if "__pycache__" in one.name else one)
    return buffer.getvalue()


def unpack(archive: bytes, folder: Path) -> None:
    """Write the files of `pack` below `folder`, each of them whole or not at all."""
    if not archive:
        return
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        for member in packed:
            if member.isfile() and (content := packed.extractfile(tarfile.data_filter(member, str(folder)))):
                target = folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                with atomic_path(target) as temporary:
                    temporary.write_bytes(content.read())


@contextmanager
def _client(scheduler: str, workers: int) -> Iterator[Any]:
    """Yield a client of the scheduler, or of a cluster of processes of this machine."""
    try:
        import distributed
    except ModuleNotFoundError:
        raise InputError("Dask distributed is not installed; run `make env`, or `pip install -e '.[cluster]'` in the "
                         "project's folder") from None
    if not scheduler:
        with distributed.LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, memory_limit=0,
                                      dashboard_address=":0") as local:
            with distributed.Client(local) as client:
                yield client
        return
    try:
        with distributed.Client(scheduler, timeout=WAIT_S) as client:
            client.wait_for_workers(1, timeout=WAIT_S)
            yield client
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(f"command line: --scheduler {scheduler}: no scheduler with a worker answers ({error}); start "
                         "`dask scheduler` and `dask worker`, see docs/cluster.md") from None


def _seen(client: Any) -> bool:
    """Return whether every worker sees this folder, asked with a file of a random name."""
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=ROOT / "build", prefix="seen-") as file:
        return all(client.run(os.path.exists, file.name).values())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
