"""The import closure of modules and notebooks, computed from their source code.

It determines the dependencies of stages (dvc.yaml), the `code_hash` of records and the key of checkpoints.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from rsslib.files import parsed, read_json, read_text
from rsslib.project import InputError

PACKAGE = Path(__file__).resolve().parent
_NOTEBOOK = "a Jupyter notebook of format 4"
_IMPORTERS = ("import_module", "__import__")


def closure(*starts: str | Path) -> list[Path]:
    """Return the files of rsslib that modules ("rsslib.localization.losses") and notebooks (paths) depend on, sorted.

    They are the imported modules, also those imported inside functions, and their imports in turn. A name re-exported
    by a package counts as an import of the module that defines it; imports under TYPE_CHECKING do not count. A file in
    a module's folder that the module names in a string, such as "campus.csv", is included.

    Errors: InputError for an unknown module, a file that is no notebook, code that is not Python, and imports that hide
    what they import: of a whole package, `*`, relative ones, `import_module`.

    >>> [path.name for path in closure("rsslib.learning.devices")]
    ['devices.py', 'project.py']
    """
    left = [path for start in starts for path in _first(start)]
    reached: set[Path] = set()
    while left:
        path = left.pop()
        if path not in reached:
            reached.add(path)
            left += _next(path)
    return sorted(reached)


def digest(*starts: str | Path) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 of the closure and of the notebooks' code.

    Paths are relative to the package and line endings are normalised, so that all checkouts of a commit agree.
    """
    total = hashlib.sha256()
    for path in closure(*starts):
        total.update(f"{path.relative_to(PACKAGE).as_posix()}\n".encode())
        total.update(path.read_bytes().replace(b"\r\n", b"\n"))
    for notebook in sorted(Path(start) for start in starts if _is_notebook(start)):
        total.update(f"{notebook.name}\n{code_of(notebook)}".encode())
    return total.hexdigest()[:12]


def cells(notebook: str | Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook: `cell_type`, `metadata` and `source`, a text.

    Errors: InputError if it is missing, broken or no notebook.
    """
    content = read_json(notebook, _NOTEBOOK)
    found = content.get("cells") if isinstance(content, dict) and content.get("nbformat", 4) == 4 else None
    if not isinstance(found, list):
        raise InputError(f"{notebook}: no notebook, or of an older format; expected {_NOTEBOOK}")
    return [_cell(cell, f"{notebook}: cell {number}") for number, cell in enumerate(found, 1)]


def _cell(cell: Any, where: str) -> dict[str, Any]:
    content: dict[str, Any] = cell if isinstance(cell, dict) else {}
    kind, source, metadata = (content.get(key) for key in ("cell_type", "source", "metadata"))
    metadata = {} if metadata is None else metadata
    lines: list[Any] = source if isinstance(source, list) else [source]
    tags = metadata.get("tags", []) if isinstance(metadata, dict) else None
    if not (isinstance(kind, str) and isinstance(tags, list) and all(isinstance(line, str) for line in lines)):
        raise InputError(f"{where}: expected `cell_type` and `source`, texts, and `metadata` with a list of tags; "
                         "open the notebook in Jupyter and save it")
    return {"cell_type": kind, "metadata": metadata, "source": "".join(lines)}


def code_of(notebook: str | Path) -> str:
    """Return the code cells of a notebook as one text, without magics. Errors: those of `cells`."""
    code = "\n".join(cell["source"] + "\n" for cell in cells(notebook) if cell["cell_type"] == "code")
    return "\n".join(line for line in code.split("\n") if not line.startswith(("%", "!")))    # magics are not Python


def python(code: str, path: str | Path) -> ast.Module:
    """Return the syntax tree of the code of a file. Errors: InputError naming the file and the line."""
    return parsed(lambda: ast.parse(code, str(path)), path, "Python code", also=(SyntaxError,))


def _is_notebook(start: str | Path) -> bool:
    return str(start).endswith(".ipynb")


def _first(start: str | Path) -> list[Path]:
    if _is_notebook(start):
        return list(_imported(python(code_of(start), start), start))
    path = _file(str(start))
    if path is None:
        raise InputError(f"sources: no module {start!r}; give its full name, such as 'rsslib.localization.losses'")
    return [path]


@cache
def _tree(path: Path, changed: int) -> ast.Module:
    return python(read_text(path, "Python code"), path)


def _next(path: Path) -> list[Path]:
    """Return the files that a file of the package depends on directly."""
    if path.suffix != ".py":
        return []
    tree = _tree(path, path.stat().st_mtime_ns)
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    data = [other for other in path.parent.iterdir() if other.name in texts - {"__init__.py"} and other.is_file()]
    return [*_imported(tree, path), *data]


def _imported(tree: ast.AST, path: str | Path) -> Iterator[Path]:
    """Yield the files of the package that a module or notebook imports."""
    for node in _walk(tree):
        if _hides(node) and path != PACKAGE / "__init__.py":    # that imports its names on first use, by a table
            line = getattr(node, "lineno", 0)
            raise InputError(f"{path}: line {line} of its code, `{ast.unparse(node)}`, hides what it imports; name it, "
                             f"as in `from {PACKAGE.name}.data import grid`")
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == PACKAGE.name:
            for alias in node.names:
                yield from _resolved(node.module, alias.name)
        elif isinstance(node, ast.Import):
            yield from filter(None, (_file(alias.name) for alias in node.names))


def _hides(node: ast.AST) -> bool:
    """Return whether a closure cannot tell what a node imports of the package."""
    if isinstance(node, ast.Import):
        return any(alias.name == PACKAGE.name or not alias.asname and alias.name.startswith(f"{PACKAGE.name}.")
                   for alias in node.names)    # each gives the name of the whole package
    if isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        return bool(node.level or "*" in names and _file(str(node.module)) or names & set(_IMPORTERS))
    return isinstance(node, ast.Name) and node.id in _IMPORTERS or (
        isinstance(node, ast.Attribute) and node.attr in _IMPORTERS)


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a tree, except those under TYPE_CHECKING."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            node = ast.Module(node.orelse, [])
        yield node
        yield from _walk(node)


def _resolved(module: str, name: str) -> Iterator[Path]:
    """Yield the file for `from module import name`: a module, or the one that defines a re-exported name."""
    path = _file(f"{module}.{name}") or _file(module)
    if path is None:
        return
    if path.name == "__init__.py":
        for node in ast.walk(_tree(path, path.stat().st_mtime_ns)):    # re-exports may be under TYPE_CHECKING
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        yield from _resolved(str(node.module), alias.name)
                        return
    yield path


def _file(module: str) -> Path | None:
    """Return the file of a module of the package, None for any other module."""
    if module.partition(".")[0] != PACKAGE.name:
        return None
    path = PACKAGE.parent.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def folded(paths: Iterable[Path]) -> list[str]:
    """Return the paths for dvc.yaml: a folder if all its modules are among `paths`, else single files.

    >>> folded([PACKAGE / "project.py"])
    ['rsslib/project.py']
    """
    left, kept = set(paths), []
    for folder in sorted({path.parent for path in left} - {PACKAGE}):
        if set(_whole(folder)) <= left:
            kept.append(folder)
    kept = [folder for folder in kept if not set(folder.parents) & set(kept)]
    alone = [path for path in left if not set(path.parents) & set(kept)]
    return sorted(path.relative_to(PACKAGE.parent).as_posix() for path in [*kept, *alone])


def _whole(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.py") if path.name != "__init__.py")
