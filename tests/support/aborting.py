"""``python -m tests.support.aborting``: ends as a decoder does over a damaged page."""

import os
import resource
import sys

if __name__ == "__main__":
    sys.stdin.read()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.abort()
