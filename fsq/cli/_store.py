"""A store that a command reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fsq.stores import Store, open_store
from fsq.stores.read_errors import store_read_errors


@contextmanager
def open_for_reading(uri: str) -> Iterator[Store]:
    """Open a store; what fails while the block reads its rows is a ``StoreError``.

    Raises:
        InputError: as ``fsq.open_store``.
        StoreError: as there, or the store's files are damaged or gone.
    """
    with store_read_errors(uri):
        yield open_store(uri)
