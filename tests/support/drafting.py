"""Rows of shops and dates, and contracts that are drafted from them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

import fsq
from fsq.contract.drafting import draft_contract
from fsq.contract.loading import parse_contract

DATES, PER_DATE = 40, 60
ROWS = DATES * PER_DATE
RANDOM = np.random.default_rng(7)
Columns = dict[str, Any]


def frame(columns: Columns) -> pl.DataFrame:
    """Rows of shops and dates, with these columns besides."""
    days = [date(2026, 1, 1) + timedelta(days=i // PER_DATE) for i in range(ROWS)]
    shops = [f"shop{i % PER_DATE}" for i in range(ROWS)]
    return pl.DataFrame({"shop_id": shops, "day": days, **columns})


def normal(mean: float = 50, spread: float = 10) -> np.ndarray:
    return np.round(RANDOM.normal(mean, spread, ROWS), 3)


def draft(columns: Columns, **options: Any) -> fsq.Contract:
    text = draft_contract(frame(columns), **{"keys": ["shop_id"], "date": "day", **options})
    return parse_contract(text, "draft")


def feature(columns: Columns, name: str) -> Any:
    contract = draft(columns)
    return next(f for f in contract.features if f.name == name)


def with_nulls(values: np.ndarray, share: float) -> pl.Series:
    absent = RANDOM.random(ROWS) < share
    return pl.Series(values).set(pl.Series(absent), None)
