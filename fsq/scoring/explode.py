"""``explode_detail``: scored rows as one row per record and feature."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar, overload

import polars as pl
import pyarrow as pa

from fsq.contract import Contract, choose_contract
from fsq.errors import InputError
from fsq.schema.arrow import to_arrow
from fsq.schema.columns import DETAIL
from fsq.schema.tables import OtherRows, StoredRows, read_rows
from fsq.utils.spelling import describe_missing

Rows = TypeVar("Rows", pl.DataFrame, pl.LazyFrame, pa.Table)


@overload
def explode_detail(scored: Rows, contract: str | Path | Contract | None = ...) -> Rows: ...


@overload
def explode_detail(
    scored: StoredRows, contract: str | Path | Contract | None = ...
) -> pl.LazyFrame: ...


@overload
def explode_detail(
    scored: OtherRows, contract: str | Path | Contract | None = ...
) -> pl.DataFrame: ...


def explode_detail(scored: Any, contract: str | Path | Contract | None = None) -> Any:
    """One row per record and feature: the keys and the 23 fields.

    Args:
        scored: scored rows with the contract's keys and ``feature_quality_detail``; any table, or
            a store.
        contract: of the scoring; it names the keys. None for the store's, and for
            ``v2_33features`` where there is no store.

    Returns:
        A table of the type that came in: a Polars frame for other libraries' tables, a LazyFrame
        for a store.

    Raises:
        InputError: it is not a table, or not scored.
    """
    headline = "the detail cannot be exploded"
    rows, keys = read_rows(scored, "scored", headline), choose_contract(scored, contract).table.key
    columns = [*keys, DETAIL]
    present = rows.collect_schema()
    if missing := [c for c in columns if c not in present]:
        raise InputError(describe_missing(missing, present), headline)
    exploded = rows.select(columns).explode(DETAIL).unnest(DETAIL)
    return to_arrow(exploded.lazy().collect()) if isinstance(scored, pa.Table) else exploded
