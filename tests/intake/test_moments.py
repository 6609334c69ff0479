"""Moments are bounded as dates are: what no clock shows is refused and never counts as fresh."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fsq
from fsq.backfilling import backfill
from fsq.contract.drafting import draft_contract
from fsq.errors import InputError
from tests.support.frames import hybrid, legacy, wide

COLUMNS = [
    "computed_at",
    "as_of",
    "player_daily_cache__last_updated",
    "fatigue_score__last_updated",
]
TABLE = "player_daily_cache__last_updated"
UNITS = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
LARGEST = 2**63 - 1
FIRST = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
END = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())


def with_moment(
    column: str, number: int, unit: str, rows: pl.DataFrame | None = None
) -> pl.DataFrame:
    moment = pl.lit(number, pl.Int64).cast(pl.Datetime(unit, "UTC"))  # type: ignore[arg-type]
    return (wide() if rows is None else rows).with_columns(moment.alias(column))


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(
    ("number", "unit"),
    [
        *((LARGEST, unit) for unit in UNITS),
        *((-LARGEST, unit) for unit in UNITS),
        *((end * UNITS[u], u) for u in ("ms", "us") for end in (END, FIRST - 1)),
        (LARGEST - 1, "us"),
        (-LARGEST - 1, "us"),
        (2**55, "ms"),
    ],
)
def test_what_no_clock_shows_is_refused(column: str, number: int, unit: str) -> None:
    rows = with_moment(column, number, unit)
    for scored in (lambda: fsq.score(rows), lambda: fsq.score(rows.lazy()).collect()):
        with pytest.raises(InputError, match=f"{column}: 40 moments are infinite or outside"):
            scored()


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("number", [LARGEST, -LARGEST])
def test_an_infinite_moment_is_no_date(number: int, unit: str) -> None:
    rows = with_moment("game_date", number, unit)
    with pytest.raises(InputError, match="game_date: 40 rows lie outside the years 1 to 9998"):
        fsq.score(rows)
    numbers = rows.select("player_lookup", "game_date", temp_f=pl.int_range(pl.len()))
    for options in ({"date": "game_date"}, {"time": "game_date"}):
        with pytest.raises(InputError, match="game_date: 40 rows lie outside the years 1 to 9998"):
            draft_contract(numbers, keys=["player_lookup"], **options)


@given(
    seconds=st.sampled_from([FIRST, END - 1, 0, -1]) | st.integers(FIRST, END - 1),
    unit=st.sampled_from(["ms", "us"]),
)
def test_every_moment_of_the_years_has_its_age(seconds: int, unit: str) -> None:
    scored = fsq.score(with_moment(TABLE, seconds * UNITS[unit], unit).head(3))
    age = scored["upstream_data_freshness_hours"][0]
    end_of_date = datetime(2026, 1, 2, tzinfo=UTC).timestamp()
    assert age == pytest.approx(max(0.0, end_of_date - seconds) / 3600)


@pytest.mark.parametrize("form", [legacy, hybrid])
def test_other_forms_are_bounded_too(form: object) -> None:
    assert callable(form)
    for column in ("updated_at", "created_at", "source_composite_last_updated"):
        rows = with_moment(column, -LARGEST, "us", form(wide()))
        with pytest.raises(InputError, match=column):
            fsq.score(rows)


def test_a_scored_table_is_bounded_too() -> None:
    scored = fsq.score(wide())
    moment = pl.lit(LARGEST, pl.Int64).cast(pl.Datetime("us", "UTC"))
    detail = pl.col("feature_quality_detail").list.eval(
        pl.element().struct.with_fields(last_updated=moment)
    )
    with pytest.raises(InputError, match=r"feature_quality_detail.last_updated: 1320 moments"):
        fsq.score(scored.with_columns(detail))
    assert fsq.score(scored).height == 40


@pytest.mark.parametrize("value", [pl.lit(1).cast(pl.Duration("us")), pl.lit(1).cast(pl.Time)])
def test_what_is_no_moment_is_a_wrong_type(value: pl.Expr) -> None:
    with pytest.raises(InputError, match=r"wrong type: .* make it a timestamp") as error:
        fsq.score(wide().with_columns(value.alias(c) for c in COLUMNS))
    assert len(error.value.problems) == len(COLUMNS)


@pytest.mark.parametrize("year", [1, 1970, 2026])
def test_int96_moments_do_not_wrap(tmp_path: Path, year: int) -> None:
    rows = wide().with_columns(computed_at=pl.lit(datetime(year, 2, 6)))
    table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    at = table.schema.get_field_index("computed_at")
    table = table.set_column(at, "computed_at", table["computed_at"].cast(pa.timestamp("us")))
    pq.write_table(table, tmp_path / "s.parquet", use_deprecated_int96_timestamps=True)
    backfill(str(tmp_path / "s.parquet"), str(tmp_path / "store"))
    stored = fsq.open_store(str(tmp_path / "store")).read().collect()
    assert stored["computed_at"].dt.year().unique().to_list() == [year]


def test_the_year_9999_of_int96_is_refused(tmp_path: Path) -> None:
    table = wide().with_columns(computed_at=pl.lit(datetime(9999, 12, 31))).to_arrow()
    pq.write_table(table, tmp_path / "s.parquet", use_deprecated_int96_timestamps=True)
    with pytest.raises(InputError, match="computed_at"):
        backfill(str(tmp_path / "s.parquet"), str(tmp_path / "store"), dry_run=True)
