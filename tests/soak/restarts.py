"""The emulator killed in the middle of backfills, and started again on its folder."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from pathlib import Path

from fsq.backfilling.run import backfill
from fsq.errors import StoreError
from fsq.stores import open_store
from fsq.stores.bigquery.client import open_clients
from tests.conftest import command, started, stopped
from tests.soak.whole import DAYS, answer, origins, versions


def restarted(folder: Path, times: int) -> Counter[str]:
    """How backfills ended, whose server went away for a while; every date stays whole."""
    rows = versions(160)
    answers, sources = [answer(r) for r in rows], []
    for i, version in enumerate(rows):
        version.write_parquet(path := folder / f"restart{i}.parquet")
        sources.append(str(path))
    there = ["--data-dir", str(folder / "emulator")]
    process, environment = started(command(*there))
    os.environ.update(environment)
    rest = environment["BIGQUERY_EMULATOR_HOST"].rpartition(":")[2]
    grpc = environment["BIGQUERY_STORAGE_EMULATOR_HOST"].rpartition(":")[2]
    same = [command()[0], "emulator", "--rest-port", rest, "--grpc-port", grpc, *there]
    seen: Counter[str] = Counter()
    try:
        with open_clients("p") as clients:
            clients.tables.create_dataset("p.restarts")
        store, began = "bigquery://p.restarts.scored", time.monotonic()
        backfill(sources[0], store, chunk_rows=50)
        took = time.monotonic() - began
        for at in range(times):

            def away() -> None:
                nonlocal process
                time.sleep(random.uniform(0.1, took))
                process.kill()
                stopped(process)
                process, _ = started(same)

            new = 1 - at % 2
            fault = threading.Thread(target=away)
            fault.start()
            try:
                backfill(sources[new], store, chunk_rows=50)
                seen["rode it out"] += 1
            except StoreError:
                seen["told of it"] += 1
            fault.join()
            assert set(origins(open_store(store).read().collect(), answers)) <= {0, 1}
            backfill(sources[new], store)
            assert origins(open_store(store).read().collect(), answers) == [new] * DAYS
    finally:
        stopped(process)
    return seen
