"""`python -m rsslib.claims` writes RESULTS.md: see `rsslib.ledger.page`."""

import sys

from rsslib.ledger.page import main

if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit("usage: python -m rsslib.claims (it takes no arguments, and writes RESULTS.md)")
    sys.exit(main())
