"""The command line: `rsslib COMMAND`, or `python -m rsslib COMMAND`."""

import argparse
import sys
from collections.abc import Sequence

from rsslib.project import InputError, require_project
from rsslib.workflow import commands, verify

_SIMPLE = {
    "smoke": (commands.PLANS["smoke"], lambda: commands.reproduce("smoke")),
    "verify": ("the smoke chain twice from scratch, and compare the results", lambda: verify.main()),
    "results": ("write RESULTS.md again from the records in results/", commands.write_results),
}
"""The commands without arguments: what each is for, and what it calls."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("rsslib", description="Reproduce two papers on transmitter localization.",
                                     epilog="example: rsslib reproduce --profile campus")
    chosen = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen.add_parser("reproduce", help="every table and figure, then RESULTS.md").add_argument(
        "--profile", choices=["quick", "campus", "paper"], help="data and networks, such as campus: synthetic, no "
        "download; default: quick where the measurements can be had, else campus")
    paper = chosen.add_parser("paper", help=commands.PLANS["paper"])
    paper.add_argument("--minutes", type=float, help="only train, at most so long, without Jupyter and DVC; default: "
                       "every stage by DVC")
    paper.add_argument("--at-once", type=int, help="trainings at the same time, with --minutes; default: 1")
    paper.add_argument("values", nargs="*", metavar="key=value", help="parameters of every training, with --minutes")
    for name, (purpose, _) in _SIMPLE.items():
        chosen.add_parser(name, help=purpose)
    chosen.add_parser("run", help="execute one notebook; `rsslib run --help` describes its arguments")
    return parser


def _dispatch(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["run"]:    # its options may stand between positions, which argparse cannot pass on
        from rsslib.workflow import run  # here, not above: the other commands do not need it

        return run.main(arguments[1:])
    given = _parser().parse_args(arguments)
    require_project()
    if given.command == "paper" and given.minutes is not None:
        from rsslib.workflow import paper  # here, not above: the other commands do not need it

        return paper.train(given.minutes, 1 if given.at_once is None else given.at_once, given.values)
    if given.command == "paper" and (given.values or given.at_once is not None):
        raise InputError("command line: --at-once and key=value are of the trainings with --minutes; give it, or leave "
                         "them out")
    if given.command in ("reproduce", "paper"):
        return commands.reproduce(getattr(given, "profile", given.command))
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
