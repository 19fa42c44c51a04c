"""Progress of long work: one line with the time left in a terminal, plain lines now and then in a log."""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from rsslib.project import InputError

VARIABLE = "RSSLIB_PROGRESS"
"""Names a file that gets the lines instead (see `relay`), or is "off" for silence."""
LOG_SECONDS = 20.0
# of a stream that is closed, has no reader, or is a stand-in that lacks a method
_UNUSABLE = (OSError, ValueError, AttributeError, TypeError, RuntimeError)


def _print(text: str, stream: TextIO | None) -> None:
    """Write and flush, or leave it: no line is worth ending a training for."""
    if stream is not None:
        with suppress(*_UNUSABLE):
            stream.write(text)
            stream.flush()


def _line(line: str, terminal: bool) -> str:
    return f"\r{line}\x1b[K" if terminal else f"{line}\n"


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except _UNUSABLE:
        return False


class Progress:
    """Counts steps up to `total` and tells what is done, what is left and how long that will take.

    On a terminal one line is written over and over; elsewhere a plain line every tenth of the way. Lines that cannot be
    written are left out.
    Errors: InputError if the file that RSSLIB_PROGRESS names cannot be written to.

    Example
    -------
    >>> with Progress(3, "emd x3") as progress:
    ...     progress.step(1, "loss 0.5")    # on standard error: emd x3: 1/3, 0:02 left, loss 0.5
    """

    def __init__(self, total: int, name: str, start: int = 0):
        if not isinstance(total, int) or not isinstance(start, int):
            raise InputError(f"progress: total is {total!r}, start {start!r}; expected numbers of steps")
        self.total, self.name, self.start, self.told = max(total, 1), name, start, start
        target = os.environ.get(VARIABLE, "").strip()
        self.file = None if target.lower() in ("", "off") else _opened(target)
        self.stream = None if target.lower() == "off" else self.file or sys.stderr
        self.began = time.monotonic()
        self.terminal = _is_terminal(self.stream)

    def __enter__(self) -> "Progress":
        return self

    def step(self, done: int, note: str = "") -> None:
        """Tell that `done` steps are finished."""
        tenth = done * 10 // self.total > self.told * 10 // self.total
        if self.terminal or self.file or tenth:
            left = int((time.monotonic() - self.began) / max(done - self.start, 1) * (self.total - done))
            line = f"{self.name}: {done}/{self.total}, {left // 60}:{left % 60:02d} left, {note}"
            _print(_line(line, self.terminal), self.stream)
        self.told = done

    def __exit__(self, *_: object) -> None:
        if self.terminal:
            _print("\n", self.stream)
        if self.file:
            with suppress(*_UNUSABLE):
                self.file.close()


def _opened(target: str) -> TextIO:
    try:
        return open(target, "a", encoding="utf-8", buffering=1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{VARIABLE} is {target!r}, which cannot be written to ({reason}); expected the name of a "
                         "file, 'off' for silence, or nothing for standard error") from None


@contextmanager
def relay() -> Iterator[None]:
    """Show on this process's standard error the progress of a child process, such as a notebook's kernel.

    A kernel's own prints would end up in the notebook, with times that differ from run to run.
    """
    if os.environ.get(VARIABLE):  # "off", or somebody else shows it
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        path, stop = Path(folder) / "progress", threading.Event()
        path.touch()
        os.environ[VARIABLE] = str(path)
        thread = threading.Thread(target=_show, args=(path, stop), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            os.environ.pop(VARIABLE, None)


def _show(path: Path, stop: threading.Event) -> None:
    terminal, shown = _is_terminal(sys.stderr), time.monotonic()
    with path.open(encoding="utf-8", errors="replace") as lines:
        while not stop.wait(0.5):
            new = lines.read().splitlines()
            if new and (terminal or time.monotonic() - shown > LOG_SECONDS):
                _print(_line(new[-1], terminal), sys.stderr)
                shown = time.monotonic()
    if terminal:
        _print("\r\x1b[K", sys.stderr)
