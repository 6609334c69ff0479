"""Textbook statistics as a detector, with limits that keep a budget of false alarms together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from benchmarks.damage.statistics import (
    Statistic,
    classify,
    measure_defaults,
    measure_mean,
    measure_nulls,
    measure_psi,
    measure_rows,
    measure_spread,
)
from fsq.bench.damage import DamageTable
from fsq.bench.detection import Alarm, Evidence

STATISTICS: dict[str, Statistic] = {
    "mean": measure_mean,
    "spread": measure_spread,
    "nulls": measure_nulls,
    "defaults": measure_defaults,
    "psi": measure_psi,
    "classifier": classify,
    "rows": measure_rows,
}
BUDGET = 2 / 100  # clean dates with an alarm, of all of them
_DATES = 14  # earlier dates that a date is compared with
_MOST_DAYS = 45  # before which dates are another season's
_USUAL = 0.95  # quantile of a feature's own figures that makes features comparable
_NAMED = 0.5  # features with half of the largest excess are named, too


class Textbook:
    """Mean and spread, NULL and default rates, PSI, a classifier and rows, all at one budget."""

    name = "textbook"
    explains = False

    def learn(self, table: DamageTable, rows: pl.DataFrame, scored: pl.DataFrame) -> None:
        """Set limits so that all statistics together alarm on as many clean dates as allowed."""
        self._table = table
        figures: dict[str, list[np.ndarray]] = {name: [] for name in STATISTICS}
        for day, before in _walk(rows, table.date):
            for name, statistic in STATISTICS.items():
                figures[name].append(statistic(table, day, before))
        clean = {name: np.array(values) for name, values in figures.items()}
        self._scales = {
            name: np.maximum(np.quantile(values, _USUAL, axis=0), np.quantile(values, _USUAL) / 10)
            for name, values in clean.items()
        }
        worst = np.array([_divide(clean[n], self._scales[n]).max(axis=1) for n in STATISTICS])
        limits = set_limits(worst, BUDGET)
        self._limits = dict(zip(STATISTICS, limits, strict=True))

    def judge(self, evidence: Evidence) -> list[Alarm]:
        """Compare each date with the fourteen before it."""
        every = pl.concat([evidence.before, evidence.rows], how="vertical_relaxed")
        alarms = []
        for day, before in _walk(every, self._table.date):
            when = day[self._table.date][0]
            if when not in evidence.dates:
                continue
            for name, statistic in STATISTICS.items():
                figures = statistic(self._table, day, before)
                excess = _divide(figures, self._scales[name])
                if excess.max() > self._limits[name]:
                    named = excess > max(self._limits[name], _NAMED * excess.max())
                    features = () if name == "rows" else np.array(self._table.live)[named]
                    alarms.append(Alarm(when, "yellow", name, None, tuple(map(str, features))))
        return alarms


def set_limits(worst: np.ndarray, budget: float) -> np.ndarray:
    """Limits per statistic: the most that clean dates show, but for as many as the budget allows.

    Which dates are given up is chosen one after another: the one that lowers the limits most.

    Args:
        worst: statistics × clean dates.
        budget: share of the dates on which any may be over its limit.

    >>> set_limits(np.array([[1.0, 2.0, 9.0, 4.0], [10.0, 10.0, 10.0, 10.0]]), 0.25)
    array([ 4., 10.])
    """
    kept = worst
    for _ in range(int(budget * worst.shape[1])):
        highest_two = np.sort(kept, axis=1)[:, -2:]
        fall = np.log(np.maximum(highest_two[:, 1], 1e-9) / np.maximum(highest_two[:, 0], 1e-9))
        gain = np.where(kept == highest_two[:, 1:], fall[:, None], 0.0).sum(axis=0)
        kept = np.delete(kept, gain.argmax(), axis=1)
    return np.asarray(kept.max(axis=1))


def _divide(figures: np.ndarray, scales: np.ndarray) -> np.ndarray:
    return np.asarray(
        np.divide(
            figures,
            scales,
            out=np.zeros_like(figures),
            where=np.broadcast_to(scales > 0, figures.shape),
        )
    )


def _walk(rows: pl.DataFrame, date: str) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Each date's rows with those of the fourteen dates before, if these are of its season."""
    days = {key[0]: part for key, part in rows.partition_by(date, as_dict=True).items()}
    dates = sorted(days)
    for at in range(_DATES, len(dates)):
        earlier = dates[at - _DATES : at]
        if (dates[at] - earlier[0]).days <= _MOST_DAYS:
            yield days[dates[at]], pl.concat([days[d] for d in earlier])
