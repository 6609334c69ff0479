"""Scored records and their details as long columns, which everything per feature starts from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError, short
from fsq.schema.columns import DETAIL

OLDEST = "upstream_data_freshness_hours"
_HEADLINE = "the rows cannot be diagnosed"
# Fields of the detail that are read.
_FIELDS = (
    "feature_index", "feature_value", "expected_value", "value_range_valid", "source_type",
    "last_updated", "quality_score", "feature_quality_tier", "is_default", "sample_size",
    "is_training_quality",
)  # fmt: skip
# What a store need read of the detail before any check asks for more.
DETAIL_PARTS = ("feature_name", *_FIELDS)


@dataclass(frozen=True)
class LongDetail:
    """Scored records and their details, record by record.

    Attributes:
        records: one row per record: keys, date, time, and what was carried along.
        fields: one row per record and feature: the fields to aggregate, and ``age_hours``.
    """

    records: pl.DataFrame
    fields: pl.DataFrame


def read_long_detail(
    scored: pl.LazyFrame,
    contract: Contract,
    carry: Iterable[str] = (),
    fields: Iterable[str] = (),
) -> LongDetail:
    """Read one row per record and feature, record by record, with the fields to aggregate.

    The detail has no field for ages. The record's largest age belongs to its oldest timestamp;
    every other age is smaller by as much as its timestamp is later.

    Args:
        scored: scored rows with the contract's date and ``feature_quality_detail``.
        contract: of the scoring.
        carry: further columns to keep of each record, where the rows have them.
        fields: further fields of the detail to keep, where the rows have them.

    Raises:
        InputError: a record has other features than the contract.
    """
    width, schema = len(contract.features), scored.collect_schema()
    wanted = dict.fromkeys([*contract.table.key, OLDEST, *carry])
    # A store's reader skips the fields that are not selected.
    frame = scored.select(*(c for c in wanted if c in schema), DETAIL).collect()
    lengths = frame[DETAIL].list.len().fill_null(0)
    if frame.height and (lengths.min() != width or lengths.max() != width):
        found = sorted({int(n) for n in lengths.unique()})
        cure = f"name the contract that they were scored with; {contract.name} has {width}"
        raise InputError([f"records have {found} features; {cure}"], _HEADLINE)
    detail = frame[DETAIL].explode(empty_as_null=False).struct
    names = detail.field("feature_name").head(width).to_list()
    if frame.height and names != list(contract.names):
        cure = "name the contract that they were scored with"
        raise InputError([f"records have other features than {contract.name}; {cure}"], _HEADLINE)
    further = [n for n in dict.fromkeys(fields) if n in detail.fields and n not in DETAIL_PARTS]
    read = pl.DataFrame([detail.field(name) for name in (*_FIELDS, *further)])
    records = frame.drop(DETAIL)
    return LongDetail(records, read.with_columns(_recover_ages(records, read, width)))


def list_plain_columns(schema: pl.Schema, contract: Contract) -> list[str]:
    """The plain columns of scored rows that came along: no quality, lists, structs or bytes."""
    quality = {*contract.output.names, contract.table.date}
    return [
        c
        for c, kind in schema.items()
        if c not in quality and not kind.is_nested() and not isinstance(kind, pl.Binary)
    ]


def _recover_ages(records: pl.DataFrame, fields: pl.DataFrame, width: int) -> pl.Series:
    """``age_hours`` of every record and feature."""
    unknown = fields["last_updated"].null_count() == fields.height
    if not records.height or OLDEST not in records.columns or unknown:
        return pl.repeat(None, fields.height, dtype=pl.Float64, eager=True).alias("age_hours")
    stamps = fields["last_updated"].to_physical()
    first = stamps.reshape((records.height, width)).arr.min()
    behind = (stamps - repeat(first, width)) / 3.6e9
    ages = repeat(records[OLDEST], width) - behind
    return ages.clip(lower_bound=0).alias("age_hours")


def repeat(values: pl.Series, times: int) -> pl.Series:
    """Each value of a record, once for each of its features."""
    return values.gather(np.repeat(np.arange(len(values), dtype=np.uint32), times))


def check_contract(scored: pl.LazyFrame, contract: Contract, headline: str = _HEADLINE) -> None:
    """Check that rows were scored under a contract.

    Raises:
        InputError: they name another one.
    """
    column = "feature_schema_version"
    if column not in scored.collect_schema():
        return
    named = scored.select(pl.col(column).unique()).collect()[column].drop_nulls()
    if others := sorted({short(n) for n in named.to_list()} - {contract.name}):
        cure = "name the contract that they were scored with, or score them again"
        problem = f"rows were scored under {', '.join(others[:3])}, not {contract.name}; {cure}"
        raise InputError([problem], headline)


def require_columns(schema: pl.Schema, columns: Iterable[str], headline: str = _HEADLINE) -> None:
    """Check that scored rows have their columns.

    Raises:
        InputError: some are missing.
    """
    missing = [c for c in columns if c not in schema]
    if missing:
        raise InputError(
            [f"no column {c}; pass the result of fsq.score" for c in missing], headline
        )
