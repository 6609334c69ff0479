"""What may be sent to a table is decided before anything is sent."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from google.cloud.bigquery import SchemaField

import fsq
from fsq.errors import InputError
from fsq.schema.arrow import to_arrow
from fsq.stores.bigquery.fields import quality_fields, table_fields
from fsq.stores.bigquery.names import TableName, format_date, quote_column
from fsq.stores.bigquery.validate import validate_rows
from tests.support.frames import wide
from tests.support.v2 import OUTPUT

SCORED = to_arrow(fsq.score(wide(8, 2), now=datetime(2026, 3, 1, tzinfo=UTC)))
FIELDS = table_fields(SCORED.schema, OUTPUT)


def problems(rows: pa.Table, fields: list[SchemaField]) -> str:
    with pytest.raises(InputError, match="nothing was sent") as caught:
        validate_rows(rows, fields, "t", OUTPUT, inserts=True)
    return "\n".join(caught.value.problems)


def replaced(name: str, values: pa.Array) -> pa.Table:
    at = SCORED.column_names.index(name)
    return SCORED.set_column(at, pa.field(name, values.type), values)


def test_what_fits_passes() -> None:
    validate_rows(SCORED, FIELDS, "t", OUTPUT, inserts=True)
    validate_rows(SCORED, [*FIELDS, SchemaField("theirs", "STRING")], "t", OUTPUT, inserts=True)


N = SCORED.num_rows
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
WRONG: dict[str, tuple[pa.Table, str]] = {
    "a column too many": (
        SCORED.append_column("extra", pa.array([1] * N)),
        r"lacks the columns \['extra'\]",
    ),
    "another case": (
        SCORED.rename_columns(["Game_Id" if n == "game_id" else n for n in SCORED.column_names]),
        "Game_Id is called game_id in the table",
    ),
    "large text": (
        replaced("game_id", pa.array(["x"] * N, pa.large_string())),
        "game_id is large_string",
    ),
    "dictionary": (
        replaced("game_id", pa.array(["x"] * N).dictionary_encode()),
        "game_id is dictionary",
    ),
    "nanoseconds": (
        replaced("quality_computed_at", pa.array([MOMENT] * N, pa.timestamp("ns", "UTC"))),
        "quality_computed_at is timestamp",
    ),
    "no zone": (
        replaced("quality_computed_at", pa.array([MOMENT] * N, pa.timestamp("us"))),
        "quality_computed_at is timestamp",
    ),
    "text for a number": (
        replaced("feature_quality_score", pa.array(["95"] * N)),
        "it is FLOAT64 in the table",
    ),
    "a list for a scalar": (
        replaced("quality_tier", pa.array([["gold"]] * N)),
        "it is not an array in the table",
    ),
    "a scalar for a list": (
        replaced("quality_alerts", pa.array(["x"] * N)),
        "it is an array in the table",
    ),
    "a NULL array": (
        replaced("quality_alerts", pa.array([None] * N, pa.list_(pa.string()))),
        "NULL in 8 rows",
    ),
    "a NULL element": (
        replaced("quality_alerts", pa.array([["a", None]] * N)),
        "8 elements are NULL",
    ),
    "a NULL struct": (
        replaced(
            "feature_quality_detail",
            pa.array([[None]] * N, SCORED.schema.field("feature_quality_detail").type),
        ),
        "feature_quality_detail: 8 elements are NULL",
    ),
    "a NULL array in a struct": (
        replaced(
            "feature_quality_detail",
            pa.array(
                [[{"feature_index": 1, "contributing_game_ids": None}]] * N,
                SCORED.schema.field("feature_quality_detail").type,
            ),
        ),
        "contributing_game_ids: NULL in 8 rows",
    ),
    "a NULL key": (
        replaced("player_lookup", pa.array([None] * N, pa.string())),
        "but required in the table",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_named(case: str) -> None:
    rows, words = WRONG[case]
    with pytest.raises(InputError, match=words):
        validate_rows(rows, FIELDS, "t", OUTPUT, inserts=True)


def test_every_problem_is_told_at_once() -> None:
    fields = [f for f in FIELDS if f.name not in ("quality_tier", "game_id")]
    fields.append(SchemaField("season", "STRING", "REQUIRED"))
    told = problems(SCORED, fields)
    assert "the quality columns ['quality_tier']; add them with `fsq schema migrate`" in told
    assert "the columns ['game_id']" in told
    assert "requires ['season']" in told


def test_a_field_of_the_struct_that_is_not_there() -> None:
    detail = quality_fields(OUTPUT)[0]
    fewer = SchemaField(detail.name, "RECORD", "REPEATED", fields=detail.fields[:-1])
    told = problems(SCORED, [fewer, *(f for f in FIELDS if f.name != detail.name)])
    assert "feature_quality_detail.computation_duration_ms is not in the table" in told


@pytest.mark.parametrize(
    "uri",
    [
        "bigquery://p.d.t`; DROP TABLE x; --",
        "bigquery://p.d.t'",
        'bigquery://p.d."t"',
        "bigquery://p.d.t.u",
        "bigquery://p.d",
        "bigquery://p..t",
        "bigquery://",
        "bigquery://p.d. t",
        "bigquery://P.d.t",
        "bigquery://p.d-e.t",
        "bigquery://p.d.t$20260101",
        "bigquery://p.d.t\n",
        "bigquery://p.d.t?location=EU;x",
        "bigquery://p.d.t?key=1",
        "bigquery://p.d.t#x",
        "bigquery://../../etc.d.t",
        "bigquery://p.d.ţ",
    ],
)
def test_names_beyond_the_form_are_refused_before_any_request(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", asked)
    with pytest.raises(InputError, match=r"does not name a table|is not an option"):
        fsq.open_store(uri)


@pytest.mark.parametrize("name", ["a`b", "a b", "1a", "a;b", "a'b", "a.b", "", "ä"])
def test_columns_beyond_the_form_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="not a BigQuery identifier"):
        quote_column(name)


def test_a_name_in_each_of_its_places() -> None:
    name = TableName.parse("bigquery://my-project.nba_predictions.ml_feature_store_v2")
    assert name.sql == "`my-project.nba_predictions.ml_feature_store_v2`"
    assert name.beside("ledger").table == "_fsq_ledger__ml_feature_store_v2"
    assert date(2026, 2, 6).isoformat() in format_date(date(2026, 2, 6))
