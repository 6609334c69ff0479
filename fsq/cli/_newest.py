"""The newest date of a store, which options and completion of the shell both ask for."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsq.stores import Store


def find_newest_date(store: Store) -> date | None:
    """The newest date that a store has rows of; None if it has none."""
    import polars as pl

    day = store.contract.table.date
    found: date | None = store.read(columns=[day]).select(pl.col(day).max()).collect().item()
    return found
