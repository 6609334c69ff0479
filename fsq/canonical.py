"""Canonical rows: each kind of fact stays in the few columns that hold it.

A line is one record's one feature; lines run record by record, a record's features in index
order. Many features share one column (a table's timestamp, a window's sample size), so rules run
on columns first, and lines are made only of what is written out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from fsq.contract import Contract, Feature
from fsq.errors import InputError, short
from fsq.forms import PROVENANCE, SHARED, Form, computed_at, to_wide
from fsq.intake import Layout, OnUnknown, with_source_columns
from fsq.schema import LEGACY_FIELDS, UTC_MICROS

Array = np.ndarray[Any, np.dtype[Any]]
Schema = tuple[tuple[str, pl.DataType], ...]
_TEXTS = pl.List(pl.String)
_TYPES: dict[str, pl.DataType] = {
    "last_updated": UTC_MICROS,
    "sample_size": pl.Int64(),
    "duration_ms": pl.Int64(),
    "original_value": pl.Float64(),
    "game_ids": _TEXTS,
}


@dataclass(frozen=True)
class Kind:
    """One kind of fact.

    Attributes:
        columns: the columns that hold it, one row per record.
        of: per feature, the number of the column that holds its fact; the number of columns
            itself where no column does.
    """

    columns: pl.DataFrame
    of: tuple[int, ...]

    def lines(self, absent: object = None) -> pl.Series:
        """The facts line by line; ``absent`` where a feature has no column."""
        parts = [c.alias("") for c in self.columns]
        places = _places(self.columns.height, len(parts), self.of)
        if len(parts) in self.of:
            parts.append(pl.Series([absent], dtype=parts[0].dtype))
        return pl.concat(parts, rechunk=True).gather(places)

    def spread(self, found: Array, absent: object) -> Array:
        """What was found of the columns, shape (columns, records), as (features, records)."""
        if len(found) in self.of:
            last = np.full((1, found.shape[1]), absent, dtype=found.dtype)
            found = np.concatenate([found, last])
        return np.take(found, self.of, axis=0)


@lru_cache(maxsize=16)
def _places(records: int, columns: int, of: tuple[int, ...]) -> pl.Series:
    """Where each line's fact stands in the columns laid end to end, with one absent fact last."""
    owner = np.array(of, dtype=np.uint32)
    rows = np.arange(records, dtype=np.uint32)[:, None]
    return pl.Series((owner * np.uint32(records) + rows * (owner < columns)).ravel())


# What the rules read; the other kinds are only written out.
RULED = ("value", "last_updated", "sample_size", "original_value")


def canonical(
    frame: pl.DataFrame, plan: Layout, on_unknown: OnUnknown, *, with_detail: bool = True
) -> tuple[dict[str, Kind], Array, pl.DataFrame]:
    """The rows' facts by kind, their source words, and their record columns.

    Returns:
        kinds: value, last_updated, data_hash, upstream_table, sample_size, game_ids,
            original_value, fallback_reason, duration_ms, or those that rules read if no detail
            is wanted; what the input has nowhere is left out.
        words: the source words as positions in the contract's, shape (features, records).
        record: keys, as_of, computed_at, run id, processors and the legacy three.

    Raises:
        InputError: source words that the contract does not know, unless they count as default.
    """
    contract = plan.contract
    wide = with_source_columns(to_wide(frame, plan.form, contract), contract)
    schema = tuple(wide.schema.items())
    kinds = {
        kind: Kind(wide.select(columns), of)
        for kind, (columns, of) in _kinds(schema, contract).items()
        if with_detail or kind in RULED
    }
    if ids := kinds.get("game_ids"):
        listed = ids.columns.select(texts(c) for c in ids.columns)
        kinds["game_ids"] = Kind(listed.with_columns(pl.all().fill_null([])), ids.of)
    records = wide.select(_records(schema, plan.form))
    records = records.with_columns(texts(records["processors_completed"]))
    return kinds, _words(wide, contract, on_unknown), records


@lru_cache(maxsize=32)
def _kinds(schema: Schema, contract: Contract) -> dict[str, tuple[list[pl.Expr], tuple[int, ...]]]:
    """Each kind's columns, and which of them is each feature's."""
    types = dict(schema)
    values = [_as(n, types[n], pl.Float64()) for n in contract.names]
    out = {"value": (values, tuple(range(len(values))))}
    for suffix in PROVENANCE:
        target = _TYPES.get(suffix, pl.String())
        owners = [_owners(f, suffix, set(types)) for f in contract.features]
        chains = list(dict.fromkeys(chain for chain in owners if chain))
        if chains:
            columns = [
                pl.coalesce(_as(c, types[c], target) for c in chain).alias(str(i))
                for i, chain in enumerate(chains)
            ]
            at = {chain: i for i, chain in enumerate(chains)}
            out[suffix] = (columns, tuple(at.get(chain, len(chains)) for chain in owners))
    return out


def _owners(feature: Feature, suffix: str, have: set[str]) -> tuple[str, ...]:
    """The columns that may hold a feature's fact, the most specific first."""
    owners = [feature.name]
    if suffix in SHARED and (shared := getattr(feature, SHARED[suffix])):
        owners.append(shared)
    return tuple(c for o in owners if (c := f"{o}__{suffix}") in have)


def _words(wide: pl.DataFrame, contract: Contract, on_unknown: OnUnknown) -> Array:
    """Each line's source word as its position in the contract's sources; NULL reads missing."""
    columns = wide.select(pl.col(f"{n}__source") for n in contract.names)
    # Most columns say one word from end to end: looking for another is cheaper than a cast.
    varied = np.array(columns.select(pl.all().ne_missing(pl.all().first()).any()).row(0))
    out = np.empty((columns.width, wide.height), dtype=np.uint8)
    # A word that is NULL or unknown is left to the cast.
    positions = {w: i for i, w in enumerate(contract.sources)}
    firsts = columns.row(0)
    varied |= np.array([w not in positions for w in firsts])
    out[:] = np.array([[positions.get(w, 0)] for w in firsts], dtype=np.uint8)
    if varied.any():
        out[varied] = _codes(columns[:, varied.nonzero()[0].tolist()], contract, on_unknown)
    return out


def _codes(columns: pl.DataFrame, contract: Contract, on_unknown: OnUnknown) -> Array:
    known = list(contract.sources)
    said = columns.select(pl.all().cast(pl.String))
    codes = said.select(pl.all().cast(pl.Enum(known), strict=False))
    if said.null_count().row(0) != codes.null_count().row(0):
        if on_unknown == "error":
            met = {w for c in said for w in c.unique().drop_nulls().to_list()} - set(known)
            raise InputError(
                [f"unknown source words: {sorted(map(short, met))[:20]}; use {sorted(known)}"]
            )
        unknown = [codes[c].is_null() & said[c].is_not_null() for c in said.columns]
        default = pl.Series(["default"], dtype=pl.Enum(known))
        codes = codes.with_columns(
            c.zip_with(~lost, default) for c, lost in zip(codes, unknown, strict=True)
        )
    return matrix(codes.select(pl.all().fill_null("missing").to_physical()))


def matrix(columns: pl.DataFrame) -> Array:
    """Columns as the rows of a matrix, so that a step over one column meets contiguous memory."""
    return np.asarray(columns.to_numpy().T)


def _as(name: str, found: pl.DataType, target: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if found == target:
        return column
    if isinstance(target, pl.Datetime) and isinstance(found, pl.Datetime) and not found.time_zone:
        return column.dt.cast_time_unit("us").dt.replace_time_zone("UTC")
    return column.cast(target, strict=False)


def texts(lists: pl.Series) -> pl.Series:
    """Lists of strings without their NULL elements, since BigQuery's arrays hold none."""
    lists = lists.cast(_TEXTS)
    flat = lists.list.explode(empty_as_null=False, keep_nulls=False)
    return lists.list.drop_nulls() if flat.has_nulls() else lists


@lru_cache(maxsize=32)
def _records(schema: Schema, form: Form) -> list[pl.Expr]:
    """Record columns: game_date, as_of, computed_at, run id, processors and the legacy three."""
    types = dict(schema)

    def text(name: str) -> pl.Expr:
        if name not in types or isinstance(types[name], pl.Struct | pl.List):
            return pl.lit(None, pl.String).alias(name)
        return pl.col(name).cast(pl.String)

    def moment(names: list[str]) -> pl.Expr:
        found = [_as(c, types[c], UTC_MICROS) for c in names]
        return pl.coalesce(found) if found else pl.lit(None, UTC_MICROS)

    done = pl.lit(None, _TEXTS)
    if "processors_completed" in types:
        done = pl.col("processors_completed").cast(_TEXTS)
    return [
        pl.col("game_date"),
        moment([c for c in ("as_of",) if c in types]).alias("as_of"),
        moment(computed_at(types, form)).alias("computed_at"),
        text("pipeline_run_id"),
        done.alias("processors_completed"),
        *(text(c) for c in LEGACY_FIELDS),
    ]
