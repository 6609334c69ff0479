"""Canonical rows: the columns of one kind become one long column, record-major.

A line of the long columns is one record's one feature, so that a rule runs once on a long column
and not once per feature.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from fsq.contract import Contract, Feature
from fsq.forms import PROVENANCE, SHARED, Form, computed_at, to_wide
from fsq.intake import Layout, OnUnknown, with_source_columns
from fsq.schema import LEGACY_FIELDS, UTC_MICROS

Schema = tuple[tuple[str, pl.DataType], ...]
_TEXTS = pl.List(pl.String)
_TYPES: dict[str, pl.DataType] = {
    "last_updated": UTC_MICROS,
    "sample_size": pl.Int64(),
    "duration_ms": pl.Int64(),
    "original_value": pl.Float64(),
}


def canonical(
    frame: pl.DataFrame, plan: Layout, on_unknown: OnUnknown
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows' long columns (one line per record and feature) and record columns.

    Returns:
        ``long``: value, source (Enum of the contract's words), last_updated, data_hash,
        upstream_table, sample_size, game_ids, original_value, fallback_reason, duration_ms.
        Kinds that the input has nowhere are left out.
        ``record``: keys, as_of, computed_at, run id, processors and the legacy three.
    """
    contract = plan.contract
    wide = with_source_columns(to_wide(frame, plan.form, contract), contract)
    schema = tuple(wide.schema.items())
    kinds = _interleaved(schema, contract, on_unknown)
    names = [e.meta.output_name() for e in kinds]
    long = wide.select(kinds).explode(names, empty_as_null=False)
    ids = _game_ids(wide, contract)
    records = wide.select(_records(schema, plan.form))
    records = records.with_columns(texts(records["processors_completed"]))
    return long if ids is None else long.with_columns(ids), records


def _owners(feature: Feature, suffix: str, have: set[str]) -> list[str]:
    """The columns that may hold a feature's fact, the most specific first."""
    owners = [feature.name]
    if suffix in SHARED and (shared := getattr(feature, SHARED[suffix])):
        owners.append(shared)
    return [c for o in owners if (c := f"{o}__{suffix}") in have]


@lru_cache(maxsize=32)
def _interleaved(schema: Schema, contract: Contract, on_unknown: OnUnknown) -> list[pl.Expr]:
    """One array column per kind; its features stand side by side in each row."""
    types = dict(schema)
    words = pl.Enum(list(contract.sources))
    kinds: dict[str, list[pl.Expr]] = {
        "value": [_as(n, types[n], pl.Float64()) for n in contract.names],
        "source": [_word(pl.col(f"{n}__source"), words, on_unknown) for n in contract.names],
    }
    for suffix in PROVENANCE:
        if suffix == "game_ids":
            continue
        target = _TYPES.get(suffix, pl.String())
        columns = [_owners(f, suffix, set(types)) for f in contract.features]
        if any(columns):
            kinds[suffix] = [_first([_as(c, types[c], target) for c in cs], target)
                             for cs in columns]  # fmt: skip
    return [
        pl.concat_arr(e.alias(f"{kind}_{i}") for i, e in enumerate(parts)).alias(kind)
        for kind, parts in kinds.items()
    ]


def _first(parts: list[pl.Expr], target: pl.DataType) -> pl.Expr:
    if len(parts) == 1:
        return parts[0]
    return pl.coalesce(parts) if parts else pl.lit(None, target)


def _word(column: pl.Expr, words: pl.Enum, on_unknown: OnUnknown) -> pl.Expr:
    word = column.cast(pl.String)
    known = word.cast(words, strict=False)
    if on_unknown == "default":
        known = (
            pl.when(known.is_null() & word.is_not_null())
            .then(pl.lit("default", words))
            .otherwise(known)
        )
    return known.fill_null(pl.lit("missing", words))


def _as(name: str, found: pl.DataType, target: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if found == target:
        return column
    if isinstance(target, pl.Datetime) and isinstance(found, pl.Datetime) and not found.time_zone:
        return column.dt.cast_time_unit("us").dt.replace_time_zone("UTC")
    return column.cast(target, strict=False)


def _game_ids(wide: pl.DataFrame, contract: Contract) -> pl.Series | None:
    """Each line's list of game ids, empty where unknown; None if the input has none at all.

    Lists are dear to copy and few columns hold them, so each line gathers its list from those
    columns, or from the empty list behind them, instead of interleaving one column per feature.
    """
    columns = [_owners(f, "game_ids", set(wide.columns)) for f in contract.features]
    holders = list(dict.fromkeys(c for cs in columns for c in cs))
    if not holders:
        return None
    lists = [texts(wide[c]) for c in holders]
    known = {c: s.is_not_null().to_numpy() for c, s in zip(holders, lists, strict=True)}
    rows = np.arange(wide.height, dtype=np.uint32)
    at = np.full((wide.height, len(columns)), wide.height * len(lists), dtype=np.uint32)
    for feature, owners in enumerate(columns):
        for column in reversed(owners):  # the most specific is put last, so it wins
            line = rows + np.uint32(wide.height * holders.index(column))
            at[:, feature] = np.where(known[column], line, at[:, feature])
    pool = pl.concat([*lists, pl.Series([[]], dtype=_TEXTS)], rechunk=True)
    return pool.gather(pl.Series(at.ravel())).alias("game_ids")


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
        return _first([_as(c, types[c], UTC_MICROS) for c in names], UTC_MICROS)

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
