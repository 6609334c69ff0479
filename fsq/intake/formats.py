"""The input forms: legacy, hybrid and scored rows become wide rows, by names and not positions.

Each reader takes a frame and gives the same rows with the wide form's columns added; a wide row
is ``<feature>``, ``<feature>__source`` and the optional provenance columns.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Literal

import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError, short
from fsq.schema.columns import COLUMN_NAMES, LEGACY_FIELDS, ColumnType
from fsq.schema.provenance import PROVENANCE
from fsq.utils.timing import stage

Form = Literal["wide", "legacy", "hybrid", "scored"]

log = logging.getLogger("fsq")

VALUE_ARRAYS = ("features", "feature_store_values")


def detect_form(columns: Iterable[str], contract: Contract) -> Form:
    """Tell the form of rows by their column names.

    Arrays win over a scored detail beside them: upstream writes the arrays, fsq the detail.
    """
    found = set(columns)
    if any(f"{n}__source" in found for n in contract.names):
        return "wide"
    if "feature_names" in found and any(v in found for v in VALUE_ARRAYS):
        return "legacy"
    if "feature_0_value" in found:
        return "hybrid"
    if "feature_quality_detail" in found:
        return "scored"
    return "wide"


def holds_features(columns: Iterable[str]) -> bool:
    """Whether a table holds upstream's own features, as legacy and hybrid rows do.

    >>> holds_features(["player_lookup", "feature_names", "features"])
    True
    """
    return not {"feature_names", "feature_0_value"}.isdisjoint(columns)


def wide_columns(contract: Contract) -> dict[str, ColumnType]:
    """Every column of the wide form's values and provenance, with the type of what it holds."""
    values: dict[str, ColumnType] = dict.fromkeys(contract.names, "float")
    return values | provenance_columns(contract)


def provenance_columns(contract: Contract) -> dict[str, ColumnType]:
    """Every column that may say where a value came from, with the type of what it holds."""
    out: dict[str, ColumnType] = {f"{n}__source": "string" for n in contract.names}
    for field in PROVENANCE.values():
        out |= {c: field.type for f in contract.features for c in field.columns(f)}
    return out


def carried_columns(columns: Iterable[str], form: Form, contract: Contract) -> list[str]:
    """Input columns that the output carries through unchanged."""
    drop = set(COLUMN_NAMES) | (set(wide_columns(contract)) if form == "wide" else set())
    return [c for c in columns if c not in drop]


@stage("intake")
def to_wide(frame: pl.DataFrame, form: Form, contract: Contract) -> pl.DataFrame:
    """Add the wide form's columns to rows of any form.

    Raises:
        InputError: arrays that do not hold every feature of the contract, or sources that
            are not a JSON object of texts.
    """
    fixed = [c for c, kind in frame.schema.items() if isinstance(kind, pl.Array)]
    frame = frame.with_columns(pl.col(c).arr.to_list() for c in fixed)
    readers = {"legacy": _from_legacy, "hybrid": _from_hybrid, "scored": _from_scored}
    return readers[form](frame, contract) if form in readers else frame


def _from_legacy(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    values = next(v for v in VALUE_ARRAYS if v in frame.columns)
    names = pl.col("feature_names").cast(pl.List(pl.String))
    rows = frame.select(names, pl.col(values).cast(pl.List(pl.Float64), strict=False))
    if rows["feature_names"].list.explode(empty_as_null=False, keep_nulls=False).has_nulls():
        # A join would pass over NULL, and each name after it would get its neighbour's value.
        rows = rows.with_columns(pl.col("feature_names").list.eval(pl.element().fill_null("")))
    rows = rows.with_columns(
        pl.col("feature_names").list.join("\x00").rank("dense").alias("pattern"),
        pl.col("feature_names").list.len().alias("count"),
    )
    words = parse_source_labels(frame)
    problems = _length_problems(rows, values)
    parts = []
    order = pl.int_range(pl.len(), dtype=pl.UInt32).alias("#order")
    by = rows.with_columns(order).group_by("pattern", "count", maintain_order=True)
    for _, part in by:
        listed = part["feature_names"][0]
        listed = [] if listed is None else listed.to_list()
        if any("\x00" in n for n in listed):  # two lists of as many names may then join alike
            problems.append(f"feature_names: {part.height} rows have a NUL character in a name")
            continue
        at = {n: listed.index(n) for n in contract.names if n in listed}
        twice = sorted({n for n in at if listed.count(n) > 1})
        if lacking := [n for n in contract.names if n not in at]:
            problems.append(
                f"feature_names: {part.height} rows lack {lacking} "
                f"(first at row {part['#order'][0]}); recompute them with this contract's features"
            )
        if twice:
            problems.append(f"feature_names: {part.height} rows name {twice} twice; keep one each")
        if lacking or twice:
            continue
        if ignored := [n for n in listed if n not in at]:
            log.info(
                "%d rows: %d features that the contract lacks are ignored: %s",
                part.height,
                len(ignored),
                ignored,
            )
        source = words[part["#order"]]
        parts.append(
            part.select(
                "#order",  # no feature bears such a name
                *(pl.col(values).list.get(i, null_on_oob=True).alias(n) for n, i in at.items()),
                *(label_at(source, i).alias(f"{n}__source") for n, i in at.items()),
            )
        )
    if problems:
        raise InputError(problems)
    if not parts:
        added = pl.DataFrame(
            schema=dict.fromkeys(contract.names, pl.Float64)
            | {f"{n}__source": pl.String for n in contract.names}
        )
    else:
        added = pl.concat(parts).sort("#order").drop("#order")
    own = [*wide_columns(contract)]
    kept = frame.drop([c for c in frame.columns if c in own])
    return kept.with_columns(added.get_columns()).with_columns(_legacy_provenance(kept, contract))


def _length_problems(rows: pl.DataFrame, values: str) -> list[str]:
    uneven = rows.filter(
        pl.col(values).list.len().fill_null(0) != pl.col("feature_names").list.len().fill_null(0)
    ).height
    if not uneven:
        return []
    return [f"{values}: {uneven} rows have another length than feature_names; write both alike"]


def parse_source_labels(frame: pl.DataFrame) -> pl.Series:
    """``feature_sources`` as a struct of raw words by position, whatever it came as."""
    if "feature_sources" not in frame.columns:
        return pl.Series([None] * frame.height, dtype=pl.Struct({"0": pl.String}))
    column = frame["feature_sources"]
    if isinstance(column.dtype, pl.Struct):
        return column
    if isinstance(column.dtype, pl.List):
        return _map_to_struct(column)
    text = column.cast(pl.String)
    if problem := _ambiguous(text):
        raise InputError([problem])
    positions = {str(i): pl.String for i in range(_positions(frame, text))}
    try:
        return text.str.json_decode(pl.Struct(positions))
    except pl.exceptions.PolarsError as error:
        cure = 'write it like {"0":"phase4","5":"default"}'
        problem = f"feature_sources: not a JSON object of words ({short(error, 300)}); {cure}"
        raise InputError([problem]) from None


def _ambiguous(text: pl.Series) -> str | None:
    """What keeps the keys from being told apart: one that is there twice, or is escaped.

    Parsers differ in which of two values they take; a default must not hide behind that.
    """
    keys = text.unique().str.extract_all(r'"(?:[^"\\]|\\.)*"\s*:')
    twice = (keys.list.len() != keys.list.n_unique()).any()
    if not twice and not keys.list.explode().str.contains("\\", literal=True).any():
        return None
    return "feature_sources: a key is there twice, or is escaped; write each position once, plainly"


def _positions(frame: pl.DataFrame, text: pl.Series) -> int:
    if isinstance(frame.schema.get("feature_names"), pl.List):
        longest = frame["feature_names"].list.len().max()
        return max(1, int(longest or 0))  # type: ignore[arg-type]
    numbers = text.str.extract_all(r'"([0-9]{1,3})"\s*:').list.explode()
    top = numbers.str.extract(r"([0-9]+)").cast(pl.Int64).max()
    return int(top or 0) + 1  # type: ignore[arg-type]


def _map_to_struct(column: pl.Series) -> pl.Series:
    """A map, which Polars reads as a list of key and value, as a struct by key."""
    key, value = (f.name for f in column.dtype.inner.fields)  # type: ignore[attr-defined]
    long = (
        pl.DataFrame({"row": pl.int_range(len(column), eager=True), "pair": column})
        .explode("pair", empty_as_null=True, keep_nulls=True)  # one row in, one row out
        .select(
            "row",
            key=pl.col("pair").struct.field(key).cast(pl.String),
            word=pl.col("pair").struct.field(value).cast(pl.String),
        )
    )
    met = long["key"].drop_nulls().unique()
    keys = met.filter(met.str.contains(r"^[0-9]{1,4}$")).sort().to_list() or ["0"]
    wide = long.group_by("row", maintain_order=True).agg(
        pl.col("word").filter(pl.col("key") == k).first().alias(k) for k in keys
    )
    return wide.drop("row").to_struct("feature_sources")


def label_at(words: pl.Series, position: int) -> pl.Series:
    """The raw words at one position, NULL where rows have none there."""
    name = str(position)
    if name in [f.name for f in words.dtype.fields]:  # type: ignore[attr-defined]
        return words.struct.field(name).cast(pl.String)
    return pl.Series([None] * len(words), dtype=pl.String)


def _legacy_provenance(frame: pl.DataFrame, contract: Contract) -> list[pl.Expr]:
    out = []
    for table, prefix in contract.legacy_prefixes.items():
        for field in PROVENANCE.values():
            old, new = f"{prefix}_{field.legacy_suffix}", f"{table}__{field.suffix}"
            if field.legacy_suffix and old in frame.columns and new not in frame.columns:
                out.append(pl.col(old).alias(new))
    return out


def computed_at_columns(columns: Iterable[str], form: Form) -> list[str]:
    """Columns that say when the row was computed, the most trusted first."""
    order = ["computed_at"] + (["updated_at", "created_at"] if form in ("legacy", "hybrid") else [])
    found = set(columns)
    return [c for c in order if c in found]


def _from_hybrid(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    names = contract.names
    moved = {f"feature_{i}_value": n for i, n in enumerate(names)}
    moved |= {f"feature_{i}_source": f"{n}__source" for i, n in enumerate(names)}
    lacking = [c for c in moved if c not in frame.columns]
    if lacking:
        raise InputError([f"missing columns: {lacking}; the hybrid form has one of each"])
    own = set(moved.values())
    kept = frame.drop([c for c in frame.columns if c in own])
    return kept.with_columns(
        *(frame[c].alias(n) for c, n in moved.items()), *_legacy_provenance(frame, contract)
    )


def _from_scored(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    detail = frame["feature_quality_detail"]
    flat = detail.list.explode(empty_as_null=False, keep_nulls=False)
    have = set(flat.dtype.to_schema()) if isinstance(flat.dtype, pl.Struct) else set()
    if lacking := [f for f in ("feature_name", "feature_value", "source_type") if f not in have]:
        raise InputError([f"feature_quality_detail: structs lack {lacking}; score the rows anew"])
    names = pl.Series(contract.names)
    count, width = frame.height, len(names)
    right = bool((detail.list.len().fill_null(0) == width).all()) and bool(
        count == 0
        or (
            flat.struct.field("feature_name").reshape((count, width)).arr.to_list()
            == pl.Series([names]).new_from_index(0, count)
        ).all()
    )
    if not right:
        cure = "score them with the contract that they were written with, or write them anew"
        problem = f"feature_quality_detail: features are not those of {contract.name}; {cure}"
        raise InputError([problem])
    at = {n: i for i, n in enumerate(contract.names)}
    words = parse_source_labels(frame) if "feature_sources" in frame.columns else None
    out: list[pl.Series] = []
    for name, i in at.items():
        one = flat.gather_every(width, i) if count else flat
        out.append(one.struct.field("feature_value").alias(name))
        word = one.struct.field("source_type") if words is None else label_at(words, i)
        out.append(word.alias(f"{name}__source"))
        out += [
            one.struct.field(field.detail_field).alias(f"{name}__{suffix}")
            for suffix, field in PROVENANCE.items()
            if field.detail_field in have
        ]
    own = {s.name for s in out} - set(COLUMN_NAMES)
    legacy = [c for c in LEGACY_FIELDS if c in frame.columns]
    kept = frame.drop([c for c in COLUMN_NAMES if c in frame.columns and c not in legacy])
    return kept.drop([c for c in kept.columns if c in own]).with_columns(out)
