"""Intake: any accepted form becomes canonical long columns, or one error names every problem."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError
from fsq.forms import (
    PROVENANCE,
    SHARED,
    Form,
    carried_columns,
    computed_at,
    form_of,
    sources_struct,
    to_wide,
    wide_columns,
    word_at,
)
from fsq.schema import COLUMN_NAMES, LEGACY_FIELDS, UTC_MICROS

OnUnknown = Literal["error", "default"]
KEYS = ("player_lookup", "game_date")
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


def examined(
    rows: pl.LazyFrame, contract: Contract, on_unknown: OnUnknown, *, with_rows: bool = True
) -> Layout:
    """Say how to read an input, or refuse it with every problem that it has.

    Args:
        rows: the input.
        contract: the contract that it is to be scored with.
        on_unknown: what to do about source words that the contract does not know.
        with_rows: whether to read keys and sources too; bad columns make it read them anyway,
            so that one error tells everything.

    Raises:
        InputError: columns are missing, mistyped or bear an output's name; keys are NULL or
            twice; words are unknown; arrays lack features.
    """
    plan, problems = _layout(rows.collect_schema(), contract)
    if with_rows or problems:
        problems += _row_problems(rows, plan, on_unknown, sound=not problems)
    if problems:
        raise InputError(problems)
    return plan


def _layout(schema: pl.Schema, contract: Contract) -> tuple[Layout, list[str]]:
    form = form_of(schema, contract)
    carried = carried_columns(schema, form, contract)
    problems = [*_key_problems(schema), *_type_problems(schema, contract, form)]
    if form == "wide":
        problems = [*_missing(schema, contract), *problems]
        may = {*LEGACY_FIELDS, *contract.names}
        if taken := [c for c in schema if c in COLUMN_NAMES and c not in may]:
            problems.append(f"columns bear an output's name: {taken}; rename or drop them")
    return Layout(form, carried, _needed(schema, contract, form), contract, schema), problems


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


def _missing(schema: pl.Schema, contract: Contract) -> list[str]:
    lacking = [n for n in contract.names if n not in schema]
    if "feature_sources" not in schema:
        lacking += [f"{n}__source" for n in contract.names if f"{n}__source" not in schema]
    return [f"missing columns: {lacking}; {contract.name} needs them all"] if lacking else []


def _key_problems(schema: pl.Schema) -> list[str]:
    out = [f"missing key column {k!r}; every row needs it" for k in KEYS if k not in schema]
    if "player_lookup" in schema and not _is_text(schema["player_lookup"]):
        out.append(f"player_lookup is {schema['player_lookup']}; make it a string")
    if "game_date" in schema and schema["game_date"] != pl.Date:
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
        return _is_text(kind) or isinstance(kind, pl.Struct | pl.List)
    if suffix == "arrays":
        return isinstance(kind, pl.List | pl.Array)
    return _is_text(kind)


def _type_problems(schema: pl.Schema, contract: Contract, form: Form) -> list[str]:
    checks = {c: c for c in ("computed_at", "as_of", "processors_completed", "pipeline_run_id")}
    checks |= {c: c for c in LEGACY_FIELDS}
    if form == "wide":
        checks |= {c: c.partition("__")[2] for c in wide_columns(contract)}
    elif form == "legacy":
        checks |= dict.fromkeys(("features", "feature_store_values", "feature_names"), "arrays")
    elif form == "hybrid":
        checks |= {f"feature_{i}_value": "" for i in range(len(contract.names))}
        checks |= {f"feature_{i}_source": "source" for i in range(len(contract.names))}
    else:
        checks |= {"feature_quality_detail": "arrays"}
    if form in ("legacy", "hybrid"):
        checks |= {c: c for c in ("updated_at", "created_at")}
        prefixes = contract.legacy_prefixes.values()
        checks |= {f"{p}_last_updated": "last_updated" for p in prefixes}
        checks |= {f"{p}_hash": "data_hash" for p in prefixes}
    wrong = {c: schema[c] for c, s in checks.items() if c in schema and not _accepts(s, schema[c])}
    expected = {
        "": "a number", "original_value": "a number", "sample_size": "an integer",
        "duration_ms": "an integer", "game_ids": "a list of strings", "arrays": "an array",
        "processors_completed": "a list of strings", "feature_sources": "JSON text or a map",
        **dict.fromkeys(_MOMENTS, "a timestamp"),
    }  # fmt: skip
    return [
        f"wrong type: {c} is {kind}; make it {expected.get(checks[c], 'a string')}"
        for c, kind in wrong.items()
    ]


def _row_problems(
    rows: pl.LazyFrame, plan: Layout, on_unknown: OnUnknown, *, sound: bool
) -> list[str]:
    out = _bad_keys(rows, plan)
    try:
        unknown = unknown_words(rows, plan) if sound or plan.form in ("wide", "hybrid") else {}
    except InputError as error:
        return out + error.problems
    if unknown:
        told = ", ".join(f"{word!r} ({count})" for word, count in sorted(unknown.items())[:20])
        if on_unknown == "error":
            out.append(
                f"unknown source words: {told}; use {sorted(plan.contract.sources)}, "
                'or pass on_unknown_source="default"'
            )
        else:
            log.warning("unknown source words count as default: %s", told)
    return out


def _bad_keys(rows: pl.LazyFrame, plan: Layout) -> list[str]:
    names = [k for k in KEYS if k in plan.schema]
    keys = rows.select(names).collect() if names else pl.DataFrame()
    out = [f"{n}: NULL in {keys[n].null_count()} rows; every row needs its key"
           for n in names if keys[n].null_count()]  # fmt: skip
    if len(names) < len(KEYS):
        return out
    twice = keys.drop_nulls().group_by(KEYS).len().filter(pl.col("len") > 1).sort(KEYS[::-1])
    if twice.height:
        examples = ", ".join(f"{p} {d} ({n} times)" for p, d, n in twice.head(3).iter_rows())
        out.append(f"duplicate keys: {twice.height}, e.g. {examples}; keep one row for each")
    return out


def unknown_words(rows: pl.LazyFrame, plan: Layout) -> dict[str, int]:
    """Source words that the contract does not know, with how often each occurs."""
    known, count = list(plan.contract.sources), len(plan.contract.names)
    names = [f"{n}__source" for n in plan.contract.names]
    if plan.form == "hybrid":
        names = [f"feature_{i}_source" for i in range(count)]
    elif plan.form != "wide" or "feature_sources" in plan.schema:
        # Arrays and JSON name their features row by row, so they are read to be judged.
        frame = rows.select(plan.needed).collect()
        rows = _with_source_columns(to_wide(frame, plan.form, plan.contract), plan.contract).lazy()
    found = rows.collect_schema()
    texts = [n for n in names if n in found and _is_text(found[n])]
    # Unique words first, column by column: the cost is that of the distinct words.
    counted = [
        rows.select(pl.col(c).cast(pl.String).alias("word")).group_by("word").len() for c in texts
    ]
    if not counted:
        return {}
    total = pl.concat(counted).group_by("word").agg(pl.col("len").sum())
    strange = total.filter(~pl.col("word").is_in(known)).collect()
    return {word: n for word, n in strange.iter_rows() if word is not None}


def _with_source_columns(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """One source column per feature, where a wide input has one ``feature_sources`` instead."""
    lacking = [f"{n}__source" for n in contract.names if f"{n}__source" not in frame.columns]
    if not lacking or "feature_sources" not in frame.columns:
        return frame
    words = sources_struct(frame)
    at = {f"{n}__source": i for i, n in enumerate(contract.names)}
    return frame.with_columns(word_at(words, at[c]).alias(c) for c in lacking)


def canonical(
    frame: pl.DataFrame, plan: Layout, on_unknown: OnUnknown
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows' long columns (record-major, one line per record and feature) and record columns.

    Returns:
        ``long``: value, source (Enum of the contract's words), last_updated, data_hash,
        upstream_table, sample_size, game_ids, original_value, fallback_reason, duration_ms.
        Kinds that the input has nowhere are left out.
        ``record``: keys, as_of, computed_at, run id, processors and the legacy three.
    """
    contract = plan.contract
    wide = _with_source_columns(to_wide(frame, plan.form, contract), contract)
    words = pl.Enum(list(contract.sources))
    kinds: dict[str, list[pl.Expr]] = {
        "value": [pl.col(n).cast(pl.Float64) for n in contract.names],
        "source": [_word(pl.col(f"{n}__source"), words, on_unknown) for n in contract.names],
    }
    types: dict[str, pl.DataType] = {
        "last_updated": UTC_MICROS,
        "sample_size": pl.Int64(),
        "duration_ms": pl.Int64(),
        "original_value": pl.Float64(),
        "game_ids": pl.List(pl.String),
    }
    have = set(wide.columns)
    for suffix in PROVENANCE:
        target = types.get(suffix, pl.String())
        per_feature, found = [], False
        for f in contract.features:
            owners = [f.name, getattr(f, SHARED[suffix])] if suffix in SHARED else [f.name]
            columns = [c for o in owners if o and (c := f"{o}__{suffix}") in have]
            found = found or bool(columns)
            parts = [_as(pl.col(c), wide.schema[c], target) for c in columns]
            per_feature.append(pl.coalesce(parts) if parts else pl.lit(None, target))
        if found:
            kinds[suffix] = per_feature
    long = wide.select(
        pl.concat_arr(e.alias(f"{kind}_{i}") for i, e in enumerate(exprs)).alias(kind)
        for kind, exprs in kinds.items()
    ).explode(list(kinds), empty_as_null=False)
    return long, _records(wide, plan)


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


def _as(column: pl.Expr, found: pl.DataType, target: pl.DataType) -> pl.Expr:
    if isinstance(target, pl.Datetime) and isinstance(found, pl.Datetime) and not found.time_zone:
        return column.dt.cast_time_unit("us").dt.replace_time_zone("UTC")
    if isinstance(target, pl.List):
        return column.cast(target, strict=False).list.drop_nulls()  # arrays hold no NULL elements
    return column.cast(target, strict=False)


def _records(wide: pl.DataFrame, plan: Layout) -> pl.DataFrame:
    def moment(names: list[str]) -> pl.Expr:
        parts = [_as(pl.col(c), wide.schema[c], UTC_MICROS) for c in names]
        return pl.coalesce(parts) if parts else pl.lit(None, UTC_MICROS)

    def text(name: str) -> pl.Expr:
        if name not in wide.columns or isinstance(wide.schema[name], pl.Struct | pl.List):
            return pl.lit(None, pl.String).alias(name)
        return pl.col(name).cast(pl.String)

    done = pl.lit(None, pl.List(pl.String))
    if "processors_completed" in wide.columns:
        done = pl.col("processors_completed").cast(pl.List(pl.String)).list.drop_nulls()
    return wide.select(
        "game_date",
        moment([c for c in ("as_of",) if c in wide.columns]).alias("as_of"),
        moment(computed_at(wide.columns, plan.form)).alias("computed_at"),
        text("pipeline_run_id"),
        done.alias("processors_completed"),
        *(text(c) for c in LEGACY_FIELDS),
    )
