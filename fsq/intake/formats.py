"""The input forms: legacy, hybrid and scored rows become wide rows, by name and not by position.

Each reader takes a frame and returns the same rows with the wide form's columns added. A wide row
has ``<feature>``, ``<feature>__source`` and the optional provenance columns.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Literal

import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError
from fsq.intake.source_labels import get_labels, parse_source_labels
from fsq.schema.columns import ColumnType
from fsq.schema.provenance import PROVENANCE
from fsq.utils.spelling import normalize_name, suggest_spelling
from fsq.utils.timing import stage

Form = Literal["wide", "legacy", "hybrid", "scored"]
VALUE_ARRAYS = ("features", "feature_store_values")

log = logging.getLogger("fsq")


def detect_form(columns: Iterable[str], contract: Contract) -> Form:
    """Tell the form of rows from their column names.

    Arrays win over a scored detail beside them: upstream writes the arrays, fsq the detail.
    """
    names = set(columns)
    if any(f"{n}__source" in names for n in contract.names):
        return "wide"
    if contract.legacy and "feature_names" in names and any(v in names for v in VALUE_ARRAYS):
        return "legacy"
    if "feature_0_value" in names:
        return "hybrid"
    if "feature_quality_detail" in names:
        return "scored"
    return "wide"


def holds_features(columns: Iterable[str]) -> bool:
    """Whether a table holds upstream's own features, as legacy and hybrid rows do.

    >>> holds_features(["carrier", "feature_names", "features"])
    True
    """
    return not {"feature_names", "feature_0_value"}.isdisjoint(columns)


def list_wide_columns(contract: Contract) -> dict[str, ColumnType]:
    """Every column of the wide form's values and provenance, with the type of what it holds."""
    values: dict[str, ColumnType] = dict.fromkeys(contract.names, "float")
    return values | list_provenance_columns(contract)


def list_provenance_columns(contract: Contract) -> dict[str, ColumnType]:
    """Every column that may say where a value came from, with the type of what it holds."""
    out: dict[str, ColumnType] = {f"{n}__source": "string" for n in contract.names}
    for field in PROVENANCE.values():
        out |= {c: field.type for f in contract.features for c in field.columns(f)}
    return out


def list_carried_columns(columns: Iterable[str], form: Form, contract: Contract) -> list[str]:
    """Input columns that the output carries through unchanged.

    In a form that may have been scored before, the quality columns of that are left out, in any
    spelling: they are computed anew.
    """
    if form == "wide":
        read = {*contract.output.names, *list_wide_columns(contract)}
        return [c for c in columns if c not in read]
    outputs = {normalize_name(c) for c in contract.output.names}
    return [c for c in columns if normalize_name(c) not in outputs]


def list_computed_at_columns(columns: Iterable[str], form: Form) -> list[str]:
    """Columns that say when the row was computed, the most trusted first."""
    order = ["computed_at"] + (["updated_at", "created_at"] if form in ("legacy", "hybrid") else [])
    names = set(columns)
    return [c for c in order if c in names]


def list_moments(columns: Iterable[str]) -> list[str]:
    """Carried columns that fsq reads as moments; fractions of a microsecond do not count.

    >>> list_moments(["computed_at", "created_at"])
    ['computed_at']
    >>> list_moments(["features", "feature_names", "source_daily_cache_last_updated"])
    ['source_daily_cache_last_updated']
    """
    names = dict.fromkeys(columns)
    order = ["computed_at", "as_of"]
    if holds_features(names):
        order += ["updated_at", "created_at", *(c for c in names if c.endswith("_last_updated"))]
    return [c for c in order if c in names]


@stage("intake")
def to_wide(frame: pl.DataFrame, form: Form, contract: Contract) -> pl.DataFrame:
    """Add the wide form's columns to rows of any form.

    Raises:
        InputError: arrays or structs do not hold every feature of the contract, or sources
            are not a JSON object of texts.
    """
    arrays = [c for c, dtype in frame.schema.items() if isinstance(dtype, pl.Array)]
    frame = frame.with_columns(pl.col(c).arr.to_list() for c in arrays)
    readers = {"legacy": _from_legacy, "hybrid": _from_hybrid, "scored": _from_scored}
    return readers[form](frame, contract) if form in readers else frame


def _from_legacy(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    values = next(v for v in VALUE_ARRAYS if v in frame.columns)
    rows = _read_arrays(frame, values)
    labels = parse_source_labels(frame)
    problems = _length_problems(rows, values)
    parts = []
    # Rows that list the same names are read together.
    for _, part in rows.group_by("pattern", "count", maintain_order=True):
        names = part["feature_names"][0]
        names = [] if names is None else names.to_list()
        position = {n: names.index(n) for n in contract.names if n in names}
        if unusable := _name_problems(part, names, position, contract):
            problems += unusable
            continue
        if ignored := [n for n in names if n not in position]:
            log.info(
                "%d rows: %d features that are not in the contract are ignored: %s",
                part.height,
                len(ignored),
                ignored,
            )
        own = labels[part["#order"]]
        value = pl.col(values)
        parts.append(
            part.select(
                "#order",
                *(value.list.get(i, null_on_oob=True).alias(n) for n, i in position.items()),
                *(get_labels(own, i).alias(f"{n}__source") for n, i in position.items()),
            )
        )
    if problems:
        raise InputError(problems)
    if parts:
        added = pl.concat(parts).sort("#order").drop("#order")
    else:
        values_schema = pl.Schema(dict.fromkeys(contract.names, pl.Float64()))
        sources = {f"{n}__source": pl.String() for n in contract.names}
        added = pl.DataFrame(schema={**values_schema, **sources})
    replaced = list_wide_columns(contract)
    kept = frame.drop([c for c in frame.columns if c in replaced])
    return kept.with_columns(added.get_columns()).with_columns(_legacy_provenance(kept, contract))


def _read_arrays(frame: pl.DataFrame, values: str) -> pl.DataFrame:
    """Names and values, which row they are of, and numbers that tell lists of names apart."""
    rows = frame.select(
        pl.col("feature_names").cast(pl.List(pl.String)),
        pl.col(values).cast(pl.List(pl.Float64), strict=False),
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("#order"),  # not a possible feature name
    )
    if rows["feature_names"].list.explode(empty_as_null=False, keep_nulls=False).has_nulls():
        # A join skips NULL, and each name after it would get its neighbour's value.
        rows = rows.with_columns(pl.col("feature_names").list.eval(pl.element().fill_null("")))
    return rows.with_columns(
        pl.col("feature_names").list.join("\x00").rank("dense").alias("pattern"),
        pl.col("feature_names").list.len().alias("count"),
    )


def _name_problems(
    part: pl.DataFrame, names: list[str], position: dict[str, int], contract: Contract
) -> list[str]:
    """What is wrong with the names that some rows list."""
    if any("\x00" in n for n in names):  # joined, they may look like another list as long
        return [f"feature_names: {part.height} rows have a NUL character in a name; remove it"]
    out = []
    if missing := [n for n in contract.names if n not in position]:
        out.append(
            f"feature_names: {part.height} rows lack {missing} "
            f"(first at row {part['#order'][0]}); recompute them with this contract's features"
        )
        if hints := suggest_spelling(missing, names):
            out.append(f"feature_names: spelled differently: {hints}; write the contract's names")
    if twice := sorted(n for n in position if names.count(n) > 1):
        out.append(f"feature_names: {part.height} rows name {twice} twice; keep one each")
    return out


def _length_problems(rows: pl.DataFrame, values: str) -> list[str]:
    uneven = rows.filter(
        pl.col(values).list.len().fill_null(0) != pl.col("feature_names").list.len().fill_null(0)
    ).height
    if not uneven:
        return []
    return [
        f"{values}: in {uneven} rows the number of values differs from that of feature_names; "
        "write one value for each name"
    ]


def _legacy_provenance(frame: pl.DataFrame, contract: Contract) -> list[pl.Expr]:
    """Provenance columns from those that start with a table's short prefix."""
    out = []
    prefixes = contract.legacy.prefixes if contract.legacy is not None else {}
    for table, prefix in prefixes.items():
        for field in PROVENANCE.values():
            old, new = f"{prefix}_{field.legacy_suffix}", f"{table}__{field.suffix}"
            if field.legacy_suffix and old in frame.columns and new not in frame.columns:
                out.append(pl.col(old).alias(new))
    return out


def _from_hybrid(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    renamed = {f"feature_{i}_value": n for i, n in enumerate(contract.names)}
    renamed |= {f"feature_{i}_source": f"{n}__source" for i, n in enumerate(contract.names)}
    if missing := [c for c in renamed if c not in frame.columns]:
        raise InputError([f"missing columns: {missing}; the hybrid form has one of each"])
    replaced = set(renamed.values())
    kept = frame.drop([c for c in frame.columns if c in replaced])
    return kept.with_columns(
        *(frame[c].alias(n) for c, n in renamed.items()), *_legacy_provenance(frame, contract)
    )


def _from_scored(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    detail = frame["feature_quality_detail"]
    flat = detail.list.explode(empty_as_null=False, keep_nulls=False)
    present = set(flat.dtype.to_schema()) if isinstance(flat.dtype, pl.Struct) else set()
    required = ("feature_name", "feature_value", "source_type")
    if missing := [f for f in required if f not in present]:
        raise InputError([f"feature_quality_detail: structs lack {missing}; score the rows again"])
    if not _lists_features(detail, flat, contract):
        cure = "score them with the contract that they were written with, or recompute them"
        problem = f"feature_quality_detail: the features are not those of {contract.name}; {cure}"
        raise InputError([problem])
    labels = parse_source_labels(frame) if "feature_sources" in frame.columns else None
    label_of_type = {s.type: label for label, s in reversed(contract.sources.items())}
    label_of_type |= {t: t for t in label_of_type if t in contract.sources}
    added: list[pl.Series] = []
    for i, name in enumerate(contract.names):
        structs = flat.gather_every(len(contract.names), i) if frame.height else flat
        added.append(structs.struct.field("feature_value").alias(name))
        if labels is not None:
            source = get_labels(labels, i)
        else:  # the detail keeps a source's type, not its label
            source = structs.struct.field("source_type").replace(label_of_type)
        added.append(source.alias(f"{name}__source"))
        added += [
            structs.struct.field(field.detail_field).alias(f"{name}__{suffix}")
            for suffix, field in PROVENANCE.items()
            if field.detail_field in present
        ]
    output = contract.output
    replaced = {s.name for s in added} - set(output.names)
    replaced |= set(output.names) - set(output.legacy)
    return frame.drop([c for c in frame.columns if c in replaced]).with_columns(added)


def _lists_features(detail: pl.Series, flat: pl.Series, contract: Contract) -> bool:
    """Whether every record's detail lists the contract's features in index order."""
    names = pl.Series(contract.names)
    rows, width = len(detail), len(names)
    if not (detail.list.len().fill_null(0) == width).all():
        return False
    if rows == 0:
        return True
    listed = flat.struct.field("feature_name").reshape((rows, width)).arr.to_list()
    return bool((listed == pl.Series([names]).new_from_index(0, rows)).all())
