"""How many records are ready to train: what a training set with the default options keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.diagnosis import Diagnosis
from fsq.diagnosis.cells import Cells
from fsq.schema.nested import dotted_name
from fsq.schema.tables import AnyRows
from fsq.training.columns import FeatureColumns
from fsq.training.evaluation import PART_CELLS
from fsq.training.exclusion import Exclusion, exclude_named, mark_records
from fsq.training.gates import FAULTS
from fsq.training.matrices import DetailMatrices
from fsq.training.options import Arguments, Options, resolve_options
from fsq.training.result import GateResults, Mask
from fsq.training.source import open_source
from fsq.training.waterfall import make_waterfall
from fsq.utils.frames import read_parts

_HEADLINE = "the records that are ready to train cannot be counted"
_DEFAULTS = Arguments(
    None, "drop", None, None, False, None, None, None, "default", False, (), 0.95, None, None
)  # fmt: skip


@dataclass(frozen=True)
class Readiness:
    """The records that ``fsq.training_set`` keeps of some dates, with its default options.

    Attributes:
        waterfall: what each gate drops; as ``TrainingSet.waterfall``.
        by_date: the contract's date, and ``ready``, how many of its records are kept.
    """

    waterfall: pl.DataFrame
    by_date: pl.DataFrame

    @property
    def ready(self) -> int:
        """How many records are kept."""
        return int(self.waterfall["left"][-1])


def count_ready(scored: AnyRows, found: Diagnosis) -> Readiness:
    """Count the records of the diagnosed dates that are ready to train.

    It reads less than a training set does: no value, and of the detail what the gates test.

    Args:
        scored: scored rows: a store, or a frame or table of any library.
        found: their diagnosis, which says what is left out.

    Raises:
        InputError: the rows are not scored.
        StoreError: the store cannot be read.
    """
    contract, day = found.contract, found.contract.table.date
    dates = found.days[day].sort()
    source = open_source(scored, contract, dates[0], dates[-1], _HEADLINE)
    options = resolve_options(_DEFAULTS, contract, source)
    exclusion = exclude_named(found, options.features)
    fields = [f.field for f in FAULTS] + ["sample_size"]
    flat = [*contract.table.key, *(c.column for c in options.conditions)]
    wanted = list(dict.fromkeys([*flat, *map(dotted_name, fields)]))
    keys: list[pl.DataFrame] = []
    masks: dict[str, list[Mask]] = {}
    descriptions: dict[str, str] = {}
    for frame in read_parts(source.narrow(wanted), max(1, PART_CELLS // len(contract.names))):
        failed, descriptions = _test_gates(frame, options, exclusion)
        keys.append(frame.select(contract.table.key))
        for name, fails in failed.items():
            masks.setdefault(name, []).append(fails)
    rows = pl.concat(keys)
    none: npt.NDArray[np.uint32] = np.zeros(0, np.uint32)
    results = GateResults(
        rows,
        contract.table,
        FeatureColumns(Cells(0), none),
        {name: np.concatenate(parts) for name, parts in masks.items()},
        descriptions,
        np.zeros(rows.height, np.bool_),
        {},
    )
    kept = rows.select(day, pl.Series("ready", results.kept))
    by_date = kept.group_by(day).agg(pl.col("ready").sum().cast(pl.Int64)).sort(day)
    return Readiness(make_waterfall(results), by_date)


def _test_gates(
    frame: pl.DataFrame, options: Options, exclusion: Exclusion
) -> tuple[dict[str, Mask], dict[str, str]]:
    """The records that fail each gate, and what it requires, in the order of a training set."""
    failed: dict[str, Mask] = {}
    asks: dict[str, str] = {}
    if exclusion.dates is not None:
        excluded = frame[options.contract.table.date].is_in(list(exclusion.dates)).fill_null(True)
        failed["date"], asks["date"] = excluded.to_numpy(), exclusion.date_gate
    if exclusion.records is not None:
        failed["findings"] = mark_records(frame, exclusion.records)
        asks["findings"] = exclusion.record_gate
    for condition in options.conditions:
        failed[condition.name] = ~frame.select(condition.expression).to_series().to_numpy()
        asks[condition.name] = condition.description
    matrices = DetailMatrices(frame, options)
    faults = matrices.find_faults()
    for fault in FAULTS:
        failed[fault.name] = matrices.has_unexcused(faults[fault.name])
        asks[fault.name] = fault.description
    return failed, asks
