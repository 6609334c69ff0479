"""Evaluates every gate on every record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.contract import Contract
from fsq.diagnosis.cells import Cells
from fsq.diagnosis.events import read_events
from fsq.diagnosis.records import Records
from fsq.errors import InputError
from fsq.schema.nested import dotted_name
from fsq.training.columns import FeatureColumns
from fsq.training.exclusion import Exclusion, mark_named
from fsq.training.gates import FAULTS, list_excusable_features
from fsq.training.label_checks import (
    EVENT_IDS,
    LabelData,
    find_label_faults,
)
from fsq.training.matrices import FRESHNESS_COLUMN
from fsq.training.options import HEADLINE, Options
from fsq.training.parts import CONTRACT_COLUMN, MASKED, UNTRUSTED, PartResults, evaluate_part
from fsq.training.result import GateResults, Mask, passes_all
from fsq.training.rows import SortedRows
from fsq.training.sorting import sort_records
from fsq.training.source import Source
from fsq.training.versions import find_versions
from fsq.utils.frames import count_duplicates, read_parts

PART_CELLS = 250_000  # records × features that are read at once


def list_columns_to_read(options: Options, source: Source) -> list[str]:
    """The columns that ``evaluate_gates`` reads; of the detail, single fields."""
    fields = ["feature_name", "feature_value", "feature_definition_version", "last_updated"]
    if options.on_default != "keep":
        fields += [f.field for f in FAULTS]
    if options.on_default == "drop" and set(list_excusable_features(options.contract)) & set(
        options.features
    ):
        fields.append("sample_size")
    if options.min_quality:
        fields.append("quality_score")
    if options.label is not None and options.contract.table.group in source.columns:
        fields += [f for f in [EVENT_IDS] if dotted_name(f) in source.columns]
    wanted = [options.label, *options.carry, options.group]
    flat = list_keys(options.contract, source.columns)
    flat += [c for c in wanted if c is not None and c not in options.contract.names]
    flat += [c.column for c in options.conditions]
    flat += [c for c in (FRESHNESS_COLUMN, "as_of", CONTRACT_COLUMN) if c in source.columns]
    return list(dict.fromkeys([*flat, *map(dotted_name, fields)]))


def list_keys(contract: Contract, columns: Iterable[str]) -> list[str]:
    """The columns that name a record, and its group if there is such a column.

    >>> from fsq.contract import load_contract
    >>> len(list_keys(load_contract(), []))
    2
    """
    table = contract.table
    group = [table.group] if table.group is not None and table.group in columns else []
    return list(dict.fromkeys([*table.key, *group]))


def evaluate_gates(plan: pl.LazyFrame, options: Options, exclusion: Exclusion) -> GateResults:
    """Evaluate every gate on every record.

    Args:
        plan: the columns of ``list_columns_to_read``, rows in any order; they are read in parts.
        options: which gates to evaluate.
        exclusion: what to leave out, whatever the gates say.

    Raises:
        InputError: the rows belong to another contract, or a key occurs twice.
    """
    width = len(options.contract.names)
    listed = options.label is not None and dotted_name(EVENT_IDS) in plan.collect_schema()
    events = read_events(plan, options.contract) if listed else None
    cells, parts = Cells(len(options.features)), list[PartResults]()
    records: Records | None = None
    for frame in read_parts(plan, max(1, PART_CELLS // width)):
        part = evaluate_part(frame, options, events)
        cells.append(part.cells)
        records = records or Records(part.rows.clear())
        records.append(part.rows)
        parts.append(replace(part, cells={}, rows=part.rows.clear()))
    if records is None:
        raise ValueError("no part was read; there is one at least")
    order = _validate_and_sort(records, parts, options)
    rows = SortedRows(records, order)
    failed: dict[str, Mask] = {}
    descriptions: dict[str, str] = {}

    def add_gate(name: str, description: str, fails: Mask) -> None:
        failed[name], descriptions[name] = fails, description

    if options.label is not None:
        has_label = rows[options.label].cast(pl.Float64).is_finite().fill_null(False)
        add_gate("label", f"{options.label} is known", ~has_label.to_numpy())
    if exclusion.dates is not None:
        day = rows[options.contract.table.date]
        is_excluded = day.is_in(list(exclusion.dates)).fill_null(True)
        add_gate("date", exclusion.date_gate, is_excluded.to_numpy())
    if exclusion.records is not None:
        named = mark_named(records, exclusion.records)
        add_gate("findings", exclusion.record_gate, named[order])
    label_faults = find_label_faults(_read_labels(rows, cells, parts, options, order))
    if exclusion.mode == "findings" and options.label is not None:
        doubted = [np.zeros(rows.height, np.bool_), *(f.records for f in label_faults)]
        add_gate(
            "label_findings",
            f"{options.label} not doubted by a finding",
            np.any(doubted, axis=0),
        )
    late = np.concatenate([part.late for part in parts])[order]
    if options.drop_late:
        add_gate("late", "no value updated after as_of", late)
    for name, description in _describe_gates(options).items():
        add_gate(name, description, np.concatenate([part.fails[name] for part in parts])[order])
    kept = order[passes_all(failed, rows.height)]
    return GateResults(
        rows,
        options.contract.table,
        FeatureColumns(cells, order, MASKED if options.on_default == "mask" else None),
        failed,
        descriptions,
        late,
        find_versions([part.versions for part in parts], kept, options.features),
        label_faults,
    )


def _describe_gates(options: Options) -> dict[str, str]:
    """The gates of values and columns, in order, and what each requires."""
    out = {c.name: c.description for c in options.conditions}
    if options.on_default == "drop":
        out |= {fault.name: fault.description for fault in FAULTS}
    if options.on_default != "mask" and options.min_quality:
        out["quality"] = f"points of features {_describe_bounds(options.min_quality, '≥')}"
    if options.on_default != "mask" and options.max_age:
        out["age"] = f"hours of age {_describe_bounds(options.max_age, '≤')}"
    return out


def _read_labels(
    rows: SortedRows,
    cells: Cells,
    parts: Sequence[PartResults],
    options: Options,
    order: npt.NDArray[np.uint32],
) -> LabelData | None:
    """What the label checks look at, in order of date and keys; None without a label."""
    if options.label is None:
        return None
    return LabelData(
        options.contract,
        options.label,
        options.features,
        rows,
        FeatureColumns(cells, order, UNTRUSTED, bounded=True),
        np.concatenate([part.lists_own_event for part in parts])[order],
        options.now,
    )


def _describe_bounds(bounds: dict[str, float], sign: str) -> str:
    """Bounds in words.

    >>> _describe_bounds({"pace_score": 85.0}, "≥")
    'pace_score ≥ 85'
    >>> _describe_bounds({"a": 1.0, "b": 1.0}, "≤")
    '≤ 1'
    """
    if len(bounds) > 1 and len(set(bounds.values())) == 1:
        return f"{sign} {next(iter(bounds.values())):g}"
    return ", ".join(f"{f} {sign} {v:g}" for f, v in bounds.items())


def _validate_and_sort(
    rows: Records, parts: Sequence[PartResults], options: Options
) -> npt.NDArray[np.uint32]:
    """Refuse unsound rows; return the positions of the rest in order of date and keys."""
    problems, table = [], options.contract.table
    if sizes := sorted({n for part in parts for n in part.sizes}):
        problems.append(
            f"records have {sizes} features; {options.contract.name} has "
            f"{len(options.contract.names)}, in its own order; name the contract that the rows "
            "were scored under"
        )
    if duplicates := _count_duplicates(rows, table.key):
        problems.append(f"duplicate keys: {duplicates} records too many; keep one of each")
    if problems:
        raise InputError(problems, HEADLINE)
    return sort_records(rows, table.order)


def _count_duplicates(rows: Records, key: Sequence[str]) -> int:
    """How many records would have to go so that all keys differ; hashes tell which may not."""
    hashed = pl.struct(pl.all()).hash().alias("hash")
    hashes = pl.concat(piece.select(hashed).to_series() for piece in rows.iterate(key))
    ordered = np.sort(hashes.to_numpy())
    again = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(again):
        return 0
    suspects = np.flatnonzero(np.isin(hashes.to_numpy(), again))
    return count_duplicates(rows.take(suspects, key).lazy())
