"""The notebook runner: `python -m rsslib.run NOTEBOOK OUT --section NAME ... key=value ...`.

It merges named sections of params.yaml with the values of the command line, refuses names that the notebook
does not know, executes the notebook with papermill, and strips what changes from run to run: two runs write
the same bytes.
"""

import argparse
import ast
import difflib
import logging
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rsslib.progress import relay
from rsslib.project import ROOT, InputError, atomic_path

# jsonschema, below nbformat, would build a grammar of web addresses: 1.2 s of each run; notebooks need no such check
sys.modules.setdefault("rfc3987_syntax", None)    # type: ignore[arg-type]
try:
    import nbformat
    import papermill
    import yaml
    from papermill.exceptions import PapermillExecutionError
except ModuleNotFoundError as error:
    if __name__ != "__main__":
        raise
    sys.exit(f"error: {error}; `make env` makes the environment, `source .venv/bin/activate` enters it")

if sys.modules["rfc3987_syntax"] is None:    # others may want it
    del sys.modules["rfc3987_syntax"]

_KERNEL_FILE = re.compile(r"\S*ipykernel_\d+[/\\]\d+\.py")


class _Loader(yaml.SafeLoader):
    """YAML whose `5e-4` is a number, as in Python and in DVC; plain PyYAML reads it as text."""


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"),
                              list("-+0123456789"))


def merge(sections: Sequence[str], overrides: Sequence[str], params: str | Path | None = None) -> dict:
    """Merge sections of the file `params` (ROOT/params.yaml), later ones winning, then `key=value` overrides.

    Raises InputError for a missing section, one that holds sections itself, or an override without `=`.

    Example
    -------
    >>> merge([], ["lr=5e-4", "split=grid2"])
    {'lr': 0.0005, 'split': 'grid2'}
    """
    path = Path(params or ROOT / "params.yaml")
    merged: dict = {}
    content = yaml.load(path.read_text(encoding="utf-8"), _Loader) if sections else {}
    for name in sections:
        merged |= _section(content, name, path)
    for pair in overrides:
        key, equals, text = pair.partition("=")
        if not equals or not key.isidentifier():
            raise InputError(f"command line: expected key=value, got {pair!r}")
        merged[key] = yaml.load(text, _Loader)
    return merged


def check(notebook: str | Path, parameters: Mapping) -> None:
    """Raise InputError unless every name stands in the cell tagged `parameters` of `notebook`, lists as lists."""
    known = _names(notebook)
    for name, value in parameters.items():
        if known.get(name) and not isinstance(value, list):
            raise InputError(f"{notebook}: `{name}` is a list; write '{name}=[{'' if value is None else value}]'")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean `{near[0]}`?" if near else "."
            raise InputError(f"{notebook}: unknown parameter `{name}`{hint} Its cell tagged `parameters` "
                             f"has: {', '.join(known) or 'nothing, or there is no such cell'}")


def execute(notebook: str | Path, out: str | Path, parameters: Mapping) -> Path:
    """Execute `notebook` with `parameters` from ROOT and write the stripped copy `out`, whole or not at all.

    When a cell fails, the copy that shows the error is kept as `<out stem>.failed.ipynb` and
    PapermillExecutionError is raised; an earlier `out` stays as it was.
    """
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # else each kernel prints debugger warnings
    out, failed = Path(out), Path(out).with_suffix(".failed.ipynb")
    with atomic_path(out) as temporary, relay():
        try:
            papermill.execute_notebook(
                str(notebook), str(temporary), parameters=dict(parameters), cwd=str(ROOT),
                kernel_name="python3", language="python", coalesce_streams=True,
                progress_bar=False,
                extra_arguments=["--IPKernelApp.log_level=ERROR"])
        except PapermillExecutionError:
            os.replace(temporary, failed)
            raise
        executed = nbformat.read(temporary, as_version=4)
        _strip(executed)
        nbformat.write(executed, temporary)
    failed.unlink(missing_ok=True)
    return out


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, 1 when a cell failed, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m rsslib.run", description="Execute one notebook.")
    parser.add_argument("notebook")
    parser.add_argument("out")
    parser.add_argument("--section", action="append", default=[], help="such as train.quick")
    parser.add_argument("values", nargs="*", metavar="key=value")
    given = parser.parse_intermixed_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("papermill").setLevel(logging.ERROR)    # our own check has named what is unknown
    started = time.perf_counter()
    try:
        parameters = merge(given.section, given.values)
        check(given.notebook, parameters)
        if Path(given.out).suffix != ".ipynb" or Path(given.out).resolve() == Path(given.notebook).resolve():
            raise InputError(f"{given.out}: expected the name of another file that ends in .ipynb for the copy")
        print(f"run: {given.notebook} -> {given.out} with {parameters}", file=sys.stderr)
        execute(given.notebook, given.out, parameters)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except PapermillExecutionError as error:
        told = error.evalue if error.ename == InputError.__name__ else f"{error}\n{given.notebook} failed"
        print(f"error: {told}\nsee {Path(given.out).with_suffix('.failed.ipynb')}", file=sys.stderr)
        return 1
    print(f"run: {given.out} done in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return 0


def _section(content: Mapping, name: str, path: Path) -> dict:
    found: object = content
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise InputError(f"{path}: no section `{name}`; top sections are {', '.join(content)}")
        found = found[part]
    if not isinstance(found, Mapping):
        raise InputError(f"{path}: `{name}` is a value; expected a section of notebook parameters")
    nested = [key for key, value in found.items() if isinstance(value, Mapping)]
    if nested:
        raise InputError(f"{path}: section `{name}` holds sections; name one, such as `{name}.{nested[0]}`")
    return dict(found)


def _names(notebook: str | Path) -> dict[str, bool]:
    """Return the names assigned in the cell tagged `parameters`: is what they are given there a list?"""
    if not Path(notebook).exists():
        raise InputError(f"{notebook}: no such notebook")
    cells = [cell for cell in nbformat.read(notebook, as_version=4).cells
             if "parameters" in cell.metadata.get("tags", [])]
    names = {}
    for node in (node for cell in cells for node in ast.parse(cell.source).body):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            several = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            parts = zip(target.elts, node.value.elts) if several else [(target, getattr(node, "value", None))]
            names |= {name.id: isinstance(value, ast.List) for part, value in parts if part is not None
                      for name in ast.walk(part) if isinstance(name, ast.Name)}
    return names


def _strip(notebook: nbformat.NotebookNode) -> None:
    """Remove in place what differs between two equal runs: times, versions, random ids, kernel file names."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    for cell in notebook.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = _KERNEL_FILE.sub("<cell>", output["text"])


if __name__ == "__main__":
    sys.exit(main())
