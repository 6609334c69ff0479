"""Evaluates the gates that look at each record alone, part by part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fsq.diagnosis.cells import Array
from fsq.diagnosis.events import Events
from fsq.schema.nested import detail_field, dotted_name
from fsq.training.columns import VALUE
from fsq.training.label_checks import mark_listed_events
from fsq.training.matrices import DetailMatrices
from fsq.training.options import Options
from fsq.training.result import Mask
from fsq.training.versions import Versions

CONTRACT_COLUMN = "feature_schema_version"
UNTRUSTED, MASKED = "untrusted", "masked"  # of cells


@dataclass(frozen=True)
class PartResults:
    """What is kept of some records; their details are not.

    Attributes:
        rows: keys, label, carried columns.
        sizes: how many features the records' details have, if not those of the contract.
        cells: of records × features of the set: the values, NaN where one is absent; with a
            label, those that are default, out of range or stale; those that are to be masked.
        fails: per gate of values and columns, the records that fail it.
        late: records with a value that was updated after their ``as_of``.
        versions: the definition version of each value.
        lists_own_event: see ``LabelData``.
    """

    rows: pl.DataFrame
    sizes: frozenset[int]
    cells: dict[str, Array]
    fails: dict[str, Mask]
    late: Mask
    versions: Versions
    lists_own_event: Mask


def evaluate_part(frame: pl.DataFrame, options: Options, events: Events | None) -> PartResults:
    """Evaluate the gates that look at each record alone.

    Args:
        frame: the columns of ``list_columns_to_read``.
        options: which gates to evaluate.
        events: those of all records, and their dates; None if nobody asks for them.
    """
    rows = frame.drop(c for c in frame.columns if detail_field(c) is not None)
    rows = rows.drop(_list_spent(rows, options))
    if CONTRACT_COLUMN in rows.columns and CONTRACT_COLUMN not in options.carry:
        rows = rows.cast({CONTRACT_COLUMN: pl.Categorical})  # one name takes 30 bytes for a record
    sizes = _find_other_sizes(frame, options)
    if sizes:
        nothing: Mask = np.zeros(0, np.bool_)
        return PartResults(rows, sizes, {}, {}, nothing, Versions([], None, 0), nothing)
    matrices = DetailMatrices(frame, options)
    faults = matrices.find_faults()
    weak, old = matrices.below_min_quality(), matrices.above_max_age()
    untrusted = np.any([np.zeros(matrices.values.shape, np.bool_), *faults.values()], axis=0)
    fails = {c.name: ~frame.select(c.expression).to_series().to_numpy() for c in options.conditions}
    if options.on_default == "drop":
        fails |= {name: matrices.has_unexcused(faulty) for name, faulty in faults.items()}
    fails |= {"quality": np.asarray(weak.any(axis=1)), "age": np.asarray(old.any(axis=1))}
    cells: dict[str, Array] = {VALUE: matrices.values}
    if options.label is not None:
        cells[UNTRUSTED] = untrusted
    if options.on_default == "mask":
        cells[MASKED] = untrusted | weak | old
    return PartResults(
        rows,
        sizes,
        cells,
        fails,
        matrices.find_late_records(),
        Versions(*matrices.find_versions(), frame.height),
        mark_listed_events(frame, events, options.contract, options.features),
    )


def _list_spent(rows: pl.DataFrame, options: Options) -> list[str]:
    """The lists that only a gate reads: they are large."""
    kept = {*options.carry, options.label, options.group}
    gates = {c.column for c in options.conditions}
    return [c for c, kind in rows.schema.items() if kind.is_nested() and c in gates - kept]


def _find_other_sizes(frame: pl.DataFrame, options: Options) -> frozenset[int]:
    """How many features records have, if one has others than the contract."""
    names, width = options.contract.names, len(options.contract.names)
    feature_names = frame[dotted_name("feature_name")]
    flat = feature_names.list.explode(empty_as_null=False, keep_nulls=False)
    matches = bool((feature_names.list.len().fill_null(0) == width).all())
    if matches and frame.height:
        codes = flat.cast(pl.Enum(names), strict=False).to_physical().fill_null(width).to_numpy()
        matches = bool((codes.reshape(-1, width) == np.arange(width)).all())
    found = {} if matches else {int(n or 0) for n in feature_names.list.len().unique()}
    return frozenset(found)
