"""All ratios in one run, in one table: benchmarks/RESULTS.md.

    python benchmarks/results.py

Seven minutes on two idle cores. The two sides of a ratio take turns in this run; a floor is what the
arithmetic of a step would take at the speed of a large matrix product of this machine.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from losses import compare, interleaved

from rsslib.project import ROOT, atomic_path, write_json
from rsslib.workflow.chain import cores

OUT = Path(__file__).with_name("RESULTS.md")
PARTS = {"Training steps and distances": "losses", "Training side by side": "members", "Radio maps": "radio_maps",
         "Locating": "localizing", "Samples of the second paper": "samples",
         "The trainings of `full` on a cluster": "cluster", "Time to accuracy": "accuracy"}


def measured(script: str) -> tuple[list[dict], float]:
    """Return the rows that a script prints, and its peak memory [MiB].

    It has a process of its own: threads that one part sets are not another's.
    """
    with subprocess.Popen([sys.executable, str(OUT.with_name(f"{script}.py"))], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE) as process:
        lines = process.stdout.read().splitlines()    # type: ignore[union-attr]
        _, process.returncode, usage = os.wait4(process.pid, 0)
    if process.returncode:
        sys.exit(f"error: {script}.py failed, see above")
    return [json.loads(line) for line in lines if line.startswith("{")], usage.ru_maxrss / 1024


def start_up() -> list[dict]:
    """Compare the start of a command, and importing the localizer, with importing torch alone."""
    def process(*arguments: str):
        return lambda: subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    sides = {"torch": process("-c", "import torch"), "help": process("-m", "rsslib", "--help"),
             "localizer": process("-c", "import rsslib.localization.localizer")}
    seconds = interleaved(sides, dict.fromkeys(sides, 5), torch.device("cpu"))
    return [compare("importing the localizer / importing torch", seconds["localizer"], seconds["torch"]),
            compare("`rsslib --help` / importing torch", seconds["help"], seconds["torch"])]


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


def page(parts: dict[str, list[dict]], memory: dict[str, float], accurate: list[dict], setting: dict) -> str:
    """Return RESULTS.md."""
    lines = ["# What things cost", "",
             "Written by `python benchmarks/results.py`; [README.md](README.md) says how. A ratio is of two times of "
             "one run, the first over the second; seconds depend on the machine and stand beside it. Synthetic data, "
             "but for the last table.", "",
             f"{setting['cpu']}, {setting['cores']} cores; torch {setting['torch']}.", ""]
    for title, rows in parts.items():
        lines += [f"## {title}", "", *_table(rows)]
        lines += [f"Peak memory: {memory[title]:.0f} MiB.", ""] if title in memory else []
    if accurate:
        lines += ["## Time to accuracy", "", "Median errors on real measurements: Random's test samples, and Grid2's "
                  "unseen cells. Networks: profile `quick`, seconds of the machine that trained them, one core each.",
                  "", "![The table below as two panels: median errors over seconds, on a logarithmic axis, for each "
                  "method, with the paper's EMD as a line.](accuracy.png)",
                  "", "| separation | method | seconds | median [m] | the paper's EMD [m] |", "|---|---|---|---|---|"]
        lines += [f"| {row['split'].capitalize()} | {row['method']} | {row['seconds']:.3g} | {row['median_m']:.1f} | "
                  f"{row['paper_m']:g} |" for row in accurate]
    return "\n".join(lines).rstrip() + "\n"


def draw(accurate: list[dict]) -> None:
    """Draw the errors over the seconds as accuracy.png, a panel for each separation."""
    with plt.style.context(ROOT / "rsslib/reports/rsslib.mplstyle"):
        splits = [*dict.fromkeys(row["split"] for row in accurate)]
        fig, axes = plt.subplots(1, len(splits), figsize=(7, 3), layout="constrained", squeeze=False)
        for ax, split in zip(axes[0], splits):
            rows = [row for row in accurate if row["split"] == split]
            ax.axhline(rows[0]["paper_m"], color="0.5", linestyle=":", label="the paper's EMD")
            along = [row for row in rows if "epoch" in row["method"]]
            ax.plot([row["seconds"] for row in along], [row["median_m"] for row in along], "o-", color="0.4",
                    markersize=3, label="one EMD network, epoch by epoch")
            for row, marker in zip([row for row in rows if row not in along], "^sDo"):
                ax.plot(row["seconds"], row["median_m"], marker, label=row["method"])
            ax.set(title=split.capitalize(), xscale="log", xlabel="seconds", ylim=(0, None))
        axes[0][0].set_ylabel("median error [m]")
        fig.legend(*axes[0][-1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        fig.savefig(OUT.with_name("accuracy.png"), dpi=150, metadata={"Software": None})
        plt.close(fig)


def main() -> None:
    """Measure all and write the page."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    found = {title: measured(script) for title, script in PARTS.items()}
    accurate, _ = found.pop("Time to accuracy")
    parts, memory = ({title: each[at] for title, each in found.items()} for at in (0, 1))
    if accurate:
        draw(accurate)
    parts["Start"] = start_up()
    setting = {"cpu": _cpu(), "cores": cores(), "torch": torch.__version__}
    with atomic_path(OUT) as temporary:
        temporary.write_text(page(parts, memory, accurate, setting), encoding="utf-8")
    write_json(OUT.with_name("results.json"), {"setting": setting, "parts": parts, "memory_mib": memory,
                                                "accuracy": accurate})


if __name__ == "__main__":
    main()
