"""Which columns of scored rows a diagnosis reads."""

from __future__ import annotations

import polars as pl

from fsq.contract import Contract
from fsq.diagnosis.checks import list_checks
from fsq.diagnosis.daily_metrics import list_measured
from fsq.diagnosis.long_detail import OLDEST
from fsq.schema.columns import DETAIL


def list_read_columns(contract: Contract, schema: pl.Schema) -> list[str]:
    """The columns that a diagnosis reads of rows with this schema, in its order.

    >>> from fsq.contract import load_contract
    >>> names = ["game_date", "quality_tier", "notes", "feature_quality_detail"]
    >>> list_read_columns(load_contract(), pl.Schema(dict.fromkeys(names, pl.List(pl.Int8))))
    ['game_date', 'quality_tier', 'feature_quality_detail']
    """
    wanted = {*list_measured(contract, schema), *contract.table.key, OLDEST, DETAIL}
    for check in list_checks():
        wanted |= {*check.list_columns(contract, schema), *check.list_raw_columns(contract)}
    return [c for c in schema if c in wanted]
