"""Large dates that are read from the middle of a file."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fsq
from fsq.backfilling import backfill, windows, writing
from fsq.backfilling.source import fingerprint_dates
from fsq.backfilling.windows import can_read_windows, find_extent, read_windows
from tests.support.frames import wide

ROWS = wide(180, 2)  # two dates of 90 rows
KEYS = ["game_date", "player_lookup"]
FIRST, LAST = sorted(ROWS["game_date"].unique())


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW_ROWS", 35)
    monkeypatch.setattr(windows, "MANY_ROWS", 100)
    monkeypatch.setattr(writing, "PART_ROWS", 25)


def write(path: Path, rows: pl.DataFrame) -> pl.LazyFrame:
    rows.write_parquet(path, row_group_size=40)
    return pl.scan_parquet(path)


@pytest.mark.parametrize("days", [[FIRST], [LAST], [FIRST, LAST]])
def test_windows_hold_the_rows_of_the_dates_in_order(tmp_path: Path, days: list[date]) -> None:
    rows = write(tmp_path / "rows.parquet", ROWS.sort("game_date", maintain_order=True))
    extent = find_extent(rows, "game_date", days)
    assert extent is not None
    found = list(read_windows(rows, "game_date", days, extent))
    assert max(part.height for part in found) <= 35
    wanted = rows.filter(pl.col("game_date").is_in(days)).collect()
    assert_frame_equal(pl.concat(found), wanted)


def test_a_date_between_many_rows_of_others_has_no_extent(tmp_path: Path) -> None:
    far = ROWS.with_columns(game_date=pl.lit(LAST + timedelta(days=1)))
    spread = pl.concat([ROWS.head(1), far, far, ROWS.tail(1)])
    rows = write(tmp_path / "rows.parquet", spread)
    assert find_extent(rows, "game_date", [FIRST, LAST]) is None
    assert find_extent(rows, "game_date", [date(2020, 1, 1)]) is None


def test_text_files_and_filtered_rows_are_not_read_from_the_middle(tmp_path: Path) -> None:
    parquet = write(tmp_path / "rows.parquet", ROWS)
    plain = ROWS.select(pl.selectors.exclude(pl.selectors.nested()))
    plain.write_csv(tmp_path / "rows.csv")
    ROWS.write_ipc(tmp_path / "rows.arrow")
    assert can_read_windows(parquet)
    assert can_read_windows(pl.scan_ipc(tmp_path / "rows.arrow"))
    assert can_read_windows(pl.concat([parquet, parquet]).with_columns(points=pl.lit(1)))
    assert not can_read_windows(parquet.filter(pl.col("game_date") == FIRST))
    assert not can_read_windows(pl.scan_csv(tmp_path / "rows.csv"))


@pytest.mark.parametrize("start", [FIRST, LAST])
def test_a_backfill_reads_windows_and_writes_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: date
) -> None:
    write(tmp_path / "rows.parquet", ROWS)
    monkeypatch.setattr(writing, "read_batches", None)  # which would read ahead
    store = str(tmp_path / "store")
    backfill(str(tmp_path / "rows.parquet"), store, start=start)
    wanted = ROWS.filter(pl.col("game_date") >= start).select(KEYS)
    stored = fsq.open_store(store).read().select(KEYS).collect()
    assert_frame_equal(stored, wanted, check_row_order=False)


def test_fingerprints_do_not_depend_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = write(tmp_path / "rows.parquet", ROWS)
    parts = fingerprint_dates(rows, "game_date", ROWS.columns)
    assert parts["rows"].to_list() == [90, 90]
    monkeypatch.setattr(windows, "MANY_ROWS", 1_000)
    assert_frame_equal(parts, fingerprint_dates(rows, "game_date", ROWS.columns))
