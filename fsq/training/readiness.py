"""How many records are ready to train: what a training set with the default options keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.contract import Contract
from fsq.diagnosis import Diagnosis
from fsq.diagnosis.cells import Cells
from fsq.diagnosis.long_detail import Part, Reader
from fsq.diagnosis.records import Records
from fsq.training.columns import FeatureColumns
from fsq.training.exclusion import exclude_named, mark_named
from fsq.training.gates import FAULTS, list_training_ready_conditions
from fsq.training.matrices import PartMatrices
from fsq.training.options import Arguments, Options, resolve_options
from fsq.training.result import GateResults, Mask
from fsq.training.rows import SortedRows
from fsq.training.source import Source
from fsq.training.waterfall import make_waterfall

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


class ReadyCounter:
    """Tests the gates of records while a diagnosis reads them, and then counts those it leaves.

    Args:
        contract: of the scoring.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._keys: Records | None = None
        self._failed: dict[str, list[Mask]] = {}
        self._options: Options | None = None

    @property
    def reader(self) -> Reader:
        """What it takes of each part: no value, and of the detail what the gates test."""
        conditions = list_training_ready_conditions(self._contract)
        columns = [*self._contract.table.key, *(c.column for c in conditions)]
        fields = [*(f.field for f in FAULTS), "sample_size"]
        return Reader((*dict.fromkeys(columns),), (*fields,), self._take)

    def count(self, found: Diagnosis) -> Readiness:
        """Count the records of the diagnosed dates that are ready to train.

        Args:
            found: the diagnosis of the same rows, which says what is left out.

        Raises:
            InputError: the rows are not scored.
        """
        contract, day = found.contract, found.contract.table.date
        dates = found.days[day].sort()
        if self._keys is None:
            raise ValueError("no part was read; there is one at least")
        days = self._keys[day]
        chosen = days.is_between(dates[0], dates[-1]).fill_null(False)
        days, of_dates = days.filter(chosen), chosen.to_numpy()
        failed: dict[str, Mask] = {}
        asks = {c.name: c.description for c in list_training_ready_conditions(contract)}
        asks |= {f.name: f.description for f in FAULTS}
        exclusion = exclude_named(found, contract.names)
        if exclusion.dates is not None:
            excluded = days.is_in(list(exclusion.dates)).fill_null(True)
            failed["date"], asks["date"] = excluded.to_numpy(), exclusion.date_gate
        if exclusion.records is not None:
            failed["findings"] = mark_named(self._keys, exclusion.records)[of_dates]
            asks["findings"] = exclusion.record_gate
        failed |= {name: np.concatenate(parts)[of_dates] for name, parts in self._failed.items()}
        none: npt.NDArray[np.uint32] = np.zeros(0, np.uint32)
        results = GateResults(
            SortedRows(self._keys, np.flatnonzero(of_dates).astype(np.uint32)),
            contract.table,
            FeatureColumns(Cells(0), none),
            failed,
            asks,
            np.zeros(len(days), np.bool_),
            {},
        )
        kept = pl.DataFrame([days, pl.Series("ready", results.kept)])
        by_date = kept.group_by(day).agg(pl.col("ready").sum().cast(pl.Int64)).sort(day)
        return Readiness(make_waterfall(results), by_date)

    def _take(self, part: Part) -> None:
        """The records that fail each gate, in the order of a training set."""
        records = part.records
        if self._options is None:
            rows = Source(records.lazy(), records.schema, None, None, None)
            self._options = resolve_options(_DEFAULTS, self._contract, rows)
        keys = records.select(self._contract.table.key)
        self._keys = self._keys or Records(keys.clear())
        self._keys.append(keys)
        passed = records.select(c.expression.alias(c.name) for c in self._options.conditions)
        failed = {column.name: ~column.to_numpy() for column in passed}
        matrices = PartMatrices(part, self._options)
        faults = matrices.find_faults()
        failed |= {f.name: matrices.has_unexcused(faults[f.name]) for f in FAULTS}
        for name, fails in failed.items():
            self._failed.setdefault(name, []).append(fails)
