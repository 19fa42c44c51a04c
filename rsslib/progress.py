"""Progress of long work: one line with the time left in a terminal, plain lines now and then in a log."""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

VARIABLE = "RSSLIB_PROGRESS"
"""Names a file that gets the lines instead (see `relay`), or is "off" for silence."""
LOG_SECONDS = 20.0


def _print(line: str, stream: TextIO, terminal: bool) -> None:
    print(f"\r{line}\x1b[K" if terminal else line, end="" if terminal else "\n", file=stream, flush=True)


class Progress:
    """Counts steps up to `total` and tells what is done, what is left and how long that will take.

    On a terminal one line is written over and over; elsewhere a plain line every tenth of the way.

    Example
    -------
    >>> with Progress(3, "emd x3") as progress:
    ...     progress.step(1, "loss 0.5")    # on standard error: emd x3: 1/3, 0:02 left, loss 0.5
    """

    def __init__(self, total: int, name: str, start: int = 0):
        self.total, self.name, self.start = total, name, start
        target = os.environ.get(VARIABLE, "")
        self.file: TextIO | None = None
        self.stream: TextIO | None = None if target == "off" else sys.stderr
        if target not in ("", "off"):
            self.file = self.stream = open(target, "a", encoding="utf-8", buffering=1)
        self.began = time.monotonic()
        self.terminal = self.stream is not None and self.stream.isatty()

    def __enter__(self) -> "Progress":
        return self

    def step(self, done: int, note: str = "") -> None:
        """Tell that `done` steps are finished."""
        tenth = done * 10 // self.total > (done - 1) * 10 // self.total
        if self.stream and (self.terminal or self.file or tenth):
            left = int((time.monotonic() - self.began) / max(done - self.start, 1) * (self.total - done))
            line = f"{self.name}: {done}/{self.total}, {left // 60}:{left % 60:02d} left, {note}"
            _print(line, self.stream, self.terminal)

    def __exit__(self, *_: object) -> None:
        if self.terminal and self.stream:
            print(file=self.stream)
        if self.file:
            self.file.close()


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
            del os.environ[VARIABLE]


def _show(path: Path, stop: threading.Event) -> None:
    terminal, shown = sys.stderr.isatty(), time.monotonic()
    with path.open(encoding="utf-8") as lines:
        while not stop.wait(0.5):
            new = lines.read().splitlines()
            if new and (terminal or time.monotonic() - shown > LOG_SECONDS):
                _print(new[-1], sys.stderr, terminal)
                shown = time.monotonic()
    if terminal:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
