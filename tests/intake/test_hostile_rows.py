"""Rows made to pass for other rows, or to break what reads them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

import fsq
from fsq.intake.run_context import RunContext
from fsq.schema.arrow import to_arrow
from tests.support.frames import NAMES, legacy, wide


def ordered(names: list[list[str | None]]) -> pl.DataFrame:
    """Legacy rows in which each value is its feature's place in the contract."""
    values = [[float(NAMES.index(n)) if n in NAMES else -99.0 for n in row] for row in names]
    return legacy(wide(len(names), 1)).with_columns(
        pl.Series("features", values, dtype=pl.List(pl.Float64)),
        pl.Series("feature_names", names, dtype=pl.List(pl.String)),
    )


def test_a_null_among_the_names_shifts_no_value() -> None:
    rows = ordered([list(NAMES), [None, *NAMES], [*NAMES[:5], None, *NAMES[5:]]])
    detail = fsq.score(rows, on_unknown_source="default")["feature_quality_detail"]
    for row in detail.to_list():
        values = [
            d["feature_value"] if d["original_value"] is None else d["original_value"] for d in row
        ]
        assert values == [float(i) for i in range(33)]


@pytest.mark.parametrize("glued", [2, 33])
def test_names_joined_by_nul_do_not_pass_for_names(glued: int) -> None:
    short: list[str | None] = ["\x00".join(NAMES[:glued]), *NAMES[glued:]]
    with pytest.raises(fsq.InputError, match="NUL character"):
        fsq.score(ordered([list(NAMES), short]), on_unknown_source="default")


@pytest.mark.parametrize(
    "text", ['{"5":"default","5":"phase4"}', '{"5":"default","\\u0035":"phase4"}']
)
def test_a_default_does_not_hide_behind_a_second_key(text: str) -> None:
    rows = legacy(wide(2, 1)).with_columns(feature_sources=pl.lit(text))
    with pytest.raises(fsq.InputError, match="a key occurs twice"):
        fsq.score(rows)


def test_json_bombs_are_rejected_fast() -> None:
    deep = '{"0":' * 100_000 + "1" + "}" * 100_000
    wide_one = "{" + ",".join(f'"{i}":"phase4"' for i in range(1_000_000)) + "}"
    for text, rejected in ((deep, True), ("[" * 1_000_000, True), (wide_one, False)):
        rows = legacy(wide(1, 1)).with_columns(feature_sources=pl.lit(text))
        if rejected:
            with pytest.raises(fsq.InputError, match="feature_sources") as error:
                fsq.score(rows)
            assert len(str(error.value)) < 5_000
        else:
            assert fsq.score(rows)["phase4_feature_count"].item() > 20


def test_a_map_may_be_empty_or_null() -> None:
    full = [{"key": str(i), "value": "phase4"} for i in range(33)]
    odd = [{"key": f"{i}x", "value": "phase4"} for i in range(50)]
    rows = legacy(wide(4, 1)).with_columns(pl.Series("feature_sources", [full, [], None, odd]))
    assert fsq.score(rows)["phase4_feature_count"].to_list()[1:] == [0, 0, 0]


def test_ten_thousand_columns_and_ten_megabytes_in_one_cell() -> None:
    rows = (
        wide(4, 1)
        .with_columns(pl.lit(1).alias(f"extra_{i}") for i in range(10_000))
        .with_columns(pl.lit("x" * 10_000_000).alias("game_id"))
    )
    scored = fsq.score(rows)
    assert scored.height == 4
    assert scored["extra_9999"].sum() == 4
    with pytest.raises(fsq.InputError) as error:
        fsq.score(rows.with_columns(pace_score__source=pl.lit("y" * 10_000_000)))
    assert len(str(error.value)) < 5_000


@pytest.mark.parametrize("day", [-(2**31), -719_163, 2_932_532, 2**31 - 1])
def test_dates_outside_the_supported_years_are_rejected(day: int) -> None:
    days = pl.Series("game_date", [day], dtype=pl.Int32).cast(pl.Date)
    for rows in (wide(1, 1), legacy(wide(1, 1))):
        with pytest.raises(fsq.InputError, match="outside the years"):
            fsq.score(rows.with_columns(days))


def test_fixed_size_arrays_read_as_lists() -> None:
    rows = legacy(wide(5, 1))
    arrays = rows.with_columns(
        pl.col("features").list.to_array(33), pl.col("feature_names").list.to_array(33)
    )
    own = ["features", "feature_names"]
    now = pl.datetime(2026, 3, 1, time_zone="UTC")
    stamp = now.alias("quality_computed_at")
    assert (
        fsq.score(arrays)
        .drop(own)
        .with_columns(stamp)
        .equals(fsq.score(rows).drop(own).with_columns(stamp))
    )


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("features", [["a"] * 33]),
        ("feature_names", [[1] * 33]),
        ("feature_sources", [["phase4"]]),
        ("feature_sources", [[{"key": "0", "value": "phase4", "more": 1}]]),
        ("feature_sources", [{"0": [1]}]),
        ("feature_sources", [date(2026, 1, 1)]),
        ("updated_at", [b"2026-01-01"]),
        ("created_at", [date(2026, 1, 1)]),
        ("source_composite_last_updated", [1]),
        ("source_composite_hash", [7]),
    ],
)
def test_wrong_types_are_reported(column: str, values: list[object]) -> None:
    rows = legacy(wide(1, 1)).with_columns(pl.Series(column, values))
    with pytest.raises(fsq.InputError, match=f"wrong type: {column}"):
        fsq.score(rows)


@pytest.mark.parametrize(
    "extra", [pl.lit(1).alias("a\0b"), pl.struct(pl.lit(1).alias("x\0")), pl.lit([[{"y\0z": 1}]])]
)
def test_a_nul_character_in_a_name_is_rejected(extra: pl.Expr) -> None:
    with pytest.raises(fsq.InputError, match="NUL character in the name") as error:
        fsq.score(wide(1, 1).with_columns(extra))
    assert len(error.value.problems) == 1


def test_an_arrow_table_that_polars_cannot_read_is_explained() -> None:
    nowhere = pa.array([0], pa.timestamp("us", tz="Mars/Olympus_Mons"))
    table = to_arrow(wide(1, 1)).append_column("computed", nowhere)
    with pytest.raises(fsq.InputError, match="Mars"):
        fsq.score(table)
    with pytest.raises(fsq.InputError, match="Mars"):
        fsq.diagnose(table)


def test_a_run_context_with_unstorable_text_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text('{"pipeline_run_id": "\\ud800", "processors_completed": ["\\udfff"]}')
    with pytest.raises(fsq.InputError) as error:
        RunContext.from_json(path)
    assert len(error.value.problems) == 2


def test_an_unknown_label_takes_no_other_label_with_it() -> None:
    first = NAMES[0]
    rows = wide(4, 1).with_columns(
        *(pl.lit("phase4").alias(f"{n}__source") for n in NAMES), pl.lit(1.0).alias(first)
    )
    labels = pl.Series(f"{first}__source", ["odd", "phase4", None, "phase4"])
    count = pl.col("default_feature_count")
    usual = fsq.score(rows).select(count).to_series()
    scored = fsq.score(rows.with_columns(labels), on_unknown_source="default")
    assert (scored.select(count).to_series() - usual).to_list() == [1, 0, 1, 0]


ENCODED = pa.RunEndEncodedArray.from_arrays(pa.array([4], pa.int32()), pa.array([1]))


@pytest.mark.parametrize(
    "column",
    [
        pa.nulls(4, pa.list_view(pa.int32())),
        pa.nulls(4, pa.large_list_view(pa.int32())),
        pa.nulls(4, pa.month_day_nano_interval()),
        pa.nulls(4, pa.dense_union([pa.field("a", pa.int32())])),
        pa.nulls(4, pa.struct([pa.field("inner", pa.list_(pa.list_view(pa.int32())))])),
        ENCODED,
    ],
    ids=lambda c: str(c.type).partition("<")[0],
)
def test_columns_of_a_type_that_cannot_be_read_are_named(column: pa.Array) -> None:
    rows = wide(4, 1).to_arrow().append_column("odd", column)
    with pytest.raises(fsq.InputError, match=r"odd is .*, which cannot be read; cast or drop it"):
        fsq.score(rows)
