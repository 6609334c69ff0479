"""``import fsq`` is fast and loads nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = ("grpc", "google.cloud", "deltalake", "altair", "typer", "rich", "pyspark", "pandas")
CODE = f"""
import json, sys, time
import numpy, polars, polars.io.plugins, pyarrow, pydantic
began = time.process_time()
import fsq
spent = time.process_time() - began
print(json.dumps([spent, [m for m in {HEAVY} if m in sys.modules]]))
"""


def test_import_is_fast_and_loads_nothing_heavy() -> None:
    """CPU seconds, without those of the libraries that scoring computes with."""
    runs = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", CODE], capture_output=True, check=True, text=True
            ).stdout
        )
        for _ in range(3)
    ]
    assert [heavy for _, heavy in runs] == [[], [], []]
    assert min(spent for spent, _ in runs) < 0.5
