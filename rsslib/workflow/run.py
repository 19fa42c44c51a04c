"""The notebook runner: `python -m rsslib.run NOTEBOOK OUT --section NAME ... key=value ...`.

It merges named sections of params.yaml with the values of the command line, refuses names that the notebook does not
know, executes the notebook with papermill, and strips what changes from run to run: two runs write the same bytes.
"""

import argparse
import logging
import os
import re
import sys
import time
import uuid
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rsslib.files import parsed
from rsslib.progress import relay
from rsslib.project import ROOT, InputError, atomic_path, require_project
from rsslib.workflow.parameters import check, merge

_KERNEL_FILE = re.compile(r"\S*ipykernel_\d+[/\\]\d+\.py")
_SECTION = "take parameters from a section of params.yaml, such as data.smoke; may be repeated, the last one wins"
_VALUES = ("set a parameter, such as learning_rate=5e-4 or splits=[random,grid2]: a text as it stands, else what the "
           "notebook's default is; wins over every section")
_EXAMPLE = """example, a section with two other values:
  python -m rsslib.run notebooks/01_data_prep.ipynb scratch/fine.ipynb --section data.smoke root=scratch pixel_m=25.0"""


def execute(notebook: str | Path, out: str | Path, parameters: Mapping[str, Any]) -> Path:
    """Execute `notebook` with `parameters` from ROOT and write the stripped copy `out` atomically.

    When a cell fails, the copy that shows the error is kept as `<out stem>.failed.ipynb` and
    PapermillExecutionError is raised; an earlier `out` stays as it was.

    Errors: those of `parameters.check`; InputError for a notebook that is not valid, another name than one that ends in
    .ipynb for the copy, that of the notebook or of a folder, and a kernel that does not start or dies.
    """
    parameters, out = check(notebook, parameters), Path(out)
    failed = out.parent / f"{out.stem}.failed.ipynb"
    if out.suffix != ".ipynb" or "\0" in out.name or os.path.isdir(out) or os.path.isdir(failed) or (
            out.resolve() == Path(notebook).resolve()):
        raise InputError(f"{out}: expected the name of another file that ends in .ipynb for the copy, and no folder")
    papermill = _papermill()
    import nbformat
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import DeadKernelError
    from traitlets.config import Config

    parsed(lambda: _validate(nbformat, notebook), notebook, "a valid notebook", "open it in Jupyter and save it",
           (nbformat.ValidationError,))
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")    # else each kernel prints debugger warnings
    with atomic_path(out) as temporary, relay():
        try:
            papermill.execute_notebook(
                _literally(notebook), _literally(temporary), parameters=parameters, cwd=str(ROOT),
                kernel_name="python3", language="python", coalesce_streams=True, progress_bar=False,
                extra_arguments=["--IPKernelApp.log_level=ERROR"], config=Config(KernelManager=sockets()))
        except papermill.PapermillExecutionError:
            os.replace(temporary, failed)
            raise
        except (DeadKernelError, RuntimeError):    # the second from one that never answered
            raise InputError(f"{notebook}: its kernel died; most likely memory ran out: give it less to do at a "
                             "time, or fewer `threads`") from None
        except NoSuchKernel:
            raise InputError(f"{notebook}: no Jupyter kernel `python3` here; run `make env`, or `pip install "
                             "ipykernel`") from None
        executed = nbformat.read(temporary, as_version=4)
        _strip(executed)
        nbformat.write(executed, temporary)
    failed.unlink(missing_ok=True)
    return out


def sockets() -> dict[str, str]:
    """Return where a kernel manager finds its kernel: sockets under a name that no other kernel has.

    Jupyter's default are free TCP ports, which another process may take before the kernel does. Names without a file
    are Linux's; elsewhere the default stays.
    """
    return {"transport": "ipc", "ip": f"@rsslib-{uuid.uuid4().hex}"} if sys.platform == "linux" else {}


def main(arguments: Sequence[str] | None = None, program: str = "python -m rsslib.run") -> int:
    """Run the command line; return 0, or 1 when a cell failed. Raises InputError for bad input."""
    given = _parser(program).parse_intermixed_args(arguments)
    require_project()
    parameters = merge(given.notebook, given.section, given.values)
    started = time.perf_counter()
    print(f"run: {given.notebook} -> {given.out} with {parameters}", file=sys.stderr)
    try:
        execute(given.notebook, given.out, parameters)
    except _papermill().PapermillExecutionError as error:
        reason = error.evalue if error.ename == InputError.__name__ else f"{error}\n{given.notebook} failed"
        print(f"error: {reason}\nsee {Path(given.out).with_suffix('.failed.ipynb')}", file=sys.stderr)
        return 1
    print(f"run: {given.out} done in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(program, description="Execute one notebook and keep the executed copy.",
                                     epilog=_EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", help="the notebook to execute, such as notebooks/01_data_prep.ipynb")
    parser.add_argument("out", help="where the executed copy goes, such as scratch/fine.ipynb")
    parser.add_argument("--section", action="append", default=[], metavar="NAME", help=_SECTION)
    parser.add_argument("values", nargs="*", metavar="key=value", help=_VALUES)
    return parser


def _papermill() -> Any:
    """Import papermill here, not above: --help, and errors of input, need not wait for it."""
    # jsonschema, below papermill, would build a grammar of web addresses: 1.2 s of each run, and of no use here
    sys.modules.setdefault("rfc3987_syntax", None)    # type: ignore[arg-type]
    import papermill

    logging.getLogger("papermill").setLevel(logging.ERROR)    # our own check has named what is unknown
    return papermill


def _literally(path: str | Path) -> str:
    """Return a path for papermill, which fills in names in braces, and takes some relative paths for addresses."""
    return str(Path(path).resolve()).replace("{", "{{").replace("}", "}}")


def _validate(nbformat: Any, notebook: str | Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")    # of cells without ids, which get some
        nbformat.validate(nbformat.read(notebook, as_version=4))


def _strip(notebook: dict[str, Any]) -> None:
    """Remove in place what differs between two equal runs: times, versions, random ids, kernel file names."""
    metadata = notebook["metadata"]
    metadata.pop("papermill", None)
    metadata.get("language_info", {}).pop("version", None)
    metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    for cell in notebook["cells"]:
        for key in ("papermill", "execution"):
            cell["metadata"].pop(key, None)
        if "injected-parameters" in cell["metadata"].get("tags", []):
            cell["id"] = "injected-parameters"
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = _KERNEL_FILE.sub("<cell>", output["text"])
