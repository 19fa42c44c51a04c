"""The commands of the command line: run the stages of a profile, say what to expect and where to look."""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rsslib.project import ROOT, InputError
from rsslib.workflow import chain

PLANS = {
    "smoke": "synthetic, tiny: 3 minutes on two CPU cores",
    "campus": "synthetic, compact networks: 10 minutes on two CPU cores",
    "quick": "real measurements, compact networks: half an hour on two slow CPU cores",
    "full": "real measurements, what `rsslib paper` trained and git keeps: a few minutes, nothing is trained",
}
"""Per profile: its data, its networks and how long it takes from scratch."""
UNTIL_DONE = 1e5
"""So many minutes are no limit to `rsslib paper`."""
FROM_KEPT = ("losses", "indicators", "detection", "hybrids")
"""The stages of paper 1 that read only measurements and what git keeps of trainings."""
FIRST = "data@quick", "scenes@quick-chicago", "scenes@quick-sydney"
OTHERS = {"full": ["multi-emitter-pools@full", "radio-maps@full"],
          "quick": ["multi-emitter@quick", "radio-maps@quick", "own-town@quick"]}
"""Those of paper 2, of our own method and of the made-up town, by profile; paper 2 needs the scenes."""

_BANNER = """
*************************************************************************************************************
*  No measurements can be had: running the synthetic campus profile; nothing of it compares with the paper. *
*  To use the measurements set RSSLIB_DATA to a folder with the files, or go online.                        *
*************************************************************************************************************
"""


def choose_profile() -> str:
    """Return "quick" where the measurements are given, kept from earlier or to be downloaded, else "campus"."""
    from rsslib.data import download  # here, not above: --help need not wait for it

    if download.available() or (ROOT / "data/quick/measurements.nc").is_file():
        return "quick"
    print(f"asking the public source of the measurements (gives up after {download.SECONDS:g} s)", flush=True)
    if download.reachable():
        return "quick"
    print(_BANNER, flush=True)
    return "campus"


def reproduce(profile: str | None = None) -> int:
    """Bring every table and figure of `profile` (or the best that can be had) and RESULTS.md up to date.

    Returns 0, or the exit status of a stage that fails. RESULTS.md has nothing of the profile "smoke".
    """
    profile = profile or choose_profile()
    print(f"profile {profile}: {PLANS[profile]}. What is up to date is not run again.", flush=True)
    started = time.monotonic()
    if status := repro(profile):
        print("error: a stage failed, see above; run the same command again to resume", file=sys.stderr)
        return status
    if profile != "smoke":
        write_results()
        print("RESULTS.md compares the papers' values with ours.")
    seconds = time.monotonic() - started
    print(f"done in {f'{seconds:.0f} s' if seconds < 120 else f'{seconds / 60:.0f} min'}. Look at figures/{profile}, "
          f"results/{profile} and, for the executed notebooks, docs/executed/{profile}.")
    return 0


def figures() -> int:
    """Remake the tables and figures of the profiles full and quick from what their trainings left in git.

    Nothing is trained. Notebook 07 needs weights, which `reproduce` trains, and 08 Sionna RT: their tables stay.
    Returns 0, or the exit status of a stage that fails.
    """
    ready()
    reports = [f"{stage}@{profile}" for stage in FROM_KEPT for profile in OTHERS] + sum(OTHERS.values(), [])
    with chain.side_by_side() as runner:
        if status := chain.run({*FIRST, *reports}.__contains__, runner, force=reports.__contains__, upstream=False):
            print("error: a stage failed, see above; run the same command again", file=sys.stderr)
            return status
    return write_results()


def write_results() -> int:
    """Write RESULTS.md from the records of every profile."""
    from rsslib.ledger import page

    return page.main()


def site() -> int:
    """Write the site, in site/, from records, figures and executed notebooks. Errors: those of `build.build`."""
    from rsslib.site import build  # imported here: the other commands do not need it

    print(f"wrote {build.build()}; open it in a browser")
    return 0


def repro(profile: str, folder: Path = ROOT, force: bool = False, variables: Mapping[str, str] | None = None,
          log: Path | None = None) -> int:
    """Bring the stages of `profile`, `<stage>@<profile>...`, up to date; return 0, or the status of one that fails.

    `folder` holds the dvc.yaml; `force` runs what is up to date, too; `variables` are added to the environment, and
    what the stages print to the file `log`. Raises InputError when DVC, dvc.yaml or every stage of this profile is
    missing.
    """
    if not any(f"@{profile}" in name for name in stage_names(folder)):    # for no such stage DVC would run them all
        raise InputError(f"{folder / 'dvc.yaml'}: no stage of profile `{profile}`; expected names such as "
                         f"`data@{profile}`; profiles are {', '.join(PLANS)}")
    with chain.side_by_side(folder, variables, log) as runner:
        return chain.run(lambda name: f"@{profile}" in name, runner, folder, lambda name: force)


def stage_names(folder: Path = ROOT) -> list[str]:
    """List the stages of dvc.yaml, matrix stages with their full names; InputError where DVC cannot read it."""
    ready(folder)
    return _asked(["stage", "list", "--name-only"], folder, "dvc.yaml: DVC cannot read it").split()


def ready(folder: Path = ROOT) -> None:
    """Raise InputError unless DVC can work in `folder`."""
    if importlib.util.find_spec("dvc") is None:
        raise InputError("DVC, which runs the stages, is not installed; run `make env`, or "
                         "`pip install -e '.[repro]'` in the project's folder")
    if not (folder / "dvc.yaml").exists():
        raise InputError(f"{folder}: no dvc.yaml here or above; run this in the folder of the project")
    if not (folder / ".dvc").is_dir():
        raise InputError(f"{folder}: no folder .dvc; use a clone or the full archive of the project")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{folder}: cannot be written to; copy the project to a folder of your own")
    if not (folder / ".git").exists():    # as in an unpacked archive; the setting stays on this machine
        _asked(["config", "--local", "core.no_scm", "true"], folder, ".dvc/config.local: DVC cannot write it")


def _asked(arguments: Sequence[str], folder: Path, problem: str) -> str:
    """Return what DVC prints. Errors: InputError with the problem and DVC's reason in one line."""
    asked = subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=folder, capture_output=True, text=True,
                           errors="replace", check=False)
    if asked.returncode:
        reason = [line for line in asked.stderr.splitlines() if not line.startswith((" ", "Traceback", "Having any"))]
        raise InputError(f"{folder}/{problem}: {' '.join(' '.join(reason).split()) or 'it does not say why'}")
    return asked.stdout
