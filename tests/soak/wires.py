"""Wires to buckets that are cut in the middle of backfills: whole dates, one error, and no end."""

from __future__ import annotations

import io
import os
import re
import time
import uuid
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from fsq.cli import main
from fsq.stores import open_store
from tests.soak.victims import Limits, finished
from tests.soak.whole import DAYS, answer, origins, versions
from tests.support.object_stores import ObjectStores
from tests.support.wire import lay_wire

# Clients try for three minutes; a refused connection is told earlier.
_LONGEST = 240.0


def cut_wires(
    folder: Path, served: ObjectStores, limits: Limits, states: tuple[str, ...] = ("gone", "deaf")
) -> Counter[str]:
    """Cut the wire after some answers, look at the store, and run the backfill again.

    Args:
        folder: for the inputs.
        served: the bucket, and how it is reached.
        limits: how many cuts.
        states: what the wire becomes, by turns; see ``tests.support.wire``.

    Raises:
        AssertionError: a date is mixed or lost, or the backfill ended otherwise than with
            status 3 and one error.
    """
    rows = versions(200)
    answers, sources = [answer(r) for r in rows], []
    for i, version in enumerate(rows):
        version.write_parquet(path := folder / f"wire{i}.parquet")
        sources.append(str(path))
    found = re.search(r"127\.0\.0\.1:(\d+)", str(served.environment))
    assert found is not None
    store, seen, new = f"{served.bucket}/wire-{uuid.uuid4().hex[:8]}", Counter[str](), 0
    until = time.monotonic() + limits.seconds
    with lay_wire(int(found[1])) as wire:
        here = {
            k: v.replace(f":{found[1]}", f":{wire.port}") for k, v in served.environment.items()
        }
        with patch.dict(os.environ, here):
            finished(["backfill", "--source", sources[0], "--store", store])
            while seen.total() < limits.kills and (not seen or time.monotonic() < until):
                new, state = 1 - new, states[seen.total() % len(states)]
                words = ["backfill", "--source", sources[new], "--store", store]
                wire.set(state, limits.rng.randrange(1, 60))
                told, began = io.StringIO(), time.monotonic()
                with redirect_stdout(told), redirect_stderr(told):
                    status = main([*words, "--commit-rows", "50"])
                wire.set("open")
                assert time.monotonic() - began < _LONGEST
                assert status == 0 or (status, told.getvalue().count("Error: ")) == (3, 1)
                assert set(origins(open_store(store).read().collect(), answers)) <= {0, 1}
                finished(words)
                assert origins(open_store(store).read().collect(), answers) == [new] * DAYS
                seen[f"{state}, {'told of it' if status else 'rode it out'}"] += 1
    return seen
