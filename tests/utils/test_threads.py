"""Work on several threads."""

from __future__ import annotations

import subprocess
import sys

# Polars is imported before NumPy, as by people who write `import polars` first; the second thread
# that looks NumPy up is held until the first has found it.
_TWO_THREADS = """
import threading, time
import polars as pl
import numpy as np
import polars._dependencies as lazy
from fsq.utils.threads import map_in_order

look_up, seen = lazy.import_module, []

def look_up_slowly(name):
    seen.append(name)
    found = look_up(name)
    time.sleep(0.5 if len(seen) > 1 else 0.1)
    return found

lazy.import_module = look_up_slowly
both = threading.Barrier(2, timeout=10)

def take(at):
    both.wait()
    return pl.Series(np.full(1, at)).item()

print(list(map_in_order(take, [1, 2], workers=2)))
"""


def test_threads_may_be_the_first_to_need_numpy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TWO_THREADS], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("[1, 2]", 0), done.stderr
