"""Reading rows into columns: each field stays in the few columns that hold it.

A feature row is one feature of one record. Feature rows run record by record, and a record's
features in index order. Many features share one column (a table's timestamp, a window's sample
size), so rules run on columns first, and only what is written out becomes feature rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.contract.table import Table
from fsq.errors import InputError, short
from fsq.intake.formats import Form, list_computed_at_columns, to_wide
from fsq.intake.layout import Layout
from fsq.intake.source_labels import add_source_columns, hash_known_labels, hash_labels
from fsq.intake.validation import OnUnknown
from fsq.schema.columns import UTC_MICROS
from fsq.schema.provenance import PROVENANCE
from fsq.utils.timing import stage

Array = np.ndarray[Any, np.dtype[Any]]
Schema = tuple[tuple[str, pl.DataType], ...]
_STRINGS = pl.List(pl.String)
DATE = "#date"  # the record's date, whatever the table calls it


@dataclass(frozen=True)
class FieldColumns:
    """The columns that hold one field.

    Attributes:
        columns: one row per record; features may share a column.
        column_of_feature: per feature, the position of its column; the number of columns where
            a feature has none.
    """

    columns: pl.DataFrame
    column_of_feature: tuple[int, ...]

    def feature_rows(self, absent: object = None) -> pl.Series:
        """The field as one value per feature row; ``absent`` where a feature has no column."""
        parts = [c.alias("") for c in self.columns]
        places = _positions(self.columns.height, len(parts), self.column_of_feature)
        if len(parts) in self.column_of_feature:
            parts.append(pl.Series([absent], dtype=parts[0].dtype))
        return pl.concat(parts, rechunk=True)[places]

    def by_feature(self, values: Array, absent: object) -> Array:
        """Repeat what was computed per column, shape (columns, records), for each feature."""
        if len(values) in self.column_of_feature:
            last = np.full((1, values.shape[1]), absent, dtype=values.dtype)
            values = np.concatenate([values, last])
        return np.take(values, self.column_of_feature, axis=0)


@lru_cache(maxsize=16)
def _positions(records: int, columns: int, column_of_feature: tuple[int, ...]) -> pl.Series:
    """Where each feature row's value stands when the columns and an absent value are chained."""
    column = np.array(column_of_feature, dtype=np.uint32)
    rows = np.arange(records, dtype=np.uint32)[:, None]
    return pl.Series((column * np.uint32(records) + rows * (column < columns)).ravel())


# What the rules read of a field in its place: its moments as numbers, whether samples are thin.
MOMENT, THIN = "moment", "thin"
NEVER = np.iinfo(np.int64).min
_RULE_FORMS = {"last_updated": MOMENT, "sample_size": THIN}
_READ_BY_RULES = {
    "value",
    *(_RULE_FORMS.get(suffix, suffix) for suffix, f in PROVENANCE.items() if f.read_by_rules),
}


@dataclass(frozen=True)
class ColumnarBatch:
    """A batch of rows, read.

    Attributes:
        fields: ``value``, the provenance fields by suffix, and what rules read of them. A field
            that the input lacks is left out; so is one that no rule reads, if no detail is wanted.
        source_codes: each source label's position in the contract's ``sources``, shape
            (features, records).
        records: one row per record: its date as ``#date``, as_of, computed_at, the run's id and
            processors, and the legacy fields.
    """

    fields: dict[str, FieldColumns]
    source_codes: Array
    records: pl.DataFrame


@stage("interleave")
def read_columnar_batch(
    frame: pl.DataFrame,
    layout: Layout,
    on_unknown: OnUnknown,
    as_of: datetime | None,
    now: datetime,
    *,
    with_detail: bool = True,
) -> ColumnarBatch:
    """Read a batch in one query, since planning is most of what a small batch costs.

    Args:
        frame: rows in any form.
        layout: how to read them.
        on_unknown: what to do about source labels that the contract does not know.
        as_of: the moment of rows that have none of their own; None for each row's time, or the
            end of its date.
        now: the current time, which bounds the latter.
        with_detail: whether to read fields that are only written out.

    Raises:
        InputError: the contract does not know a source label, and ``on_unknown`` is "error".
    """
    contract = layout.contract
    wide = add_source_columns(to_wide(frame, layout.form, contract), contract)
    query = _plan_query(tuple(wide.schema.items()), layout.form, contract, with_detail)
    default = query.ends if as_of is None else pl.lit(as_of, UTC_MICROS)
    if as_of is None:
        default = pl.min_horizontal(pl.lit(now, UTC_MICROS), default)
    result = wide.select(*query.columns, pl.coalesce(*query.as_of, default).alias("as_of"))
    for name in query.lists:
        # BigQuery's arrays hold no NULL elements.
        if wide.height and result[f"{name}:nulls"][0]:
            result = result.with_columns(pl.col(name).list.drop_nulls())
    fields = {
        field: FieldColumns(result[names], column_of_feature)
        for field, (names, column_of_feature) in query.fields.items()
    }
    # Codes count from 1 here, so that 0 is a label that was not found.
    codes = _look_up_labels(to_matrix(result[query.label_hashes]), query.known_hashes)
    if not codes.all():
        sources = wide.select(f"{n}__source" for n in contract.names)
        codes = _encode_labels(sources, contract, on_unknown) + np.uint8(1)
    return ColumnarBatch(fields, codes - np.uint8(1), result[[*query.records, "as_of"]])


@dataclass(frozen=True)
class _Query:
    """The query that reads a batch, and what its columns are.

    Attributes:
        columns: every column but ``as_of``.
        fields: per field, its columns' names and each feature's column among them.
        label_hashes: names of the columns of hashed source labels, one per feature.
        known_hashes: per label of the contract, its position and its hash in each such column.
        records: names of the columns that describe the record.
        lists: names of the columns that are lists; each has a ``<name>:nulls`` beside it.
        as_of: the input's own ``as_of``, if there is one.
        ends: each row's own time, or the end of its date.
    """

    columns: list[pl.Expr]
    fields: dict[str, tuple[list[str], tuple[int, ...]]]
    label_hashes: list[str]
    known_hashes: list[tuple[int, Array]]
    records: list[str]
    lists: list[str]
    as_of: list[pl.Expr]
    ends: pl.Expr


@lru_cache(maxsize=32)
def _plan_query(schema: Schema, form: Form, contract: Contract, with_detail: bool) -> _Query:
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
    return _Query(
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
    columns = [(sizes[column] < least).fill_null(False) for column, least in used]
    return columns, tuple(len(used) if p is None else used.index(p) for p in pairs)


def _look_up_labels(hashes: Array, known: list[tuple[int, Array]]) -> Array:
    """Each source label's position in the contract's sources, from 1; 0 if it is unknown.

    Comparing hashes is several times cheaper than reading the labels.
    """
    codes = np.zeros(hashes.shape, dtype=np.uint8)
    for position, label_hash in known:
        codes += (hashes == label_hash) * np.uint8(position + 1)
    return codes


def _known_hashes(types: list[pl.DataType], contract: Contract) -> list[tuple[int, Array]]:
    """Each source label's position and its hash in every column; NULL reads ``missing``.

    A label that a column's type cannot hold has the hash 0, which no value is expected to have.
    """
    labels = list(contract.sources)
    each = [hash_known_labels(dtype, contract).fill_null(0).to_numpy() for dtype in types]
    hashes = np.stack(each, axis=1)[:, :, None]
    return list(zip([*range(len(labels)), labels.index("missing")], hashes, strict=True))


def _encode_labels(columns: pl.DataFrame, contract: Contract, on_unknown: OnUnknown) -> Array:
    known = list(contract.sources)
    labels = columns.select(pl.all().cast(pl.String))
    codes = labels.select(pl.all().cast(pl.Enum(known), strict=False))
    if labels.null_count().row(0) != codes.null_count().row(0):
        if on_unknown == "error":
            unknown = {s for c in labels for s in c.unique().drop_nulls().to_list()} - set(known)
            shown = sorted(map(short, unknown))[:20]
            raise InputError([f"unknown source labels: {shown}; use {sorted(known)}"])
        lost = [codes[c].is_null() & labels[c].is_not_null() for c in labels.columns]
        default = pl.Series(["default"], dtype=pl.Enum(known))
        codes = codes.with_columns(
            c.zip_with(~where, default) for c, where in zip(codes, lost, strict=True)
        )
    return to_matrix(codes.select(pl.all().fill_null("missing").to_physical()))


def to_matrix(columns: pl.DataFrame) -> Array:
    """Columns as the rows of a matrix, so that a step over one column meets contiguous memory."""
    return np.asarray(columns.to_numpy().T)


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
