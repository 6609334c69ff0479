"""What a training set holds: the results of its gates, and the summary that people see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fsq.contract.table import Table
from fsq.diagnosis import Finding
from fsq.training.columns import FeatureColumns
from fsq.training.label_checks.base import LabelFault, Mask, Matrix
from fsq.training.options import Options
from fsq.training.rows import SortedRows

__all__ = ["GateResults", "Mask", "Matrix", "Summary", "passes_all"]


@dataclass(frozen=True)
class GateResults:
    """Every record's result at every gate, in order of date and keys.

    Attributes:
        rows: keys, label, carried columns.
        table: names the keys and the date among them.
        values: of each feature of the set; NaN where one is absent or masked.
        failed: per gate, in order, the records that fail it.
        descriptions: per gate, what it requires, in words.
        late: records with a value that was updated after their ``as_of``.
        versions: the definition versions among the kept records, per feature that has several.
        label_faults: what is wrong with the labels, as far as they show it.
    """

    rows: SortedRows
    table: Table
    values: FeatureColumns
    failed: dict[str, Mask]
    descriptions: dict[str, str]
    late: Mask
    versions: dict[str, list[str]]
    label_faults: tuple[LabelFault, ...] = ()

    @property
    def dates(self) -> pl.Series:
        """The date of each record."""
        return self.rows[self.table.date]

    @property
    def kept(self) -> Mask:
        """Records that pass every gate."""
        return passes_all(self.failed, self.rows.height)


def passes_all(failed: dict[str, Mask], records: int) -> Mask:
    """Records that fail no gate.

    >>> passes_all({"label": np.array([True, False])}, 2).tolist(), passes_all({}, 1).tolist()
    ([False, True], [True])
    """
    out = np.ones(records, dtype=np.bool_)
    for fails in failed.values():
        out &= ~fails
    return out


@dataclass(frozen=True)
class Summary:
    """What a training set shows of itself.

    Attributes:
        options: the options it was made with.
        fingerprint: the same for the same records, values and gates.
        waterfall: what each gate dropped; see ``fsq.training.waterfall.make_waterfall``.
        overlaps: how many records fail exactly these gates.
        findings: what to look at before training.
        filter: everything that decides which rows and values are in the set, as JSON types.
    """

    options: Options
    fingerprint: str
    waterfall: pl.DataFrame
    overlaps: pl.DataFrame
    findings: tuple[Finding, ...]
    filter: dict[str, Any]

    @property
    def total(self) -> int:
        """How many records there were."""
        return int(self.waterfall["left"][0])

    @property
    def kept(self) -> int:
        """How many records pass every gate."""
        return int(self.waterfall["left"][-1])
