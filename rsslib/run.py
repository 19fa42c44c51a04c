"""`python -m rsslib.run NOTEBOOK OUT ...` executes one notebook: see `rsslib.workflow.run`."""

import sys

from rsslib.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:]]))
