"""A training set from a store reads the columns and fields that it needs, and no others."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from polars.testing import assert_frame_equal

import fsq
from fsq.schema.arrow import to_arrow
from fsq.schema.nested import dotted_name, select_columns
from tests.support.frames import wide

KEYS = ["game_date", "player_lookup"]
FIELDS = [
    dotted_name(f)
    for f in ("feature_name", "feature_value", "last_updated", "contributing_game_ids")
]


def scored(seed: int = 0) -> pl.DataFrame:
    return fsq.score(wide(seed=seed).with_columns(points=7.0))


def test_fields_read_alone_are_those_of_the_whole_detail(tmp_path: Path) -> None:
    store, rows = fsq.open_store(str(tmp_path / "t")), scored()
    for day in rows["game_date"].unique():
        store.replace(rows.filter(pl.col("game_date") == day))
    columns = ["player_lookup", "game_date", *FIELDS]
    first, last = date(2026, 1, 2), date(2026, 1, 3)
    got = store.read(first, last, columns)
    want = rows.filter(pl.col("game_date").is_between(first, last)).select(select_columns(columns))
    assert_frame_equal(got.sort(KEYS).collect(), want.sort(KEYS))
    # A column that is only filtered by, and one that is not asked for at all.
    few = got.filter(pl.col("player_lookup") == "player3").select(FIELDS[1])
    assert "PROJECT 2/6" in few.explain()
    assert few.collect().height == 2
    assert store.read(first, last, FIELDS[:1]).collect().shape == (20, 1)
    assert store.read(columns=columns).head(3).collect().height == 3
    with pytest.raises(fsq.StoreError, match="lacks the columns"):
        store.read(columns=[dotted_name("nothing")])


def test_what_is_not_needed_is_not_read(tmp_path: Path) -> None:
    store, rows = fsq.open_store(str(tmp_path / "t")), scored()
    store.replace(rows)
    made = fsq.training_set(store, "points", "mask")
    want = fsq.training_set(rows, "points", "mask").frame
    assert made.explain().splitlines()[0].startswith("PYTHON SCAN")
    assert dotted_name("feature_value") in made.explain()
    needed = {c.removeprefix(dotted_name("")) for c in made.columns_read}
    (file,) = (tmp_path / "t").glob("*.parquet")
    spoilt = _spoil(file, needed)
    assert {"quality_score", "source_type", "quality_alerts"} <= spoilt
    assert_frame_equal(made.frame, want)
    with pytest.raises(pl.exceptions.PolarsError):
        store.read().collect()


def _spoil(file: Path, needed: set[str]) -> set[str]:
    """Overwrite the bytes of every column that is not needed."""
    held = pq.read_metadata(file)
    data, spoilt = bytearray(file.read_bytes()), set()
    for group in range(held.num_row_groups):
        for i in range(held.num_columns):
            column = held.row_group(group).column(i)
            parts = column.path_in_schema.split(".")
            name = parts[3] if parts[0] == "feature_quality_detail" else parts[0]
            if name not in needed:
                at = column.dictionary_page_offset or column.data_page_offset
                data[at : at + column.total_compressed_size] = (
                    b"\xff" * column.total_compressed_size
                )
                spoilt.add(name)
    file.write_bytes(bytes(data))
    return spoilt


def test_files_of_other_dates_are_not_opened(tmp_path: Path) -> None:
    store, rows = fsq.open_store(str(tmp_path / "t")), scored()
    store.replace(rows.filter(pl.col("game_date") < date(2026, 1, 3)))
    (old,) = (tmp_path / "t").glob("*.parquet")
    store.replace(rows.filter(pl.col("game_date") >= date(2026, 1, 3)))
    old.unlink()
    made = fsq.training_set(store, "points", "keep", start=date(2026, 1, 3))
    assert sorted(made.frame["game_date"].unique()) == [date(2026, 1, 3), date(2026, 1, 4)]


def test_an_older_file_gives_null_for_what_it_lacks(tmp_path: Path) -> None:
    path, rows = tmp_path / "t", scored()
    old = rows.filter(pl.col("game_date") == date(2026, 1, 1))
    fields = [f.name for f in rows.schema["feature_quality_detail"].inner.fields]  # type: ignore[attr-defined]
    fewer = pl.struct(pl.element().struct.field(f) for f in fields if f != "last_updated")
    old = old.with_columns(pl.col("feature_quality_detail").list.eval(fewer))
    old = old.drop("points", "quality_alerts")
    write_deltalake(str(path), to_arrow(old))
    store = fsq.open_store(str(path))
    store.replace(rows.filter(pl.col("game_date") != date(2026, 1, 1)))
    columns = [
        "game_date",
        "points",
        "quality_alerts",
        *map(dotted_name, ("feature_name", "last_updated")),
    ]
    got = store.read(columns=columns).collect()
    first = got.filter(pl.col("game_date") == date(2026, 1, 1))
    assert first["points"].null_count() == first.height == 10
    assert got["points"].null_count() == 10
    assert first["quality_alerts"].null_count() == got["quality_alerts"].null_count() == 10
    assert first[dotted_name("last_updated")].to_list() == [[None] * 33] * 10
    alone = store.read(columns=["game_date", dotted_name("last_updated")]).collect()
    assert alone[dotted_name("last_updated")].null_count() >= 10
    assert fsq.training_set(store, on_default="keep").frame.height == rows.height


@pytest.mark.parametrize("partitioned", [True, False])
def test_tables_of_other_tools_are_read_too(tmp_path: Path, partitioned: bool) -> None:
    path, rows = str(tmp_path / "t"), scored()
    write_deltalake(path, to_arrow(rows), partition_by=["game_date"] if partitioned else None)
    assert DeltaTable(path).metadata().partition_columns == ["game_date"] * partitioned
    for mode in ("drop", "mask"):
        made = fsq.training_set(fsq.open_store(path), "points", mode)
        want = fsq.training_set(rows, "points", mode)
        assert made.fingerprint == want.fingerprint
        assert made.origin == path


def test_red_dates_of_a_store_are_judged_against_the_dates_before(tmp_path: Path) -> None:
    hit = pl.col("game_date") == date(2026, 1, 6)
    contract = fsq.load_contract()
    plain = wide(480, days=8).with_columns(
        pl.when(hit & (f.category == "matchup"))
        .then(pl.lit("default"))
        .otherwise(pl.lit("phase4"))
        .alias(f"{f.name}__source")
        for f in contract.features
    )
    store = fsq.open_store(str(tmp_path / "t"))
    store.replace(fsq.score(plain))
    made = fsq.training_set(store, on_default="keep", exclude="red", start=date(2026, 1, 5))
    want = {d for d, v in fsq.diagnose(store.read()).dates.items() if v != "red"}
    assert set(made.frame["game_date"]) == {d for d in want if d >= date(2026, 1, 5)}
    assert date(2026, 1, 6) not in made.frame["game_date"]


def test_a_table_in_bigquery_gives_the_same_set(dataset: str) -> None:
    store, rows = fsq.open_store(f"bigquery://{dataset}.t"), scored().head(12)
    store.replace(rows)
    made = fsq.training_set(store, "points", "mask", end=date(2026, 1, 2))
    want = fsq.training_set(rows, "points", "mask", end=date(2026, 1, 2))
    assert made.fingerprint == want.fingerprint
    report = fsq.check_model(["pace_score"], store, on_incompatible="report")
    assert report.records.height == 12
