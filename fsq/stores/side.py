"""Side tables: small versioned tables that belong to a store, such as its ledger of incidents."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import polars as pl

from fsq.errors import InputError, StoreError
from fsq.stores.attempts import ATTEMPTS, wait_before_retry

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,99}")
_TYPES = (pl.String, pl.Int64, pl.Float64, pl.Boolean, pl.Date, pl.Datetime("us", "UTC"))
# Names of other tables that fsq keeps beside a store.
_TAKEN = ("ledger", "origin")


class SideTable(NamedTuple):
    """What a side table holds.

    Attributes:
        frame: its rows, in the order in which they were written.
        version: grows with every write.
    """

    frame: pl.DataFrame
    version: int


class SideConflictError(StoreError):
    """Another writer has replaced the side table since it was read; nothing was written."""

    def __init__(self, uri: str, name: str) -> None:
        super().__init__(f"{uri}: another writer changed its {name} at the same time; run it again")


class SideTables(ABC):
    """The side tables of a store; a store says how one is loaded and saved.

    Columns are text, integers, finite floats, booleans, dates and moments in UTC; any may be NULL.
    """

    uri: str

    @abstractmethod
    def load_side(self, name: str) -> SideTable | None:
        """A side table and its version; None if there is none."""

    @abstractmethod
    def save_side(self, name: str, frame: pl.DataFrame, since: int | None) -> None:
        """Replace a side table as a whole, at once or not at all, if it is still as it was read.

        Args:
            name: of the side table.
            frame: its new rows.
            since: the version that was read; None if there was no such table.

        Raises:
            SideConflictError: the table has another version; nothing was written.
        """

    def read_side(self, name: str) -> pl.DataFrame | None:
        """The rows of a side table; None if the store has no such table.

        Args:
            name: lower-case letters, digits and underscores.

        Raises:
            InputError: the name has another form.
            StoreError: it cannot be read.
        """
        found = self.load_side(_validate_name(name))
        return None if found is None else found.frame

    def write_side(self, name: str, frame: pl.DataFrame) -> None:
        """Replace a side table as a whole, at once or not at all; the last writer wins.

        Raises:
            InputError: the name or a column has a form that stores cannot keep.
            StoreError: it cannot be written.
        """
        self.update_side(name, lambda _: frame)

    def update_side(
        self, name: str, change: Callable[[pl.DataFrame | None], pl.DataFrame]
    ) -> pl.DataFrame:
        """Replace a side table with what ``change`` returns, losing no other writer's rows.

        Args:
            name: of the side table.
            change: makes the new rows from the old ones, or from None where there is no table;
                called again with newer rows if another writer was first.

        Returns:
            The new rows. If they equal the old ones, nothing is written.

        Raises:
            InputError: the name or a column has a form that stores cannot keep.
            StoreError: it cannot be written, or other writers kept committing first.
        """
        written: pl.DataFrame | None = None
        for attempt in range(ATTEMPTS):
            found = self.load_side(_validate_name(name))
            if found is not None and written is not None and _is_same(written, found.frame):
                return written  # it was not refused; the answer that it was accepted was lost
            frame = change(None if found is None else found.frame)
            if found is not None and _is_same(frame, found.frame):
                return frame
            _validate_columns(name, frame)
            try:
                self.save_side(name, frame, None if found is None else found.version)
            except SideConflictError:
                written = frame
                wait_before_retry(attempt)
                continue
            return frame
        raise SideConflictError(self.uri, name)


def _is_same(new: pl.DataFrame, old: pl.DataFrame) -> bool:
    return new.schema == old.schema and new.equals(old)


def _validate_name(name: str) -> str:
    if not _NAME.fullmatch(name) or name in _TAKEN or name.startswith("staging"):
        cure = (
            "use at most 40 lower-case letters, digits and underscores, and none of fsq's own names"
        )
        problem = f"{name!r} cannot name a side table; {cure}"
        raise InputError([problem], "the side table cannot be used")
    return name


def _validate_columns(name: str, frame: pl.DataFrame) -> None:
    problems = [
        f"column {column!r} of type {dtype}"
        for column, dtype in frame.schema.items()
        if not _COLUMN.fullmatch(column) or dtype not in _TYPES
    ]
    # JSON cannot carry them.
    problems += [
        f"column {s.name!r} holds NaN or an infinite number"
        for s in frame.select(pl.col(pl.Float64))
        if not s.drop_nulls().is_finite().all()
    ]
    if problems or not frame.width:
        raise InputError(problems or ["it has no columns"], f"{name} cannot be kept beside a store")
