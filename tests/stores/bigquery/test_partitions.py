"""Tables of every kind of partitioning, with and without a required filter: all steps work."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from google.cloud import bigquery
from polars.testing import assert_frame_equal

import fsq
from fsq.backfilling.run import backfill
from fsq.cli import main
from fsq.sql import create_views
from fsq.stores import open_store
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.partitions import Partitioning
from tests.support.frames import wide
from tests.support.warehouse import BY_DATE, held, made, upstream_rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = date(2026, 1, 2), date(2026, 1, 3)
PARTITIONED: dict[str, Any] = {
    "by day": BY_DATE,
    "by month": bigquery.TimePartitioning("MONTH", field="game_date"),
    "by another column": bigquery.TimePartitioning("HOUR", field="quality_computed_at"),
    "by arrival": bigquery.TimePartitioning("DAY"),
    "not at all": None,
}


@pytest.fixture(params=PARTITIONED)
def partitioning(request: pytest.FixtureRequest) -> Any:
    return PARTITIONED[request.param]


@pytest.mark.parametrize("filtered", [False, True])
def test_dates_are_replaced(partitioning: Any, filtered: bool, dataset: str) -> None:
    rows = fsq.score(wide(), now=NOW)
    uri = made(dataset, rows, partitioning=partitioning, filtered=filtered)
    fewer = wide().filter(pl.col("player_lookup") != "player3")
    again = fsq.score(fewer, now=LATER).filter(pl.col("game_date").is_between(*DAYS))
    assert open_store(uri).replace(again).rows == again.height
    others = rows.filter(~pl.col("game_date").is_between(*DAYS))
    wanted = pl.concat([others, again]).sort("game_date", "player_lookup")
    assert_frame_equal(held(uri), wanted)


@pytest.mark.parametrize("filtered", [False, True])
def test_a_backfill_in_place_and_what_reads_it(
    partitioning: Any, filtered: bool, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = upstream_rows(wide())
    uri = made(dataset, rows, partitioning=partitioning, filtered=filtered)
    assert backfill(uri, uri, now=NOW).rows == 40
    assert backfill(uri, uri, now=NOW).skipped == 4
    words = ("--store", uri, "--date", str(DAYS[1]))
    assert main(["check", *words, "--json"]) in (0, 1)
    assert main(["check", "--store", uri]) in (0, 1)
    assert main(["explain", "player3", str(DAYS[0]), "--store", uri]) == 0
    assert main(["trend", "--store", uri]) == 0
    assert "player3" in capsys.readouterr().out
    assert open_store(uri).read().collect().height == 40


def test_views_over_tables_that_require_a_filter(partitioning: Any, dataset: str) -> None:
    uri = made(dataset, fsq.score(wide(), now=NOW), partitioning=partitioning, filtered=True)
    with open_clients("p") as clients:
        views = create_views(clients.tables, TableName.parse(uri))
        assert len(views) == 7
        for view in views[:2] + views[-2:]:  # the others are made of the same parts
            clients.tables.query(f"SELECT COUNT(*) FROM {view.sql}").result()


def test_a_source_that_requires_a_filter(dataset: str, tmp_path: Path) -> None:
    uri = made(dataset, upstream_rows(wide()), filtered=True)
    assert backfill(uri, str(tmp_path / "store"), now=NOW).rows == 40


def test_rows_without_a_date_are_not_passed_over(dataset: str) -> None:
    """A filter on the dates would hide them from everyone."""
    rows = wide().with_columns(quality_computed_at=pl.lit(None, pl.Datetime("us", "UTC")))
    uri = made(dataset, rows.select("game_date", "player_lookup"), migrated=False, filtered=True)
    with open_clients("p") as clients:
        table = TableName.parse(uri).sql
        insert = f"INSERT INTO {table} (player_lookup) VALUES ('nobody')"
        clients.tables.query(insert).result()
    found = open_store(uri).read().collect()
    assert found.height == 41
    assert found.filter(pl.col("game_date").is_null())["player_lookup"].to_list() == ["nobody"]


def test_what_the_rows_lack_is_kept_where_dates_are_replaced(dataset: str) -> None:
    rows = fsq.score(wide(), now=NOW)
    uri = made(dataset, rows, filtered=True)
    name = TableName.parse(uri).sql
    with open_clients("p") as clients:
        for statement in (
            f"ALTER TABLE {name} ADD COLUMN remark STRING",
            f"UPDATE {name} SET remark = player_lookup WHERE game_date > DATE '1000-01-01'",
        ):
            clients.tables.query(statement).result()
    newcomer = wide().with_columns(
        player_lookup=pl.col("player_lookup").replace("player3", "newcomer")
    )
    open_store(uri).replace(fsq.score(newcomer, now=LATER))
    found = held(uri)
    assert found["quality_computed_at"].unique().to_list() == [LATER]
    expected = pl.col("player_lookup").replace("newcomer", None)
    assert_frame_equal(found.select("remark"), found.select(expected.alias("remark")))


JANUARY = [date(2026, 1, d) for d in range(1, 32)]
SPRING = [date(2026, m, d) for m in (3, 4, 5) for d in range(1, 31)]


@pytest.mark.parametrize(
    ("partitioning", "days", "commits", "scans"),
    [
        (Partitioning("game_date", "DAY"), JANUARY, 5, 1),
        (Partitioning("GAME_DATE", "DAY"), JANUARY, 5, 1),
        (Partitioning("game_date", "MONTH"), JANUARY, 5, 5),
        (Partitioning("game_date", "MONTH"), SPRING, 1, 1),
        (Partitioning("game_date", "MONTH"), SPRING, 9, 4),
        (Partitioning("game_date", "YEAR"), SPRING, 9, 9),
        (Partitioning("_PARTITIONTIME", "DAY"), JANUARY, 5, 5),
        (Partitioning("scored_at", "HOUR"), JANUARY, 5, 5),
        (Partitioning(), JANUARY, 5, 5),
        (Partitioning(), JANUARY, 0, 1),
    ],
)
def test_how_often_merges_read_what_they_touch(
    partitioning: Partitioning, days: list[date], commits: int, scans: int
) -> None:
    assert partitioning.count_scans("game_date", days, commits) == scans
