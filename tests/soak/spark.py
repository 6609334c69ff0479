"""Drivers of Spark, killed before, after and around their commit; the run's id finishes the job."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import fsq
from fsq.backfilling.run import backfill
from tests.soak.victims import Limits, Tally
from tests.support.frames import wide
from tests.support.spark import NOW, driver, table

# How many times as long as the slowest undisturbed driver another one may take: the machine has
# other work too.
_SLOWER = 10


def killed_drivers(folder: Path, limits: Limits) -> Tally:
    """Kill drivers; each time look, run the same again, and compare with a single machine's table.

    Raises:
        AssertionError: rows are lost, doubled or of another run.
    """
    source, single, store = (str(folder / f"spark-{n}") for n in ("rows.parquet", "single", "many"))
    wide(300, 30).write_parquet(source)
    backfill(source, single, now=NOW)
    wanted, ledger = table(single), fsq.open_store(single).ledger()

    def run(die: str, patience: float) -> int:
        return driver("local[1]", source, store, "one", die, patience)

    def finish(patience: float) -> float:
        began = time.monotonic()
        assert run("never", patience) == 0
        took = time.monotonic() - began
        assert table(store).equals(wanted)
        assert fsq.open_store(store).ledger() == ledger
        shutil.rmtree(store)
        return took

    tally, until = Tally(), time.monotonic() + limits.seconds
    slowest = finish(limits.seconds)
    while tally.kills < limits.kills and time.monotonic() < until:
        die = ("before", "after", f"{limits.rng.uniform(0, 3):.2f}")[tally.kills % 3]
        status = run(die, _SLOWER * slowest)
        assert status in (0, -9), status
        there = Path(store).exists() and fsq.open_store(store).version() is not None
        done = there and table(store).height
        assert done in (False, 0, wanted.height), done
        if status:
            tally.killed(int(bool(done)), 1)
        else:
            tally.late += 1
        slowest = max(slowest, finish(_SLOWER * slowest))
    return tally
