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
from fsq.intake.formats import PROVENANCE, SHARED, Form, computed_at_columns, to_wide
from fsq.intake.layout import Layout
from fsq.intake.validation import OnUnknown, add_source_columns, known_label_hashes, label_hash
from fsq.schema.columns import LEGACY_FIELDS, UTC_MICROS
from fsq.utils.timing import stage

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
class FieldColumns:
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
        return pl.concat(parts, rechunk=True)[places]

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


# Besides the kinds of fact, what rules read of them: moments as numbers, and thin samples.
MOMENT, THIN = "moment", "thin"
NEVER = np.iinfo(np.int64).min
RULED = ("value", "original_value", MOMENT, THIN)


@dataclass(frozen=True)
class ColumnarBatch:
    """A chunk of rows.

    Attributes:
        kinds: value, last_updated, data_hash, upstream_table, sample_size, game_ids,
            original_value, fallback_reason, duration_ms, and what rules read of them; what the
            input has nowhere is left out, and so is what no rule reads if no detail is wanted.
        words: the source words as positions in the contract's, shape (features, records).
        records: game_date, as_of, computed_at, run id, processors and the legacy three.
    """

    kinds: dict[str, FieldColumns]
    words: Array
    records: pl.DataFrame


@stage("interleave")
def read_columnar_batch(
    frame: pl.DataFrame,
    plan: Layout,
    on_unknown: OnUnknown,
    as_of: pl.Expr,
    *,
    with_detail: bool = True,
) -> ColumnarBatch:
    """Read the rows' facts, all in one query: planning one is what a small chunk's time goes to.

    Args:
        frame: rows of any form.
        plan: how to read them.
        on_unknown: what to do about words that the contract does not know.
        as_of: the moment of rows that have none of their own.
        with_detail: whether to read what is only written out.

    Raises:
        InputError: source words that the contract does not know, unless they count as default.
    """
    contract = plan.contract
    wide = add_source_columns(to_wide(frame, plan.form, contract), contract)
    reading = _reading(tuple(wide.schema.items()), plan.form, contract, with_detail)
    read = wide.select(*reading.columns, pl.coalesce(*reading.as_of, as_of).alias("as_of"))
    for name in reading.lists:
        # BigQuery's arrays hold no NULL elements.
        if wide.height and read[f"{name}:holes"][0]:
            read = read.with_columns(pl.col(name).list.drop_nulls())
    kinds = {kind: FieldColumns(read[names], of) for kind, (names, of) in reading.kinds.items()}
    found = _words(to_matrix(read[reading.words]), reading.known)
    if not found.all():
        sources = wide.select(f"{n}__source" for n in contract.names)
        found = _codes(sources, contract, on_unknown) + np.uint8(1)
    words = found - np.uint8(1)
    return ColumnarBatch(kinds, words, read[[*reading.records, "as_of"]])


@dataclass(frozen=True)
class _Reading:
    """The query that reads a chunk, and what its columns are."""

    columns: list[pl.Expr]
    kinds: dict[str, tuple[list[str], tuple[int, ...]]]
    words: list[str]
    known: list[tuple[int, Array]]
    records: list[str]
    lists: list[str]
    as_of: list[pl.Expr]


@lru_cache(maxsize=32)
def _reading(schema: Schema, form: Form, contract: Contract, with_detail: bool) -> _Reading:
    types = dict(schema)
    columns: list[pl.Expr] = []
    kinds: dict[str, tuple[list[str], tuple[int, ...]]] = {}
    for kind, (found, of) in _kinds(types, contract).items():
        if with_detail or kind in RULED:
            kinds[kind] = ([f"{kind}:{i}" for i in range(len(found))], of)
            columns += [c.alias(n) for c, n in zip(found, kinds[kind][0], strict=True)]
    hashes = [
        label_hash(f"{n}__source", types[f"{n}__source"]).alias(f"word:{i}")
        for i, n in enumerate(contract.names)
    ]
    records = _records(types, form)
    lists = [*kinds.get("game_ids", ([], ()))[0], "processors_completed"]
    named = {c.meta.output_name(): c for c in (*columns, *records)}
    holes = [
        named[n]
        .list.explode(empty_as_null=False, keep_nulls=False)
        .null_count()
        .alias(f"{n}:holes")
        for n in lists
    ]
    return _Reading(
        columns=[*columns, *hashes, *records, *holes],
        kinds=kinds,
        words=[h.meta.output_name() for h in hashes],
        known=_known([types[f"{n}__source"] for n in contract.names], contract),
        records=[r.meta.output_name() for r in records],
        lists=lists,
        as_of=[_as("as_of", types["as_of"], UTC_MICROS)] if "as_of" in types else [],
    )


def _kinds(
    types: dict[str, pl.DataType], contract: Contract
) -> dict[str, tuple[list[pl.Expr], tuple[int, ...]]]:
    """Each kind's columns, and which of them is each feature's."""
    values = [_as(n, types[n], pl.Float64()) for n in contract.names]
    out = {"value": (values, tuple(range(len(values))))}
    for suffix in PROVENANCE:
        target = _TYPES.get(suffix, pl.String())
        owners = [_owners(f, suffix, set(types)) for f in contract.features]
        chains = list(dict.fromkeys(chain for chain in owners if chain))
        if chains:
            columns = [pl.coalesce(_as(c, types[c], target) for c in chain) for chain in chains]
            if target == _TEXTS:
                columns = [c.fill_null([]) for c in columns]
            at = {chain: i for i, chain in enumerate(chains)}
            out[suffix] = (columns, tuple(at.get(chain, len(chains)) for chain in owners))
    if "last_updated" in out:
        moments, of = out["last_updated"]
        out[MOMENT] = ([m.to_physical().fill_null(NEVER) for m in moments], of)
    if "sample_size" in out:
        sizes, of = out["sample_size"]
        least = contract.feature_rules.thin_sample
        out[THIN] = ([(size < least).fill_null(False) for size in sizes], of)
    return out


def _owners(feature: Feature, suffix: str, have: set[str]) -> tuple[str, ...]:
    """The columns that may hold a feature's fact, the most specific first."""
    owners = [feature.name]
    if suffix in SHARED and (shared := getattr(feature, SHARED[suffix])):
        owners.append(shared)
    return tuple(c for o in owners if (c := f"{o}__{suffix}") in have)


def _words(hashes: Array, known: list[tuple[int, Array]]) -> Array:
    """Each line's source word as its position in the contract's sources, from 1; 0 if unknown.

    Words are told by their hashes, which is several times cheaper than reading them.
    """
    found = np.zeros(hashes.shape, dtype=np.uint8)
    for position, word in known:
        found += (hashes == word) * np.uint8(position + 1)
    return found


def _known(types: list[pl.DataType], contract: Contract) -> list[tuple[int, Array]]:
    """Each source word's position and its hash in every column; NULL reads missing.

    A word that a column's type cannot hold has the hash 0, which no value is expected to have.
    """
    words = list(contract.sources)
    each = [known_label_hashes(kind, contract).fill_null(0).to_numpy() for kind in types]
    hashes = np.stack(each, axis=1)[:, :, None]
    return list(zip([*range(len(words)), words.index("missing")], hashes, strict=True))


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
    return to_matrix(codes.select(pl.all().fill_null("missing").to_physical()))


def to_matrix(columns: pl.DataFrame) -> Array:
    """Columns as the rows of a matrix, so that a step over one column meets contiguous memory."""
    return np.asarray(columns.to_numpy().T)


def _as(name: str, found: pl.DataType, target: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if found == target:
        return column
    if isinstance(target, pl.Datetime) and isinstance(found, pl.Datetime) and not found.time_zone:
        return column.dt.cast_time_unit("us").dt.replace_time_zone("UTC")
    return column.cast(target, strict=False)


def _records(types: dict[str, pl.DataType], form: Form) -> list[pl.Expr]:
    """Record columns: game_date, computed_at, run id, processors and the legacy three."""

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
        moment(computed_at_columns(types, form)).alias("computed_at"),
        text("pipeline_run_id"),
        done.alias("processors_completed"),
        *(text(c) for c in LEGACY_FIELDS),
    ]
