"""The oracle of the tests: row by row, feature by feature, in plain Python."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from fsq.contract import Contract
from fsq.schema.columns import POLARS_SCHEMA
from tests.support.oracle import score_rows
from tests.support.oracle_contracts import CAPPED, V2, V3

# It keeps nothing between rows, so its time is scaled from a few.
ROWS: int | None = 500
_CONTRACTS = {c.name: c for c in (V2, V3, CAPPED)}


def ready(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows as they are."""
    return rows


def as_polars(made: pl.DataFrame) -> pl.DataFrame:
    """The answer as it is."""
    return made


def score(rows: pl.DataFrame, contract: Contract, now: datetime) -> pl.DataFrame:
    """The 44 columns, as a user of the oracle would get them: a frame in, a frame out."""
    made = score_rows(rows.to_dicts(), _CONTRACTS[contract.name], now=now)
    return pl.DataFrame(made, schema_overrides=POLARS_SCHEMA)
