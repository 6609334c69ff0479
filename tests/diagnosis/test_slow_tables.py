"""Tables whose dates lie weeks or months apart: a drafted contract, and what a profile sees."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

import fsq
from fsq.contract import Contract
from fsq.contract.drafting import draft_contract
from fsq.contract.loading import parse_contract

CUSTOMERS, DATES = 120, 36


def make_customers(days: int) -> tuple[pl.DataFrame, Contract, date]:
    """Customers at so many days' distance, the contract drafted from them, and the last date."""
    rng = np.random.default_rng(0)
    used = rng.beta(2, 4, CUSTOMERS)
    parts = []
    for n in range(DATES):
        used = np.clip(used + rng.normal(0, 0.05, CUSTOMERS), 0, 1)
        parts.append(
            pl.DataFrame(
                {
                    "customer": [f"c{i}" for i in range(CUSTOMERS)],
                    "day": [date(2023, 1, 2) + timedelta(days=days * n)] * CUSTOMERS,
                    "used_share": used.round(4),
                    "bureau_score": (600 + 200 * (1 - used) + rng.normal(0, 12, CUSTOMERS)).round(),
                    "tenure": np.arange(CUSTOMERS) * 1.5 + n,
                }
            )
        )
    rows = pl.concat(parts)
    contract = parse_contract(draft_contract(rows, keys=["customer"], date="day"), "draft")
    return rows, contract, rows["day"].max()  # type: ignore[return-value]


def list_found(rows: pl.DataFrame, contract: Contract, last: date) -> list[tuple[str, ...]]:
    dx = fsq.diagnose(fsq.score(rows, contract), contract=contract, dates=[last])
    return [(f.kind, *f.features) for f in dx.findings if f.severity != "info"]


@pytest.mark.parametrize("days", [1, 7, 30])
def test_what_a_profile_sees_does_not_depend_on_how_far_dates_lie_apart(days: int) -> None:
    rows, contract, last = make_customers(days)
    assert list_found(rows, contract, last) == []

    def damage(column: str, value: pl.Expr, ends: str = "0123456789") -> pl.DataFrame:
        hit = pl.col("customer").str.slice(-1).is_in([*ends])
        changed = pl.when((pl.col("day") == last) & hit).then(value).otherwise(column)
        return rows.with_columns(changed.alias(column))

    filled = damage("bureau_score", pl.lit(650.0), ends="0369")
    assert ("value_too_common", "bureau_score") in list_found(filled, contract, last)
    frozen = damage("tenure", pl.col("tenure").shift(CUSTOMERS))
    assert ("old_values", "tenure") in list_found(frozen, contract, last)
    mixed = damage("bureau_score", pl.col("bureau_score").reverse().over("day"))
    assert ("wrong_entity", "bureau_score") in list_found(mixed, contract, last)
