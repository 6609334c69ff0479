"""Files that threads write into a Delta table, and the commits that make them visible."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from polars.testing import assert_frame_equal

import fsq
from fsq.backfilling import Progress, backfill
from fsq.errors import InputError, StoreError
from fsq.schema.arrow import to_arrow
from fsq.stores import LedgerEntry, open_group_write
from fsq.stores.delta.distributed import DeltaGroupWrite
from fsq.stores.delta.statistics import FileStatistics
from fsq.stores.replacing import ReplacingWrite
from tests.support import delta_logs
from tests.support.frames import CONTRACT, wide

KEYS = ["game_date", "player_lookup"]
DAY = date(2026, 1, 2)
SCORED = fsq.score(wide())
NOW = SCORED["quality_computed_at"][0]


def of(*days: int) -> pl.DataFrame:
    return SCORED.filter(pl.col("game_date").dt.day().is_in(days))


def entries(rows: pl.DataFrame) -> dict[date, LedgerEntry]:
    return {d: LedgerEntry("v2_33features", "v", "f", 10) for d in rows["game_date"].unique()}


def opened(path: Path, since: int | None = None) -> Any:
    return open_group_write(fsq.open_store(path), SCORED.clear(), since)


def replace(path: Path, *parts: pl.DataFrame, since: int | None = None) -> None:
    write = opened(path, since)
    write.commit([write.write(iter([part])) for part in parts], entries(pl.concat(parts)))


def held(path: Path) -> pl.DataFrame:
    return fsq.open_store(path).read().sort(KEYS).collect()


def files(path: Path) -> set[str]:
    return {f.name for f in path.glob("*.parquet")}


def test_every_reader_sees_the_rows_that_were_scored(tmp_path: Path) -> None:
    source, store = tmp_path / "rows.parquet", tmp_path / "store=1"
    wide(300, 3).write_parquet(source)
    backfill(source, store, now=NOW)
    wanted = fsq.score(pl.read_parquet(source), now=NOW).sort(KEYS)
    assert_frame_equal(held(store), wanted)
    assert_frame_equal(pl.read_delta(str(store)).sort(KEYS), wanted)
    table = DeltaTable(str(store))
    assert_frame_equal(pl.DataFrame(table.to_pyarrow_table()).sort(KEYS), wanted)
    (path,) = store.glob("*.parquet")
    found = duckdb.read_parquet(str(path)).pl().sort(KEYS)
    assert found["feature_quality_detail"].to_list() == wanted["feature_quality_detail"].to_list()
    fields = fsq.open_store(store).read(columns=[*KEYS, "feature_quality_detail.source_type"])
    assert fields.collect().schema["feature_quality_detail.source_type"] == pl.List(pl.String)
    table.optimize.compact()
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    assert_frame_equal(held(store), wanted)


def test_texts_of_the_detail_are_dictionaries_which_readers_take_for_texts(tmp_path: Path) -> None:
    source, store = tmp_path / "rows.parquet", tmp_path / "store"
    wide(300, 3).write_parquet(source)
    backfill(source, store)
    (path,) = store.glob("*.parquet")
    file = pq.ParquetFile(path)
    columns = [file.metadata.row_group(0).column(i) for i in range(file.metadata.num_columns)]
    encoded = {c.path_in_schema.split(".")[-1] for c in columns if "RLE_DICTIONARY" in c.encodings}
    assert encoded >= {"feature_name", "source_type", "feature_quality_tier", "triggered_alert"}
    assert "dictionary" not in str(file.schema_arrow)
    assert pl.read_parquet_schema(path) == SCORED.select(*pl.read_parquet_schema(path)).schema


def test_files_of_other_dates_are_not_opened(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        replace(tmp_path, of(day))
    table = DeltaTable(str(tmp_path))
    assert len(table.file_uris(file_pruning_predicate=f"game_date = '{DAY}'")) == 1
    actions = pl.DataFrame(table.get_add_actions(flatten=True))
    assert actions["min.game_date"].equals(actions["max.game_date"])
    assert actions["num_records"].to_list() == [10, 10, 10]
    assert actions["null_count.player_lookup"].to_list() == [0, 0, 0]


def test_statistics_leave_out_what_json_or_engines_cannot_compare() -> None:
    statistics = FileStatistics(CONTRACT.table)
    for at in (0, 1):
        statistics.add(
            pl.DataFrame(
                {
                    "player_lookup": ["james", "x" * 65][at : at + 1],
                    "game_date": [date(2026, 2, 6 + at)],
                    "nan": [[1.0, float("nan")][at]],
                    "infinite": [[float("-inf"), 0.0][at]],
                    "number": pl.Series([[None, 3][at]], dtype=pl.Int64),
                    "nothing": pl.Series([None], dtype=pl.Int64),
                    "text": ["curry"],
                    "list": [[1]],
                }
            )
        )
    statistics.add(pl.DataFrame(schema={"number": pl.Int64}))
    assert json.loads(json.dumps(statistics.to_dict())) == {
        "numRecords": 2,
        "minValues": {"player_lookup": "james", "game_date": "2026-02-06", "number": 3},
        "maxValues": {"game_date": "2026-02-07", "number": 3},
        "nullCount": {
            "player_lookup": 0, "game_date": 0, "nan": 0, "infinite": 0, "number": 1, "nothing": 2,
        },
    }  # fmt: skip


def test_parts_become_visible_together_and_replace_their_dates_only(tmp_path: Path) -> None:
    replace(tmp_path, SCORED)
    changed = of(2, 3).with_columns(quality_tier=pl.lit("gold"))
    write = opened(tmp_path)
    parts = [write.write(iter([changed[:7], changed[7:9]])), write.write(iter([changed[9:]]))]
    assert_frame_equal(held(tmp_path), SCORED.sort(KEYS))
    result = write.commit(parts, entries(changed))
    assert (result.rows, result.dates) == (20, 2)
    assert result.version == fsq.open_store(tmp_path).version()
    assert_frame_equal(held(tmp_path), pl.concat([of(1, 4), changed]).sort(KEYS))


def test_an_aborted_write_leaves_what_was_committed(tmp_path: Path) -> None:
    write = opened(tmp_path)
    first = write.write(iter([of(1)]))
    write.write(iter([of(2)]))
    write.commit([first], entries(of(1)))
    write.abort()
    assert files(tmp_path) == {first.name}
    assert_frame_equal(held(tmp_path), of(1).sort(KEYS))


def test_a_failure_while_a_file_is_written_is_raised_as_it_is(tmp_path: Path) -> None:
    def rows() -> Iterator[pl.DataFrame]:
        yield of(1)
        raise InputError(["a label is unknown"])

    write = opened(tmp_path)
    with pytest.raises(InputError, match="a label is unknown"):
        write.write(rows())
    assert not files(tmp_path)


@pytest.mark.parametrize("again", [of(2).head(1), of(2).head(1).with_columns(game_date=None)])
def test_keys_are_checked_over_all_parts(tmp_path: Path, again: pl.DataFrame) -> None:
    write = opened(tmp_path)
    parts = [write.write(iter([rows])) for rows in (of(2), again.cast(SCORED.schema))]
    with pytest.raises(InputError, match=r"duplicate keys: 1 rows|game_date: NULL in 1 rows"):
        write.commit(parts, entries(of(2)))
    assert fsq.open_store(tmp_path).read().collect().is_empty()


def test_two_writers_of_one_date_leave_one_answer(tmp_path: Path) -> None:
    replace(tmp_path, SCORED)
    writes = [opened(tmp_path) for _ in range(2)]
    parts = [w.write(iter([of(2).head(n)])) for w, n in zip(writes, (3, 5), strict=True)]
    for write, part in zip(writes, parts, strict=True):
        write.commit([part], entries(of(2)))
    assert held(tmp_path)["game_date"].eq(DAY).sum() == 5
    assert held(tmp_path).height == 35


def test_in_place_a_commit_of_others_is_a_conflict(tmp_path: Path) -> None:
    replace(tmp_path, SCORED)
    write = opened(tmp_path, fsq.open_store(tmp_path).version())
    write.commit([write.write(iter([of(1)]))], entries(of(1)))
    part = write.write(iter([of(2)]))
    write_deltalake(tmp_path, to_arrow(of(3).head(1)), mode="append")
    with pytest.raises(StoreError, match="another writer changed it"):
        write.commit([part], entries(of(2)))
    assert held(tmp_path).height == 41


def demand(path: Path, what: str) -> None:
    rows, some = to_arrow(SCORED.with_columns(points=pl.lit(5.25))), {"delta.appendOnly": "true"}
    feed = {"delta.enableChangeDataFeed": "true"}
    options: dict[str, dict[str, Any]] = {
        "partitions": {"partition_by": ["game_date"]},
        "append-only": {"configuration": some},
        "feed of changes": {"configuration": feed},
    }
    write_deltalake(path, rows.slice(0, 0), **options.get(what, {}))
    if what == "constraint":
        DeltaTable(str(path)).alter.add_constraint({"some": "points > 1"})
    if what == "required column":
        delta_logs.change_metadata(path, required=("points",))
    if what == "deletion vectors":
        delta_logs.set_features(path, ["deletionVectors"], ["deletionVectors"])


@pytest.mark.parametrize(
    "what",
    [
        *("partitions", "append-only", "feed of changes", "constraint", "required column"),
        *("deletion vectors",),
    ],
)
def test_a_table_that_demands_more_is_written_by_delta_rs(tmp_path: Path, what: str) -> None:
    source, path = tmp_path / "rows.parquet", tmp_path / "store"
    demand(path, what)
    assert isinstance(opened(path), ReplacingWrite)
    wide().with_columns(points=pl.lit(5.25)).write_parquet(source)
    assert backfill(source, path).rows == 40
    assert fsq.open_store(path).read().collect().height == 40
    assert isinstance(opened(tmp_path / "new"), DeltaGroupWrite)


def test_a_struct_of_other_fields_is_merged_by_delta_rs(tmp_path: Path) -> None:
    item = SCORED.schema["feature_quality_detail"].inner
    names = [f.name for f in item.fields][:-1]
    fewer = pl.struct(pl.element().struct.field(n) for n in names)
    old = SCORED.with_columns(pl.col("feature_quality_detail").list.eval(fewer))
    write_deltalake(tmp_path, to_arrow(old))
    assert isinstance(opened(tmp_path), ReplacingWrite)


def test_a_source_that_grows_after_it_was_planned_is_refused(tmp_path: Path) -> None:
    source, store = tmp_path / "rows.csv", tmp_path / "store"
    rows = wide(80, 8)
    rows.write_csv(source)

    def grow(now: Progress) -> None:
        late = rows.with_columns(player_lookup="late" + pl.col("player_lookup"))
        pl.concat([rows, late]).write_csv(source)

    with pytest.raises(StoreError, match="changed after it was planned"):
        backfill(source, store, chunk_rows=10, progress=grow)
    kept = held(store).group_by("game_date").len()["len"]
    assert kept.to_list() == [10] * len(kept)
