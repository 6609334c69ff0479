"""What normally holds between the values of a table: its structure, learned from clean dates."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import polars.selectors as cs

from fsq.profile.groups import Grouping, learn_groupings
from fsq.profile.regression import Regressions, learn_regressions
from fsq.profile.rows import Codes, Mask, Matrix, Rows, read_number
from fsq.profile.sides import Mirror, learn_mirrors
from fsq.profile.steps import Carriers, follow, learn_carriers, learn_jumps
from fsq.profile.subgroups import Rates, learn_rates, learn_subgroups
from fsq.profile.twins import Twin, learn_twins

_USUALLY_THERE = 0.5  # share of the records that may lack a feature
_MIN_CORRELATION = 0.15
_MIN_RELATED = 0.15
_MIN_ROWS = 300
_MIN_SHARED = 4  # records of a date with one value, for most records
_SELDOM_AGAIN = 1.5  # dates on which such a value occurs
_MOST_EVENTS = 0.9  # share of the events: a record may bear the wrong one


@dataclass(frozen=True)
class Structure:
    """What was learned.

    Attributes:
        groupings: columns within which features have one value.
        mirrors: features of one side of an event that mirror the other side.
        carriers: along what features are continuous.
        regressions: how the other features explain each; None without enough rows.
        twins: features that equal carried columns.
        subgroups: columns that split a date into several subgroups.
        rates: how common states of records are that a subgroup may share.
        tables: positions of the features of each upstream table that are usually there.
        jumps: per table, the mean step that one record in a thousand exceeds.
        label: the carried number that features predict, if one is found.
        leaning: how closely each feature goes with it: a correlation from 0 to 1.
        tied: features that are one value per group of which no column tells.
    """

    groupings: tuple[Grouping, ...]
    mirrors: tuple[Mirror, ...]
    carriers: Carriers
    regressions: Regressions | None
    twins: tuple[Twin, ...]
    subgroups: tuple[str, ...]
    rates: Rates
    tables: tuple[tuple[int, ...], ...]
    jumps: Matrix
    label: str | None
    leaning: Matrix
    tied: tuple[int, ...] = ()

    @property
    def past_of_label(self) -> list[int]:
        """The features that go with the label."""
        return [int(f) for f in np.flatnonzero(self.leaning > _MIN_RELATED)]

    @property
    def grouped(self) -> list[int]:
        """The features that are one value per group."""
        return sorted({f for g in self.groupings for f in g.features} | {*self.tied})


def learn_structure(rows: Rows, clean: Mask, tables: Sequence[Sequence[int]]) -> Structure:
    """Learn from the clean dates among those of the rows.

    Args:
        rows: of history.
        clean: the dates to learn from.
        tables: positions of the features of each upstream table.
    """
    groupings = learn_groupings(rows, clean)
    carriers = learn_carriers(rows, groupings, clean)
    used = clean[rows.date_index]
    there = rows.is_default[used].mean(axis=0) < _USUALLY_THERE
    present = tuple(tuple(f for f in fs if there[f]) for fs in tables)
    present = tuple(fs for fs in present if fs)
    subgroups = learn_subgroups(rows, clean)
    return Structure(
        groupings,
        learn_mirrors(rows, groupings, clean),
        carriers,
        learn_regressions(rows, clean),
        learn_twins(rows, clean),
        subgroups,
        learn_rates(rows, follow(rows, carriers), used, subgroups),
        present,
        learn_jumps(rows, carriers, present, used),
        *_find_label(rows, clean),
        _find_tied(rows, used, {f for g in groupings for f in g.features}),
    )


def _find_tied(rows: Rows, used: Mask, grouped: Collection[int]) -> tuple[int, ...]:
    """Features that are one value per group, such as a team, though no column tells the groups."""
    out = []
    for f in range(len(rows.names)):
        known = used & ~np.isnan(rows.values[:, f])
        if f in grouped or not known.any():
            continue
        code = np.unique(rows.values[known, f], return_inverse=True)[1].astype(np.int64)
        day = rows.date_index[known]
        if _are_shared(day, code) or _split_events(rows, known, day, code):
            out.append(f)
    return tuple(out)


def _are_shared(day: Codes, value: Codes) -> bool:
    """Whether many records of a date share a value, but no other date does."""
    distinct = int(value.max()) + 1
    cells, sizes = np.unique(day * distinct + value, return_counts=True)
    dates = len(np.unique(cells // distinct))
    shared = float(np.median(np.repeat(sizes, sizes)))
    seldom = len(cells) <= _SELDOM_AGAIN * distinct
    return shared >= _MIN_SHARED and seldom and len(cells) >= 2 * dates


def _split_events(rows: Rows, known: Mask, day: Codes, value: Codes) -> bool:
    """Whether events have at most two values, one per side, and as many other records more."""
    if rows.group is None or rows.group not in rows.codes:
        return False
    event = rows.code_group((rows.group,))[known]
    inside = event >= 0
    event, day, value = event[inside], day[inside], value[inside]
    rng = np.random.default_rng(0)
    shuffled = np.empty_like(value)
    shuffled[np.argsort(day, kind="stable")] = value[np.lexsort((rng.random(len(day)), day))]
    return bool(
        _measure_two_sided(event, value) >= _MOST_EVENTS
        and _measure_two_sided(event, shuffled) < 1 - _MOST_EVENTS
    )


def _measure_two_sided(event: Codes, value: Codes) -> float:
    """The share of the events of several records that have at most two values."""
    sizes = np.bincount(event)
    pairs = np.unique(event * (int(value.max(initial=0)) + 1) + value)
    values = np.bincount(pairs // (int(value.max(initial=0)) + 1), minlength=len(sizes))
    several = sizes >= 2 * _MIN_SHARED
    return float((values[several] <= 2).mean()) if several.any() else 0.0


def _find_label(rows: Rows, clean: Mask) -> tuple[str | None, Matrix]:
    """The carried number that a feature predicts best, and each feature's correlation with it.

    The correlations are sizes, from 0 to 1; 0 throughout where no number is predicted.
    """
    used = clean[rows.date_index]
    found, leaning = None, np.zeros(len(rows.names))
    for column in rows.carried.select(cs.float()):
        label = read_number(column)
        r = np.array([_correlate(label, rows.values[:, f], used) for f in range(len(rows.names))])
        if r.max(initial=0.0) > max(_MIN_CORRELATION, leaning.max(initial=0.0)):
            found, leaning = column.name, r
    return found, leaning


def _correlate(x: Matrix, y: Matrix, used: Mask) -> float:
    known = used & ~np.isnan(x) & ~np.isnan(y)
    if known.sum() < _MIN_ROWS or not np.ptp(x[known]) or not np.ptp(y[known]):
        return 0.0
    return abs(float(np.corrcoef(x[known], y[known])[0, 1]))
