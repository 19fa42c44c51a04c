"""The law of the doors: a call returns a valid result, or raises InputError that names the file or the argument.

It answers in time, leaves no partial file, changes no file that it reads, and warns by InputWarning alone.
"""

import contextlib
import faulthandler
import re
import resource
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rsslib.project import InputError, InputWarning

SECONDS = 5.0
MEMORY = 3 * 2**30
"""What a call may take beyond what the process has: more is a MemoryError, and the machine lives on."""
LARGEST_FILE = 2**28
VALID, REFUSED = "valid", "refused"
TRACEBACK, UNNAMED, HANG, PARTIAL, WARNED, WRONG = BROKEN = (
    "traceback", "names nothing", "hang", "partial file", "warning", "wrong result")


class Hang(BaseException):
    """The time is over. No Exception, so that no `except Exception` of a door swallows it."""


@dataclass
class Call:
    """A call of a door.

    names : files and arguments, of which the message of an InputError must hold one
    valid : returns what is wrong with a result, "" for a valid one
    writes : the files that the call may make or change
    """

    run: Callable[[], Any]
    names: Sequence[str]
    valid: Callable[[Any], str]
    writes: Sequence[Path] = ()


class Outcome(NamedTuple):
    """VALID, REFUSED or one of BROKEN; where and why, equal for equal faults; and the whole story."""

    kind: str
    fault: str = ""
    story: str = ""


def unless(fine: Any, words: str) -> str:
    """Return what a judge says: nothing where all is fine, else the words.

    >>> unless(True, "no number"), unless(False, "no number")
    ('', 'no number')
    """
    return "" if fine else words


def judged(call: Call, folder: Path, seconds: float = SECONDS) -> Outcome:
    """Return the outcome of a call whose files are in `folder`."""
    before = _files(folder)
    with _all_heard() as unheard:
        outcome = _called(call, seconds)
    if unheard and outcome.kind in (VALID, REFUSED):
        outcome = _unexpected(unheard[0], "heard by nobody: ")
    return _left(call, folder, before, outcome) or outcome


def _called(call: Call, seconds: float) -> Outcome:
    started = _clock()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with _watched(seconds), _bounded():
                outcome = _checked(call, call.run())
        except InputError as error:
            found = any(_is_named(name, str(error)) for name in call.names)
            outcome = Outcome(REFUSED, story=str(error)) if found else Outcome(UNNAMED, _place(error), str(error))
        except Hang as error:
            outcome = Outcome(HANG, _place(error), f"no answer in {seconds:g} s")
        except (Exception, SystemExit) as error:
            outcome = _unexpected(error)
    if outcome.kind in (VALID, REFUSED) and (took := _clock() - started) > seconds:    # it was in C all the time
        return Outcome(HANG, "late", f"an answer after {took:.1f} s")
    others = [one for one in caught if not issubclass(one.category, InputWarning)]
    if others and outcome.kind in (VALID, REFUSED):
        first = others[0]
        return Outcome(WARNED, f"{first.category.__name__} {_short(first.filename)}:{first.lineno}", str(first.message))
    return outcome


def _unexpected(error: BaseException, where: str = "") -> Outcome:
    name = type(error).__name__
    return Outcome(TRACEBACK, f"{name} {_place(error)}", f"{where}{name}: {str(error)[:200]}")


@contextmanager
def _all_heard() -> Iterator[list[BaseException]]:
    """Collect the errors that nobody else hears: those that end a thread, or are raised where objects are deleted."""
    unheard: list[BaseException] = []

    def hear(told: Any) -> None:
        if not isinstance(told.exc_value, Hang):    # which rings again
            unheard.append(told.exc_value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", hear)
        patch.setattr(sys, "unraisablehook", hear)
        yield unheard


def _checked(call: Call, result: Any) -> Outcome:
    """Judge a result. A result that the judge stumbles over is as wrong as one that it refuses."""
    try:
        wrong = call.valid(result)
    except Exception as error:
        return Outcome(WRONG, f"unusable: {type(error).__name__}", f"unusable: {type(error).__name__}: {error}")
    return Outcome(WRONG, re.sub(r"[-+]?\d[\d.e+-]*", "#", wrong)[:120], wrong) if wrong else Outcome(VALID)


def _left(call: Call, folder: Path, before: dict, outcome: Outcome) -> Outcome | None:
    """Return the outcome of a call that left a file which it should not, else None."""
    after = _files(folder)
    known = {path for path in call.writes if outcome.kind == VALID}
    changed = sorted(path for path in {*before, *after} - known if before.get(path) != after.get(path))
    if not changed or outcome.kind not in (VALID, REFUSED):
        return None
    first = changed[0]
    did = "made" if first not in before else "removed" if first not in after else "changed"
    return Outcome(PARTIAL, f"{did} {'a temporary file' if first.name.startswith('.') else 'a file'}",
                   f"{did} {first.name} ({outcome.kind}: {outcome.story})")


def _files(folder: Path) -> dict[Path, Any]:
    return {path: _content(path) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}


def _content(path: Path) -> Any:
    try:
        return path.readlink() if path.is_symlink() else path.read_bytes()
    except PermissionError:
        return "not to be read"


def _is_named(name: str, message: str) -> bool:
    """Return whether a message names a file or argument; `a` and `n` must stand as names, not as words."""
    if len(name) > 1:
        return name in message or repr(name)[1:-1] in message
    return bool(re.search(rf"(?<!\w)[`'\"]?{re.escape(name)}[`'\"]?(?= is|:|=|,| and)|`{re.escape(name)}`", message))


def _place(error: BaseException) -> str:
    """Return the innermost line of the library in a traceback."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/rsslib/" in frame.filename]
    return f"{_short(frames[-1].filename)}:{frames[-1].lineno} {frames[-1].name}" if frames else "outside the library"


def _short(filename: str) -> str:
    return "/".join(Path(filename).parts[-2:])


def _clock() -> float:
    """Return the time [s] without that in which this process waited for a processor, where the system tells it."""
    try:
        delay = int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        delay = 0.0
    return time.monotonic() - delay


@contextmanager
def _watched(seconds: float) -> Iterator[None]:
    """Raise Hang after `seconds` of `_clock`; end the process after a minute where a library never returns."""
    end = _clock() + seconds

    def ring(*_: object) -> None:
        if _clock() >= end:
            raise Hang
    before = signal.signal(signal.SIGALRM, ring)
    faulthandler.dump_traceback_later(60 + seconds, exit=True, file=sys.__stderr__)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds / 5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _bounded() -> Iterator[None]:
    """Bound the memory of this process, where the system counts it, and the files that it and its children write."""
    limits = {resource.RLIMIT_FSIZE: LARGEST_FILE}
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + MEMORY
    before = {kind: resource.getrlimit(kind) for kind in limits}
    for kind, limit in limits.items():
        resource.setrlimit(kind, (limit, before[kind][1]))
    try:
        yield
    finally:
        for kind, limit in before.items():
            resource.setrlimit(kind, limit)
