"""The counts of each door at the end of a run."""

import os
from pathlib import Path

from .law import BROKEN, REFUSED, VALID

COLUMNS = (VALID, REFUSED, *BROKEN)


def pytest_terminal_summary(terminalreporter):
    """Print one line for each door; RSSLIB_FUZZ_REPORT names a file for them and for what broke the law."""
    told = sorted(value for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, ())
                  for key, value in report.user_properties if key == "fuzz")
    if not told:
        return
    rows = [(name, sum(kinds.values()), *(kinds.get(column, 0) for column in COLUMNS)) for name, kinds, _ in told]
    rows.append(("all doors", *(sum(column) for column in zip(*(row[1:] for row in rows)))))
    wide = max(len(row[0]) for row in rows)
    heads = ("door", "examples", *COLUMNS)
    lines = [f"{row[0]:{wide}}  " + "  ".join(f"{cell:>{len(head)}}" for cell, head in zip(row[1:], heads[1:]))
             for row in (heads, *rows)]
    terminalreporter.section("doors")
    for line in lines if os.environ.get("RSSLIB_FUZZ_EXAMPLES") else (lines[0], lines[-1]):
        terminalreporter.write_line(line)
    if report := os.environ.get("RSSLIB_FUZZ_REPORT"):
        faults = [f"\n{name}\n" + "\n".join(f"- {line}" for line in lines) for name, _, lines in told if lines]
        Path(report).write_text("\n".join([*lines, *faults]) + "\n", encoding="utf-8")
