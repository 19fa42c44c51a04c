"""`python -m rsslib COMMAND`: the commands of the Makefile where there is no make."""

import argparse
import sys
from collections.abc import Sequence

from rsslib.ledger import page as claims
from rsslib.project import InputError
from rsslib.workflow import commands, verify


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rsslib", description="Reproduce two papers on transmitter localization.")
    chosen = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    reproduce = chosen.add_parser("reproduce", help="every table and figure, then RESULTS.md")
    reproduce.add_argument("--profile", choices=["quick", "campus", "paper"],
                           help="default: quick where the measurements can be had, else campus")
    chosen.add_parser("smoke", help=commands.PLANS["smoke"])
    chosen.add_parser("paper", help=commands.PLANS["paper"])
    chosen.add_parser("verify", help="the smoke chain twice from scratch, and compare the results")
    chosen.add_parser("results", help="write RESULTS.md again from the records in results/")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, 2 for bad input, or the exit status of what failed.

    Example
    -------
    >>> main(["reproduce", "--profile", "campus"])  # doctest: +SKIP
    0
    """
    given = _parser().parse_args(arguments)
    actions = {
        "reproduce": lambda: commands.reproduce(given.profile),
        "smoke": commands.smoke,
        "paper": lambda: commands.reproduce("paper"),
        "verify": verify.main,
        "results": claims.main,
    }
    try:
        return actions[given.command]()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from there", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
