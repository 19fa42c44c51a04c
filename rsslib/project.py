"""Where the project lies, how its files are written, and the one error that bad input raises."""

import errno
import glob
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class InputError(ValueError):
    """Bad input: the message names the file, the row or key, what was expected and what to do."""


class InputWarning(UserWarning):
    """Input that may be meant but rarely is: the message says what was found and what to give instead."""


def _find_root() -> Path:
    starts = [Path.cwd(), Path(__file__).resolve().parent]
    for start in starts:
        for folder in [start, *start.parents]:
            if (folder / "dvc.yaml").exists() and (folder / "params.yaml").exists():
                return folder
    return starts[1].parent


_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR,
               errno.EEXIST, errno.ENAMETOOLONG)
ROOT: Path = _find_root()
"""The folder that holds dvc.yaml and params.yaml, looked for upwards from the working folder."""


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`, renamed to `path` on success and removed on error.

    Readers therefore see the old file or the new one, never half of one. Errors: InputError naming the file if the
    disk is full or the folder cannot be written to.

    Example
    -------
    >>> with atomic_path("results/table1.json") as temporary:   # doctest: +SKIP
    ...     temporary.write_text("{}")
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.errno in _UNWRITABLE:
            raise InputError(f"{path}: cannot be written ({error.strerror}); free some space, or choose a folder that "
                             "you may write to") from error
        raise
    finally:
        with suppress(OSError):    # where nothing can be written, nothing can be removed: the first error counts
            temporary.unlink(missing_ok=True)


def _remove_abandoned(path: Path) -> None:
    """Remove the temporary files of `path` whose processes were killed."""
    for other in path.parent.glob(f".{glob.escape(path.stem)}.*{glob.escape(path.suffix)}"):
        pid = other.name.removeprefix(f".{path.stem}.").removesuffix(path.suffix)
        if pid.isdecimal() and not _is_running(int(pid)):
            other.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    if os.name == "nt":    # there, signal 0 is Ctrl-C
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):    # it belongs to somebody else, or cannot be asked
        return True
    return True


def write_json(path: str | Path, content: object) -> Path:
    """Write `content` as JSON to `path`, atomically; return the path."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return Path(path)
