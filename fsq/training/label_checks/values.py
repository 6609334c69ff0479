"""Labels that are one value for a whole date or event, and labels that are absent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from fsq.diagnosis.nouns import name_group
from fsq.diagnosis.rendering import format_dates
from fsq.training.label_checks.base import (
    SURE,
    Codes,
    LabelData,
    LabelFault,
    Mask,
    Matrix,
    mark_pairs,
    measure_surprise,
)

_NEARLY_ALL = 0.9
_RISE = 0.15  # of the share of one value on a date, above what is usual
_MANY_VALUES = 10  # distinct labels: with fewer, one value's share may well change
_DAYS_TO_LABEL = 3  # after a date, at most
_OUTLIER = 5.0  # robust standard deviations


def find_repeated_values(data: LabelData) -> list[LabelFault]:
    """Report dates, and events, whose labels are nearly all one value, as nowhere else."""
    units = [data.date_codes] if data.event_codes is None else [data.date_codes, data.event_codes]
    records = np.any([_find_uniform(data, u) for u in units], axis=0)
    records |= _find_rise(data.without(records))
    if not records.any():
        return []
    values, hits = np.unique(data.labels[records], return_counts=True)
    value = float(values[hits.argmax()])
    days = data.list_dates(records)
    on_these = np.isin(data.date_codes, data.date_codes[records]) & data.has_label
    usual = (
        float(np.mean(data.labels[data.has_label & ~on_these] == value))
        if (data.has_label & ~on_these).any()
        else None
    )
    table = data.contract.table
    elsewhere = "" if usual is None else f"; on other dates {usual:.0%} have it"
    return [
        LabelFault(
            "label_one_value",
            "red",
            f"{data.label} is {value:g} for {table.count(int(records.sum()))} on "
            f"{format_dates(days)}",
            f"These dates have {int(on_these.sum()):,} labels{elsewhere}. They were probably "
            "written before the result was known, or a job wrote a placeholder.",
            f"fill {data.label} again for these dates",
            records,
            evidence={"value": value, "usual_share": usual},
        )
    ]


@dataclass(frozen=True)
class _Counts:
    """How many labels of each unit have which value: one entry per unit and value.

    Attributes:
        values: the distinct ones, in order.
        unit: number of the unit.
        value: position among the values.
        hits: how many labels of the unit have the value.
        tries: labels of the unit.
    """

    values: Matrix
    unit: Codes
    value: Codes
    hits: Codes
    tries: Codes

    @property
    def elsewhere(self) -> Codes:
        """Labels of all other units."""
        return np.asarray(self.hits.sum() - self.tries)

    @property
    def share(self) -> Matrix:
        """Of the value elsewhere, never 0 or 1."""
        everywhere = np.bincount(self.value, self.hits, minlength=len(self.values))
        return np.asarray((everywhere[self.value] - self.hits + 1) / (self.elsewhere + 2))

    def choose(self, chosen: Mask) -> pl.DataFrame:
        """Some entries: ``unit`` and ``value``, the value itself."""
        return pl.DataFrame({"unit": self.unit[chosen], "value": self.values[self.value[chosen]]})


def _count_values(data: LabelData, units: Codes) -> _Counts:
    """Count by sorting, since groups of millions of records would take far more memory."""
    known = data.has_label & (units >= 0)
    labels = data.labels[known]
    values = np.unique(labels)
    pairs = np.searchsorted(values, labels)
    pairs += units[known] * len(values)
    pairs.sort()
    starts = np.flatnonzero(np.diff(pairs, prepend=-1))
    hits = np.diff(starts, append=len(pairs))
    unit, value = np.divmod(pairs[starts], max(len(values), 1))
    tries = np.bincount(unit, hits).astype(np.int64)[unit]
    return _Counts(values, unit, value, hits, tries)


def _find_uniform(data: LabelData, units: Codes) -> Mask:
    """Records with the one value of a unit."""
    every = _count_values(data, units)
    found = (every.hits >= _NEARLY_ALL * every.tries) & (every.elsewhere > 0)
    share = every.share

    def keep_surprising(some: Codes, least: float) -> None:
        """Whatever is usual, a larger share than elsewhere only makes a value less surprising."""
        usual = np.clip(np.maximum(share[some], least), 0.0, 0.9999)
        found[some] = measure_surprise(every.hits[some], every.tries[some], usual) >= SURE

    keep_surprising(np.flatnonzero(found), 0.0)
    for value in np.unique(every.value[found]):
        of_value = every.value == value
        usual = _find_high_share(every, of_value, units)
        keep_surprising(np.flatnonzero(found & of_value), usual)
    return _find_records(data, units, every.choose(found))


def _find_high_share(every: _Counts, of_value: Mask, units: Codes) -> float:
    """The share of one value that one unit in twenty reaches, of those that are not all one value.

    Units differ by more than chance: a binary label may well be the same for most of a date.
    """
    shares = np.zeros(int(units.max()) + 1)
    shares[every.unit[of_value]] = every.hits[of_value] / every.tries[of_value]
    mixed = shares[shares < 1]
    return float(np.quantile(mixed, 0.95)) if len(mixed) else 0.0


def _find_rise(data: LabelData) -> Mask:
    """Records of dates on which one value is far more common than on any ordinary date."""
    dates = len(data.dates)
    if dates < _MANY_VALUES or np.unique(data.labels[data.has_label]).size < _MANY_VALUES:
        return np.zeros(data.rows.height, dtype=np.bool_)
    every = _count_values(data, data.date_codes)
    seen = every.hits / every.tries
    found = np.zeros(len(seen), dtype=np.bool_)
    for value in np.unique(every.value[seen >= _RISE]):
        of_value = np.flatnonzero(every.value == value)
        hits, tries = every.hits[of_value], every.tries[of_value]
        # A date without the value has a share of 0, so the median is one of all dates.
        shares = np.zeros(dates)
        shares[every.unit[of_value]] = seen[of_value]
        usual = float(np.median(shares))
        spread = 1.4826 * float(np.median(np.abs(shares - usual)))
        chance = np.sqrt(usual * (1 - usual) / tries)
        rise = seen[of_value] - usual
        enough = measure_surprise(hits, tries, np.clip(usual + spread, 0.01, 0.99))
        stands_out = (rise >= _RISE) & (rise >= _OUTLIER * np.maximum(spread, chance))
        found[of_value] = stands_out & (enough >= SURE)
    return _find_records(data, data.date_codes, every.choose(found))


def _find_records(data: LabelData, units: Codes, wanted: pl.DataFrame) -> Mask:
    """The records that have the values found in their units."""
    found = np.zeros(data.rows.height, dtype=np.bool_)
    some = np.flatnonzero(data.has_label & np.isin(units, wanted["unit"]))
    flat = pl.DataFrame({"unit": units[some], "value": data.labels[some]})
    found[some] = mark_pairs(flat, wanted)
    return found


def find_missing_labels(data: LabelData) -> list[LabelFault]:
    """Report dates, and events, that have no labels, or few, although theirs are due.

    They are due where a later date has its own, or once some days have passed.
    """
    size = len(data.dates)
    rows = np.bincount(data.date_codes, minlength=size)
    labelled = np.bincount(data.date_codes[data.has_label], minlength=size)
    late = (data.now - timedelta(days=_DAYS_TO_LABEL)).date()
    due = np.array([day < late for day in data.dates])
    due[: int(np.flatnonzero(labelled)[-1])] = True
    usual = float(np.median((labelled / rows)[labelled > 0]))
    few = labelled <= 0.5 * usual * rows
    surprise = measure_surprise(rows - labelled, rows, min(max(1 - usual, 0.02), 0.98))
    lacking = few & ((labelled == 0) | (surprise >= SURE)) & due
    affected = lacking[data.date_codes] & ~data.has_label
    events = _find_events_without_labels(data, usual) & ~lacking[data.date_codes]
    events &= due[data.date_codes]
    codes = data.event_codes
    without = 0 if codes is None else len(np.unique(codes[events]))
    affected |= events
    if not affected.any():
        return []
    days = data.list_dates(affected)
    noun = name_group(data.contract.table)
    also = f" {without} of their {noun}s have none at all." if without else ""
    return [
        LabelFault(
            "label_absent",
            "yellow",
            f"{data.label} is absent for {data.contract.table.count(int(affected.sum()))} on "
            f"{format_dates(days)}",
            f"On other dates {usual:.0%} of the records have a label, and these are due.{also}",
            f"fill {data.label} for these dates, or leave them out knowingly",
            np.zeros(data.rows.height, dtype=np.bool_),
            evidence={"usual_share": usual},
            affected=affected,
        )
    ]


def _find_events_without_labels(data: LabelData, usual: float) -> Mask:
    """Records of events of which none has a label, where chance does not explain it."""
    codes = data.event_codes
    if codes is None:
        return np.zeros(data.rows.height, dtype=np.bool_)
    known = codes >= 0
    rows = np.bincount(codes[known], minlength=1)
    labelled = np.bincount(codes[known & data.has_label], minlength=len(rows))
    surprise = measure_surprise(rows - labelled, rows, min(max(1 - usual, 0.02), 0.98))
    empty = (rows > 0) & (labelled == 0) & (surprise >= SURE)
    return np.asarray(known & empty[np.maximum(codes, 0)])
