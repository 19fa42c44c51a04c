"""`python -m rsslib.claims` writes RESULTS.md and LEDGER.md, as `rsslib results` does: see `rsslib.ledger.page`."""

import sys

from rsslib.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["results", *sys.argv[1:]]))
