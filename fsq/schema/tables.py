"""Rows as people hold them: frames of any library, Arrow tables, stores, plain Python values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeGuard, runtime_checkable

import polars as pl
import pyarrow as pa

from fsq.errors import InputError, short
from fsq.schema.arrow import ArrowStream, from_arrow
from fsq.utils.arguments import DateLike, Names
from fsq.utils.forks import require_whole_process


@runtime_checkable
class StoredRows(Protocol):
    """What a store is to those who only read it."""

    uri: str

    def read(
        self,
        start: DateLike | None = None,
        end: DateLike | None = None,
        columns: Names | None = None,
        fields: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        """Rows from start to end, both included, lazily; ``fields`` of the detail will be used."""
        ...


# Tables that become a Polars frame; and everything that can be read.
OtherRows: TypeAlias = ArrowStream | Mapping[str, Any] | Sequence[Mapping[str, Any]]
AnyRows: TypeAlias = pl.DataFrame | pl.LazyFrame | pa.Table | OtherRows | StoredRows


def read_rows(
    rows: object,
    name: str,
    headline: str,
    numbers: Collection[str] = (),
    fields: Sequence[str] | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Rows as a Polars frame; a LazyFrame and a store stay lazy.

    Args:
        rows: a Polars frame, a table that exports Arrow (pandas, DuckDB, Ibis, pyarrow), a store,
            a mapping of columns, or a list of mappings.
        name: of the argument, for the message.
        headline: what cannot be done without it.
        numbers: lower-case names of columns that are read as floats, whatever their decimals.
        fields: of ``feature_quality_detail`` that will be used; a store need not read the others.

    Raises:
        InputError: it is something else, or holds what Polars does not know.

    >>> read_rows([{"team_pace": 101.5}], "rows", "nothing can be scored").height
    1
    """
    require_whole_process()
    if isinstance(rows, pl.DataFrame | pl.LazyFrame):
        return rows
    if hasattr(rows, "__arrow_c_stream__"):
        return _from_arrow(_keep_index(rows), name, headline, numbers)
    if is_stored(rows):
        return rows.read() if fields is None else rows.read(fields=fields)
    if isinstance(rows, Mapping) or _is_list_of_mappings(rows):
        return _from_python(rows, name, headline)
    problem = f"{name} is {_describe(rows)}"
    raise InputError([problem], headline)


def is_stored(rows: object) -> TypeGuard[StoredRows]:
    """Whether rows lie in a store; a table may have columns of the same names."""
    return isinstance(rows, StoredRows) and not hasattr(rows, "__arrow_c_stream__")


def _keep_index(rows: Any) -> Any:
    """A pandas frame with the named levels of its index, such as its keys, as columns."""
    names = getattr(getattr(rows, "index", None), "names", None)
    if names is None or type(rows).__module__.partition(".")[0] != "pandas":
        return rows
    named = [n for n in names if n is not None]
    return rows.reset_index(level=named) if named else rows


def _from_arrow(rows: Any, name: str, headline: str, numbers: Collection[str]) -> pl.DataFrame:
    try:
        return from_arrow(rows, numbers)
    except (pa.ArrowException, ValueError, TypeError, NotImplementedError) as error:
        # pandas converts on the way: its columns of several types fail here.
        cause = short(" ".join(str(a) for a in error.args), 300)
        problem = f"{name}: {cause}; give each column one type and its own name"
        raise InputError([problem], headline) from error


def _from_python(rows: Any, name: str, headline: str) -> pl.DataFrame:
    try:
        return pl.DataFrame(rows, infer_schema_length=None)
    except (pl.exceptions.PolarsError, ValueError, TypeError, OverflowError) as error:
        problem = f"{name}: {short(error, 300)}; give each column equally many values of one type"
        raise InputError([problem], headline) from error


def _is_list_of_mappings(rows: object) -> bool:
    is_list = isinstance(rows, Sequence) and not isinstance(rows, str | bytes)
    return is_list and all(isinstance(r, Mapping) for r in rows)  # type: ignore[attr-defined]


def _describe(rows: object) -> str:
    """What this object without rows is, and what to pass instead."""
    kind = type(rows).__name__
    if isinstance(rows, str) or hasattr(rows, "__fspath__"):
        return f'a path, {short(rows)!r}; pass pl.scan_parquet("…") or fsq.open_store("…")'
    if rows is None:
        return "None; pass a frame, a table or a store"
    if hasattr(rows, "toArrow"):
        return f"a {type(rows).__module__.partition('.')[0]} {kind}; pass rows.toArrow()"
    return f"a {kind}; pass a store, a frame or a table that exports Arrow"
