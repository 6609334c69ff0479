"""Evaluates every gate on every record."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError
from fsq.schema.nested import dotted_name
from fsq.training.exclusion import Exclusion, mark_records
from fsq.training.gates import FAULTS, list_excusable_features
from fsq.training.label_checks import EVENT_IDS, LabelData, find_label_faults
from fsq.training.matrices import FRESHNESS_COLUMN, DetailMatrices
from fsq.training.options import HEADLINE, Options
from fsq.training.result import GateResults, Mask, passes_all
from fsq.training.source import Source

CONTRACT_COLUMN = "feature_schema_version"


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


def evaluate_gates(frame: pl.DataFrame, options: Options, exclusion: Exclusion) -> GateResults:
    """Evaluate every gate on every record.

    Args:
        frame: the columns of ``list_columns_to_read``, rows in any order.
        options: which gates to evaluate.
        exclusion: what to leave out, whatever the gates say.

    Raises:
        InputError: the rows belong to another contract, or a key occurs twice.
    """
    order = _validate_and_sort(frame, options)
    matrices = DetailMatrices(frame, options)
    failed: dict[str, Mask] = {}
    descriptions: dict[str, str] = {}

    def add_gate(name: str, description: str, fails: Mask) -> None:
        failed[name], descriptions[name] = fails[order], description

    if options.label is not None:
        has_label = frame[options.label].cast(pl.Float64).is_finite().fill_null(False)
        add_gate("label", f"{options.label} is known", ~has_label.to_numpy())
    if exclusion.dates is not None:
        day = frame[options.contract.table.date]
        is_excluded = day.is_in(list(exclusion.dates)).fill_null(True)
        add_gate("date", exclusion.date_gate, is_excluded.to_numpy())
    if exclusion.records is not None:
        add_gate("findings", exclusion.record_gate, mark_records(frame, exclusion.records))
    label_faults = find_label_faults(_read_labels(frame, matrices, options, order))
    if exclusion.mode == "findings" and options.label is not None:
        failed["label_findings"] = np.any(
            [np.zeros(frame.height, np.bool_), *(f.records for f in label_faults)], axis=0
        )
        descriptions["label_findings"] = f"{options.label} not doubted by a finding"
    late = matrices.find_late_records()
    if options.drop_late:
        add_gate("late", "no value updated after as_of", late)
    for condition in options.conditions:
        passes = frame.select(condition.expression).to_series().to_numpy()
        add_gate(condition.name, condition.description, ~passes)
    faults = matrices.find_faults()
    if options.on_default == "drop":
        for fault in FAULTS:
            add_gate(fault.name, fault.description, matrices.has_unexcused(faults[fault.name]))
    weak, old = matrices.below_min_quality(), matrices.above_max_age()
    values = matrices.values
    if options.on_default == "mask":
        values = np.where(np.any([weak, old, *faults.values()], axis=0), np.nan, values)
    else:
        if options.min_quality:
            bounds = _describe_bounds(options.min_quality, "≥")
            add_gate("quality", f"points of features {bounds}", np.asarray(weak.any(axis=1)))
        if options.max_age:
            bounds = _describe_bounds(options.max_age, "≤")
            add_gate("age", f"hours of age {bounds}", np.asarray(old.any(axis=1)))
    rows = frame.drop([c for c in frame.columns if c.startswith(dotted_name(""))])[order]
    kept = order[passes_all(failed, rows.height)]
    return GateResults(
        rows,
        options.contract.table,
        values[order],
        failed,
        descriptions,
        late[order],
        matrices.find_versions(kept),
        label_faults,
    )


def _read_labels(
    frame: pl.DataFrame,
    matrices: DetailMatrices,
    options: Options,
    order: npt.NDArray[np.uint32],
) -> LabelData | None:
    """What the label checks look at, in order of date and keys; None without a label."""
    if options.label is None:
        return None
    none = np.zeros(matrices.values.shape, np.bool_)
    untrusted = np.any([none, *matrices.find_faults().values()], axis=0)
    ids = dotted_name(EVENT_IDS)
    return LabelData(
        options.contract,
        options.label,
        options.features,
        frame.drop([c for c in frame.columns if c.startswith(dotted_name(""))])[order],
        np.where(untrusted, np.nan, matrices.values)[order],
        frame[ids][order] if ids in frame.columns else None,
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


def _validate_and_sort(frame: pl.DataFrame, options: Options) -> npt.NDArray[np.uint32]:
    """Refuse unsound rows; return the positions of the rest in order of date and keys."""
    names, width = options.contract.names, len(options.contract.names)
    feature_names = frame[dotted_name("feature_name")]
    flat = feature_names.list.explode(empty_as_null=False, keep_nulls=False)
    matches = bool((feature_names.list.len().fill_null(0) == width).all())
    if matches and frame.height:
        codes = flat.cast(pl.Enum(names), strict=False).to_physical().fill_null(width).to_numpy()
        matches = bool((codes.reshape(-1, width) == np.arange(width)).all())
    problems = []
    if not matches:
        sizes = sorted({int(n or 0) for n in feature_names.list.len().unique()})
        problems.append(
            f"records have {sizes} features; {options.contract.name} has {width}, in its own "
            "order; name the contract that the rows were scored under"
        )
    table = options.contract.table
    keys = frame.select(table.key)
    if duplicates := keys.height - keys.n_unique():
        problems.append(f"duplicate keys: {duplicates} records too many; keep one of each")
    if problems:
        raise InputError(problems, HEADLINE)
    by = [pl.col(c) for c in table.order]
    return frame.select(pl.arg_sort_by(by)).to_series().to_numpy()
