"""Reading the rows with a few fields of their detail only: the same rows, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, WriterProperties, write_deltalake
from polars.testing import assert_frame_equal

import fsq
from fsq.diagnosis.diagnose import list_detail_fields
from fsq.schema.columns import DETAIL, DETAIL_FIELDS
from fsq.stores import Store
from tests.support.frames import wide

KEYS = ["game_date", "player_lookup"]
FIELDS = ["feature_name", "contributing_game_ids", "quality_score"]


def scored() -> pl.DataFrame:
    return fsq.score(wide(120, 12))


def open_table(folder: Path, rows: pl.DataFrame, *, group_rows: int = 1_000_000) -> Store:
    """A table of two files, each of groups of so many rows."""
    properties = WriterProperties(max_row_group_size=group_rows)
    for part in (rows.head(70), rows.tail(50)):
        write_deltalake(str(folder), part.to_arrow(), mode="append", writer_properties=properties)
    return fsq.open_store(str(folder))


def keep_fields(rows: pl.DataFrame, fields: list[str]) -> pl.DataFrame:
    chosen = pl.struct(pl.element().struct.field(f) for f in fields)
    return rows.with_columns(pl.col(DETAIL).list.eval(chosen))


def in_order(fields: list[str]) -> list[str]:
    return [f.name for f in DETAIL_FIELDS if f.name in fields]


@pytest.mark.parametrize("group_rows", [1, 13, 1_000_000])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        (None, None),
        (date(2026, 1, 3), date(2026, 1, 9)),
        (date(2026, 1, 12), None),
        (None, date(2026, 1, 1)),
        (date(2027, 1, 1), None),
    ],
)
def test_it_gives_the_same_rows_with_these_fields_alone(
    tmp_path: Path, start: date | None, end: date | None, group_rows: int
) -> None:
    store = open_table(tmp_path / "t", scored(), group_rows=group_rows)
    whole = store.read(start, end).collect()
    part = store.read(start, end, fields=FIELDS).collect()
    assert_frame_equal(part, keep_fields(whole, in_order(FIELDS)))


@pytest.mark.parametrize("last", [3, 9, 12])
def test_files_whose_dates_are_in_no_order_give_the_same_rows(tmp_path: Path, last: int) -> None:
    store = open_table(tmp_path / "t", scored().sample(fraction=1.0, shuffle=True, seed=8))
    start, end = date(2026, 1, 2), date(2026, 1, last)
    whole = store.read(start, end).collect()
    part = store.read(start, end, fields=FIELDS).collect()
    assert part["game_date"].n_unique() == last - 1
    assert_frame_equal(part, keep_fields(whole, in_order(FIELDS)))


def test_rows_without_a_date_are_in_no_range(tmp_path: Path) -> None:
    day = pl.col("game_date")
    rows = scored().with_columns(pl.when(pl.int_range(pl.len()) % 3 > 0).then(day))
    store = open_table(tmp_path / "t", rows)
    for end in (None, date(2026, 1, 9)):
        part = store.read(None, end, fields=FIELDS).collect()
        assert_frame_equal(part, keep_fields(store.read(None, end).collect(), in_order(FIELDS)))
    assert (
        part["game_date"].null_count()
        == 0
        < store.read(fields=FIELDS).collect()["game_date"].null_count()
    )


def test_dates_may_be_moments(tmp_path: Path) -> None:
    moment = pl.col("game_date").cast(pl.Datetime("us", "UTC"))
    store = open_table(tmp_path / "t", scored().with_columns(moment))
    start, end = date(2026, 1, 3), date(2026, 1, 9)
    part = store.read(start, end, fields=FIELDS).collect()
    assert part.height == 70
    assert_frame_equal(part, keep_fields(store.read(start, end).collect(), in_order(FIELDS)))


def test_only_the_groups_with_these_dates_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_table(tmp_path / "t", scored(), group_rows=10)
    decoded: list[int] = []
    read = pq.ParquetFile.read_row_groups

    def count(self: pq.ParquetFile, groups: list[int], **how: object) -> object:
        decoded.extend(groups)
        return read(self, groups, **how)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", count)
    day = date(2026, 1, 5)
    assert store.read(day, day, fields=FIELDS).collect()["game_date"].unique().to_list() == [day]
    assert 1 <= len(decoded) <= 3


def test_a_filter_and_a_choice_of_columns_apply(tmp_path: Path) -> None:
    store = open_table(tmp_path / "t", scored())
    rows = store.read(fields=FIELDS).filter(pl.col("quality_tier") == "gold").select(*KEYS)
    whole = store.read().filter(pl.col("quality_tier") == "gold").select(*KEYS)
    assert_frame_equal(rows.collect(), whole.collect())


def test_a_file_that_lacks_a_field_has_null(tmp_path: Path) -> None:
    rows = scored()
    older = keep_fields(rows.head(70), in_order(["feature_name", "quality_score"]))
    write_deltalake(str(tmp_path / "t"), older.drop("quality_tier").to_arrow())
    write_deltalake(
        str(tmp_path / "t"), rows.tail(50).to_arrow(), mode="append", schema_mode="merge"
    )
    read = fsq.open_store(str(tmp_path / "t")).read(fields=FIELDS).sort(KEYS).collect()
    empty = read.head(70)[DETAIL].explode().struct.field("contributing_game_ids")
    assert empty.null_count() == len(empty) == 70 * 33
    assert read.head(70)["quality_tier"].null_count() == 70
    assert read.tail(50)["quality_tier"].null_count() == 0


def test_a_diagnosis_reads_no_other_field(tmp_path: Path) -> None:
    rows = scored()
    store = open_table(tmp_path / "t", rows)
    whole = fsq.diagnose(store.read(), store.contract).to_dict()
    assert fsq.diagnose(store.read(fields=list_detail_fields()), store.contract).to_dict() == whole
    assert DeltaTable(str(tmp_path / "t")).version() == 1
