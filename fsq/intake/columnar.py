"""Reading rows into columns: each field stays in the few columns that hold it.

A feature row is one feature of one record. Feature rows run record by record, and a record's
features in index order. Many features share one column (a table's timestamp, a window's sample
size), so rules run on columns first, and only what is written out becomes feature rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError, short
from fsq.intake.batch_query import Array, plan_query
from fsq.intake.formats import to_wide
from fsq.intake.layout import Layout
from fsq.intake.source_labels import add_source_columns
from fsq.intake.validation import OnUnknown
from fsq.schema.columns import UTC_MICROS
from fsq.utils.timing import stage


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
    query = plan_query(tuple(wide.schema.items()), layout.form, contract, with_detail)
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
    hashes = to_matrix(result[query.label_hashes])
    codes = _look_up_labels(hashes, query.known_hashes, contract)
    if not codes.all():
        sources = wide.select(f"{n}__source" for n in contract.names)
        codes = _encode_labels(sources, contract, on_unknown) + np.uint8(1)
    return ColumnarBatch(fields, codes - np.uint8(1), result[[*query.records, "as_of"]])


def _look_up_labels(hashes: Array, known: Array, contract: Contract) -> Array:
    """Each source label's position in the contract's sources, from 1; 0 if it is unknown.

    Most columns hold few labels, so each is compared with the first of its labels that is not
    looked up yet, until all are.

    Args:
        hashes: of the labels, shape (features, records).
        known: of the contract's labels and last of NULL, shape (labels, features).
        contract: whose label ``missing`` NULL counts as.
    """
    numbers = np.append(np.arange(len(known) - 1), [*contract.sources].index("missing")) + 1
    codes = np.zeros(hashes.shape, dtype=np.uint8)
    left = np.arange(len(hashes))
    while left.size and codes.size:
        rows = hashes[left] if left.size < len(hashes) else hashes
        label = rows[np.arange(left.size), (codes[left] == 0).argmax(axis=1)]
        which = known[:, left] == label
        if not which.any(axis=0).all():
            break
        number = numbers[which.argmax(axis=0)].astype(np.uint8)
        codes[left] += (rows == label[:, None]) * number[:, None]
        left = left[(codes[left] == 0).any(axis=1)]
    return codes


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
