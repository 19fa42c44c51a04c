"""The parameters of a notebook: values of params.yaml and the command line, read by the types of the defaults.

The cell tagged `parameters` assigns each its default. On the command line a text stays as it is typed; a number, true
or false, none, or a list is read where the default is one.
"""

import ast
import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rsslib import sources
from rsslib.files import NUMBER, WHOLE, parsed, read_yaml
from rsslib.project import ROOT, InputError, is_plain

_WORDS: Mapping[type | None, str] = {
    bool: "true or false", int: "a whole number below 2**63", float: "a finite number", str: "text in UTF-8",
    list: "a list, such as [a, b]", type(None): "a finite number or none"}
_ELEMENT = re.compile(r"""\s*+(?:"([^"]*+)"\s*+|'([^']*+)'\s*+|([^,\[\]"']++))(?:,|$)""")
_FOLDERS = ("profile", "name")    # parameters that name folders below data/, results/ and figures/
_LARGEST = {"threads": 1024}    # more than a machine can start ends the kernel without a word


class Parameter(NamedTuple):
    """A parameter: its default as written, the type of that, None if it is no literal; of a list, that of its elements.

    `several` says that its annotation allows a list besides, as in `stage: str | list = "one"`.
    """

    default: str
    kind: type | None
    element: type | None = None
    several: bool = False


def read(notebook: str | Path) -> dict[str, Parameter]:
    """Return what the cell tagged `parameters` of a notebook assigns, {name: Parameter}.

    Errors: InputError for a file that is no notebook, or a cell that is not Python.
    """
    code = "\n".join(cell["source"] for cell in sources.cells(notebook)
                     if cell["cell_type"] == "code" and "parameters" in cell["metadata"].get("tags", []))
    return parsed(lambda: {name: parameter for node in sources.python(code, notebook).body
                           for name, parameter in _assigned(node)}, notebook, "a cell that assigns parameters")


def merge(notebook: str | Path, sections: Sequence[str] = (), overrides: Sequence[str] = (),
          params: str | Path | None = None) -> dict[str, Any]:
    """Merge sections of the file `params` (ROOT/params.yaml), later ones winning, then `key=value` overrides.

    Errors: those of `read` and `check`; InputError for a broken file, a missing section, one that holds sections
    itself, or an override without `=`.
    """
    path, known, merged = Path(params or ROOT / "params.yaml"), read(notebook), {}
    content = read_yaml(path, "sections of notebook parameters") if sections else {}
    for name in sections or ():
        for key, value in _section(content, name, path).items():
            merged[key] = _checked(key, value, _known(notebook, key, known), f"{path}: section `{name}`", notebook)
    for pair in overrides or ():
        key, equals, text = str(pair).partition("=")
        if not equals or not key.isidentifier():
            raise InputError(f"command line: expected key=value, got {pair!r}")
        merged[key] = _checked(key, text, _known(notebook, key, known), "command line", notebook, typed=True)
    return merged


def check(notebook: str | Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` in the types of the defaults in `notebook`.

    Errors: those of `read`; InputError for an unknown name, a value of another type, a number that is not finite or
    has more than 63 bits, and the name of a folder that is no plain one.

    >>> check("notebooks/01_data_prep.ipynb", {"pixel_m": 25})    # doctest: +SKIP
    {'pixel_m': 25.0}
    """
    known = read(notebook)
    if not isinstance(values, Mapping):
        raise InputError(f"parameters: {values!r}; expected names and values")
    return {name: _checked(name, value, _known(notebook, name, known), "parameters", notebook)
            for name, value in values.items()}


def _known(notebook: str | Path, name: object, known: Mapping[str, Parameter]) -> Parameter:
    if name in known:
        return known[str(name)]
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f"; did you mean `{near[0]}`?" if near else "."
    raise InputError(f"{notebook}: unknown parameter `{name}`{hint} Its cell tagged `parameters` has: "
                     f"{', '.join(known) or 'nothing, or there is no such cell'}")


def _checked(name: str, given: Any, parameter: Parameter, where: str, notebook: str | Path, typed: bool = False) -> Any:
    """Return a value in the type of its parameter; one that is `typed` is a text that says it."""
    try:
        value = _fitting(_said(given, parameter) if typed else given, parameter)
    except ValueError:
        each = f", each {_WORDS[parameter.element]}" if parameter.element else ""
        wanted = _WORDS.get(parameter.kind, "a text, a number or a list of them from a section of params.yaml")
        raise InputError(f"{where}: `{name}` is {given!r}; expected {wanted}{each}{', or a list' * parameter.several}, "
                         f"as its default in {notebook}, {parameter.default}") from None
    if name in _LARGEST and type(value) is int and not 1 <= value <= _LARGEST[name]:
        raise InputError(f"{where}: `{name}` is {value}; expected 1 to {_LARGEST[name]}")
    if name in _FOLDERS and isinstance(value, str) and not is_plain(value) and (value or parameter.default != "''"):
        raise InputError(f"{where}: `{name}` is {value!r}; expected the name of a folder: no path, not hidden")
    return value


def _said(text: str, parameter: Parameter) -> Any:
    """Return the value that a text of the command line says. Errors: ValueError."""
    if parameter.several and text.startswith("[") and text.endswith("]"):
        return _list(text, parameter.kind)
    return _list(text, parameter.element) if parameter.kind is list else _scalar(text, parameter.kind)


def _list(text: str, element: type | None) -> list:
    """Return the elements of "[a, b]": texts where they are in quotes, else of type `element`, None: number or text."""
    text = text.strip()
    inner, at, found = text[1:-1].strip(), 0, []
    if len(text) < 2 or text[0] + text[-1] != "[]":
        raise ValueError
    while at < len(inner):
        match = _ELEMENT.match(inner, at)
        if match is None:
            raise ValueError
        double, single, plain = match.groups()
        kind = element or (type(None) if plain and re.fullmatch(NUMBER, plain.strip()) else str)
        found.append(_scalar(plain.strip(), kind) if plain else double or single or "")
        at = match.end()
    return found


def _scalar(text: str, kind: type | None) -> Any:
    if kind is str:
        return text
    if kind is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind is type(None) and text.lower() in ("none", "null"):
        return None
    if kind in (int, type(None)) and re.fullmatch(WHOLE, text.strip()):
        return int(text)
    if kind in (float, type(None)) and re.fullmatch(NUMBER, text.strip()):
        return float(text)
    raise ValueError


def _fitting(value: Any, parameter: Parameter) -> Any:
    if isinstance(value, list) and (parameter.kind in (list, None) or parameter.several):
        return [_as(part, parameter.kind if parameter.several else parameter.element) for part in value]
    return value if value is None and parameter.kind is None else _as(value, parameter.kind)


def _as(value: Any, kind: type | None) -> Any:
    """Return a value in a type, None: any of text, number, true and false. Errors: ValueError."""
    if type(value) is int and abs(value) < 2**63 or type(value) is float and math.isfinite(value):
        if kind in (type(value), float, type(None), None):
            return float(value) if kind is float else value
    elif isinstance(value, str) and kind in (str, None):
        value.encode()    # half of a character, of a name that is not UTF-8, cannot be stored
        return value
    elif isinstance(value, bool) and kind in (bool, None) or value is None and kind is type(None):
        return value
    raise ValueError


def _assigned(node: ast.stmt) -> Iterator[tuple[str, Parameter]]:
    """Yield the names that a line assigns, with what they are."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        several = any(isinstance(part, ast.Name) and part.id == "list" for part in ast.walk(node.annotation))
        yield node.target.id, _parameter(node.value, several)
    if not isinstance(node, ast.Assign):
        return
    for target in node.targets:
        parts: Sequence[ast.expr] = [target]
        values: Sequence[ast.expr | None] = [node.value]
        if isinstance(target, ast.Tuple | ast.List):
            parts = target.elts
            values = node.value.elts if isinstance(node.value, ast.Tuple | ast.List) else [None] * len(parts)
        yield from ((part.id, _parameter(given)) for part, given in zip(parts, values) if isinstance(part, ast.Name))


def _parameter(value: ast.expr | None, several: bool = False) -> Parameter:
    shown = ast.unparse(value) if value else "not known"
    try:
        default = ast.literal_eval(value) if value else ...
    except (ValueError, TypeError):    # it is computed
        default = ...
    if isinstance(default, list | tuple):
        kinds = {type(part) for part in default}
        kinds = {float} if kinds == {int, float} else kinds
        return Parameter(shown, list, kinds.pop() if len(kinds) == 1 and kinds <= set(_WORDS) - {list} else None)
    return Parameter(shown, type(default) if type(default) in _WORDS else None, None, several)


def _section(content: Any, name: str, path: Path) -> Mapping[str, Any]:
    section = content
    for part in str(name).split("."):
        if not isinstance(section, Mapping) or part not in section:
            tops = ", ".join(map(str, content)) if isinstance(content, Mapping) else "none"
            raise InputError(f"{path}: no section `{name}`; top-level sections are {tops}")
        section = section[part]
    if not isinstance(section, Mapping):
        raise InputError(f"{path}: `{name}` is a value; expected a section of notebook parameters")
    for key, value in section.items():
        if isinstance(value, Mapping):
            raise InputError(f"{path}: section `{name}` holds sections; name one, such as `{name}.{key}`")
    return section
