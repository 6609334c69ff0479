"""The query that reads a batch: planned once for each schema, form and contract."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.contract.table import Table
from fsq.intake.formats import Form, list_computed_at_columns
from fsq.intake.source_labels import hash_known_labels, hash_labels
from fsq.schema.columns import UTC_MICROS
from fsq.schema.provenance import PROVENANCE

Array = np.ndarray[Any, np.dtype[Any]]
Schema = tuple[tuple[str, pl.DataType], ...]
_STRINGS = pl.List(pl.String)
DATE = "#date"  # the record's date, whatever the table calls it
# What rules read instead of a field: values with NaN for NULL, its moments as numbers, whether
# samples are thin.
NUMBER, MOMENT, THIN = "number", "moment", "thin"
NEVER = np.iinfo(np.int64).min
_RULE_FORMS = {"last_updated": MOMENT, "sample_size": THIN}
_READ_BY_RULES = {
    "value",
    NUMBER,
    *(_RULE_FORMS.get(suffix, suffix) for suffix, f in PROVENANCE.items() if f.read_by_rules),
}


@dataclass(frozen=True)
class BatchQuery:
    """The query that reads a batch, and what its columns are.

    Attributes:
        columns: every column but ``as_of``.
        fields: per field, its columns' names and each feature's column among them.
        label_hashes: names of the columns of hashed source labels, one per feature.
        known_hashes: the hash of each of the contract's labels in each such column, NULL's last.
        records: names of the columns that describe the record.
        lists: names of the columns that are lists; each has a ``<name>:nulls`` beside it.
        as_of: the input's own ``as_of``, if there is one.
        ends: each row's own time, or the end of its date.
    """

    columns: list[pl.Expr]
    fields: dict[str, tuple[list[str], tuple[int, ...]]]
    label_hashes: list[str]
    known_hashes: Array
    records: list[str]
    lists: list[str]
    as_of: list[pl.Expr]
    ends: pl.Expr


@lru_cache(maxsize=32)
def plan_query(schema: Schema, form: Form, contract: Contract, with_detail: bool) -> BatchQuery:
    """Plan the query that reads wide rows of these columns; the same one serves every batch."""
    types = dict(schema)
    columns: list[pl.Expr] = []
    fields: dict[str, tuple[list[str], tuple[int, ...]]] = {}
    for field, (exprs, column_of_feature) in _field_columns(types, contract).items():
        if with_detail or field in _READ_BY_RULES:
            names = [f"{field}:{i}" for i in range(len(exprs))]
            fields[field] = (names, column_of_feature)
            columns += [e.alias(n) for e, n in zip(exprs, names, strict=True)]
    hashes = [
        hash_labels(f"{n}__source", types[f"{n}__source"]).alias(f"label:{i}")
        for i, n in enumerate(contract.names)
    ]
    records = _record_columns(types, form, contract)
    lists = [
        name
        for suffix, field in PROVENANCE.items()
        if field.type == "strings" and suffix in fields
        for name in fields[suffix][0]
    ]
    lists.append("processors_completed")
    by_name = {c.meta.output_name(): c for c in (*columns, *records)}
    nulls = [
        by_name[n]
        .list.explode(empty_as_null=False, keep_nulls=False)
        .null_count()
        .alias(f"{n}:nulls")
        for n in lists
    ]
    return BatchQuery(
        columns=[*columns, *hashes, *records, *nulls],
        fields=fields,
        label_hashes=[h.meta.output_name() for h in hashes],
        known_hashes=_known_hashes([types[f"{n}__source"] for n in contract.names], contract),
        records=[r.meta.output_name() for r in records],
        lists=lists,
        as_of=[_convert("as_of", types["as_of"], UTC_MICROS)] if "as_of" in types else [],
        ends=end_of_row(types, contract.table),
    )


def _field_columns(
    types: dict[str, pl.DataType], contract: Contract
) -> dict[str, tuple[list[pl.Expr], tuple[int, ...]]]:
    """Each field's columns, and which of them is each feature's."""
    values = [_convert(n, types[n], pl.Float64()) for n in contract.names]
    out = {"value": (values, tuple(range(len(values))))}
    out[NUMBER] = ([v.fill_null(np.nan) for v in values], out["value"][1])
    for suffix, field in PROVENANCE.items():
        present = [tuple(c for c in field.columns(f) if c in types) for f in contract.features]
        chains = list(dict.fromkeys(chain for chain in present if chain))
        if not chains:
            continue
        columns = [pl.coalesce(_convert(c, types[c], field.dtype) for c in ch) for ch in chains]
        if field.type == "strings":
            columns = [c.fill_null([]) for c in columns]
        at = {chain: i for i, chain in enumerate(chains)}
        out[suffix] = (columns, tuple(at.get(chain, len(chains)) for chain in present))
    if "last_updated" in out:
        moments, column_of_feature = out["last_updated"]
        out[MOMENT] = ([m.to_physical().fill_null(NEVER) for m in moments], column_of_feature)
    if "sample_size" in out:
        sizes, column_of_feature = out["sample_size"]
        out[THIN] = _thin_columns(sizes, column_of_feature, contract)
    return out


def _thin_columns(
    sizes: list[pl.Expr], column_of_feature: tuple[int, ...], contract: Contract
) -> tuple[list[pl.Expr], tuple[int, ...]]:
    """Whether samples are thin: one column for each size column and least size in use."""
    pairs = [
        (column, contract.threshold(f, "thin_sample")) if column < len(sizes) else None
        for column, f in zip(column_of_feature, contract.features, strict=True)
    ]
    used = list(dict.fromkeys(p for p in pairs if p is not None))
    # A whole number is compared as one, without making all sizes floats.
    limits = [int(least) if float(least).is_integer() else least for _, least in used]
    columns = [
        (sizes[column] < limit).fill_null(False)
        for (column, _), limit in zip(used, limits, strict=True)
    ]
    return columns, tuple(len(used) if p is None else used.index(p) for p in pairs)


def _known_hashes(types: list[pl.DataType], contract: Contract) -> Array:
    """Each source label's hash in every column, shape (labels and NULL, columns).

    A label that a column's type cannot hold has the hash 0, which no value is expected to have.
    """
    each = [hash_known_labels(dtype, contract).fill_null(0).to_numpy() for dtype in types]
    return np.stack(each, axis=1)


def _convert(name: str, dtype: pl.DataType, target: pl.DataType) -> pl.Expr:
    """A column of one type, read as another; a timestamp without a zone is UTC."""
    column = pl.col(name)
    if dtype == target:
        return column
    if isinstance(target, pl.Datetime) and isinstance(dtype, pl.Datetime) and not dtype.time_zone:
        return column.dt.cast_time_unit("us").dt.replace_time_zone("UTC")
    return column.cast(target, strict=False)


def end_of_row(types: dict[str, pl.DataType], table: Table) -> pl.Expr:
    """The moment at which a row is over: its own time, or its date's end in the table's zone."""
    if table.time is not None:
        return _convert(table.time, types[table.time], UTC_MICROS)
    midnight = pl.col(table.date) + pl.duration(days=1)
    if table.timezone == "UTC":
        return midnight.cast(UTC_MICROS)
    # Where clocks are put forward at midnight, the day ends an hour later.
    naive = midnight.cast(pl.Datetime("us"))
    local, later = (
        (naive + pl.duration(hours=hours)).dt.replace_time_zone(
            table.timezone, ambiguous="earliest", non_existent="null"
        )
        for hours in (0, 1)
    )
    return pl.coalesce(local, later).dt.convert_time_zone("UTC")


def _record_columns(types: dict[str, pl.DataType], form: Form, contract: Contract) -> list[pl.Expr]:
    """Columns that describe a record: its date, computed_at, run, processors and legacy fields."""

    def text(name: str) -> pl.Expr:
        if name not in types or isinstance(types[name], pl.Struct | pl.List):
            return pl.lit(None, pl.String).alias(name)
        return pl.col(name).cast(pl.String)

    moments = [_convert(c, types[c], UTC_MICROS) for c in list_computed_at_columns(types, form)]
    completed = pl.lit(None, _STRINGS)
    if "processors_completed" in types:
        completed = pl.col("processors_completed").cast(_STRINGS)
    return [
        pl.col(contract.table.date).alias(DATE),
        pl.coalesce(moments or [pl.lit(None, UTC_MICROS)]).alias("computed_at"),
        text("pipeline_run_id"),
        completed.alias("processors_completed"),
        *(text(c) for c in contract.output.legacy),
    ]
