"""Columns whose types differ from the table's: nothing is altered silently, in any store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fsq
from fsq.backfilling import backfill
from fsq.errors import InputError
from fsq.stores import register_backend, unregister_backend
from fsq.stores.column_fit import fit_columns
from fsq.stores.delta.column_types import delta_type
from tests.support.column_cases import (
    DECIMALS,
    FIRST,
    KEPT,
    NEVER,
    REFUSED,
    THEN,
    held,
    rows,
    wanted,
    write_rows,
)
from tests.support.frames import hybrid, legacy, wide
from tests.support.memory_store import TABLES, MemoryBackend


@pytest.fixture(params=["Delta", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "Delta":
        yield str(tmp_path / "store")
        return
    backend = MemoryBackend()
    register_backend(backend)
    yield "memory://features"
    unregister_backend(backend)
    TABLES.clear()


def fill(store: str, source: Path, first: pl.Expr, then: pl.Expr) -> None:
    """Backfill one date, and another after a dry run that says the same."""
    before, after = write_rows(source, first, then)
    backfill(before, store)
    said = []
    for dry_run in (True, False):
        try:
            backfill(after, store, dry_run=dry_run)
        except InputError as error:
            said.append(error)
    if said:
        assert str(said[0]) == str(said[1])
        raise said[1]


@pytest.mark.parametrize("case", [*KEPT, *DECIMALS])
def test_what_loses_nothing_is_stored(store: str, tmp_path: Path, case: str) -> None:
    first, then = (KEPT | DECIMALS)[case]
    fill(store, tmp_path / "source", first, then)
    for day, value in ((FIRST, first), (THEN, then)):
        assert held(store, day) == wanted(day, value)


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_lose_is_refused_and_named(store: str, tmp_path: Path, case: str) -> None:
    first, then = REFUSED[case]
    with pytest.raises(InputError, match=r"do not fit .*; nothing was written") as error:
        fill(store, tmp_path / "source", first, then)
    (problem,) = error.value.problems
    assert problem.startswith(("line ", "LINE "))
    assert any(cure in problem for cure in ("cast it", "rename", "truncate it"))
    assert fsq.open_store(store).read().collect().height == 3


@pytest.mark.parametrize("case", NEVER)
def test_what_delta_never_holds_is_named_in_a_dry_run_too(tmp_path: Path, case: str) -> None:
    source, store = tmp_path / "s.arrow", str(tmp_path / "store")
    rows(FIRST, NEVER[case]).write_ipc(source)
    said = []
    for dry_run in (True, False):
        with pytest.raises(InputError, match=r"line (is|has)") as error:
            backfill(str(source), store, dry_run=dry_run)
        said.append(str(error.value))
    assert said[0] == said[1]
    assert not Path(store).exists()
    with pytest.raises(InputError, match=r"line (is|has)"):
        fsq.open_store(store).replace(fsq.score(rows(FIRST, NEVER[case])))
    assert not Path(store).exists()


@pytest.mark.parametrize("case", [*KEPT, *REFUSED])
def test_bigquery_stores_or_refuses_the_same(dataset: str, tmp_path: Path, case: str) -> None:
    store, (first, then) = f"bigquery://{dataset}.t", (KEPT | REFUSED)[case]
    if case == "float after null":  # its table is given no columns by a backfill
        return
    if case == "another case" or case not in KEPT:
        if case in ("large int as int32", "double as float32", "large ints in a list"):
            return  # BigQuery's only integers and floats hold them
        with pytest.raises(InputError, match=r"(line|LINE) (is|has)"):
            fill(store, tmp_path / "source", first, then)
        return
    fill(store, tmp_path / "source", first, then)
    assert held(store, THEN) == wanted(THEN, then)


@pytest.mark.parametrize("name", ["Line", "LINE", "Game_Id", "Is_Training_Ready"])
def test_names_that_differ_in_case_only_are_refused(store: str, tmp_path: Path, name: str) -> None:
    both = rows(FIRST, pl.lit(7)).with_columns(pl.lit(8).alias(name))
    both.write_ipc(tmp_path / "s.arrow")
    for dry_run in (True, False):
        with pytest.raises(InputError, match=f"{name}.* differ only in case"):
            backfill(str(tmp_path / "s.arrow"), store, dry_run=dry_run)


def test_what_is_done_to_columns_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = str(tmp_path / "store")
    with caplog.at_level(logging.WARNING, "fsq"):
        fill(store, tmp_path / "a", pl.lit(7), pl.lit(8.0))
        assert "line: Float64 is stored as Int32; no value changes" in caplog.text
        more = rows(THEN, pl.lit(9)).with_columns(more=pl.lit(1), none=pl.lit(None))
        more.write_ipc(tmp_path / "more.arrow")
        backfill(str(tmp_path / "more.arrow"), store)
    assert f"new columns in {store}: more" in caplog.text
    assert "left out, since no row has a value in them: none" in caplog.text
    assert "none" not in fsq.open_store(store).read().collect().columns


@pytest.mark.parametrize(
    ("form", "column"),
    [
        (pl.DataFrame.clone, "computed_at"),
        (legacy, "updated_at"),
        (legacy, "source_daily_cache_last_updated"),
        (hybrid, "team_pace__last_updated"),
    ],
)
def test_a_moment_that_fsq_reads_is_rounded_to_microseconds(
    tmp_path: Path, form: Callable[[pl.DataFrame], pl.DataFrame], column: str
) -> None:
    source, store = tmp_path / "s.arrow", str(tmp_path / "store")
    moment = pl.lit(1_770_379_200_123_456_789).cast(pl.Datetime("ns", "UTC"))
    form(wide()).with_columns(moment.alias(column)).write_ipc(source)
    assert backfill(str(source), store).rows == 40
    stored = fsq.open_store(store).read().collect()[column]
    assert stored.dtype == pl.Datetime("us", "UTC")
    assert stored[0] == datetime(2026, 2, 6, 12, 0, 0, 123456, tzinfo=UTC)


NUMBERS: list[pl.DataType] = [
    *(pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64(), pl.Int128(), pl.UInt8(), pl.UInt32()),
    *(pl.UInt64(), pl.Float32(), pl.Float64(), pl.Decimal(10, 2), pl.Decimal(38, 10)),
]
MOMENTS: list[pl.DataType] = [pl.Datetime(unit) for unit in ("ms", "us", "ns")]
OTHERS: list[pl.DataType] = [pl.String(), pl.Boolean(), pl.Date(), pl.Binary()]
TYPES = [*NUMBERS, *MOMENTS, *OTHERS]
EDGES = [0, 1, -1, 7, 127, 128, 255, 2**24 + 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**64 - 1]


@st.composite
def columns(draw: st.DrawFn) -> tuple[pl.Series, pl.DataType]:
    """A column, and the type of the table's column of that name."""
    found, existing = draw(st.sampled_from(TYPES)), draw(st.sampled_from(TYPES))
    numbers = draw(st.lists(st.sampled_from(EDGES) | st.none(), min_size=1, max_size=4))
    halves = draw(st.sampled_from([1, 2, 10]))
    values = pl.Series("c", numbers, pl.Int128)
    if found.is_float():
        values = values.cast(pl.Float64) / halves
    if found.is_decimal():
        texts = [None if n is None else f"{n}.{halves}" for n in numbers]
        values = pl.Series("c", texts, pl.String).cast(pl.Decimal(38, 2))
    if isinstance(found, pl.Date):
        values = values.cast(pl.Int32, strict=False)
    if isinstance(found, pl.Datetime | pl.Binary | pl.String):
        values = values.cast(
            pl.Int64 if isinstance(found, pl.Datetime) else pl.String, strict=False
        )
    column = values.cast(found, strict=False)
    if draw(st.booleans()):
        return column.implode().alias("c"), pl.List(existing)
    return column, existing


@given(columns())
def test_a_cast_that_is_allowed_changes_no_value(drawn: tuple[pl.Series, pl.DataType]) -> None:
    column, existing = drawn
    rows = column.to_frame()
    fit = fit_columns("t", rows.schema, {"c": existing}, delta_type)
    if fit.problems or fit.find_losses(rows.lazy()):
        return
    stored = fit.apply(rows)["c"]
    assert stored.dtype == existing
    if "Date" in str(column.dtype):  # Python has no infinite moments
        assert stored.cast(column.dtype).equals(column)
    else:
        assert stored.to_list() == column.to_list()


@given(columns())
def test_a_new_column_of_delta_changes_no_value(drawn: tuple[pl.Series, pl.DataType]) -> None:
    rows = drawn[0].to_frame()
    fit = fit_columns("t", rows.schema, None, delta_type)
    if fit.problems or fit.find_losses(rows.lazy()):
        return
    stored = fit.apply(rows)["c"]
    assert stored.dtype == delta_type(rows.schema["c"])
    back = stored.cast(rows.schema["c"])
    assert back.equals(rows["c"], null_equal=True)
