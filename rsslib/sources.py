"""The import closure of modules and notebooks, computed from their source code.

It determines the dependencies of stages (dvc.yaml), the `code_hash` of records and the key of checkpoints.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from rsslib.project import InputError

PACKAGE = Path(__file__).resolve().parent


def closure(*starts: str | Path) -> list[Path]:
    """Return the files of rsslib that modules ("rsslib.localization.losses") and notebooks (paths) depend on, sorted.

    They are the imported modules, also those imported inside functions, and their imports in turn. A name re-exported
    by a package counts as an import of the module that defines it; imports under TYPE_CHECKING do not count. A file in
    a module's folder that the module names in a string, such as "campus.csv", is included.

    Errors: InputError for an unknown module or notebook.

    >>> [path.name for path in closure("rsslib.propagation.friis")]
    ['project.py', 'friis.py']
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


def code_of(notebook: str | Path) -> str:
    """Return the code cells of a notebook as one text. Errors: InputError if it cannot be read."""
    try:
        cells = json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{notebook}: not a notebook ({error}); expected a file of the folder notebooks") from None
    code = "\n".join("".join(cell["source"]) + "\n" for cell in cells if cell["cell_type"] == "code")
    return "\n".join(line for line in code.split("\n") if not line.startswith(("%", "!")))    # magics are not Python


def _is_notebook(start: str | Path) -> bool:
    return str(start).endswith(".ipynb")


def _first(start: str | Path) -> list[Path]:
    if _is_notebook(start):
        return list(_imported(ast.parse(code_of(start))))
    path = _file(str(start))
    if path is None:
        raise InputError(f"sources: no module {start!r}; give its full name, such as 'rsslib.localization.losses'")
    return [path]


@cache
def _tree(path: Path, changed: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _next(path: Path) -> list[Path]:
    """Return the files that a file of the package depends on directly."""
    if path.suffix != ".py":
        return []
    tree = _tree(path, path.stat().st_mtime_ns)
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    data = [other for other in path.parent.iterdir() if other.name in texts - {"__init__.py"} and other.is_file()]
    return [*_imported(tree), *data]


def _imported(tree: ast.AST) -> Iterator[Path]:
    """Yield the files of the package that a module or notebook imports."""
    for node in _walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == PACKAGE.name:
            for alias in node.names:
                yield from _resolved(node.module, alias.name)
        elif isinstance(node, ast.Import):
            yield from filter(None, (_file(alias.name) for alias in node.names))


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
