"""The columns of scored records, as Polars, Arrow and a new table hold them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from fsq.errors import InputError
from fsq.schema.columns import DETAIL_TYPE, POLARS_TYPES, Column

if TYPE_CHECKING:  # a contract is read far more often than a table is made
    import pyarrow as pa


@dataclass(frozen=True)
class OutputSchema:
    """The columns of scored records under one contract.

    Attributes:
        keys: the columns that name a record, as a new table has them.
        columns: the quality columns, in their order.
        legacy: names of those that are only written for readers of an older table.
    """

    keys: tuple[Column, ...]
    columns: tuple[Column, ...]
    legacy: tuple[str, ...]

    @property
    def date(self) -> str:
        """The key that is the date."""
        return next(c.name for c in self.keys if c.type == "date")

    @property
    def entity_keys(self) -> tuple[str, ...]:
        """The keys that name the entity; strings, unless ``with_integer_keys`` says otherwise."""
        return tuple(c.name for c in self.keys if c.type in ("string", "int"))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the quality columns."""
        return tuple(c.name for c in self.columns)

    @cached_property
    def polars(self) -> pl.Schema:
        """The quality columns as Polars holds them."""
        return polars_schema(self.columns)

    @cached_property
    def arrow(self) -> pa.Schema:
        """The quality columns in plain Arrow types."""
        from fsq.schema.arrow import arrow_schema

        return arrow_schema(self.polars)

    @cached_property
    def table(self) -> pa.Schema:
        """A new table: the keys, then the quality columns."""
        from fsq.schema.arrow import arrow_schema

        return arrow_schema(polars_schema((*self.keys, *self.columns)))

    def with_integer_keys(self, names: Collection[str]) -> OutputSchema:
        """The same columns, with these keys as integers.

        Raises:
            InputError: one of them is not a string key.
        """
        if unknown := set(names) - {c.name for c in self.keys if c.type == "string"}:
            listed = ", ".join(c.name for c in self.keys if c.type == "string")
            raise InputError([f"{n} is not a key; the keys are {listed}" for n in sorted(unknown)])
        keys = (replace(c, type="int") if c.name in names else c for c in self.keys)
        return replace(self, keys=tuple(keys))


def polars_schema(columns: Sequence[Column]) -> pl.Schema:
    """Columns as Polars holds them.

    >>> dict(polars_schema([Column("quality_tier", "string", "The record's tier")]))
    {'quality_tier': String}
    """
    return pl.Schema(
        {
            c.name: pl.List(DETAIL_TYPE) if c.type == "detail" else POLARS_TYPES[c.type]
            for c in columns
        }
    )
