"""All ratios in one run, in one table: benchmarks/RESULTS.md.

    python benchmarks/results.py

A quarter of an hour on two idle cores. The two sides of a ratio take turns in this run; a floor is what the
arithmetic of a step would take at the speed of a large matrix product of this machine.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import accuracy
import cluster
import localizing
import losses
import members
import radio_maps
import samples
import torch
from losses import compare

from rsslib.project import ROOT, atomic_path, write_json

OUT = Path(__file__).with_name("RESULTS.md")
PARTS = {"Training steps and distances": losses.rows, "Training side by side": members.rows,
         "Radio maps": radio_maps.rows, "Locating": localizing.rows, "Samples of the second paper": samples.rows,
         "The trainings of `full` on a cluster": cluster.rows}


def start_up() -> list[dict]:
    """Compare importing what a command needs with importing torch alone, each in a process of its own."""
    def seconds(code: str) -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        return time.perf_counter() - begun
    sides = {code: min(seconds(code) for _ in range(3)) for code in (
        "import torch", "import rsslib.localization.localizer", "import rsslib.__main__")}
    alone, library, command = sides.values()
    return [compare("start: importing the localizer / importing torch", library, alone),
            compare("start: `rsslib --help` / importing torch", command, alone)]


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in path.read_text().splitlines() if line.startswith(
        "model name")] if path.is_file() else []
    return names[0] if names else platform.processor() or platform.machine()


def _table(rows: list[dict]) -> list[str]:
    lines = ["| what | ratio | target | seconds | times its floor |", "|---|---|---|---|---|"]
    for row in rows:
        ratio = f"{row['ratio']:g}" if "ratio" in row else ""
        if "efficiency" in row:
            ratio += f" (efficiency {row['efficiency']:.0%})"
        lines.append(f"| {row['what']} | {ratio} | {row.get('target', '')} | "
                     f"{' / '.join(f'{value:g}' for value in row['seconds'])} | "
                     f"{format(row['floor'], '.1f') if 'floor' in row else ''} |")
    return [*lines, ""]


def page(parts: dict[str, list[dict]], accurate: list[dict], setting: dict) -> str:
    """Return RESULTS.md."""
    lines = ["# What things cost", "",
             "Written by `python benchmarks/results.py`; [README.md](README.md) says how. A ratio is of two times of "
             "one run, the first over the second; seconds depend on the machine and stand beside it. Synthetic data, "
             "but for the last table.", "",
             f"{setting['cpu']}, {setting['cores']} cores; torch {setting['torch']}; peak memory of this run "
             f"{setting['peak_gib']:.1f} GiB.", ""]
    for title, rows in parts.items():
        lines += [f"## {title}", "", *_table(rows)]
    if accurate:
        lines += ["## Time to accuracy", "", "Median errors on real measurements: Random's test samples, and Grid2's "
                  "unseen cells. Networks: profile `quick`, seconds of the machine that trained them, one core each.",
                  "", "| separation | method | seconds | median [m] | the paper's EMD [m] |", "|---|---|---|---|---|"]
        lines += [f"| {row['split'].capitalize()} | {row['method']} | {row['seconds']:.3g} | {row['median_m']:.1f} | "
                  f"{row['paper_m']:g} |" for row in accurate]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Measure all and write the page."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    parts = {}
    for title, rows in (PARTS | {"Start": start_up}).items():
        parts[title] = rows()
        print(title, json.dumps(parts[title], indent=1), flush=True)
    setting = {"cpu": _cpu(), "cores": len(os.sched_getaffinity(0)), "torch": torch.__version__,
               "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}
    accurate = accuracy.rows()
    with atomic_path(OUT) as temporary:
        temporary.write_text(page(parts, accurate, setting), encoding="utf-8")
    write_json(OUT.with_name("results.json"), {"setting": setting, "parts": parts, "accuracy": accurate})


if __name__ == "__main__":
    main()
