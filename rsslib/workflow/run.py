"""The notebook runner: `python -m rsslib.run NOTEBOOK OUT --section NAME ... key=value ...`.

It merges named sections of params.yaml with the values of the command line, refuses names that the notebook does not
know, executes the notebook with papermill, and strips what changes from run to run: two runs write the same bytes.
"""

import argparse
import ast
import difflib
import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from rsslib.progress import relay
from rsslib.project import ROOT, InputError, atomic_path

_KERNEL_FILE = re.compile(r"\S*ipykernel_\d+[/\\]\d+\.py")
_SECTION = "take parameters from a section of params.yaml, such as data.smoke; may be repeated, the last one wins"
_VALUES = "set a parameter, in YAML, such as learning_rate=5e-4 or splits=[random,grid2]; wins over every section"
_EXAMPLE = """example, a section with two other values:
  python -m rsslib.run notebooks/01_data_prep.ipynb scratch/fine.ipynb --section data.smoke root=scratch pixel_m=25.0"""


class _Loader(yaml.SafeLoader):
    """YAML whose `5e-4` is a number, as in Python and in DVC's YAML 1.2; plain PyYAML takes it for text."""


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"),
                              list("-+0123456789"))


def merge(sections: Sequence[str], overrides: Sequence[str], params: str | Path | None = None) -> dict[str, Any]:
    """Merge sections of the file `params` (ROOT/params.yaml), later ones winning, then `key=value` overrides.

    Raises InputError for a missing section, one that holds sections itself, or an override without `=`.

    Example
    -------
    >>> merge([], ["lr=5e-4", "split=grid2"])
    {'lr': 0.0005, 'split': 'grid2'}
    """
    path = Path(params or ROOT / "params.yaml")
    content = yaml.load(path.read_text(encoding="utf-8"), _Loader) if sections else {}
    merged: dict[str, Any] = {}
    for name in sections:
        merged |= _section(content, name, path)
    for pair in overrides:
        key, equals, text = pair.partition("=")
        if not equals or not key.isidentifier():
            raise InputError(f"command line: expected key=value, got {pair!r}")
        merged[key] = yaml.load(text, _Loader)
    return merged


def check(notebook: str | Path, parameters: Mapping[str, Any]) -> None:
    """Raise InputError unless every name stands in the cell tagged `parameters` of `notebook`, lists as lists."""
    known = _parameters(notebook)
    for name, value in parameters.items():
        if known.get(name) and not isinstance(value, list):
            raise InputError(f"{notebook}: `{name}` is a list; write '{name}=[{'' if value is None else value}]'")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean `{near[0]}`?" if near else "."
            raise InputError(f"{notebook}: unknown parameter `{name}`{hint} Its cell tagged `parameters` "
                             f"has: {', '.join(known) or 'nothing, or there is no such cell'}")


def execute(notebook: str | Path, out: str | Path, parameters: Mapping[str, Any]) -> Path:
    """Execute `notebook` with `parameters` from ROOT and write the stripped copy `out` atomically.

    When a cell fails, the copy that shows the error is kept as `<out stem>.failed.ipynb` and
    PapermillExecutionError is raised; an earlier `out` stays as it was.
    """
    import nbformat
    import papermill

    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")    # else each kernel prints debugger warnings
    out, failed = Path(out), Path(out).with_suffix(".failed.ipynb")
    with atomic_path(out) as temporary, relay():
        try:
            papermill.execute_notebook(
                str(notebook), str(temporary), parameters=dict(parameters), cwd=str(ROOT), kernel_name="python3",
                language="python", coalesce_streams=True, progress_bar=False,
                extra_arguments=["--IPKernelApp.log_level=ERROR"])
        except papermill.PapermillExecutionError:
            os.replace(temporary, failed)
            raise
        executed = nbformat.read(temporary, as_version=4)
        _strip(executed)
        nbformat.write(executed, temporary)
    failed.unlink(missing_ok=True)
    return out


def main(arguments: Sequence[str] | None = None, program: str = "python -m rsslib.run") -> int:
    """Run the command line; return 0, or 1 when a cell failed. Raises InputError for bad input."""
    given = _parser(program).parse_intermixed_args(arguments)
    # jsonschema, below papermill, would build a grammar of web addresses: 1.2 s of each run, and of no use here
    sys.modules.setdefault("rfc3987_syntax", None)    # type: ignore[arg-type]
    from papermill import PapermillExecutionError  # here, not above: --help need not wait for it

    logging.getLogger("papermill").setLevel(logging.ERROR)    # our own check has named what is unknown
    started = time.perf_counter()
    parameters = merge(given.section, given.values)
    check(given.notebook, parameters)
    if Path(given.out).suffix != ".ipynb" or Path(given.out).resolve() == Path(given.notebook).resolve():
        raise InputError(f"{given.out}: expected the name of another file that ends in .ipynb for the copy")
    print(f"run: {given.notebook} -> {given.out} with {parameters}", file=sys.stderr)
    try:
        execute(given.notebook, given.out, parameters)
    except PapermillExecutionError as error:
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


def _section(content: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    section: Any = content
    for part in name.split("."):
        if not isinstance(section, Mapping) or part not in section:
            raise InputError(f"{path}: no section `{name}`; top sections are {', '.join(content)}")
        section = section[part]
    if not isinstance(section, Mapping):
        raise InputError(f"{path}: `{name}` is a value; expected a section of notebook parameters")
    for key, value in section.items():
        if isinstance(value, Mapping):
            raise InputError(f"{path}: section `{name}` holds sections; name one, such as `{name}.{key}`")
    return dict(section)


def _parameters(notebook: str | Path) -> dict[str, bool]:
    """Return the names that the cell tagged `parameters` assigns: is the value a list?"""
    try:
        cells = json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{notebook}: no such notebook, or not a notebook ({error})") from None
    source = "\n".join("".join(cell["source"]) for cell in cells if "parameters" in cell["metadata"].get("tags", []))
    names: dict[str, bool] = {}
    for node in ast.parse(source).body:
        pairs: Iterable[tuple[ast.expr, ast.expr | None]] = ()
        if isinstance(node, ast.AnnAssign):
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            several = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            pairs = zip(target.elts, value.elts) if several else [(target, value)]    # type: ignore[attr-defined]
        names |= {part.id: isinstance(given, ast.List) for part, given in pairs if isinstance(part, ast.Name)}
    return names


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
