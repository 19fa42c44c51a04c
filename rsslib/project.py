"""Where the project lies, how its files are written, and the one error that bad input raises."""

import errno
import glob
import json
import os
import platform
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class InputError(ValueError):
    """Bad input: the message names the file, the row or key, what was expected and what to do."""


class InputWarning(UserWarning):
    """Input that may be meant but rarely is: the message says what was found and what to give instead."""


PACKAGE = Path(__file__).resolve().parent


def _above(start: Path) -> Path | None:
    """Return the nearest folder that holds dvc.yaml and params.yaml, from `start` upwards."""
    return next((folder for folder in (start, *start.parents) if all(
        os.path.exists(folder / name) for name in ("dvc.yaml", "params.yaml"))), None)


def _above_working_folder() -> Path | None:
    try:
        return _above(Path.cwd())
    except FileNotFoundError:    # it was deleted
        return None


_HOST = re.sub(r"\W", "_", platform.node())[:40]    # other hosts may write into the same folder
_LONGEST = 100    # bytes of a name; file systems take 255, and files get longer names by it
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR,
               errno.EEXIST, errno.ENAMETOOLONG, errno.EFBIG, errno.EIO, errno.ESTALE)
ROOT: Path = _above_working_folder() or _above(PACKAGE) or PACKAGE.parent
"""The folder that holds dvc.yaml and params.yaml, looked for upwards from the working folder, else from the package."""


def require_project() -> None:
    """Raise InputError unless the working folder lies in a project, and the code that runs is the project's own.

    Commands that write into ROOT call this first: from elsewhere they would write into the project of the package.
    """
    found = _above_working_folder()
    if found is None:
        home = _above(PACKAGE)
        raise InputError("working folder: no project here or above (a folder with dvc.yaml and params.yaml); first "
                         f"`cd {home or 'FOLDER'}`, to a clone of the project")
    own = found / PACKAGE.name / "__init__.py"
    if own.is_file() and not own.samefile(PACKAGE / "__init__.py"):
        raise InputError(f"{found}: this project has its own {PACKAGE.name}, but the command is that of {PACKAGE}; "
                         f"`cd {found}` and run it as `python -m {PACKAGE.name} ...`, or make an environment there")


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`, for a file or a folder: renamed on success, removed on error.

    Readers therefore see the old file or the new one, never half of one. Errors: those of `writing`.

    Example
    -------
    >>> with atomic_path("results/table1.json") as temporary:   # doctest: +SKIP
    ...     temporary.write_text("{}")
    """
    path = Path(path)
    if not path.name or "\0" in str(path):
        raise InputError(f"path {str(path)!r}: not the name of a file")
    temporary = path.with_name(f".{path.stem}.{_HOST}-{os.getpid()}-{threading.get_ident()}{path.suffix}")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(path)
            yield temporary
            os.replace(temporary, path)
    finally:
        with suppress(OSError):    # where nothing can be written, nothing can be removed: the first error counts
            _remove(temporary)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say of an error of the disk to which path it belongs: InputError if it is full or cannot be written to."""
    try:
        yield
    except OSError as error:
        if error.errno in _UNWRITABLE:
            elsewhere = error.filename and Path(error.filename).resolve().parent != path.resolve().parent
            reason = f"{error.strerror}: {error.filename}" if elsewhere else error.strerror
            raise InputError(f"{path}: cannot be written ({reason}); free some space, or choose a folder that you may "
                             "write to") from error
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)    # another process may remove it, too
    else:
        path.unlink(missing_ok=True)


def is_plain(name: str) -> bool:
    """Return whether a name is that of a file or folder in a folder: no path, not hidden, and nothing unprintable.

    >>> is_plain("quick"), is_plain("../quick"), is_plain("..")
    (True, False, False)
    """
    return bool(name) and name.isprintable() and not name.startswith(".") and not set(name) & set("/\\") and (
        name == name.strip() and len(os.fsencode(name)) <= _LONGEST)


def _remove_abandoned(path: Path) -> None:
    """Remove the temporary files of `path` whose processes, of this host, were killed."""
    for other in path.parent.glob(f".{glob.escape(path.stem)}.{glob.escape(_HOST)}-*{glob.escape(path.suffix)}"):
        pid = other.name.removeprefix(f".{path.stem}.{_HOST}-").removesuffix(path.suffix).partition("-")[0]
        if pid.isdecimal() and not _is_running(int(pid)):
            _remove(other)


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
    """Write `content` as JSON to `path`, atomically; return the path.

    Errors: those of `atomic_path`; InputError for what JSON cannot hold, such as an array or NaN.
    """
    try:
        text = (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except (TypeError, ValueError, RecursionError) as error:    # of another type, NaN or half a character, in itself
        raise InputError(f"{path}: JSON cannot hold this ({error}); expected texts, finite numbers, true, false, null, "
                         "and lists and mappings of them") from None
    with atomic_path(path) as temporary:
        temporary.write_bytes(text)
    return Path(path)
