"""Validation: an input of any accepted form can be read, or one error lists every problem."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Literal

import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError, short
from fsq.intake.expected_types import accepts
from fsq.intake.formats import to_wide
from fsq.intake.layout import (
    Layout,
    find_key_problems,
    infer_layout,
    list_moment_columns,
)
from fsq.intake.source_labels import add_source_columns, hash_known_labels, hash_labels
from fsq.schema.columns import DETAIL
from fsq.schema.dates import lies_outside
from fsq.schema.polars_types import is_text
from fsq.utils.arguments import DATES, YEARS
from fsq.utils.frames import all_differ, read_batches
from fsq.utils.spelling import describe_difference, suggest_spelling
from fsq.utils.timing import stage

OnUnknown = Literal["error", "default"]

# Rows of arrays that are read at once.
_BATCH_ROWS = 100_000

log = logging.getLogger("fsq")


def validate_input(rows: pl.LazyFrame, contract: Contract, on_unknown: OnUnknown) -> Layout:
    """Work out how to read an input, or reject it with every problem that it has.

    Args:
        rows: the input.
        contract: the contract to score it with.
        on_unknown: what to do about source labels that the contract does not know.

    Raises:
        InputError: columns are missing, have the wrong type or the name of an output column; keys
            are NULL or duplicated; source labels are unknown; arrays lack features.
    """
    layout = validate_columns(rows, contract, on_unknown)
    validate_rows(rows, layout, on_unknown)
    return layout


@stage("intake")
def validate_columns(rows: pl.LazyFrame, contract: Contract, on_unknown: OnUnknown) -> Layout:
    """Work out how to read an input from its columns; no row is read unless they are bad.

    Raises:
        InputError: columns are missing, have the wrong type or the name of an output column. Rows
            are then read too, as far as they can be, so that one error lists every problem.
    """
    layout, problems = infer_layout(tuple(rows.collect_schema().items()), contract)
    if problems:
        unsound = _key_problems(rows, layout) + _moment_problems(rows, layout)
        unsound += _label_problems(rows, layout, on_unknown, columns_are_sound=False)
        raise InputError([*problems, *unsound])
    return layout


@stage("intake")
def validate_rows(
    rows: pl.LazyFrame, layout: Layout, on_unknown: OnUnknown, *, with_labels: bool = True
) -> None:
    """Reject an input whose keys, moments or source labels are bad; only these are read.

    Args:
        rows: the input.
        layout: what ``validate_columns`` returned for it.
        on_unknown: what to do about source labels that the contract does not know.
        with_labels: whether to check source labels. Scoring meets unknown ones by itself, but
            only those of one chunk.

    Raises:
        InputError: keys are NULL or duplicated; dates or moments are out of range; source labels
            are unknown.
    """
    problems = _key_problems(rows, layout) + _moment_problems(rows, layout)
    if with_labels:
        problems += _label_problems(rows, layout, on_unknown, columns_are_sound=True)
    if problems:
        raise InputError(problems)


def _label_problems(
    rows: pl.LazyFrame, layout: Layout, on_unknown: OnUnknown, *, columns_are_sound: bool
) -> list[str]:
    dtype = layout.schema.get("feature_sources")
    readable = dtype is None or accepts("labels", dtype)
    if not columns_are_sound and not (readable and layout.form in ("wide", "hybrid")):
        return []
    try:
        unknown = count_unknown_labels(rows, layout)
    except InputError as error:
        return error.problems
    if not unknown:
        return []
    counts = ", ".join(f"{short(s)!r} ({count})" for s, count in sorted(unknown.items())[:20])
    if on_unknown == "default":
        log.warning("unknown source labels count as default: %s", counts)
        return []
    hints = suggest_spelling(layout.contract.sources, unknown)
    return [
        f"unknown source labels: {counts}; use {sorted(layout.contract.sources)}, "
        'or pass on_unknown_source="default"',
        *([f"source labels are spelled differently: {hints}; rewrite them"] if hints else []),
    ]


def _key_problems(rows: pl.LazyFrame, layout: Layout) -> list[str]:
    table = layout.contract.table
    names = [k for k in table.key if not find_key_problems(layout.schema, table, [k])]
    if not names:
        return []
    day, keys, texts = table.date, rows.select(names), _text_keys(layout, names)
    # Aggregates and hashes: the keys of a large date would not all fit into memory.
    found = _collect(
        keys.select(
            *(pl.col(n).null_count().alias(f"null:{n}") for n in names),
            *((~pl.col(n).is_between(*DATES)).sum().alias("outside") for n in names if n == day),
            *(_is_odd(n).any().alias(f"odd:{n}") for n in texts),
        )
    ).row(0, named=True)
    out = [
        f"{n}: NULL in {found[f'null:{n}']} rows; every row needs its key"
        for n in names
        if found[f"null:{n}"]
    ]
    if outside := found.get("outside"):
        return [*out, f"{day}: {outside} rows lie outside {YEARS}; correct them"]
    for name in texts:
        if found[f"odd:{name}"]:
            _warn_of_lookalikes(keys, name)
    if len(names) < len(table.key) or all_differ(keys):
        return out
    order = [day, *(k for k in names if k != day)]
    repeated = keys.drop_nulls().group_by(names).len().filter(pl.col("len") > 1)
    twice = _collect(repeated).sort(order)
    if twice.height:
        examples = ", ".join(
            f"{' '.join(short(k) for k in key)} ({count} times)"
            for *key, count in twice.head(3).iter_rows()
        )
        out.append(f"duplicate keys: {twice.height}, e.g. {examples}; keep one row for each")
    return out


def _collect(rows: pl.LazyFrame) -> pl.DataFrame:
    """The answer to a query that reads its rows piece by piece."""
    return rows.collect(engine="streaming")


def _text_keys(layout: Layout, names: list[str]) -> list[str]:
    return [n for n in names if is_text(layout.schema[n])]


def _moment_problems(rows: pl.LazyFrame, layout: Layout) -> list[str]:
    """Impossible moments: infinite ones, as databases have them, and overflows.

    As numbers they would look fresh, or like moments of other years.
    """
    moments = {c: pl.col(c) for c in list_moment_columns(layout) if c in layout.needed}
    detail = layout.schema.get(DETAIL)
    inside = detail.inner if isinstance(detail, pl.List) else None
    fields = inside.to_schema() if isinstance(inside, pl.Struct) else {}
    if layout.form == "scored" and isinstance(fields.get("last_updated"), pl.Datetime):
        field = pl.col(DETAIL).explode(empty_as_null=True, keep_nulls=True)
        moments[f"{DETAIL}.last_updated"] = field.struct.field("last_updated")
    if not moments:
        return []
    outside = [lies_outside(moment).sum().alias(c) for c, moment in moments.items()]
    counts = _collect(rows.select(outside)).row(0, named=True)
    return [
        f"{c}: {n} moments are infinite or outside {YEARS}; make them NULL"
        for c, n in counts.items()
        if n
    ]


def _is_odd(name: str) -> pl.Expr:
    """Whether a key is padded or not plain ASCII; only such a key can look like another."""
    key = pl.col(name).cast(pl.String)
    return (key != key.str.strip_chars()) | (key.str.len_bytes() != key.str.len_chars())


def _warn_of_lookalikes(keys: pl.LazyFrame, name: str) -> None:
    """Warn of keys that look the same: they count as different, with separate histories."""
    unique = _collect(keys.select(pl.col(name).cast(pl.String).drop_nulls()).unique())
    values = unique[name]
    odd = unique.select(_is_odd(name)).to_series()
    plain = values.str.strip_chars()
    pairs = pl.DataFrame({"odd": values.filter(odd), "same": plain.filter(odd)}).select(
        "odd", pl.col("same").str.normalize("NFC")
    )
    others = pl.DataFrame({"same": values, "other": values})
    twins = pl.concat(
        [pairs.join(others, on="same"), pairs.join(pairs.rename({"odd": "other"}), on="same")]
    ).filter(pl.col("odd") != pl.col("other"))
    found = {tuple(sorted(pair)) for pair in twins.select("odd", "other").head(6).iter_rows()}
    for odd_one, other in sorted(found)[:3]:
        difference = describe_difference(odd_one, other)
        log.warning(
            "%s: %s and %s differ only in %s, but count as different keys",
            name, ascii(short(odd_one)), ascii(short(other)), difference,
        )  # fmt: skip


def count_unknown_labels(rows: pl.LazyFrame, layout: Layout) -> dict[str, int]:
    """Source labels that the contract does not know, with the number of times each occurs."""
    contract = layout.contract
    names = [f"{n}__source" for n in contract.names]
    if layout.form == "hybrid":
        names = [f"feature_{i}_source" for i in range(len(names))]
    elif layout.form != "wide" or "feature_sources" in layout.schema:
        # Arrays and JSON name their features row by row, so they have to be read first.
        counts: Counter[str] = Counter()
        for batch in read_batches(rows.select(layout.needed), _BATCH_ROWS):
            wide = add_source_columns(to_wide(batch, layout.form, contract), contract)
            counts.update(_count_unknown(wide.lazy(), names, contract))
        return dict(counts)
    return dict(_count_unknown(rows, names, contract))


def _count_unknown(rows: pl.LazyFrame, names: list[str], contract: Contract) -> Counter[str]:
    """Unknown labels in those of these columns that exist."""
    types = rows.collect_schema()
    texts = [n for n in names if n in types and is_text(types[n])]
    counts: Counter[str] = Counter()
    if not texts:
        return counts
    # Nearly every input has known labels only; a label is counted only where a column has others.
    known = {
        dtype: hash_known_labels(dtype, contract).drop_nulls().implode()
        for dtype in {types[n] for n in texts}
    }
    others = [(~hash_labels(n, types[n]).is_in(known[types[n]])).any().alias(n) for n in texts]
    found = _collect(rows.select(others)).row(0, named=True)
    for column in (c for c, is_unknown in found.items() if is_unknown):
        labels = rows.select(label=pl.col(column).cast(pl.String)).group_by("label").len()
        counts.update(
            {
                label: n
                for label, n in _collect(labels).iter_rows()
                if label is not None and label not in contract.sources
            }
        )
    return counts
