"""A store that fsq does not know works everywhere, once its backend is registered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fsq
from fsq.backfilling.run import backfill
from fsq.cli import main
from fsq.demo import simulate_season
from fsq.errors import InputError, StoreError
from fsq.stores import (
    LedgerEntry,
    drop_legacy,
    find_backend,
    migrate,
    open_batch_write,
    open_store,
    register_backend,
    unregister_backend,
)
from tests.support.memory_store import TABLES, MemoryBackend

# Every backend with a URI of it; the tests of what all stores do run on each.
BACKENDS = [(MemoryBackend(), "memory://features")]
URI = "memory://features"
START, END = date(2026, 1, 24), date(2026, 2, 6)
KEYS = ["game_date", "player_lookup"]
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(params=BACKENDS, ids=lambda pair: pair[0].name)
def memory(request: pytest.FixtureRequest) -> Iterator[str]:
    backend, uri = request.param
    register_backend(backend)
    yield uri
    unregister_backend(backend)
    TABLES.clear()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("third") / "season.parquet"
    rows = simulate_season("2025-26").rows
    rows.filter(pl.col("game_date").is_between(START, END)).write_parquet(path)
    return str(path)


def test_backfill_check_and_training_set_answer_as_with_delta(
    memory: str, source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    delta = str(tmp_path / "delta")
    first = [backfill(source, uri, now=NOW, chunk_rows=500) for uri in (memory, delta)]
    assert len({(r.rows, r.dates, *sorted(r.tiers.items())) for r in first}) == 1
    assert first[0].rows > 1_000
    again = backfill(source, memory, now=NOW)
    assert (again.rows, again.skipped) == (0, first[0].dates)
    in_memory, on_disk = (open_store(uri).read().sort(KEYS).collect() for uri in (memory, delta))
    assert_frame_equal(in_memory, on_disk.select(in_memory.columns))

    checks = []
    for uri in (memory, delta):
        status = main(["check", "--store", uri, "--date", str(END), "--json"])
        printed = capsys.readouterr().out.replace(uri, "STORE")
        checks.append((status, json.loads(printed)["findings"]))
    assert checks[0] == checks[1]
    assert checks[0][0] == 1

    sets = [fsq.training_set(open_store(uri), start=START, end=END) for uri in (memory, delta)]
    assert_frame_equal(sets[0].frame.sort(KEYS), sets[1].frame.sort(KEYS))
    assert sets[0].waterfall.to_dicts() == sets[1].waterfall.to_dicts()


def test_it_is_scored_in_place_and_refuses_what_others_changed(memory: str, source: str) -> None:
    store = open_store(memory)
    assert store.version() is None
    backfill(source, memory, now=NOW)
    version = store.version()
    scored = store.read().collect()
    store.replace(scored, {}, since=version)
    with pytest.raises(StoreError, match="another writer changed it"):
        store.replace(scored, {END: LedgerEntry("c", "v", "f", 1)}, since=version)
    assert END not in store.ledger()


def test_what_it_cannot_do_is_refused_by_name(memory: str) -> None:
    store = open_store(memory)
    for refused in (
        lambda: migrate(memory),
        lambda: drop_legacy(memory),
        lambda: open_batch_write(store),
    ):
        with pytest.raises(InputError, match="does not support this") as error:
            refused()
        assert memory in str(error.value)
    assert main(["trend", "--store", memory, "--store-summary"]) == 2


def test_a_scheme_has_one_backend(memory: str) -> None:
    with pytest.raises(ValueError, match="memory"):
        register_backend(MemoryBackend())
    assert isinstance(find_backend(memory), MemoryBackend)
    with pytest.raises(StoreError, match=r"use a folder or .* or memory://name"):
        open_store("ftp://host/table")


def test_without_its_backend_the_scheme_is_unknown() -> None:
    with pytest.raises(StoreError, match=r"memory:// stores are not supported"):
        open_store(URI)
