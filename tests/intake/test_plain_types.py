"""Types that only some writers have: JSON, wide and whole decimals, moments as texts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fsq
from fsq.backfilling.files import scan_files
from fsq.schema.dates import parse_moments
from tests.support.frames import legacy, wide

ROWS = wide(3, 1)
TABLE = ROWS.to_arrow(compat_level=pl.CompatLevel.oldest())
NOW = datetime(2026, 2, 7, tzinfo=UTC)
WIDE = pa.decimal256(76, 38)


def with_column(name: str, values: pa.Array) -> pa.Table:
    if name in TABLE.column_names:
        return TABLE.set_column(TABLE.column_names.index(name), name, values)
    return TABLE.append_column(name, values)


def write_parquet(table: pa.Table, folder: Path) -> str:
    pq.write_table(table, folder / "in.parquet")
    return str(folder / "in.parquet")


def write_file(table: pa.Table, folder: Path) -> str:
    with (
        pa.OSFile(str(folder / "in.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as w,
    ):
        w.write_table(table)
    return str(folder / "in.arrow")


def write_stream(table: pa.Table, folder: Path) -> str:
    path = str(folder / "in.arrows")
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, table.schema) as w:
        w.write_table(table)
    return path


def read(table: pa.Table, folder: Path, write: Callable[[pa.Table, Path], str]) -> pl.DataFrame:
    contract = fsq.load_contract("v2_33features")
    return fsq.score(scan_files(write(table, folder), contract).collect())


WRITERS = [write_parquet, write_file, write_stream]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("team_pace", pa.array([Decimal(100)] * 3, WIDE)),
        ("team_pace", pa.array([Decimal(100)] * 3, WIDE).dictionary_encode()),
        ("home_away", pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0, 1], pa.int8()))),
        ("line", pa.array([[Decimal("1.5")]] * 3, pa.list_(WIDE))),
        ("line", pa.array([{"low": [Decimal("1.5")]}] * 3, pa.struct([("low", pa.list_(WIDE))]))),
        ("line", pa.array(['{"a": 1}'] * 3, pa.json_())),
    ],
)
def test_types_of_other_writers_are_read(
    tmp_path: Path, column: str, values: pa.Array, write: Callable[[pa.Table, Path], str]
) -> None:
    table = with_column(column, values)
    scored = read(table, tmp_path, write)
    assert scored.height == 3
    assert not any(isinstance(t, pl.BaseExtension) for t in scored.schema.values())
    again = pl.DataFrame(fsq.score(table)).with_columns(scored["quality_computed_at"])
    assert again.equals(scored)


@pytest.mark.parametrize("form", [lambda t: t.to_batches()[0], pa.Table.to_reader])
def test_batches_and_streams_are_read_as_tables_are(
    form: Callable[[pa.Table], Any], capfd: pytest.CaptureFixture[str]
) -> None:
    table = with_column("team_pace", pa.array([Decimal("101.7")] * 3, WIDE))
    want = pl.DataFrame(fsq.score(table, now=NOW))
    assert pl.DataFrame(fsq.score(form(table), now=NOW)).equals(want)
    unknown = with_column("line", pa.array([(1, 2, 3)] * 3, pa.month_day_nano_interval()))
    with pytest.raises(fsq.InputError, match=r"line is .*cast or drop it"):
        fsq.score(form(unknown))
    assert capfd.readouterr().err == ""  # Polars would have panicked first


@pytest.mark.parametrize("value", ["0.1", "100.1", "101.7", "114.99", "112.345678"])
@pytest.mark.parametrize("dtype", [pa.decimal128(38, 9), pa.decimal256(40, 9), WIDE])
def test_a_decimal_is_the_float_that_it_says(dtype: pa.DataType, value: str) -> None:
    values = pa.array([Decimal(value)] * 3, dtype)
    detail = pl.DataFrame(fsq.score(with_column("team_pace", values)))["feature_quality_detail"]
    pace = fsq.load_contract("v2_33features").names.index("team_pace")
    read_as = detail.list.get(pace).struct.field("feature_value")
    assert read_as.to_list() == [float(value)] * 3


@pytest.mark.parametrize("dtype", [pa.decimal128(38, 0), pa.decimal128(20, 3), WIDE])
def test_whole_decimals_are_keys(dtype: pa.DataType) -> None:
    keys = pa.array([Decimal(n) for n in (1, 2, 2**40)], dtype)
    scored = pl.DataFrame(fsq.score(with_column("player_lookup", keys)))
    assert scored["player_lookup"].to_list() == [1, 2, 2**40]
    assert scored.schema["player_lookup"] == pl.Int64


@pytest.mark.parametrize("largest", [Decimal("1.5"), Decimal(2**63)])
def test_decimals_that_are_no_integers_are_no_keys(largest: Decimal) -> None:
    keys = pl.Series([Decimal(1), Decimal(2), largest], dtype=pl.Decimal(38, 1))
    with pytest.raises(fsq.InputError, match=r"player_lookup is Decimal.*string or an integer"):
        fsq.score(ROWS.with_columns(player_lookup=keys))


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    "values",
    [
        pa.array([[1]] * 3, pa.list_view(pa.int64())),
        pa.RunEndEncodedArray.from_arrays(pa.array([3], pa.int32()), pa.array(["a"])),
        pa.array([(1, 2, 3)] * 3, pa.month_day_nano_interval()),
        pa.ListArray.from_arrays(
            pa.array([0, 1, 2, 3], pa.int32()), pa.array(["{}"] * 3, pa.json_())
        ),
    ],
)
def test_types_that_cannot_be_read_name_their_column(
    tmp_path: Path, values: pa.Array, write: Callable[[pa.Table, Path], str]
) -> None:
    table = with_column("line", values)
    try:
        write(table, tmp_path)
    except pa.ArrowNotImplementedError:
        pytest.skip("this format cannot hold the type")
    with pytest.raises(fsq.InputError, match=r"line is .*cast or drop it"):
        read(table, tmp_path, write)
    with pytest.raises(fsq.InputError, match=r"line is .*cast or drop it"):
        fsq.score(table)


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9998, 12, 30)),
    st.sampled_from(["", "Z", "z", " UTC", "+00:00", "+05:30", "-0800", "+14"]),
    st.sampled_from(["T", " "]),
    st.sampled_from(["auto", "minutes", "milliseconds", "microseconds"]),
)
def test_iso_texts_are_moments(at: datetime, zone: str, between: str, detail: str) -> None:
    text = at.isoformat(between, timespec=detail)
    plain = zone.replace(" UTC", "Z").upper()
    known = datetime.fromisoformat(text + plain)
    right = (known if plain else known.replace(tzinfo=UTC)).astimezone(UTC)
    (read_as,) = parse_moments(pl.DataFrame({"at": [text + zone]}), ["at"], "no")["at"]
    assert read_as == right


def test_a_column_may_write_moments_in_several_ways() -> None:
    texts = pl.Series(["2026-01-01T00:00:00Z", "2026-01-01 00:00", None])
    scored = fsq.score(ROWS.with_columns(player_daily_cache__last_updated=texts, computed_at=texts))
    assert scored["upstream_data_freshness_hours"].to_list() == [24, 24, None]
    assert scored["feature_store_age_hours"].to_list() == [24, 24, None]
    assert scored.schema["computed_at"] == pl.Datetime("us", "UTC")


@pytest.mark.parametrize(
    "text", ["infinity", "-infinity", "2026-01-01", "yesterday", "", "2026-01-01T24:00:00"]
)
def test_texts_that_are_no_moments_are_named(text: str) -> None:
    for rows in (
        ROWS.with_columns(as_of=pl.lit(text)),
        legacy(ROWS).with_columns(updated_at=pl.lit(text)),
    ):
        with pytest.raises(fsq.InputError, match=f": '{text}' is not an ISO moment"):
            fsq.score(rows)


def test_moments_in_ndjson_are_read(tmp_path: Path) -> None:
    rows = ROWS.with_columns(computed_at=pl.lit(datetime(2026, 1, 1, 12, 0, 0, 5)))
    rows.write_ndjson(tmp_path / "in.ndjson")
    fsq.backfill(str(tmp_path / "in.ndjson"), str(tmp_path / "store"))
    stored = fsq.open_store(str(tmp_path / "store")).read().collect()
    assert stored["computed_at"].unique().to_list() == [datetime(2026, 1, 1, 12, 0, 0, 5, UTC)]


@pytest.mark.parametrize("name", ["*", "^pace.*$"])
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_names_that_are_patterns_are_refused(tmp_path: Path, name: str, form: str) -> None:
    rows = ROWS.with_columns(pl.lit(1.0).alias(name))
    with pytest.raises(fsq.InputError, match="named like patterns"):
        fsq.score(rows)
    path = tmp_path / f"in.{form}"
    rows.write_parquet(path) if form == "parquet" else rows.write_csv(path)
    with pytest.raises(fsq.InputError, match="named like patterns"):
        scan_files(str(path))


def test_names_and_labels_in_another_case_are_explained() -> None:
    upper = pl.col("feature_names").list.eval(pl.element().str.to_uppercase())
    with pytest.raises(fsq.InputError, match=r"feature_names: spelled differently.*case"):
        fsq.score(legacy(ROWS).with_columns(upper))
    with pytest.raises(fsq.InputError, match=r"'PHASE4' for phase4 .differs in case"):
        fsq.score(ROWS.with_columns(pl.col("^.*__source$").str.to_uppercase()))
