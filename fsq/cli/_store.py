"""A store that a command reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from fsq.cli._dates import Calendar
from fsq.cli._newest import find_newest_date
from fsq.errors import InputError

if TYPE_CHECKING:
    from fsq.stores import Store

_ALLOCATOR = "ARROW_DEFAULT_MEMORY_POOL"


@contextmanager
def open_for_reading(uri: str, contract: str | None = None) -> Iterator[Store]:
    """Open a store; what fails while the block reads its rows is a ``StoreError``.

    Args:
        uri: the store.
        contract: of its rows; None for the one that it remembers.

    Raises:
        InputError: as ``fsq.open_store``.
        ContractError: the contract cannot be used.
        StoreError: as ``fsq.open_store``, or the store's files are damaged or gone.
    """
    from fsq.stores import open_store
    from fsq.stores.read_errors import store_read_errors

    _choose_allocator()
    with store_read_errors(uri):
        yield open_store(uri, contract)


def _choose_allocator() -> None:
    """Let Arrow use the system's allocator, unless the user has chosen one.

    Its own gives memory back to the system at once, which then has to clear it for the next batch:
    of a check that took a third of the time.
    """
    import pyarrow as pa

    from fsq.cli._memory import keep_freed_memory

    if _ALLOCATOR not in os.environ:
        pa.set_memory_pool(pa.system_memory_pool())
    keep_freed_memory()


def find_latest(uri: str, contract: str | None = None) -> date:
    """The newest date that a store has rows of.

    Raises:
        InputError: it has none.
        StoreError: it cannot be read.
    """
    with open_for_reading(uri, contract) as store:
        newest = find_newest_date(store)
    if newest is None:
        problem = "it has no rows yet; name a date"
        raise InputError([problem], f"{uri} has no latest date")
    return newest


def read_calendar(uri: str, contract: str | None = None) -> Calendar:
    """What words for dates mean for a store; it is opened if one is used.

    Args:
        uri: the store.
        contract: of its rows; None for the one that it remembers.
    """

    def find_zone() -> str:
        with open_for_reading(uri, contract) as store:
            return store.contract.table.timezone

    return Calendar(lambda: find_latest(uri, contract), find_zone)


def shorten_path(uri: str) -> str:
    """A path below the current folder as it is written from there; others as they are.

    >>> shorten_path(str(Path.cwd() / "season.parquet"))
    'season.parquet'
    """
    here = str(Path.cwd()) + os.sep
    return uri.removeprefix(here) if uri.startswith(here) else uri
