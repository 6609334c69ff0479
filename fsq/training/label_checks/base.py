"""What the label checks look at, what they report, and how sure they must be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.contract import Contract
from fsq.diagnosis.findings import Severity
from fsq.training.columns import FeatureColumns, bound
from fsq.training.rows import SortedRows, combine

Mask: TypeAlias = npt.NDArray[np.bool_]
Matrix: TypeAlias = npt.NDArray[np.float64]
Codes: TypeAlias = npt.NDArray[np.int64]

# Nats. What chance gives once in 65 million tries: a set of ten years has fewer events.
SURE = 18.0


def mark_pairs(rows: pl.DataFrame, wanted: pl.DataFrame) -> Mask:
    """The rows whose two columns hold one of the pairs that are wanted, each at most once.

    >>> rows = pl.DataFrame({"event": [1, 1, 2], "earlier": [7, 8, 7]})
    >>> mark_pairs(rows, rows[1:2]).tolist()
    [False, True, False]
    """
    flagged = wanted.with_columns(hit=pl.lit(True))
    hit = rows.join(flagged, on=wanted.columns, how="left", maintain_order="left")["hit"]
    return hit.fill_null(False).to_numpy()


@dataclass(frozen=True)
class LabelFault:
    """One thing that is wrong with labels.

    Attributes:
        kind: of finding.
        severity: of the finding while these records are in the set.
        title: one line for people.
        cause: a sentence.
        remedy: what to do.
        records: whose label is doubted: a gate can leave them out.
        features: those affected, if it is about features.
        evidence: figures, as JSON types.
        affected: records that it affects, if their label is not doubted because they have none.
    """

    kind: str
    severity: Severity
    title: str
    cause: str
    remedy: str
    records: Mask
    features: tuple[str, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    affected: Mask | None = None


@dataclass(frozen=True)
class LabelData:
    """Labels, features and keys of every record, in order of date and keys.

    Attributes:
        contract: of the scoring.
        label: name of the label.
        features: names of the matrix's columns.
        rows: keys, group, label.
        values: of each feature; NaN where one is absent or not trusted.
        lists_own_event: records whose windows list their own event, or one of a later date.
        now: the moment after which an event is still to come.
    """

    contract: Contract
    label: str
    features: tuple[str, ...]
    rows: SortedRows
    values: FeatureColumns
    lists_own_event: Mask
    now: datetime

    @cached_property
    def labels(self) -> Matrix:
        """The labels; NaN where there is none."""
        values = self.rows[self.label].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        return bound(np.where(np.isfinite(values), values, np.nan))

    @cached_property
    def has_label(self) -> Mask:
        """Whether a record has a finite label."""
        return ~np.isnan(self.labels)

    @cached_property
    def _dates(self) -> tuple[list[date], Codes]:
        days = self.rows[self.contract.table.date]
        known = days.unique().sort()
        codes = days.to_frame().join(
            known.to_frame().with_row_index("code"),
            on=days.name,
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )["code"]
        return known.to_list(), codes.cast(pl.Int64).to_numpy()

    @property
    def dates(self) -> list[date]:
        """The dates, in order."""
        return self._dates[0]

    @property
    def date_codes(self) -> Codes:
        """Position of each record's date among ``dates``."""
        return self._dates[1]

    @cached_property
    def group(self) -> str | None:
        """The column whose values are events, if the rows have it."""
        name = self.contract.table.group
        return name if name in self.rows.columns else None

    @cached_property
    def event_codes(self) -> Codes | None:
        """A number per date and event; -1 where the event is unknown, None without a group."""
        if self.group is None:
            return None
        codes = combine(self.date_codes, self.rows.number([self.group]))
        known = self.rows[self.group].is_not_null().to_numpy()
        return np.where(known, codes, -1)

    @cached_property
    def entity_columns(self) -> list[str]:
        """The keys that name the entity: an event's id is not one of them."""
        keys = [k for k in self.contract.table.keys if k != self.contract.table.group]
        return keys or list(self.contract.table.keys)

    @cached_property
    def entity_codes(self) -> Codes:
        """A number per entity, in any order."""
        return self.rows.number(self.entity_columns)

    def without(self, doubted: Mask) -> LabelData:
        """The same without the labels of these records."""
        if not doubted.any():
            return self
        kept = pl.Series(self.label, np.where(doubted, np.nan, self.labels))
        return replace(self, rows=self.rows.replace(kept))

    def list_dates(self, records: Mask) -> list[date]:
        """The dates of these records, in order."""
        return [self.dates[i] for i in np.unique(self.date_codes[records])]

    def on_dates(self, chosen: Iterable[int]) -> Mask:
        """The records of these dates, given by position, that have a label."""
        return np.isin(self.date_codes, list(chosen)) & self.has_label

    @cached_property
    def _by_entity(self) -> npt.NDArray[np.uint32]:
        """Positions of the records with a label, entity by entity, in order of date."""
        labelled = np.flatnonzero(self.has_label).astype(np.uint32)
        return labelled[np.argsort(self.entity_codes[labelled], kind="stable")]

    def previous(self, lag: int) -> Codes:
        """Position of each record's ``lag``-th earlier record of the same entity; -1 without one.

        Only records with a label count.
        """
        order = self._by_entity
        out = np.full(self.rows.height, -1, dtype=np.int64)
        if lag < len(order):
            same = self.entity_codes[order[lag:]] == self.entity_codes[order[:-lag]]
            out[order[lag:][same]] = order[:-lag][same]
        return out


def measure_surprise(hits: Any, tries: Any, share: Any) -> Matrix:
    """How unlikely it is to see so many hits, in nats: Chernoff's bound of the binomial tail.

    Args:
        hits: how many there are.
        tries: of how many.
        share: how many are usual, 0 to 1, both excluded.

    Returns:
        0 where there are no more than usual. A value of x has a probability of at most exp(-x).

    >>> measure_surprise([5, 20], [100, 20], [0.05, 0.05]).round(1).tolist()
    [0.0, 59.9]
    """
    hits, tries, usual = (np.asarray(v, dtype=np.float64) for v in (hits, tries, share))
    seen = np.divide(hits, tries, out=np.zeros(np.broadcast(hits, tries).shape), where=tries > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        some = np.where(seen > 0, seen * np.log(seen / usual), 0.0)
        rest = np.where(seen < 1, (1 - seen) * np.log((1 - seen) / (1 - usual)), 0.0)
    return np.where(seen > usual, tries * (some + rest), 0.0)
