"""The oracle of the tests: plain Python, row by row and feature by feature."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from fsq.contract import Contract
from tests.support.oracle import score_rows
from tests.support.oracle_contracts import CAPPED, V2, V3

# Its time per row is constant, so a few rows suffice.
ROWS: int | None = 500
_CONTRACTS = {c.name: c for c in (V2, V3, CAPPED)}


def prepare(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows unchanged."""
    return rows


def to_polars(answer: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Return the answer unchanged."""
    return answer


def score(rows: pl.DataFrame, contract: Contract, now: datetime) -> pl.DataFrame:
    """Compute the 44 columns of wide rows."""
    scored = score_rows(rows.to_dicts(), _CONTRACTS[contract.name], now=now)
    return pl.DataFrame(scored, schema_overrides=contract.output.polars)
