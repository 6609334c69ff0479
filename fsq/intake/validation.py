"""Intake: an input of any accepted form is understood, or one error names every problem."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError, short
from fsq.intake.formats import label_at, parse_source_labels, to_wide
from fsq.intake.layout import Layout, accepts, find_key_problems, infer_layout, is_text
from fsq.schema.columns import KEYS
from fsq.utils.timing import stage

OnUnknown = Literal["error", "default"]
# Python's dates, less one year so that the end of the last date is one of them too.
DATES = (date(1, 1, 1), date(9998, 12, 31))

log = logging.getLogger("fsq")


@stage("intake")
def validate_input(
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
    plan, wrong = infer_layout(tuple(rows.collect_schema().items()), contract)
    problems = [*wrong]
    if with_rows or wrong:
        problems += _bad_keys(rows, plan)
    if (with_rows and with_words) or wrong:
        problems += _bad_words(rows, plan, on_unknown, sound=not wrong)
    if problems:
        raise InputError(problems)
    return plan


def _bad_words(
    rows: pl.LazyFrame, plan: Layout, on_unknown: OnUnknown, *, sound: bool
) -> list[str]:
    out: list[str] = []
    kind = plan.schema.get("feature_sources")
    readable = kind is None or accepts("feature_sources", kind)
    try:
        known = sound or (readable and plan.form in ("wide", "hybrid"))
        unknown = count_unknown_labels(rows, plan) if known else {}
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
    names = [k for k in KEYS if not find_key_problems(plan.schema, [k])]
    keys = rows.select(names).collect() if names else pl.DataFrame()
    out = [
        f"{n}: NULL in {keys[n].null_count()} rows; every row needs its key"
        for n in names
        if keys[n].null_count()
    ]
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


def count_unknown_labels(rows: pl.LazyFrame, plan: Layout) -> dict[str, int]:
    """Source words that the contract does not know, with how often each occurs."""
    known, count = list(plan.contract.sources), len(plan.contract.names)
    names = [f"{n}__source" for n in plan.contract.names]
    if plan.form == "hybrid":
        names = [f"feature_{i}_source" for i in range(count)]
    elif plan.form != "wide" or "feature_sources" in plan.schema:
        # Arrays and JSON name their features row by row, so they are read to be judged.
        frame = rows.select(plan.needed).collect()
        rows = add_source_columns(to_wide(frame, plan.form, plan.contract), plan.contract).lazy()
    types = rows.collect_schema()
    texts = [n for n in names if n in types and is_text(types[n])]
    if not texts:
        return {}
    # Nearly every input knows all its words; only columns that do not are counted word by word.
    met = rows.select(label_hash(n, types[n]).unique().implode() for n in texts).collect()
    hashes = {
        kind: set(known_label_hashes(kind, plan.contract)) for kind in {types[n] for n in texts}
    }
    strange = [c.name for c in met if not set(c[0]) <= hashes[types[c.name]]]
    counts: Counter[str] = Counter()
    for column in strange:
        found = rows.select(word=pl.col(column).cast(pl.String)).group_by("word").len().collect()
        counts.update({w: n for w, n in found.iter_rows() if w is not None and w not in known})
    return dict(counts)


def label_hash(name: str, kind: pl.DataType) -> pl.Expr:
    """Hashes of a column of words; those of a Categorical or Enum are of its codes, and cheap."""
    return (pl.col(name) if is_text(kind) else pl.col(name).cast(pl.String)).hash()


def known_label_hashes(kind: pl.DataType, contract: Contract) -> pl.Series:
    """Hashes of the contract's source labels and, last, of NULL, in a column of this type.

    NULL where an Enum lacks the word.
    """
    words = pl.Series([*contract.sources, None], dtype=pl.String)
    typed = words.cast(kind, strict=False) if is_text(kind) else words
    there = typed.is_not_null() | words.is_null()
    return typed.hash().zip_with(there, pl.Series([None], dtype=pl.UInt64))


@stage("intake")
def add_source_columns(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """One source column per feature, where a wide input has one ``feature_sources`` instead."""
    lacking = [f"{n}__source" for n in contract.names if f"{n}__source" not in frame.columns]
    if not lacking or "feature_sources" not in frame.columns:
        return frame
    words = parse_source_labels(frame)
    at = {f"{n}__source": i for i, n in enumerate(contract.names)}
    return frame.with_columns(label_at(words, at[c]).alias(c) for c in lacking)
