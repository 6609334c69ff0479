"""Intake: an input of any accepted form is understood, or one error names every problem."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError, short
from fsq.forms import (
    PROVENANCE,
    WRITTEN_ONLY,
    Form,
    carried_columns,
    form_of,
    sources_struct,
    to_wide,
    wide_columns,
    word_at,
)
from fsq.schema import COLUMN_NAMES, LEGACY_FIELDS
from fsq.stages import stage

OnUnknown = Literal["error", "default"]
KEYS = ("player_lookup", "game_date")
# Python's dates, less one year so that the end of the last date is one of them too.
DATES = (date(1, 1, 1), date(9998, 12, 31))
_MOMENTS = ("last_updated", "computed_at", "as_of", "updated_at", "created_at")

log = logging.getLogger("fsq")


@dataclass(frozen=True)
class Layout:
    """What the column names of an input say, before any row is read."""

    form: Form
    carried: list[str]
    needed: list[str]
    contract: Contract
    schema: pl.Schema


@stage("intake")
def examined(
    rows: pl.LazyFrame,
    contract: Contract,
    on_unknown: OnUnknown,
    *,
    with_rows: bool = True,
    with_words: bool = True,
) -> Layout:
    """Say how to read an input, or refuse it with every problem that it has.

    Args:
        rows: the input.
        contract: the contract that it is to be scored with.
        on_unknown: what to do about source words that the contract does not know.
        with_rows: whether to read keys and sources too; bad columns make it read them anyway,
            so that one error tells everything.
        with_words: whether to read sources too, when rows are read; scoring meets unknown words
            by itself, but only those of one chunk.

    Raises:
        InputError: columns are missing, mistyped or bear an output's name; keys are NULL or
            twice; words are unknown; arrays lack features.
    """
    plan, wrong = _layout(tuple(rows.collect_schema().items()), contract)
    problems = [*wrong]
    if with_rows or wrong:
        problems += _bad_keys(rows, plan)
    if (with_rows and with_words) or wrong:
        problems += _bad_words(rows, plan, on_unknown, sound=not wrong)
    if problems:
        raise InputError(problems)
    return plan


@lru_cache(maxsize=32)
def _layout(
    columns: tuple[tuple[str, pl.DataType], ...], contract: Contract
) -> tuple[Layout, tuple[str, ...]]:
    schema = pl.Schema(columns)
    form = form_of(schema, contract)
    carried = carried_columns(schema, form, contract)
    problems = [*_key_problems(schema), *_type_problems(schema, contract, form)]
    if form == "wide":
        problems = [*_missing(schema, contract), *problems]
        may = {*LEGACY_FIELDS, *contract.names}
        if taken := [c for c in schema if c in COLUMN_NAMES and c not in may]:
            problems.append(f"columns bear an output's name: {taken}; rename or drop them")
    if form == "legacy" and "feature_sources" not in schema:
        problems.append("no column feature_sources; without it nothing says where values came from")
    layout = Layout(form, carried, _needed(schema, contract, form), contract, schema)
    return layout, tuple(problems)


def _needed(schema: pl.Schema, contract: Contract, form: Form) -> list[str]:
    """Columns that scoring reads, whatever else the input has."""
    wanted = {
        *KEYS, *wide_columns(contract), *LEGACY_FIELDS, "computed_at", "as_of", "pipeline_run_id",
        "processors_completed", "feature_quality_detail", "features", "feature_store_values",
        "feature_names", "updated_at", "created_at",
    }  # fmt: skip
    wanted |= {f"feature_{i}_{w}" for i in range(len(contract.names)) for w in ("value", "source")}
    wanted |= {
        f"{p}_{w}" for p in contract.legacy_prefixes.values() for w in ("last_updated", "hash")
    }
    if form != "wide":
        wanted -= set(contract.names)  # has_vegas_line is an output's name too
    if form != "scored":
        wanted -= {"feature_quality_detail"}
    return [c for c in schema if c in wanted]


def ruled_columns(plan: Layout) -> list[str]:
    """Columns that scoring reads if no detail is wanted: none that are only written out."""
    if plan.form != "wide":
        return plan.needed
    ends = tuple(f"__{suffix}" for suffix in WRITTEN_ONLY)
    return [c for c in plan.needed if c in plan.contract.names or not c.endswith(ends)]


def _missing(schema: pl.Schema, contract: Contract) -> list[str]:
    lacking = [n for n in contract.names if n not in schema]
    if "feature_sources" not in schema:
        lacking += [f"{n}__source" for n in contract.names if f"{n}__source" not in schema]
    return [f"missing columns: {lacking}; {contract.name} needs them all"] if lacking else []


def _key_problems(schema: pl.Schema, keys: Iterable[str] = KEYS) -> list[str]:
    out = [f"missing key column {k!r}; every row needs it" for k in keys if k not in schema]
    if (
        "player_lookup" in keys
        and "player_lookup" in schema
        and not _is_text(schema["player_lookup"])
    ):
        out.append(f"player_lookup is {schema['player_lookup']}; make it a string")
    if "game_date" in keys and "game_date" in schema and schema["game_date"] != pl.Date:
        out.append(f"game_date is {schema['game_date']}; cast it to a date")
    return out


def _is_text(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.String | pl.Categorical | pl.Enum)


def _accepts(suffix: str, kind: pl.DataType) -> bool:
    if isinstance(kind, pl.Null):
        return True
    if suffix in ("", "original_value"):
        return kind.is_numeric() or kind == pl.Boolean
    if suffix in ("sample_size", "duration_ms"):
        return kind.is_numeric()
    if suffix in _MOMENTS:
        return isinstance(kind, pl.Datetime)
    if suffix in ("game_ids", "processors_completed"):
        return isinstance(kind, pl.List | pl.Array) and (
            _is_text(kind.inner) or isinstance(kind.inner, pl.Null)  # type: ignore[arg-type]
        )
    if suffix == "feature_sources":
        return _is_text(kind) or _is_map(kind)
    if suffix in ("numbers", "names", "detail"):
        inner = kind.inner if isinstance(kind, pl.List | pl.Array) else None
        if inner is None or suffix == "detail":
            return isinstance(inner, pl.Struct) and not _wrong_fields(inner)
        return _accepts("" if suffix == "numbers" else "name", inner)  # type: ignore[arg-type]
    return _is_text(kind)


def _is_map(kind: pl.DataType) -> bool:
    """Whether words by position can be read from it: a struct, or a list of keys and words."""
    pairs = isinstance(kind, pl.List) and isinstance(kind.inner, pl.Struct)
    struct = kind.inner if pairs else kind  # type: ignore[attr-defined]
    if not isinstance(struct, pl.Struct) or (pairs and len(struct.fields) != 2):
        return False
    return all(_accepts("word", f.dtype) for f in struct.fields)  # type: ignore[arg-type]


def _wrong_fields(detail: pl.Struct) -> list[str]:
    """Fields of a scored detail whose type none of fsq's writers gives them."""
    suffixes = {field: suffix for suffix, field in PROVENANCE.items()}
    suffixes |= {"feature_value": "", "feature_name": "name", "source_type": "word"}
    return [
        f.name for f in detail.fields
        if f.name in suffixes and not _accepts(suffixes[f.name], f.dtype)  # type: ignore[arg-type]
    ]  # fmt: skip


def _type_problems(schema: pl.Schema, contract: Contract, form: Form) -> list[str]:
    checks = {c: c for c in ("computed_at", "as_of", "processors_completed", "pipeline_run_id")}
    checks |= {c: c for c in LEGACY_FIELDS}
    if form == "wide":
        checks |= {c: c.partition("__")[2] for c in wide_columns(contract)}
    elif form == "legacy":
        checks |= dict.fromkeys(("features", "feature_store_values"), "numbers")
        checks |= {"feature_names": "names"}
    elif form == "hybrid":
        checks |= {f"feature_{i}_value": "" for i in range(len(contract.names))}
        checks |= {f"feature_{i}_source": "source" for i in range(len(contract.names))}
    else:
        checks |= {"feature_quality_detail": "detail"}
    if form in ("hybrid", "scored"):  # these read a shared column where their own says nothing
        checks |= {c: c.partition("__")[2] for c in wide_columns(contract) if "__" in c}
    if form in ("legacy", "hybrid"):
        checks |= {c: c for c in ("updated_at", "created_at")}
        prefixes = contract.legacy_prefixes.values()
        checks |= {f"{p}_last_updated": "last_updated" for p in prefixes}
        checks |= {f"{p}_hash": "data_hash" for p in prefixes}
    wrong = {c: schema[c] for c, s in checks.items() if c in schema and not _accepts(s, schema[c])}
    expected = {
        "": "a number", "original_value": "a number", "sample_size": "an integer",
        "duration_ms": "an integer", "game_ids": "a list of strings",
        "numbers": "an array of numbers",
        "names": "an array of strings", "detail": "what fsq.score gave",
        "processors_completed": "a list of strings", "feature_sources": "JSON text or a map",
        **dict.fromkeys(_MOMENTS, "a timestamp"),
    }  # fmt: skip
    return [
        f"wrong type: {c} is {kind}; make it {expected.get(checks[c], 'a string')}"
        for c, kind in wrong.items()
    ]


def _bad_words(
    rows: pl.LazyFrame, plan: Layout, on_unknown: OnUnknown, *, sound: bool
) -> list[str]:
    out: list[str] = []
    kind = plan.schema.get("feature_sources")
    readable = kind is None or _accepts("feature_sources", kind)
    try:
        known = sound or (readable and plan.form in ("wide", "hybrid"))
        unknown = unknown_words(rows, plan) if known else {}
    except InputError as error:
        return error.problems
    if unknown:
        told = ", ".join(
            f"{short(word)!r} ({count})" for word, count in sorted(unknown.items())[:20]
        )
        if on_unknown == "error":
            out.append(
                f"unknown source words: {told}; use {sorted(plan.contract.sources)}, "
                'or pass on_unknown_source="default"'
            )
        else:
            log.warning("unknown source words count as default: %s", told)
    return out


def _bad_keys(rows: pl.LazyFrame, plan: Layout) -> list[str]:
    names = [k for k in KEYS if not _key_problems(plan.schema, [k])]
    keys = rows.select(names).collect() if names else pl.DataFrame()
    out = [f"{n}: NULL in {keys[n].null_count()} rows; every row needs its key"
           for n in names if keys[n].null_count()]  # fmt: skip
    if "game_date" in names and (beyond := (~keys["game_date"].is_between(*DATES)).sum()):
        return [*out, f"game_date: {beyond} rows lie outside the years 1 to 9998; correct them"]
    if len(names) < len(KEYS) or _all_differ(keys):
        return out
    twice = keys.drop_nulls().group_by(KEYS).len().filter(pl.col("len") > 1).sort(KEYS[::-1])
    if twice.height:
        examples = ", ".join(f"{short(p)} {d} ({n} times)" for p, d, n in twice.head(3).iter_rows())
        out.append(f"duplicate keys: {twice.height}, e.g. {examples}; keep one row for each")
    return out


def _all_differ(keys: pl.DataFrame) -> bool:
    """Whether the keys' hashes all differ, and so the keys: many times cheaper than grouping."""
    hashes = np.sort(keys.hash_rows().to_numpy())
    return not (hashes[1:] == hashes[:-1]).any()


def unknown_words(rows: pl.LazyFrame, plan: Layout) -> dict[str, int]:
    """Source words that the contract does not know, with how often each occurs."""
    known, count = list(plan.contract.sources), len(plan.contract.names)
    names = [f"{n}__source" for n in plan.contract.names]
    if plan.form == "hybrid":
        names = [f"feature_{i}_source" for i in range(count)]
    elif plan.form != "wide" or "feature_sources" in plan.schema:
        # Arrays and JSON name their features row by row, so they are read to be judged.
        frame = rows.select(plan.needed).collect()
        rows = with_source_columns(to_wide(frame, plan.form, plan.contract), plan.contract).lazy()
    types = rows.collect_schema()
    texts = [n for n in names if n in types and _is_text(types[n])]
    if not texts:
        return {}
    # Nearly every input knows all its words; only columns that do not are counted word by word.
    met = rows.select(hashed(n, types[n]).unique().implode() for n in texts).collect()
    hashes = {kind: set(word_hashes(kind, plan.contract)) for kind in {types[n] for n in texts}}
    strange = [c.name for c in met if not set(c[0]) <= hashes[types[c.name]]]
    counts: Counter[str] = Counter()
    for column in strange:
        found = rows.select(word=pl.col(column).cast(pl.String)).group_by("word").len().collect()
        counts.update({w: n for w, n in found.iter_rows() if w is not None and w not in known})
    return dict(counts)


def hashed(name: str, kind: pl.DataType) -> pl.Expr:
    """Hashes of a column of words; those of a Categorical or Enum are of its codes, and cheap."""
    return (pl.col(name) if _is_text(kind) else pl.col(name).cast(pl.String)).hash()


def word_hashes(kind: pl.DataType, contract: Contract) -> pl.Series:
    """What ``hashed`` gives for the contract's words and, last, for NULL, in a column of a type.

    NULL where an Enum lacks the word.
    """
    words = pl.Series([*contract.sources, None], dtype=pl.String)
    typed = words.cast(kind, strict=False) if _is_text(kind) else words
    there = typed.is_not_null() | words.is_null()
    return typed.hash().zip_with(there, pl.Series([None], dtype=pl.UInt64))


@stage("intake")
def with_source_columns(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """One source column per feature, where a wide input has one ``feature_sources`` instead."""
    lacking = [f"{n}__source" for n in contract.names if f"{n}__source" not in frame.columns]
    if not lacking or "feature_sources" not in frame.columns:
        return frame
    words = sources_struct(frame)
    at = {f"{n}__source": i for i, n in enumerate(contract.names)}
    return frame.with_columns(word_at(words, at[c]).alias(c) for c in lacking)
