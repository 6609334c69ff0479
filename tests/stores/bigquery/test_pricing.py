"""Bytes are counted by columns as one would count them by hand, and the estimate meets them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fsq
from fsq.cli._costs import print_costs
from fsq.cli._output import Output
from fsq.demo import simulate_season
from fsq.stores.bigquery.pricing import (
    ASSUMPTIONS,
    GIB,
    MINIMUM_BILLED,
    PRICES,
    TIB,
    count_logical_bytes,
    estimate,
)
from fsq.stores.bigquery.row_size import estimate_row_size
from tests.support.real_data import SEASONS, needs_seasons
from tests.support.v2 import COLUMN_NAMES, KEYS

CONTRACT = fsq.load_contract()
WRITTEN = [*KEYS, *COLUMN_NAMES]

INNER = pa.struct([("n", pa.int64()), ("word", pa.string()), ("ids", pa.list_(pa.string()))])
SCHEMA = pa.schema(
    {
        "n": pa.int32(),
        "x": pa.float64(),
        "b": pa.bool_(),
        "day": pa.date32(),
        "at": pa.timestamp("us", "UTC"),
        "word": pa.string(),
        "raw": pa.binary(),
        "words": pa.list_(pa.string()),
        "detail": pa.list_(INNER),
        "one": INNER,
    }
)

maybe = st.none() | st.text(max_size=4)
inner = st.none() | st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(0, 9),
        "word": maybe,
        "ids": st.none() | st.lists(st.text(max_size=3), max_size=3),
    }
)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.none() | st.integers(0, 9),
            "x": st.none() | st.floats(),
            "b": st.none() | st.booleans(),
            "day": st.none() | st.just(date(2026, 2, 6)),
            "at": st.none() | st.just(datetime(2026, 2, 6, tzinfo=UTC)),
            "word": maybe,
            "raw": st.none() | st.binary(max_size=4),
            "words": st.none() | st.lists(maybe, max_size=3),
            "detail": st.none() | st.lists(inner, max_size=3),
            "one": inner,
        }
    ),
    max_size=5,
)


def by_hand(value: Any) -> int:
    """BigQuery's size of one value."""
    match value:
        case None:
            return 0
        case bool():
            return 1
        case str():
            return 2 + len(value.encode())
        case bytes():
            return 2 + len(value)
        case list():
            return sum(map(by_hand, value))
        case dict():
            return sum(map(by_hand, value.values()))
    return 8


@given(rows=rows, cut=st.integers(0, 3))
def test_bytes_are_those_of_each_value(rows: list[dict[str, Any]], cut: int) -> None:
    table = pa.Table.from_pylist(rows, SCHEMA).slice(cut)
    wanted = {n: sum(by_hand(r[n]) for r in rows[cut:]) for n in SCHEMA.names}
    assert count_logical_bytes(table) == wanted
    assert sum(count_logical_bytes(table.slice(0, 1)).values()) <= sum(wanted.values())
    frame = pl.DataFrame(pl.from_arrow(table))
    assert count_logical_bytes(frame) == wanted
    assert count_logical_bytes(frame.lazy()) == wanted


@pytest.mark.parametrize(
    "kind",
    [
        pl.Categorical(),
        pl.Enum(["é", "aa"]),
        pl.String(),
    ],
)
def test_the_encoding_of_words_costs_nothing(kind: pl.DataType) -> None:
    words = pl.DataFrame({"w": pl.Series(["é", None, "aa", "aa"], dtype=kind)})
    assert count_logical_bytes(words) == {"w": 12}
    assert count_logical_bytes(words.to_arrow()) == {"w": 12}
    assert count_logical_bytes(pa.table(words)) == {"w": 12}


@pytest.mark.parametrize(
    "column", [pa.array([1], pa.duration("us")), pa.array([[("a", 1)]], pa.map_("string", "int8"))]
)
def test_a_type_without_a_size_is_told(column: pa.Array) -> None:
    with pytest.raises(TypeError, match="has no size in BigQuery"):
        count_logical_bytes(pa.table({"d": column}))


def test_ids_of_a_window_s_games_are_counted_for_each_game() -> None:
    bare = ["player_lookup", "game_date", *CONTRACT.names]
    in_window = [f for f in CONTRACT.features if f.window == "last_10"]
    with_ids = estimate_row_size(CONTRACT, [*bare, "last_10__game_ids"]).total
    more = with_ids - estimate_row_size(CONTRACT, bare).total
    each = more / len(in_window) / 10
    assert len("00225000") < each < 20  # an id of a game, and what a text costs


@pytest.fixture(scope="module")
def season() -> pl.DataFrame:
    made = simulate_season("2025-26").rows
    days = made["game_date"].unique().sort()
    return made.filter(pl.col("game_date").is_in(days[10::15].to_list()))


def measured(rows: pl.DataFrame) -> float:
    scored = fsq.score(rows).select(WRITTEN)
    return sum(count_logical_bytes(scored).values()) / scored.height


def test_a_row_is_estimated_before_it_is_scored(season: pl.DataFrame) -> None:
    assert estimate_row_size(CONTRACT, season.columns).total == pytest.approx(
        measured(season), rel=0.1
    )
    bare = season.select(
        "player_lookup", "game_date", *CONTRACT.names, *(f"{n}__source" for n in CONTRACT.names)
    )
    assert estimate_row_size(CONTRACT, bare.columns).total == pytest.approx(measured(bare), rel=0.1)


@needs_seasons
@pytest.mark.parametrize("file", SEASONS, ids=lambda f: f.stem)
def test_a_year_of_real_rows_costs_less_than_twenty_cents(file: Path) -> None:
    """200 players on each of 365 days, as active storage all the time."""
    rows = pl.read_parquet(file)
    size = measured(rows)
    assert estimate_row_size(CONTRACT, rows.columns).total == pytest.approx(size, rel=0.05)
    told = estimate(rows.height, CONTRACT, columns=rows.columns)
    assert told.year_usd < 0.20
    assert told.year_usd == pytest.approx(200 * 365 * size / GIB * 0.02 * 12, rel=0.05)


def test_with_all_lineage_a_year_still_costs_less_than_twenty_cents() -> None:
    told = estimate(200, CONTRACT)
    assert 0.10 < told.year_usd < 0.20
    assert told.year_usd_long_term == pytest.approx(told.year_usd * (3 * 2 + 9) / 24)


def test_a_run_is_billed_by_what_it_moves() -> None:
    told = estimate(100_000, CONTRACT, read=TIB, carried=100_000 * 50, replaced=GIB, commits=5)
    bare = estimate(100_000, CONTRACT)
    by = {i.name: i for i in told.items}
    assert told.row_bytes == bare.row_bytes + 50
    assert by["read"].usd == 1.10
    assert by["write"].size == 100_000 * told.row_bytes
    assert by["write"].usd == pytest.approx(by["write"].size / GIB * 0.025)
    assert by["merge"].size == by["merge"].billed == by["write"].size + GIB
    assert by["count"].billed == by["count"].size + 7 * MINIMUM_BILLED
    assert told.usd == pytest.approx(sum(i.usd for i in told.items))
    assert told.usd_beyond_free == pytest.approx(1.10)  # the rest is within the free bytes


def test_free_bytes_are_free_once() -> None:
    told = estimate(400_000_000, CONTRACT)
    by = {i.name: i for i in told.items}
    queried = by["merge"].billed + by["count"].billed
    assert told.usd_beyond_free == pytest.approx(
        (queried - TIB) / TIB * 6.25 + (by["write"].billed - 2 * TIB) / GIB * 0.025
    )


def test_small_runs_are_billed_the_least_that_a_query_costs() -> None:
    told = {i.name: i for i in estimate(200, CONTRACT).items}
    assert told["merge"].billed == 2 * MINIMUM_BILLED
    assert told["count"].billed == 5 * MINIMUM_BILLED
    nothing = estimate(0, CONTRACT)
    assert nothing.rows == nothing.commits == 0
    assert {i.size for i in nothing.items} == {0}


def test_the_estimate_is_told_with_its_assumptions(capsys: pytest.CaptureFixture[str]) -> None:
    told = estimate(36_298, CONTRACT, read=40_000_000, commits=2)
    print_costs(told, Output())
    text = capsys.readouterr().out
    assert "36,298 rows" in text
    assert "200 rows on each of 365 days" in text
    assert all(words in " ".join(text.split()) for words in ASSUMPTIONS)
    assert max(map(len, text.splitlines())) <= 80
    document = json.loads(json.dumps(told.to_dict(), allow_nan=False))
    assert document["year"]["usd"] == told.year_usd
    assert document["bytes"]["read"] == 40_000_000
    assert {*document["prices"]} == {*PRICES}
