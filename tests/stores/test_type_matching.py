"""Which types of a table hold which values, whether all of them, and what only looks different."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from fsq.stores.type_matching import always_fits, changes_encoding_only, match_type

US, MS, UTC = pl.Datetime("us"), pl.Datetime("ms"), pl.Datetime("us", "UTC")
LISTS = pl.List(pl.Int32), pl.List(pl.Int64)
STRUCTS = pl.Struct({"a": pl.Int32}), pl.Struct({"a": pl.Int64, "b": pl.String})


def _keep(dtype: pl.DataType) -> pl.DataType | None:
    """A store that has every type but times."""
    return None if isinstance(dtype, pl.Time) else dtype


@pytest.mark.parametrize(
    ("found", "held", "becomes"),
    [
        (pl.Null(), pl.Int8(), pl.Int8()),
        (pl.Int64(), pl.Int8(), pl.Int8()),
        (pl.Int64(), pl.Float32(), pl.Float32()),
        (pl.Float64(), pl.Int64(), pl.Int64()),
        (pl.Float64(), pl.Decimal(10, 2), None),
        (pl.Decimal(10, 2), pl.Int64(), pl.Int64()),
        (pl.Decimal(10, 2), pl.Decimal(12, 4), pl.Decimal(12, 4)),
        (pl.Decimal(10, 2), pl.Float64(), None),
        (pl.Categorical(), pl.String(), pl.String()),
        (pl.String(), pl.Int64(), None),
        (pl.Int64(), pl.String(), None),
        (pl.Boolean(), pl.Int64(), None),
        (US, MS, MS),
        (US, pl.Date(), None),
        (pl.Array(pl.Int32, 3), LISTS[1], LISTS[1]),
        (pl.List(pl.String), LISTS[1], None),
        (pl.Int64(), LISTS[1], None),
        (*STRUCTS, pl.Struct({"a": pl.Int64})),
        (STRUCTS[1], STRUCTS[0], pl.Struct({"a": pl.Int32, "b": pl.String})),
        (pl.Struct({"a": pl.Int32, "t": pl.Time()}), STRUCTS[0], None),
        (pl.Struct({"a": pl.String}), STRUCTS[0], None),
    ],
)
def test_values_of_one_kind_match(
    found: pl.DataType, held: pl.DataType, becomes: pl.DataType | None
) -> None:
    assert match_type(found, held, _keep) == becomes


@pytest.mark.parametrize(
    ("found", "held", "fits"),
    [
        (pl.Int32(), pl.Int64(), True),
        (pl.Int64(), pl.Int32(), False),
        (pl.Int64(), pl.Int64(), True),
        (pl.UInt32(), pl.Int32(), False),
        (pl.UInt32(), pl.Int64(), True),
        (pl.Int8(), pl.UInt64(), False),
        (pl.UInt8(), pl.UInt16(), True),
        (pl.Int32(), pl.Float64(), True),
        (pl.Int64(), pl.Float64(), False),
        (pl.Int16(), pl.Float32(), True),
        (pl.Int32(), pl.Float32(), False),
        (pl.Float32(), pl.Float64(), True),
        (pl.Float64(), pl.Float32(), False),
        (pl.Float32(), pl.Int64(), False),
        (pl.Null(), pl.Int8(), True),
        (pl.Categorical(), pl.String(), True),
        (US, MS, False),
        (US, pl.Datetime("us", "UTC"), True),
        (*LISTS, True),
        (LISTS[1], LISTS[0], False),
        (pl.Array(pl.Int32, 2), LISTS[1], True),
        (*STRUCTS, True),
        (pl.Struct({"a": pl.Float64}), pl.Struct({"a": pl.Int32}), False),
    ],
)
def test_a_cast_loses_nothing_whatever_the_values(
    found: pl.DataType, held: pl.DataType, fits: bool
) -> None:
    assert always_fits(found, held) == fits


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (pl.UInt8(), 2**8 - 1), (pl.Int8(), -(2**7)), (pl.UInt32(), 2**32 - 1),
        (pl.Int32(), -(2**31)), (pl.Int64(), 2**63 - 1), (pl.UInt64(), 2**64 - 1),
    ],
)  # fmt: skip
def test_what_always_fits_holds_the_largest_and_the_least(dtype: pl.DataType, value: int) -> None:
    column = pl.Series([value], dtype=dtype)
    integers = [pl.UInt8(), pl.Int16(), pl.UInt32(), pl.Int32(), pl.Int64(), pl.UInt64()]
    for held in [*integers, pl.Float32(), pl.Float64()]:
        if held != dtype and always_fits(dtype, held):
            assert int(Decimal(column.cast(held)[0])) == value, held


@pytest.mark.parametrize(
    ("found", "held", "same"),
    [
        (pl.Int64(), pl.Int64(), True),
        (pl.Int32(), pl.Int64(), False),
        (pl.Null(), pl.Int64(), True),
        (pl.Categorical(), pl.String(), True),
        (pl.Enum(["a"]), pl.String(), True),
        (US, MS, True),
        (US, UTC, True),
        (pl.List(pl.Categorical()), pl.List(pl.String()), True),
        (*LISTS, False),
    ],
)
def test_texts_and_units_are_another_encoding(
    found: pl.DataType, held: pl.DataType, same: Any
) -> None:
    assert changes_encoding_only(found, held) == same
