"""Single fields of the detail column, under names such as ``feature_quality_detail.is_default``.

Each is a list with one element per feature, so that a reader need not read the other fields.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from fsq.schema.columns import DETAIL, DETAIL_FIELDS

_PREFIX = f"{DETAIL}."
_FIELDS = frozenset(f.name for f in DETAIL_FIELDS)


def dotted_name(field: str) -> str:
    """The name of a field as a column of its own.

    >>> dotted_name("is_default")
    'feature_quality_detail.is_default'
    """
    return _PREFIX + field


def detail_field(column: str) -> str | None:
    """The field that a column's name stands for; None if it is a plain column.

    >>> detail_field("feature_quality_detail.is_default"), detail_field("quality_tier")
    ('is_default', None)
    >>> detail_field("feature_quality_detail.of_somebody_else")
    """
    field = column.removeprefix(_PREFIX)
    return field if column.startswith(_PREFIX) and field in _FIELDS else None


def select_columns(columns: Iterable[str]) -> list[pl.Expr]:
    """Select columns of a scored table; fields of the detail are taken out of its structs."""
    return [
        pl.col(c)
        if (field := detail_field(c)) is None
        else pl.col(DETAIL).list.eval(pl.element().struct.field(field)).alias(c)
        for c in columns
    ]


def selectable_names(schema: pl.Schema) -> set[str]:
    """Every column that can be selected from a scored table, fields of the detail included."""
    inside = schema.get(DETAIL)
    item = inside.inner if isinstance(inside, pl.List) else None
    fields = item.fields if isinstance(item, pl.Struct) else []
    return {*schema, *(dotted_name(f.name) for f in fields)}
