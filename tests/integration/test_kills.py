"""A few kills, and short meetings of writers; ``make soak`` has the long ones."""

from __future__ import annotations

from pathlib import Path

from deltalake import write_deltalake

from fsq.backfill import Progress, backfill
from fsq.schema import COLUMN_NAMES
from fsq.stores import open_store
from fsq.stores.migration import migrate
from tests import warehouse
from tests.frames import legacy
from tests.soak import contention, kills
from tests.soak.whole import DAYS, versions

BRIEF = kills.Limits(4, 3)


def test_killed_runs_leave_whole_dates_in_delta(tmp_path: Path) -> None:
    assert sum(kills.delta_stores(tmp_path, BRIEF).seen.values())


def test_killed_runs_leave_a_whole_file(tmp_path: Path) -> None:
    assert sum(kills.killed_files(tmp_path, kills.Limits(2, 2)).seen.values())


def test_killed_migrations_are_whole_or_not_at_all(tmp_path: Path, dataset: str) -> None:
    assert sum(kills.delta_migrations(tmp_path, BRIEF).seen.values())
    assert sum(kills.emulator_migrations(dataset, kills.Limits(2, 2)).seen.values())


def test_killed_runs_leave_whole_dates_in_bigquery(tmp_path: Path, dataset: str) -> None:
    brief = kills.Limits(2, 2)
    assert sum(kills.emulator_stores(tmp_path, dataset, brief).seen.values())


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
