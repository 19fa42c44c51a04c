"""`python -m rsslib.claims` writes RESULTS.md and LEDGER.md: see `rsslib.ledger.page`."""

import sys

from rsslib.ledger.page import main
from rsslib.project import InputError

if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit("usage: python -m rsslib.claims (it takes no arguments, and writes RESULTS.md and LEDGER.md)")
    try:
        sys.exit(main())
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
