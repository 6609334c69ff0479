"""Diagnosis of dates in a store: only they and the dates before them are read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from fsq.contract import Contract, load_contract
from fsq.diagnosis import Diagnosis, diagnose
from fsq.errors import InputError
from fsq.stores import Store


def diagnose_stored(
    store: Store,
    start: date,
    end: date,
    contract: str | Path | Contract = "v2_33features",
) -> Diagnosis:
    """Diagnose the dates of a store from start to end, both included.

    Args:
        store: an open store of scored rows.
        start: first date to judge.
        end: last date to judge.
        contract: the contract that the rows were scored with.

    Raises:
        InputError: the store holds no row on these dates.
        StoreError: the store cannot be read.
    """
    rules = load_contract(contract)
    every = store.read(columns=["game_date"]).unique().sort("game_date").collect()["game_date"]
    judged = every.filter(every.is_between(start, end))
    if judged.is_empty():
        raise InputError([_nothing(store, start, end, every)], "there is nothing to judge")
    before = every.filter(every < judged[0])
    first = before.tail(rules.diagnosis.trailing_dates).min()
    rows = store.read(first if isinstance(first, date) else start, end)
    return diagnose(rows, rules, judged.to_list(), _season_start(before, judged[0], rules))


def _nothing(store: Store, start: date, end: date, every: pl.Series) -> str:
    when = str(start) if start == end else f"from {start} to {end}"
    held = f"it holds {every[0]} to {every[-1]}" if len(every) else "it is empty"
    return f"{store.uri} has no rows {when}; {held}; backfill the date, or name another"


def _season_start(before: pl.Series, judged: date, contract: Contract) -> date:
    """The first date after the last long gap."""
    days = pl.concat([before, pl.Series([judged], dtype=pl.Date)])
    gap = days.diff().dt.total_days().fill_null(0) > contract.diagnosis.season_gap_days
    begins = days.filter(gap)
    start: date = begins[-1] if len(begins) else days[0]
    return start
