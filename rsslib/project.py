"""Where the project lies, how its files are written, and the one error that bad input raises."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class InputError(ValueError):
    """Bad input: the message names the file, the row or key, what was expected and what to do."""


def _find_root() -> Path:
    starts = [Path.cwd(), Path(__file__).resolve().parent]
    for start in starts:
        for folder in [start, *start.parents]:
            if (folder / "dvc.yaml").exists() and (folder / "params.yaml").exists():
                return folder
    return starts[1].parent


ROOT: Path = _find_root()
"""The folder that holds dvc.yaml and params.yaml, looked for upwards from the working folder."""


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`, renamed to `path` on success and removed on error.

    Readers therefore see the old file or the new one, never half of one.

    Example
    -------
    >>> with atomic_path("results/table1.json") as temporary:   # doctest: +SKIP
    ...     temporary.write_text("{}")
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | Path, content: object) -> Path:
    """Write `content` as JSON to `path`, atomically; return the path."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return Path(path)
