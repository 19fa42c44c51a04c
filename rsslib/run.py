"""`python -m rsslib.run NOTEBOOK OUT ...` executes one notebook: see `rsslib.workflow.run`."""

import sys

from rsslib.workflow.run import main

if __name__ == "__main__":
    sys.exit(main())
