"""Columns that are carried along keep their type in a new table, or are refused by name."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from google.cloud import bigquery
from polars.testing import assert_frame_equal

import fsq
from fsq.backfilling.run import backfill
from fsq.cli import main
from fsq.errors import InputError
from fsq.schema.bigquery import standard_type
from fsq.stores import open_store
from fsq.stores.bigquery.carried import to_service_arrow, widen_decimals
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.column_types import fit_to_table
from fsq.stores.bigquery.fields import table_fields
from fsq.stores.bigquery.validate import validate_rows
from tests.support.frames import wide
from tests.support.v2 import OUTPUT
from tests.support.warehouse import held

QUALITY = to_service_arrow(fsq.score(wide(8, 1)).select(OUTPUT.names)).schema
NOW = datetime(2026, 3, 1, tzinfo=UTC)
VALUES = {
    "clock": pl.lit(datetime(2026, 1, 2, 19, 30, 0, 5), pl.Datetime("us")),
    "moment": pl.lit(datetime(2026, 1, 2, 19, 30, tzinfo=UTC), pl.Datetime("us", "UTC")),
    "tip_off": pl.lit(time(19, 30), pl.Time),
    "salary": pl.lit(Decimal("12345678.25")).cast(pl.Decimal(12, 2)),
    "photo": pl.lit(b"\x00\xff"),
    "clocks": pl.lit([datetime(2026, 1, 2, 19, 30)], pl.List(pl.Datetime("us"))),
}
TYPES = {
    "clock": "DATETIME",
    "moment": "TIMESTAMP",
    "tip_off": "TIME",
    "salary": "NUMERIC",
    "photo": "BYTES",
    "clocks": "DATETIME",
}


def types(uri: str) -> dict[str, str]:
    with open_clients("p") as clients:
        schema = clients.tables.get_table(uri.removeprefix("bigquery://")).schema
    return {f.name: standard_type(f.field_type) for f in schema}


@pytest.mark.parametrize("column", VALUES)
def test_types_of_a_file_are_kept(column: str, dataset: str, tmp_path: Path) -> None:
    uri, source = f"bigquery://{dataset}.new", tmp_path / "rows.parquet"
    rows = wide().with_columns(VALUES[column].alias(column))
    rows.write_parquet(source)
    assert backfill(str(source), uri, now=NOW).rows == 40
    assert types(uri)[column] == TYPES[column]
    found = open_store(uri).read(columns=[column]).collect()
    wanted = rows.select(column)
    if column == "salary":
        wanted = wanted.cast(pl.Decimal(38, 9))
    assert_frame_equal(found, wanted)


def test_types_of_a_table_are_kept(dataset: str) -> None:
    source, uri = f"{dataset}.source", f"bigquery://{dataset}.new"
    rows = fsq.score(wide(), now=NOW)
    fields = [
        *table_fields(to_service_arrow(rows).schema, OUTPUT),
        bigquery.SchemaField("clock", "DATETIME"),
        bigquery.SchemaField("tip_off", "TIME"),
        bigquery.SchemaField("notes", "JSON", description="of the scouts"),
        bigquery.SchemaField("place", "GEOGRAPHY"),
        bigquery.SchemaField("photo", "BYTES"),
        bigquery.SchemaField("word", "STRING", max_length=20),
    ]
    with open_clients("p") as clients:
        clients.tables.create_table(bigquery.Table(source, schema=fields))
    open_store(f"bigquery://{source}").replace(rows)
    with open_clients("p") as clients:
        clients.tables.query(
            f"UPDATE `{source}` SET clock = DATETIME '2026-01-02 19:30:00', "
            "tip_off = TIME '19:30:00', notes = JSON '{\"a\": 1}', photo = b'xyz', word = 'w' "
            "WHERE TRUE"
        ).result()
    assert backfill(f"bigquery://{source}", uri, now=NOW).rows == 40
    kept = ("clock", "tip_off", "notes", "place", "photo", "word")
    assert {n: types(uri)[n] for n in kept} == {
        "clock": "DATETIME",
        "tip_off": "TIME",
        "notes": "JSON",
        "place": "GEOGRAPHY",
        "photo": "BYTES",
        "word": "STRING",
    }
    with open_clients("p") as clients:
        new = {f.name: f for f in clients.tables.get_table(f"{dataset}.new").schema}
    assert new["notes"].description == "of the scouts"
    before, after = held(f"bigquery://{source}"), held(uri)
    assert_frame_equal(after.select(kept), before.select(kept))


PRICE = bigquery.SchemaField("price", "NUMERIC", precision=10, scale=2)
FINE = bigquery.SchemaField("price", "NUMERIC", precision=30, scale=3, description="in dollars")


@pytest.mark.parametrize("field", [PRICE, FINE, None])
def test_wide_decimals_of_few_digits_fit_a_new_table(field: bigquery.SchemaField | None) -> None:
    source = {} if field is None else {"price": field}
    rows = pl.DataFrame({"price": [Decimal("12.25"), None]}, {"price": pl.Decimal(38, 2)})
    fit = fit_to_table("t", rows.schema, None, OUTPUT, source)
    fit.require(fit.find_losses(rows.lazy()))
    sent = to_service_arrow(fit.apply(rows))
    schema = [f.to_api_repr() for f in table_fields(sent.schema, OUTPUT, source)]
    target = [bigquery.SchemaField.from_api_repr(f) for f in schema]
    validate_rows(sent, [*target, *table_fields(QUALITY, OUTPUT)], "t", OUTPUT, inserts=False)
    assert fit.added == ()
    assert (target[0].precision, target[0].scale) == (
        (None, None) if field is None else (field.precision, field.scale)
    )
    assert sent["price"].to_pylist() == [Decimal("12.25"), None]


def test_decimals_of_too_many_digits_are_refused_by_name() -> None:
    rows = pl.DataFrame({"price": [Decimal(10) ** 30]}, {"price": pl.Decimal(38, 2)})
    fit = fit_to_table("t", rows.schema, None, OUTPUT)
    with pytest.raises(InputError, match=r"price is Decimal.* cannot hold 1 of its values"):
        fit.require(fit.find_losses(rows.lazy()))


def test_a_range_is_refused_by_name(dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    source, uri = f"{dataset}.source", f"bigquery://{dataset}.new"
    rows = fsq.score(wide(), now=NOW)
    span = bigquery.SchemaField(
        "span", "RANGE", range_element_type=bigquery.FieldElementType("DATE")
    )
    fields = [*table_fields(to_service_arrow(rows).schema, OUTPUT), span]
    with open_clients("p") as clients:
        clients.tables.create_table(bigquery.Table(source, schema=fields))
    open_store(f"bigquery://{source}").replace(rows)
    assert main(["backfill", "--source", f"bigquery://{source}", "--store", uri]) == 3
    assert "column span is RANGE" in capsys.readouterr().err
    with open_clients("p") as clients:
        assert "new" not in {t.table_id for t in clients.tables.list_tables(dataset)}


WIDE = pa.table({"n": pa.array([Decimal("1.5")], pa.decimal128(38, 20))})
SMALL = pa.table({"n": pa.array([Decimal("1.5")], pa.decimal128(10, 1))})


@pytest.mark.parametrize(
    ("rows", "kind", "stored"),
    [
        (SMALL, "NUMERIC", pa.decimal128(38, 9)),
        (SMALL, "BIGNUMERIC", pa.decimal256(76, 38)),
        (WIDE, "BIGNUMERIC", pa.decimal256(76, 38)),
    ],
)
def test_decimals_get_the_digits_of_the_table(
    rows: pa.Table, kind: str, stored: pa.DataType
) -> None:
    fitted = widen_decimals(rows, [bigquery.SchemaField("n", kind)])
    assert fitted.schema.field("n").type == stored
    assert fitted["n"].to_pylist() == [Decimal("1.5")]


def test_decimals_that_do_not_fit_are_refused_by_name() -> None:
    field = bigquery.SchemaField("n", "NUMERIC")
    with pytest.raises(InputError, match=r"n is decimal128\(38, 20\); NUMERIC holds 29 digits"):
        validate_rows(widen_decimals(WIDE, [field]), [field], "t", OUTPUT, inserts=False)
    with pytest.raises(InputError, match="column n is decimal128"):
        table_fields(WIDE.schema, OUTPUT)


def test_a_time_of_nanoseconds_is_refused() -> None:
    frame = pl.DataFrame({"t": [1]}, {"t": pl.Int64}).cast(pl.Time)
    with pytest.raises(InputError, match="cannot be stored in BigQuery"):
        to_service_arrow(frame)


def test_a_local_time_in_a_column_of_moments_is_one_in_utc() -> None:
    rows = pa.table({"t": pa.array([datetime(2026, 1, 2)], pa.timestamp("us"))})
    target = [bigquery.SchemaField("t", "TIMESTAMP")]
    fit = fit_to_table("t", {"t": pl.Datetime("us")}, target, OUTPUT)
    fit.require_arrow(rows)
    fitted = fit.apply_arrow(rows)
    assert fitted["t"].to_pylist() == [datetime(2026, 1, 2, tzinfo=UTC)]
