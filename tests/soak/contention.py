"""Several backfills and readers on one store: whole dates at every moment, and nothing lost."""

from __future__ import annotations

import io
import multiprocessing as mp
import os
import random
import time
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from fsq.backfilling.run import backfill
from fsq.stores import open_store
from tests.soak.victims import servers
from tests.soak.whole import DAYS, answer, origins, versions

_FIRST = date(2026, 1, 1)


@dataclass
class Meeting:
    """What a meeting of writers and readers came to."""

    writes: Counter[int] = field(default_factory=Counter)  # exit statuses
    reads: int = 0
    messages: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        told = ", ".join(f"{n} backfills ended with {s}" for s, n in sorted(self.writes.items()))
        return f"{told}; {self.reads} reads, every date whole in each"


def _write(
    source: str,
    store: str,
    seed: int,
    seconds: float,
    environment: dict[str, str],
    say: mp.Queue[Any],
) -> None:
    """Backfill stretches of dates again and again."""
    from fsq.cli import main

    os.environ.update(environment)
    rng, until = random.Random(seed), time.monotonic() + seconds
    while time.monotonic() < until:
        first = rng.randrange(DAYS - 2)
        last = rng.randrange(first + 2, DAYS)
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = main(
                [
                    "backfill",
                    "--source",
                    source,
                    "--store",
                    store,
                    "--force",
                    "--commit-rows",
                    "1" if rng.random() < 0.3 else "100000",
                    "--start",
                    str(_day(first)),
                    "--end",
                    str(_day(last)),
                ]
            )
        say.put((status, err.getvalue()))


def _day(at: int) -> date:
    return _FIRST + timedelta(days=at)


def met(folder: Path, store: str, records: int, seconds: float, writers: int = 3) -> Meeting:
    """Let writers of different inputs and readers meet on a store.

    Raises:
        AssertionError: a reader saw a date that was not whole, a backfill failed otherwise than
            with a conflict that it told, or what is remembered is not what is there.
    """
    rows = versions(records, writers)
    answers, sources = [answer(r) for r in rows], []
    for i, version in enumerate(rows):
        version.write_parquet(path := folder / f"met{i}.parquet")
        sources.append(str(path))
    backfill(sources[0], store)
    meeting, context = Meeting(), mp.get_context("forkserver")
    say: mp.Queue[Any] = context.Queue()
    hosts = servers()
    children = [
        context.Process(target=_write, args=(s, store, i, seconds, hosts, say), daemon=True)
        for i, s in enumerate(sources)
    ]
    for child in children:
        child.start()
    living = True
    while living:
        living = any(child.is_alive() for child in children)
        now = origins(open_store(store).read().collect(), answers)
        assert None not in now
        meeting.reads += 1
        while not say.empty():
            status, told = say.get()
            meeting.writes[status] += 1
            if status:
                meeting.messages[told] += 1
    assert all(child.exitcode == 0 for child in children)
    assert set(meeting.writes) <= {0, 3}, meeting.messages
    assert all("run it again" in told for told in meeting.messages), meeting.messages
    _remembered(store, sources, origins(open_store(store).read().collect(), answers))
    backfill(sources[-1], store)
    after = origins(open_store(store).read().collect(), answers)
    assert after == [len(sources) - 1] * DAYS
    return meeting


def _remembered(store: str, sources: list[str], found: list[int | None]) -> None:
    """A date counts as up to date for the one input that it is of, or is redone; never else."""
    for i, source in enumerate(sources):
        plan = backfill(source, store, dry_run=True).plan
        skipped = [at for at, step in enumerate(plan) if step.reason is None]
        assert all(found[at] == i for at in skipped), (i, skipped, found)
