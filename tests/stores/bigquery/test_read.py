"""What is pushed down to BigQuery keeps every row that the predicate keeps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import duckdb
import polars as pl
import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from fsq.stores.bigquery.partitions import UNPARTITIONED
from fsq.stores.bigquery.read import list_restrictions
from fsq.stores.bigquery.restriction import find_conditions

DAYS = pl.DataFrame(
    {
        "game_date": [
            None,
            date(1900, 1, 1),
            date(1945, 12, 31),
            date(2200, 1, 1),
            *(date(2026, 1, 1) + timedelta(days=i) for i in range(-3, 40)),
        ]
    }
)
days = st.sampled_from(
    [
        date(2025, 12, 30),
        date(2026, 1, 1),
        date(2026, 1, 9),
        date(2026, 2, 6),
        date(1946, 1, 1),
        date(2100, 12, 31),
        date(1900, 1, 1),
    ]
)
column = pl.col("game_date")
leaves = st.one_of(
    days.map(lambda d: column >= d),
    days.map(lambda d: column < d),
    days.map(lambda d: column == d),
    days.map(lambda d: column != d),
    st.lists(days, max_size=4).map(lambda d: column.is_in(d)),
    st.tuples(days, days).map(lambda p: column.is_between(*p)),
    st.integers(1, 7).map(lambda n: column.dt.weekday() == n),
    st.just(column.is_null()),
    st.just(column.is_not_null()),
)
predicates = st.recursive(
    leaves,
    lambda p: st.one_of(
        st.tuples(p, p).map(lambda t: t[0] & t[1]),
        st.tuples(p, p).map(lambda t: t[0] | t[1]),
        p.map(lambda e: ~e),
    ),
    max_leaves=4,
)


def _restrict(predicate: pl.Expr | None, schema: Mapping[str, pl.DataType]) -> str:
    """The restriction of the one session that reads a table without partitions."""
    conditions = find_conditions(predicate, schema)
    (where,) = list_restrictions(conditions, UNPARTITIONED) or ["FALSE"]
    return where


@given(predicates)
def test_the_restriction_keeps_what_the_predicate_keeps(predicate: pl.Expr) -> None:
    where = _restrict(predicate, {"game_date": pl.Date()}).replace("`", '"')
    kept = DAYS.filter(predicate)["game_date"]
    with duckdb.connect() as database:
        database.register("days", DAYS.to_arrow())
        sql = f"SELECT game_date FROM days WHERE {where or 'TRUE'}"
        read = pl.Series([row[0] for row in database.execute(sql).fetchall()], dtype=pl.Date)
    assert set(kept) <= set(read)
    # And no other, unless NULL is kept too, or the days lie too scattered to be listed.
    if where and "weekday" not in str(predicate):
        assert set(read) == set(kept)


SCHEMA = {
    "game_date": pl.Date(),
    "player_lookup": pl.String(),
    "flight": pl.Int64(),
    "starter": pl.Boolean(),
    "leaves_at": pl.Datetime("us", "UTC"),
    "pace": pl.Float64(),
}
NAMES = [
    "o'neal",
    'double "quoted"',
    "back\\slash",
    "tab\tbed",
    "émigré",
    "🏀",
    "",
    "a; DROP",
    "--",
]
PLAYS = pl.DataFrame(
    [
        (date(2026, 1, 1) + timedelta(days=i), name, i - 3, i % 2 == 0 or None, at, i / 4)
        for i, name in enumerate([*NAMES, None])
        for at in (datetime(2026, 1, 1, 12, i, 0, 123456, UTC), None)
    ],
    schema=SCHEMA,
    orient="row",
)
conjuncts = st.one_of(
    days.map(lambda d: column >= d),
    st.sampled_from(NAMES).map(lambda v: pl.col("player_lookup") == v),
    st.sampled_from(NAMES).map(lambda v: pl.col("player_lookup").eq_missing(v)),
    st.lists(st.sampled_from([*NAMES, None])).map(
        lambda v: pl.col("player_lookup").is_in(pl.Series(v, dtype=pl.String).implode())
    ),
    st.sampled_from(NAMES).map(lambda v: pl.col("player_lookup") > v),
    st.just(pl.col("player_lookup").eq_missing(pl.lit(None, pl.String))),
    st.integers(-4, 9).map(lambda n: pl.col("flight") == n),
    st.integers(-4, 9).map(lambda n: n == pl.col("flight")),
    st.integers(-4, 9).map(lambda n: pl.col("flight") + 1 == n),
    st.integers(-4, 9).map(lambda n: pl.col("flight") == n + 0.5),
    st.booleans().map(lambda b: pl.col("starter") == b),
    st.sampled_from(PLAYS["leaves_at"].drop_nulls().to_list()).map(
        lambda t: pl.col("leaves_at") == t
    ),
    st.just(pl.col("pace") == 0.25),
    st.just(pl.col("flight") == pl.col("pace")),
)


@given(st.lists(conjuncts, min_size=1, max_size=4))
def test_conditions_on_several_columns_keep_what_the_predicate_keeps(parts: list[pl.Expr]) -> None:
    predicate = pl.all_horizontal(parts[:1]) if len(parts) == 1 else parts[0]
    for part in parts[1:]:
        predicate = predicate & part
    where = _restrict(predicate, SCHEMA)
    tree = sqlglot.transpile(where or "TRUE", read="bigquery", write="duckdb")[0]
    wanted = PLAYS.with_row_index().filter(predicate)["index"]
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        database.register("plays", PLAYS.with_row_index().to_arrow())
        found = database.execute(f"SELECT index FROM plays WHERE {tree}").fetchall()
    assert set(wanted) <= {row[0] for row in found}


PUSHED = {
    "a key": (pl.col("player_lookup") == "a", '`player_lookup` = "a"'),
    "a key that is not NULL": (pl.col("player_lookup").eq_missing("a"), '`player_lookup` = "a"'),
    "several keys": (pl.col("flight").is_in([1, 2]), "`flight` IN (1, 2)"),
    "no key": (pl.col("flight").is_in([]), "FALSE"),
    "a date and a key": (
        (column == date(2026, 1, 2)) & (pl.col("flight") == 7),
        "`game_date` BETWEEN DATE '2026-01-02' AND DATE '2026-01-02' AND `flight` = 7",
    ),
    "a date, a key, and what SQL is not asked": (
        (column == date(2026, 1, 2)) & pl.col("player_lookup").str.ends_with("x"),
        "`game_date` BETWEEN DATE '2026-01-02' AND DATE '2026-01-02'",
    ),
    "dates in parts": (
        column.is_in([date(2026, 1, 2), date(2026, 1, 5)]) & (pl.col("starter") == True),  # noqa: E712
        "(`game_date` BETWEEN DATE '2026-01-02' AND DATE '2026-01-02' OR "
        "`game_date` BETWEEN DATE '2026-01-05' AND DATE '2026-01-05') AND `starter` = TRUE",
    ),
    "a number that may be rounded": (pl.col("pace") == 0.5, ""),
    "a choice between columns": ((pl.col("flight") == 1) | (pl.col("player_lookup") == "a"), ""),
    "a text that cannot be printed": (pl.col("player_lookup") == "a\u2028b", ""),
    "an unknown column": (pl.col("nonsense") == 1, ""),
}


@pytest.mark.parametrize("case", PUSHED)
def test_what_is_pushed_down(case: str) -> None:
    predicate, where = PUSHED[case]
    assert _restrict(predicate, SCHEMA) == where


def test_no_predicate_restricts_nothing() -> None:
    assert _restrict(None, SCHEMA) == ""


@pytest.mark.parametrize(
    ("dtype", "is_compared"), [(pl.Datetime("us", "UTC"), True), (pl.Datetime("us"), False)]
)
def test_moments_are_compared_by_the_service_where_it_has_such(
    dtype: pl.DataType, is_compared: bool
) -> None:
    moment = datetime(2026, 2, 6, 12, tzinfo=UTC)
    where = _restrict(pl.col("computed_at") == pl.lit(moment), {"computed_at": dtype})
    assert ("TIMESTAMP '2026-02-06 12:00:00.000000+00:00'" in where) == is_compared
