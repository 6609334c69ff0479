"""Whether rows fit a store's columns: types are compared, and values where types differ.

Stores cast what they are given, and lose what their own type cannot hold: 7.6 becomes 7. So each
column is compared with the table's before anything is written, and cast only if every value
survives.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import polars as pl
import pyarrow as pa

from fsq.errors import InputError, short
from fsq.schema.arrow import exact_type, to_arrow
from fsq.schema.polars_types import inner_type, is_changed, struct_fields
from fsq.stores.type_matching import StoreType, always_fits, changes_encoding_only, match_type

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)

# Stores and readers know these years only; infinite moments lie far outside.
_FIRST_YEAR, _LAST_YEAR = 1, 9999
_NANOS = 1_000  # in a microsecond, the finest unit of stores
_CURES = {
    pl.Time: "cast it to a string",
    pl.Duration: "cast it to a number of seconds",
    pl.Object: "cast it to a string",
}


@dataclass(frozen=True, slots=True)
class ColumnFit:
    """How rows of some columns fit a table.

    Attributes:
        uri: the store.
        found: the rows' columns and their types.
        casts: columns that the table holds with another type, and that type; a cast may lose
            values, which ``find_losses`` looks for.
        empty: columns without a type, NULL in every row, which the table lacks: they are left out.
        added: columns that the table lacks and gets.
        rounded: columns whose fractions of a microsecond do not count.
        required: columns that may not be NULL in the table.
        problems: why the rows can never fit, one sentence each with its cure.
    """

    uri: str
    found: Mapping[str, pl.DataType] = field(default_factory=dict)
    casts: Mapping[str, pl.DataType] = field(default_factory=dict)
    empty: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    rounded: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def require(self, problems: Collection[str] = ()) -> None:
        """Refuse rows that do not fit.

        Args:
            problems: others, found in the rows' values.

        Raises:
            InputError: there are problems.
        """
        if every := [*self.problems, *problems]:
            raise InputError(every, f"the rows do not fit {self.uri}; nothing was written")

    @property
    def doubtful(self) -> list[str]:
        """The columns whose values decide whether they fit."""
        return [c for c in self.found if c in self.required or self._is_doubtful(c)]

    def find_losses(self, rows: pl.LazyFrame) -> list[str]:
        """Values of these rows that the table cannot hold; only doubtful columns are read."""
        checks = {c: self._is_lost(c) for c in self.found if self._is_doubtful(c)}
        nulls = [c for c in self.required if c in self.found]
        counts = rows.select(
            *(check.sum().alias(f"lost:{c}") for c, check in checks.items()),
            *(pl.col(c).null_count().alias(f"null:{c}") for c in nulls),
        )
        found = counts.collect(engine="streaming").row(0, named=True) if checks or nulls else {}
        problems = [
            self._describe_loss(c, found[f"lost:{c}"], rows.filter(checks[c]))
            for c in checks
            if found[f"lost:{c}"]
        ]
        return problems + [
            f"{c} is NULL in {found[f'null:{c}']} rows but NOT NULL in {self.uri}; fill it"
            for c in nulls
            if found[f"null:{c}"]
        ]

    def describe(self) -> list[str]:
        """What ``apply`` changes so that the rows fit, one sentence each."""
        out = [
            f"{c}: {self.found[c]} is stored as {dtype}; no value changes"
            for c, dtype in self.casts.items()
            if c not in self.rounded and not changes_encoding_only(self.found[c], dtype)
        ]
        if self.added:
            out.append(f"new columns in {self.uri}: {', '.join(self.added)}")
        if self.empty:
            out.append(f"left out, since no row has a value in them: {', '.join(self.empty)}")
        return out

    def apply(self, rows: Frame) -> Frame:
        """The rows as the table takes them; ``find_losses`` must have found nothing."""
        present = rows.collect_schema()
        casts = [pl.col(c).cast(dtype) for c, dtype in self.casts.items() if c in present]
        return rows.drop(self.empty, strict=False).with_columns(casts)

    def require_arrow(self, rows: pa.Table) -> None:
        """Refuse rows that do not fit, or would lose values.

        Raises:
            InputError: with every problem.
        """
        self.require(self.find_losses(pl.DataFrame(rows.select(self.doubtful)).lazy()))

    def apply_arrow(self, rows: pa.Table) -> pa.Table:
        """Like ``apply``, for an Arrow table; columns that fit are not copied."""
        rows = rows.drop_columns([c for c in self.empty if c in rows.column_names])
        for column, dtype in self.casts.items():
            if column in rows.column_names:
                values = pl.DataFrame(rows.select([column])).with_columns(pl.all().cast(dtype))
                stored = to_arrow(values, convert=exact_type)
                rows = rows.set_column(rows.column_names.index(column), column, stored[column])
        return rows

    def _types(self, column: str) -> tuple[pl.DataType, pl.DataType]:
        """A column's type in the rows, and in the table."""
        found = self.found[column]
        return found, self.casts.get(column, found)

    def _is_doubtful(self, column: str) -> bool:
        found, held = self._types(column)
        return _is_moment(found) or isinstance(found, pl.Time) or not always_fits(found, held)

    def _is_lost(self, column: str) -> pl.Expr:
        """Whether a value does not survive; a moment beyond the years of stores does not either."""
        (found, held), value = self._types(column), pl.col(column)
        lost = pl.lit(value=False)
        if _is_moment(found):  # of an infinite one, the year is NULL
            known = value.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR).fill_null(value=False)
            lost = value.is_not_null() & ~known
        if isinstance(found, pl.Time):
            lost = value.cast(pl.Int64) % _NANOS != 0
        if held != found and column not in self.rounded and not always_fits(found, held):
            lost |= is_changed(value, found, held)
        return lost.fill_null(value=False)

    def _describe_loss(self, column: str, count: int, lost: pl.LazyFrame) -> str:
        found, held = self._types(column)
        examples = lost.select(_show(column, found)).head(1).collect().to_series().to_list()
        example = short(str(examples[0])) if examples else ""
        return (
            f"{column} is {found} in the rows and {held} in {self.uri}, which cannot hold {count} "
            f"of its values, such as {example}; {_cure_loss(found)}"
        )


def fit_columns(
    uri: str,
    columns: Mapping[str, pl.DataType],
    table: Mapping[str, pl.DataType] | None,
    store_type: StoreType,
    rounded: Collection[str] = (),
    required: Collection[str] = (),
) -> ColumnFit:
    """Compare rows' columns with a table's, before anything is written.

    Args:
        uri: the store.
        columns: the rows' columns and their types.
        table: the table's; None if there is none yet.
        store_type: what a new column becomes.
        rounded: moments whose fractions of a microsecond do not count.
        required: columns that may not be NULL in the table.

    >>> as_it_is = lambda dtype: dtype
    >>> fit = fit_columns("t", {"line": pl.Float64()}, {"line": pl.Int64()}, as_it_is)
    >>> fit.find_losses(pl.LazyFrame({"line": [7.0, 8.0]}))
    []
    >>> fit.find_losses(pl.LazyFrame({"line": [7.0, 7.6]}))[0][:78]
    'line is Float64 in the rows and Int64 in t, which cannot hold 1 of its values,'
    """
    names = {c.lower(): c for c in table or {}}
    casts: dict[str, pl.DataType] = {}
    empty: list[str] = []
    added: list[str] = []
    problems: list[str] = []
    if lacking := [c for c in required if c not in columns]:
        problems.append(f"the rows lack {lacking}, which {uri} requires; add them")
    for same in _group_by_case(columns):
        problems.append(
            f"{' and '.join(same)} differ only in case, which {uri} cannot hold; rename one"
        )
    for column, found in columns.items():
        problems += [
            f"{column} has fields {' and '.join(same)}, which differ only in case, and {uri} "
            "cannot hold both; rename one"
            for same in _group_fields(found, (table or {}).get(column))
        ]
        existing = (table or {}).get(column)
        if existing is None and (other := names.get(column.lower())) is not None:
            problems.append(
                f"{column} is called {other} in {uri}, which differs in case only; rename one"
            )
            continue
        if existing is None and isinstance(found, pl.Null):
            empty.append(column)
            continue
        held = store_type(found) if existing is None else match_type(found, existing, store_type)
        if held is None and existing is None:
            problems.append(f"{column} is {found}, which {uri} cannot hold; {_cure(found, None)}")
        elif held is None:
            problems.append(
                f"{column} is {found} in the rows and {existing} in {uri}; {_cure(found, existing)}"
            )
        elif held != found:
            casts[column] = held
        if existing is None and table is not None:
            added.append(column)
    return ColumnFit(
        uri,
        dict(columns),
        casts,
        tuple(empty),
        tuple(added),
        frozenset(rounded) & frozenset(columns),
        tuple(required),
        tuple(problems),
    )


def _group_by_case(columns: Collection[str]) -> list[list[str]]:
    """Names that are the same to a store, which knows no capitals."""
    groups: dict[str, list[str]] = {}
    for column in columns:
        groups.setdefault(column.lower(), []).append(column)
    return [group for group in groups.values() if len(group) > 1]


def _group_fields(found: pl.DataType, held: pl.DataType | None) -> Iterator[list[str]]:
    """Fields of structs at any depth, the table's included, that are the same to a store."""
    if isinstance(found, pl.List | pl.Array):
        inner = inner_type(held) if isinstance(held, pl.List | pl.Array) else None
        yield from _group_fields(inner_type(found), inner)
    if isinstance(found, pl.Struct):
        fields = struct_fields(found)
        others = struct_fields(held) if isinstance(held, pl.Struct) else {}
        yield from _group_by_case(dict.fromkeys([*others, *fields]))
        for name, dtype in fields.items():
            yield from _group_fields(dtype, others.get(name))


def _show(column: str, dtype: pl.DataType) -> pl.Expr:
    """A column, as numbers where Python has no type for its moments."""
    value = pl.col(column)
    return value.to_physical() if "Date" in str(dtype) else value  # at any depth


def _cure(found: pl.DataType, held: pl.DataType | None) -> str:
    if held is not None and held != found:
        return f"cast it to {held}, rename or drop it, or write to another store"
    return f"{_CURES.get(type(found), 'cast it to another type')}, or drop it"


def _cure_loss(found: pl.DataType) -> str:
    if isinstance(found, pl.Time):
        return "truncate it to microseconds, or drop it"
    if _is_moment(found):
        years = f"the years {_FIRST_YEAR} to {_LAST_YEAR}"
        return f"truncate it to microseconds, and set it to NULL outside {years}"
    if found.is_integer():
        return "cast it to a string under another name, or drop it"
    return "round it, rename or drop it, or write to another store"


def _is_moment(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Date | pl.Datetime)
