"""The SQL as text: words that BigQuery reserves, bounds, and what never gets into it."""

from __future__ import annotations

import re
from datetime import date

import pytest

import fsq
from fsq import sql
from tests.support.frames import CONTRACT

TABLE = "bigquery://p.nba.scored"
# https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#reserved_keywords
RESERVED = set(
    re.findall(
        r"\w+",
        """ALL AND ANY ARRAY AS ASC ASSERT_ROWS_MODIFIED AT BETWEEN BY CASE CAST COLLATE CONTAINS
    CREATE CROSS CUBE CURRENT DEFAULT DEFINE DESC DISTINCT ELSE END ENUM ESCAPE EXCEPT EXCLUDE
    EXISTS EXTRACT FALSE FETCH FOLLOWING FOR FROM FULL GROUP GROUPING GROUPS HASH HAVING IF IGNORE
    IN INNER INTERSECT INTERVAL INTO IS JOIN LATERAL LEFT LIKE LIMIT LOOKUP MERGE NATURAL NEW NO
    NOT NULL NULLS OF ON OR ORDER OUTER OVER PARTITION PRECEDING PROTO QUALIFY RANGE RECURSIVE
    RESPECT RIGHT ROLLUP ROWS SELECT SET SOME STRUCT TABLESAMPLE THEN TO TREAT TRUE UNBOUNDED UNION
    UNNEST USING WHEN WHERE WINDOW WITH WITHIN""",
    )
)


def code(name: str, **options: object) -> str:
    """The SQL without comments and quoted words."""
    return strip(sql.make_query(name, TABLE, **options))  # type: ignore[arg-type]


def strip(made: str) -> str:
    """SQL without comments and quoted words."""
    return re.sub(r"--[^\n]*|'(?:\\.|[^'\\])*'|`[^`]*`", " ", made)


def reserved(text: str) -> set[str]:
    """Reserved words that are names; a type after AS is none."""
    named = re.findall(r"\bAS (\w+)|\b\w\.(\w+)|^(\w+) AS \(", text, re.M)
    return {w.upper() for group in named for w in group} & (RESERVED - {"ARRAY", "STRUCT"})


@pytest.mark.parametrize("name", sql.VIEWS)
def test_no_reserved_word_is_a_name(name: str) -> None:
    """The emulator allows some that the service refuses."""
    assert reserved("at AS (SELECT t.end, COUNT(*) AS rows FROM t)") == {"AT", "END", "ROWS"}
    assert reserved(code(name)) == set()
    assert "$" not in code(name)


@pytest.mark.parametrize("name", sql.VIEWS)
def test_every_read_of_the_table_is_bounded_by_dates(name: str) -> None:
    """A table that requires a partition filter can be read, and a view of it, too."""
    text = sql.make_query(name, TABLE, start=date(2026, 1, 5), end=date(2026, 2, 6))
    read = r"FROM `p\.nba\.scored` AS (\w)\b.*?WHERE \1\.`game_date` (?:BETWEEN|>=) DATE"
    reads = re.findall(read, text, re.S)
    assert len(reads) == text.count("`p.nba.scored`") > 0
    assert "DATE '2026-02-06'" in text
    assert "DATE '2026-01-05'" in text


@pytest.mark.parametrize("name", sql.VIEWS)
def test_no_legacy_field_is_read(name: str) -> None:
    """So that the views do not stand in the way when these are dropped."""
    assert not any(field in sql.make_query(name, TABLE) for field in CONTRACT.output.legacy)


def test_everything_comes_from_the_contract() -> None:
    rules = CONTRACT.diagnosis.model_copy(update={"table_default_share": 0.5125})
    other = CONTRACT.model_copy(update={"diagnosis": rules})
    assert "0.5125" in sql.make_query("diagnosis", TABLE, other)
    assert "0.5125" not in sql.make_query("diagnosis", TABLE)
    assert "`fg_pct_last_game`" in sql.make_query("wide", TABLE, "v3_37features")


def test_a_bad_name_never_becomes_sql() -> None:
    feature = CONTRACT.features[0].model_copy(update={"name": "a` , (SELECT 1) AS `b"})
    bad = CONTRACT.model_copy(update={"features": (feature, *CONTRACT.features[1:])})
    for name in sql.VIEWS:
        with pytest.raises(fsq.InputError, match="not a BigQuery identifier"):
            sql.make_query(name, TABLE, bad)
    for table in ("p.d.t`; DROP TABLE x", "p.d", "p.d.t.u", "p.d.'t'"):
        with pytest.raises(fsq.InputError, match="does not name a table"):
            sql.make_query("wide", table)


def test_dates_in_the_wrong_order() -> None:
    with pytest.raises(fsq.InputError, match="swap them"):
        sql.make_query("wide", TABLE, start=date(2026, 2, 6), end=date(2026, 2, 5))
