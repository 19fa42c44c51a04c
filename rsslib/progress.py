"""Progress of long work: one line with the time left in a terminal, plain lines now and then in a log."""

import os
import sys
import time
from typing import TextIO

VARIABLE = "RSSLIB_PROGRESS"
"""Names a file that gets the lines instead (the notebook runner shows it), or is "off" for silence."""


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Progress:
    """Counts steps up to `total` and tells what is done, what is left and how long that will take.

    On a terminal one line is written over and over; elsewhere a plain line every tenth of the way. Written
    with the standard library alone, as the training path is; a time never gets into a notebook's output
    unless a person runs it.

    Example
    -------
    >>> with Progress(3, "emd x3") as progress:        # doctest: +SKIP
    ...     progress.step(1, "loss 0.5")
    emd x3: 1/3, 0:02 left, loss 0.5
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
        if self.stream is None:
            return
        tenth = done * 10 // self.total > (done - 1) * 10 // self.total
        if not (self.terminal or self.file or tenth):
            return
        left = (time.monotonic() - self.began) / max(done - self.start, 1) * (self.total - done)
        line = f"{self.name}: {done}/{self.total}, {_clock(left)} left, {note}"
        print(f"\r{line}\x1b[K" if self.terminal else line, end="" if self.terminal else "\n", file=self.stream,
              flush=True)

    def __exit__(self, *_: object) -> None:
        if self.terminal and self.stream:
            print(file=self.stream)
        if self.file:
            self.file.close()
