"""Backfills of BigQuery tables, over the real protocol: what changes, and what does not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fsq
from fsq.backfilling.run import backfill
from fsq.errors import InputError, StoreError
from fsq.stores import WriteResult, open_store
from fsq.stores.bigquery.client import open_clients
from tests.support.frames import hybrid, wide
from tests.support.real_data import SEASONS, needs_seasons
from tests.support.v2 import COLUMN_NAMES
from tests.support.warehouse import held, made, tables, upstream_rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = upstream_rows(wide())
OWN = [c for c in ROWS.columns if c not in COLUMN_NAMES]
SORTED = ROWS.sort("game_date", "player_lookup")


def sql(uri: str, statement: str) -> list[tuple[object, ...]]:
    name = uri.removeprefix("bigquery://")
    with open_clients("p") as clients:
        return [r.values() for r in clients.tables.query(statement.format(f"`{name}`")).result()]


def by_delta(rows: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """The same rows by the embedded store."""
    source = folder / "rows.parquet"
    rows.write_parquet(source)
    backfill(str(source), str(folder / "store"), now=NOW)
    return fsq.open_store(str(folder / "store")).read().sort("game_date", "player_lookup").collect()


def test_in_place_sets_quality_and_touches_nothing_else(dataset: str, tmp_path: Path) -> None:
    uri = made(dataset, ROWS)
    done = backfill(uri, uri, now=NOW)
    assert (done.rows, done.dates, done.skipped) == (40, 4, 0)
    after = held(uri)
    assert_frame_equal(after.select(OWN), SORTED.select(OWN))
    assert after["feature_quality_detail"].list.len().to_list() == [33] * 40
    wanted = by_delta(ROWS, tmp_path)
    assert_frame_equal(after.select(COLUMN_NAMES), wanted.select(COLUMN_NAMES))
    name = uri.rpartition(".")[2]
    assert tables(dataset) == {name, f"_fsq_ledger__{name}", f"_fsq_origin__{name}"}

    again = backfill(uri, uri, now=NOW)
    assert (again.rows, again.dates, again.skipped) == (0, 0, 4)
    assert_frame_equal(held(uri), after)


def test_what_upstream_changes_is_redone_and_the_rest_is_not(dataset: str) -> None:
    uri = made(dataset, ROWS)
    backfill(uri, uri, now=NOW)
    sql(
        uri,
        "UPDATE {} SET feature_sources = REPLACE(feature_sources, 'phase3', 'phase4') "
        "WHERE game_date = DATE '2026-01-02'",
    )
    done = backfill(uri, uri, now=NOW)
    assert {s.day: s.reason for s in done.plan if s.reason} == {date(2026, 1, 2): "changed"}
    # Upstream writes a whole row anew: features as they were, no quality.
    sql(
        uri,
        "UPDATE {} SET quality_computed_at = NULL, quality_tier = NULL "
        "WHERE player_lookup = 'player3' AND game_date = DATE '2026-01-03'",
    )
    done = backfill(uri, uri, now=NOW)
    assert {s.day: s.reason for s in done.plan if s.reason} == {date(2026, 1, 3): "new"}
    assert held(uri)["quality_tier"].null_count() == 0


def test_new_rows_are_inserted_beside_upstreams_and_none_is_removed(
    dataset: str, tmp_path: Path
) -> None:
    uri = made(dataset, ROWS.head(25))
    source = tmp_path / "rows.parquet"
    # What the table has of its own wins over what the source says of the same rows.
    there = pl.int_range(pl.len()) < 15
    note = pl.when(there).then(pl.lit("of the source")).otherwise("note").alias("note")
    ROWS.slice(10).with_columns(note).write_parquet(source)
    assert backfill(str(source), uri, now=NOW).rows == 30
    after = held(uri)
    assert_frame_equal(after.select(OWN), SORTED.select(OWN))
    scored = after.filter(pl.col("quality_tier").is_not_null())
    assert sorted(scored["player_lookup"] + scored["game_date"].cast(str)) == sorted(
        ROWS.slice(10)["player_lookup"] + ROWS.slice(10)["game_date"].cast(str)
    )


def test_a_new_table_is_made_and_its_dates_are_replaced(dataset: str, tmp_path: Path) -> None:
    uri, source = f"bigquery://{dataset}.scored", tmp_path / "rows.parquet"
    rows = wide().with_columns(note=pl.lit("first"))
    rows.write_parquet(source)
    assert open_store(uri).replace(fsq.score(rows.head(0))) == WriteResult(0, 0, -1)
    assert backfill(str(source), uri, now=NOW).rows == 40
    with open_clients("p") as clients:
        table = clients.tables.get_table(f"{dataset}.scored")
    assert table.time_partitioning.field == "game_date"
    assert table.clustering_fields == ["player_lookup"]
    assert all(f.description for f in table.schema)
    wanted = fsq.score(rows, now=NOW)
    assert_frame_equal(held(uri), wanted.sort("game_date", "player_lookup"))

    later = pl.col("game_date") >= date(2026, 1, 2)
    note = pl.when(later).then(pl.lit("second")).otherwise("note").alias("note")
    fewer = rows.filter(pl.col("player_lookup") != "player3").with_columns(note)
    fewer.write_parquet(source)
    backfill(str(source), uri, start=date(2026, 1, 2), now=NOW)
    kept = (pl.col("player_lookup") != "player3") | ~later
    wanted = wanted.filter(kept).with_columns(note).sort("game_date", "player_lookup")
    assert_frame_equal(held(uri), wanted)
    version = open_store(uri).version()
    assert open_store(uri).replace(fsq.score(rows.head(0))) == WriteResult(0, 0, version or 0)


@pytest.mark.parametrize("form", ["hybrid", "scored"])
def test_other_forms_are_sources_too(form: str, dataset: str, tmp_path: Path) -> None:
    rows = hybrid(wide()) if form == "hybrid" else fsq.score(wide(), now=NOW)
    uri = made(dataset, rows, migrated=False)
    store = str(tmp_path / "store")
    assert backfill(uri, store, now=NOW).rows == 40
    found = fsq.open_store(store).read().sort("game_date", "player_lookup").collect()
    wanted = fsq.score(rows, now=NOW).sort("game_date", "player_lookup")
    assert_frame_equal(found.select(wanted.columns), wanted)


def test_a_table_without_the_legacy_three_is_still_written(dataset: str, tmp_path: Path) -> None:
    ended = ["feature_sources", "primary_data_source", "matchup_data_status"]
    source, uri = tmp_path / "rows.parquet", f"bigquery://{dataset}.ended"
    wide().write_parquet(source)
    backfill(str(source), uri, now=NOW)
    for name in ended:
        sql(uri, f"ALTER TABLE {{}} DROP COLUMN {name}")
    assert backfill(str(source), uri, now=NOW, force=True).rows == 40
    wanted = fsq.score(wide(), now=NOW).drop(ended).sort("game_date", "player_lookup")
    assert_frame_equal(held(uri), wanted)


def test_a_table_that_lacks_quality_columns_is_refused(dataset: str) -> None:
    uri = made(dataset, ROWS, migrated=False)
    with pytest.raises(InputError, match="fsq schema migrate"):
        backfill(uri, uri, now=NOW)
    assert_frame_equal(held(uri).select(ROWS.columns), SORTED)
    assert len(tables(dataset)) == 1


def test_columns_and_dates_are_pushed_down(dataset: str) -> None:
    uri = made(dataset, ROWS)
    store = fsq.open_store(uri)
    days = date(2026, 1, 2), date(2026, 1, 3)
    found = store.read(*days, ["player_lookup", "note"])
    wanted = SORTED.filter(pl.col("game_date").is_between(*days)).select("player_lookup", "note")
    assert_frame_equal(found.collect(), wanted, check_row_order=False)
    assert store.read().head(3).collect().height == 3
    assert store.read(date(1950, 1, 1), date(1950, 1, 2)).collect().is_empty()
    late = store.read().filter(pl.col("note").str.ends_with("3"), game_date=days[0])
    assert late.select(pl.len()).collect().item() == 1
    with pytest.raises(StoreError, match=r"lacks the columns \['nonsense'\]"):
        store.read(columns=["nonsense"])
    with pytest.raises(StoreError, match="there is no store at"):
        fsq.open_store(f"bigquery://{dataset}.nowhere").read()


@needs_seasons
def test_a_real_season_in_place(dataset: str, tmp_path: Path) -> None:
    texts = pl.col("^.*__source$").cast(pl.String)
    rows = upstream_rows(pl.read_parquet(SEASONS[0]).with_columns(texts))
    uri = made(dataset, rows)
    done = backfill(uri, uri, now=NOW)
    assert (done.rows, done.dates) == (36_298, 164)
    ((count, structs, fewest, scores),) = sql(
        uri,
        "SELECT COUNT(*), SUM(ARRAY_LENGTH(feature_quality_detail)), "
        "MIN(ARRAY_LENGTH(feature_quality_detail)), AVG(feature_quality_score) FROM {}",
    )
    wanted = by_delta(rows, tmp_path)
    assert (count, structs, fewest) == (36_298, 36_298 * 33, 33)
    assert scores == pytest.approx(wanted["feature_quality_score"].mean())
    after = fsq.open_store(uri).read().sort("game_date", "player_lookup").collect()
    assert_frame_equal(after.select(wanted.columns), wanted)
    assert backfill(uri, uri, now=NOW).rows == 0
