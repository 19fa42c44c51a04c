"""The command line: `rsslib COMMAND`, or `python -m rsslib COMMAND`."""

import argparse
import sys
from collections.abc import Sequence

from rsslib.project import InputError, require_project
from rsslib.workflow import commands, own, verify

_SIMPLE = {
    "smoke": (commands.PLANS["smoke"], lambda: commands.reproduce("smoke")),
    "verify": ("the smoke chain twice from scratch, and compare the results", lambda: verify.main()),
    "figures": ("every table and figure but those of 07 and 08 from what trainings left, without training",
                commands.figures),
    "site": ("the site, in site/, from what the reports left", lambda: commands.site()),
    "results": ("write RESULTS.md again from the records in results/", commands.write_results),
}
"""The commands without arguments: what each is for, and what it calls."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("rsslib", description="Reproduce two papers on transmitter localization, and "
                                     "locate transmitters with receivers of your own.",
                                     epilog="example: rsslib reproduce --profile campus")
    chosen = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen.add_parser("reproduce", help="every table and figure, then RESULTS.md").add_argument(
        "--profile", choices=["quick", "campus", "full"], help="data and networks, such as campus: synthetic, no "
        "download; default: quick where the measurements can be had, else campus")
    purpose = "train what `reproduce` only reads, without Jupyter and DVC: the networks of the profile full"
    paper = chosen.add_parser("paper", help=f"{purpose}; wants a CUDA GPU", description=f"T{purpose[1:]}. Those of "
                              "paper 1 want a CUDA GPU; those of paper 2 and of our own method (maps-random, "
                              "unseen-july, ablation-grid2, ...) take up to half an hour each on a CPU. An interrupted "
                              "training goes on at the next call, and a finished one is not run again by the same "
                              "clone. It writes into results/; `rsslib figures` makes tables and figures from it.")
    paper.add_argument("--profile", choices=["full", "quick"], default="full", help="default: full")
    paper.add_argument("--minutes", type=float, default=commands.UNTIL_DONE,
                       help="train at most so long; default: until all is done")
    paper.add_argument("--at-once", type=int, default=1, help="trainings at the same time; default: 1")
    paper.add_argument("--only", help="names of trainings, with commas, such as grid2-com,grid2-emd; default: all")
    paper.add_argument("values", nargs="*", metavar="key=value", help="parameters of every training, such as epochs=3")
    swept = chosen.add_parser("sweep", help="a profile's trainings and reports on a cluster, through Dask distributed")
    swept.add_argument("profile", choices=list(commands.PLANS), help="such as quick; full trains what `paper` trains")
    swept.add_argument("--scheduler", default="", metavar="ADDRESS", help="of a running one, such as tcp://node7:8786; "
                       "default: processes of this machine")
    swept.add_argument("--workers", type=int, default=0, help="processes of this machine; default: one for each core")
    swept.add_argument("--retries", type=int, default=1, help="of a task that fails; default: 1")
    swept.add_argument("--gpu", action="store_true", help="trainings go to workers that offer GPU=1, one to each")
    for name, (purpose, _) in _SIMPLE.items():
        chosen.add_parser(name, help=purpose)
    own.add_to(chosen)
    chosen.add_parser("run", help="execute one notebook; `rsslib run --help` describes its arguments")
    return parser


def _dispatch(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["run"]:    # its options may stand between positions, which argparse cannot pass on
        from rsslib.workflow import run  # here, not above: the other commands do not need it

        return run.main(arguments[1:])
    given = _parser().parse_args(arguments)
    if given.command in own.COMMANDS:    # anywhere, without a clone
        return own.run(given)
    require_project()
    if given.command == "paper":
        from rsslib.workflow import paper  # here, not above: the other commands do not need it

        only = [name.strip() for name in given.only.rstrip(", ").split(",")] if given.only is not None else []
        return paper.train(given.minutes, given.at_once, given.values, only, given.profile)
    if given.command == "sweep":
        from rsslib.workflow import sweep  # likewise

        return sweep.sweep(given.profile, given.scheduler, given.workers, given.retries, given.gpu)
    if given.command == "reproduce":
        return commands.reproduce(given.profile)
    return _SIMPLE[given.command][1]()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, 2 for bad input, or the exit status of what failed.

    Example
    -------
    >>> main(["reproduce", "--profile", "campus"])  # doctest: +SKIP
    0
    """
    try:
        return _dispatch(sys.argv[1:] if arguments is None else list(arguments))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        print(f"error: {error}; run `make env`, then `source .venv/bin/activate`", file=sys.stderr)
    except OSError as error:    # such as a full disk; it names the file
        if not error.filename:
            raise
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nstopped; run the same command again to resume", file=sys.stderr)
        return 130
    return 2


if __name__ == "__main__":
    sys.exit(main())
