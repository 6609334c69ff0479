"""``python -m fsq`` is the command ``fsq``."""

import sys

from fsq.cli import main

if __name__ == "__main__":
    sys.exit(main())
