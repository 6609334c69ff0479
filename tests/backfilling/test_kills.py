"""A few kills, and short meetings of writers; ``make faults`` has the long ones."""

from __future__ import annotations

import uuid
from pathlib import Path

from deltalake import write_deltalake

from fsq.backfilling import Progress, backfill
from fsq.stores import migrate, open_store
from tests.soak import contention, kills, ledgers, single
from tests.soak.victims import Limits
from tests.soak.whole import DAYS, versions
from tests.support import warehouse
from tests.support.frames import legacy
from tests.support.v2 import COLUMN_NAMES

BRIEF, ONE = Limits(3, 3), Limits(1, 1)


def test_killed_runs_leave_whole_dates_in_delta(tmp_path: Path) -> None:
    assert kills.into_delta(tmp_path, "backfill", BRIEF).kills
    assert kills.in_place_in_delta(tmp_path, BRIEF).kills


def test_killed_checks_and_repairs_leave_a_whole_ledger(tmp_path: Path) -> None:
    assert ledgers.recorded(lambda: str(tmp_path / uuid.uuid4().hex), ONE).kills
    assert ledgers.repaired(tmp_path, ONE).kills


def test_killed_runs_leave_a_whole_file(tmp_path: Path) -> None:
    assert single.killed_files(tmp_path, BRIEF).kills


def test_killed_migrations_are_whole_or_not_at_all(tmp_path: Path, dataset: str) -> None:
    assert single.delta_migrations(tmp_path, BRIEF).kills
    assert single.emulator_migrations(dataset, BRIEF).kills


def test_killed_runs_leave_whole_dates_in_bigquery(dataset: str) -> None:
    assert kills.in_place_in_emulator(dataset, BRIEF).kills


def test_writers_and_readers_meet_in_delta(tmp_path: Path) -> None:
    meeting = contention.met(tmp_path, str(tmp_path / "store"), 80, 2)
    assert meeting.writes[0] > 1


def test_writers_and_readers_meet_in_bigquery(tmp_path: Path, dataset: str) -> None:
    meeting = contention.met(tmp_path, f"bigquery://{dataset}.met", 40, 1, writers=2)
    assert meeting.reads > 1


def test_a_migration_in_the_middle_of_a_backfill(tmp_path: Path) -> None:
    """The table that a backfill works on gets columns; the backfill goes on, or says what to do."""
    source, store = str(tmp_path / "rows.parquet"), str(tmp_path / "store")
    rows = versions(80)[0]
    rows.write_parquet(source)
    write_deltalake(store, legacy(rows).to_arrow())

    def migrating(now: Progress) -> None:
        migrate(store)

    assert backfill(source, store, chunk_rows=1, progress=migrating).dates == DAYS
    found = open_store(store).read().collect()
    assert set(COLUMN_NAMES) <= set(found.columns)
    assert found["quality_tier"].null_count() == 0
    assert found.height == rows.height
    assert found.select("player_lookup", "game_date").is_unique().all()


def test_a_migration_in_the_middle_of_a_backfill_into_bigquery(dataset: str) -> None:
    uri = warehouse.made(dataset, warehouse.upstream_rows(versions(40)[0]), migrated=False)
    migrate(uri)

    def migrating(now: Progress) -> None:
        migrate(uri)

    done = backfill(uri, uri, chunk_rows=10, progress=migrating)
    rows = open_store(uri).read().collect()
    assert done.rows == rows.height
    assert set(COLUMN_NAMES) <= set(rows.columns)
    assert rows["quality_tier"].null_count() == 0
