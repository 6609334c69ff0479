"""Which columns scored rows have, and under which contract they were scored."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError, short
from fsq.utils.spelling import describe_missing

CONTRACT_NAME = "feature_schema_version"
HEADLINE = "the rows cannot be diagnosed"


def list_plain_columns(schema: pl.Schema, contract: Contract) -> list[str]:
    """The plain columns of scored rows that came along: no quality, lists, structs or bytes.

    Nor the columns that the values were read from: each feature equals its own, and what has a
    label is grouped by it.
    """
    own = {f"feature_{f.index}_{end}" for f in contract.features for end in ("value", "source")}
    left_out = {*contract.output.names, contract.table.date, "feature_sources", *own}
    return [
        c
        for c, kind in schema.items()
        if c not in left_out and not kind.is_nested() and not isinstance(kind, pl.Binary)
    ]


def check_contract(scored: pl.LazyFrame, contract: Contract, headline: str = HEADLINE) -> None:
    """Check that rows were scored under a contract.

    Raises:
        InputError: they name another one.
    """
    if CONTRACT_NAME in scored.collect_schema():
        named = scored.select(pl.col(CONTRACT_NAME).unique()).collect().to_series()
        check_contract_names(named, contract, headline)


def check_contract_names(names: pl.Series, contract: Contract, headline: str = HEADLINE) -> None:
    """The same by the names that the rows have; NULL is none.

    Raises:
        InputError: there is another one.
    """
    if others := sorted({short(n) for n in names.drop_nulls()} - {contract.name}):
        cure = "name the contract that they were scored with, or score them again"
        problem = f"rows were scored under {', '.join(others[:3])}, not {contract.name}; {cure}"
        raise InputError([problem], headline)


def require_columns(schema: pl.Schema, columns: Iterable[str], headline: str = HEADLINE) -> None:
    """Check that scored rows have their columns.

    Raises:
        InputError: some are missing.
    """
    missing = [c for c in columns if c not in schema]
    if missing:
        raise InputError(describe_missing(missing, schema), headline)
