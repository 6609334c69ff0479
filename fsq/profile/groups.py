"""Which features are one value per group of a date, and which rows disagree with their group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from fsq.profile.rows import Codes, Mask, Matrix, Rows, combine

TOLERANCE = 1e-6  # of a value's size
_MAX_DISAGREE = 0.002  # share of a date's rows
_MIN_DATES = 0.9  # share of the dates that stay below: one bad date must not hide what holds
_MIN_COVERED = 0.5  # share of the rows that have a companion in their group
_MAX_COLUMNS = 14  # more columns than this are not combined
_CHANCE = 0.01  # that so few groups of mixed values come about where nothing holds
_WITHIN = 0.5  # share of the groups that lie in one event, if events may limit what holds
_EVERYWHERE = 0.8  # share of a column's values that a date has, if they mark no event of their own


@dataclass(frozen=True, slots=True)
class Grouping:
    """Columns within which, on one date, features have one value.

    Attributes:
        columns: carried columns; none: the date alone.
        features: positions of the features.
        event: the column of events, if history does not tell whether this holds across events: one
            event a date says nothing of two; else None.
    """

    columns: tuple[str, ...]
    features: tuple[int, ...]
    event: str | None = None

    @property
    def scope(self) -> tuple[str, ...]:
        """The columns within which values are compared."""
        return self.columns if self.event is None else (*self.columns, self.event)

    def choose(self, chosen: Sequence[int]) -> Grouping:
        """The same of some features, by their positions among them."""
        features = tuple(at for at, f in enumerate(chosen) if f in self.features)
        return replace(self, features=features)


def learn_groupings(rows: Rows, clean: Mask) -> tuple[Grouping, ...]:
    """Find the groupings that hold in clean history, the coarsest of each feature.

    Args:
        rows: of history.
        clean: the dates to learn from.
    """
    used = clean[rows.date_index]
    found: dict[tuple[str, ...], list[int]] = {}
    settled: dict[int, list[tuple[str, ...]]] = {f: [] for f in range(len(rows.names))}
    unsure: dict[int, list[tuple[tuple[str, ...], int]]] = {f: [] for f in settled}
    varied = _vary_within_dates(rows, used)
    for columns, codes in sorted(_list_candidates(rows), key=lambda c: (len(c[0]), c[1].max())):
        holds, covered, chance = _measure_agreement(rows, codes, used)
        for f, others in settled.items():
            if any(set(o) <= set(columns) for o in others):
                continue  # a coarser one holds already
            if len(others) >= 2 or (columns and not varied[f]):
                continue
            if holds[f] < _MIN_DATES or covered[f] < _MIN_COVERED:
                continue
            if chance[f] > _CHANCE:
                unsure[f].append((columns, int(codes.max())))
                varied[f] = True  # as far as anybody knows
                continue
            others.append(columns)
            found.setdefault(columns, []).append(f)
    # A flag that is rarely up is one value per group, too, if only of the smallest groups.
    for f, others in settled.items():
        for columns in [] if others else _take_finest(unsure[f]):
            found.setdefault(columns, []).append(f)
    return tuple(
        Grouping(c, tuple(fs), _find_limiting_event(rows, c, used)) for c, fs in found.items()
    )


def _take_finest(candidates: list[tuple[tuple[str, ...], int]]) -> list[tuple[str, ...]]:
    """Of columns and how many groups they make, at most two that make the most.

    >>> _take_finest([((), 9), (("side",), 18), (("rival",), 18), (("side", "rival"), 18)])
    [('side',), ('rival',)]
    """
    most = max((groups for _, groups in candidates), default=0)
    return [columns for columns, groups in candidates if columns and groups == most][:2]


def _find_limiting_event(rows: Rows, columns: tuple[str, ...], used: Mask) -> str | None:
    """The column of events, where groups would span events if a date had more of them."""
    event = rows.group
    if event is None or event not in rows.codes or event in columns:
        return None
    codes = rows.code_group(columns) if columns else rows.date_index
    known = used & (codes >= 0) & (rows.codes[event] >= 0)
    pairs = np.unique(np.column_stack([codes[known], rows.codes[event][known]]), axis=0)
    events = np.bincount(pairs[:, 0])
    if not len(pairs) or (events[events > 0] == 1).mean() < _WITHIN:
        return None
    values = combine([rows.codes[c] for c in columns])[known] if columns else codes[known] * 0
    per_date = np.unique(np.column_stack([rows.date_index[known], values]), axis=0)
    usual = np.median(np.unique(per_date[:, 0], return_counts=True)[1])
    return event if usual >= _EVERYWHERE * len(np.unique(values)) else None


def find_disagreeing(rows: Rows, grouping: Grouping) -> tuple[Mask, Mask]:
    """Rows that differ from the middle value of their group, and rows that can be judged.

    Returns:
        Two masks, records × features of the grouping.
    """
    codes = rows.code_group(grouping.scope)
    shape = (len(codes), len(grouping.features))
    differs, judged = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    for at, f in enumerate(grouping.features):
        expected = take_middles(rows.values[:, f], codes)
        judged[:, at] = ~np.isnan(expected)
        with np.errstate(invalid="ignore"):
            off = np.abs(rows.values[:, f] - expected) > measure_tolerance(expected)
        differs[:, at] = off & judged[:, at]
    return differs, judged


def take_middles(values: Matrix, codes: Codes) -> Matrix:
    """The middle value of each record's group; NaN without a value, a group or a companion."""
    out = np.full(len(values), np.nan)
    ranked, _, sizes, middle = _find_middles(values, codes)
    out[ranked] = np.repeat(np.where(sizes >= 2, middle, np.nan), sizes)
    return out


def take_middle_per_code(values: Matrix, codes: Codes, count: int) -> Matrix:
    """The middle value of each code and column; NaN where there is none.

    Args:
        values: records × columns.
        codes: the group of each record; -1 for none.
        count: how many codes there are.
    """
    out = np.full((count, values.shape[1]), np.nan)
    for f, column in enumerate(values.T):
        ranked, starts, _, middle = _find_middles(column, codes)
        out[codes[ranked[starts]], f] = middle
    return out


def _find_middles(values: Matrix, codes: Codes) -> tuple[Codes, Codes, Codes, Matrix]:
    """Positions of the known values by group; each group's start and size there, and its middle.

    Most groups have one value, so only the others are put in order.
    """
    known = np.flatnonzero(~np.isnan(values) & (codes >= 0))
    ranked = known[np.argsort(codes[known], kind="stable")]
    starts, sizes = _find_runs(codes[ranked])
    if not ranked.size:
        return ranked, starts, sizes, np.zeros(0)
    middle, most = (f.reduceat(values[ranked], starts) for f in (np.minimum, np.maximum))
    mixed = middle < most
    if mixed.any():
        some = ranked[np.repeat(mixed, sizes)]
        some = some[np.lexsort((values[some], codes[some]))]
        first, count = _find_runs(codes[some])
        middle[mixed] = values[some][first + (count - 1) // 2]
    return ranked, starts, sizes, middle


def measure_tolerance(values: Matrix) -> Matrix:
    """How far others may lie from values and still be called equal."""
    return np.asarray(TOLERANCE * (1 + np.abs(values)))


def count_groups(rows: Rows, grouping: Grouping) -> float:
    """The median number of groups of a date."""
    if not set(grouping.columns) <= rows.codes.keys():
        return 0.0
    codes = rows.code_group(grouping.columns)
    first = np.unique(codes[codes >= 0], return_index=True)[1]
    return float(np.median(np.bincount(rows.date_index[codes >= 0][first])))


def count_effective_groups(rows: Rows, grouping: Grouping) -> Matrix:
    """How many groups of one size say as much as those of each date; infinite without groups."""
    codes = rows.code_group(grouping.columns)
    codes, day = codes[codes >= 0], rows.date_index[codes >= 0]
    _, first, sizes = np.unique(codes, return_index=True, return_counts=True)
    dates = len(rows.dates)
    whole = np.bincount(day[first], weights=sizes, minlength=dates)
    squares = np.bincount(day[first], weights=sizes**2.0, minlength=dates)
    return np.asarray(np.divide(whole**2, squares, out=np.full(dates, np.inf), where=squares > 0))


def count_valued(rows: Rows, grouping: Grouping, known: Mask) -> Matrix:
    """How many groups of each date have a value: dates × the columns of ``known``.

    Args:
        rows: of any dates.
        grouping: what makes a group.
        known: records × features: where there is a value.
    """
    codes = rows.code_group(grouping.columns)
    inside = codes >= 0
    day = np.zeros(int(codes.max(initial=-1)) + 1, dtype=np.int64)
    day[codes[inside]] = rows.date_index[inside]
    out = np.zeros((len(rows.dates), known.shape[1]))
    for at, column in enumerate(known.T):
        present = np.zeros(len(day), dtype=np.bool_)
        present[codes[inside & column]] = True
        out[:, at] = np.bincount(day[present], minlength=len(rows.dates))
    return out


def count_shared(rows: Rows, features: Sequence[int]) -> Matrix:
    """How many values the events of each date have, or the date: dates × some features.

    So many groups there are at least, where no column tells them.
    """
    of_event = (rows.group,) if rows.group is not None and rows.group in rows.codes else ()
    codes = rows.code_group(of_event)
    out = np.zeros((len(rows.dates), len(features)))
    for at, f in enumerate(features):
        known = np.flatnonzero(~np.isnan(rows.values[:, f]) & (codes >= 0))
        value = np.unique(rows.values[known, f], return_inverse=True)[1].astype(np.int64)
        first = np.unique(combine([codes[known], value]), return_index=True)[1]
        out[:, at] = np.bincount(rows.date_index[known[first]], minlength=len(rows.dates))
    return out


def _list_candidates(rows: Rows) -> Iterator[tuple[tuple[str, ...], Codes]]:
    yield (), rows.date_index
    dates, records = len(rows.dates), len(rows.date_index)
    usable = []
    for name in rows.codes:
        codes = combine([rows.date_index, rows.codes[name]])
        groups = int(codes.max(initial=-1)) + 1
        if groups > 1.5 * dates:
            usable.append(name)
        if 1.5 * dates < groups < 0.7 * records:
            yield (name,), codes
    few = [n for n in usable if rows.codes[n].max() < records // 4][:_MAX_COLUMNS]
    for pair in combinations(few, 2):
        codes = combine([rows.date_index, *(rows.codes[c] for c in pair)])
        if codes.max(initial=-1) + 1 < 0.6 * records:
            yield pair, codes


def _vary_within_dates(rows: Rows, used: Mask) -> Mask:
    holds, covered, _ = _measure_agreement(rows, rows.date_index, used)
    return (holds < _MIN_DATES) & (covered > 0)


def _measure_agreement(rows: Rows, codes: Codes, used: Mask) -> tuple[Matrix, Matrix, Matrix]:
    """Share of dates whose groups have one value, share of rows with a companion, and chance.

    Chance is how likely so few groups of mixed values are at most, if two of any values met; 0 for
    dates without any.
    """
    width = len(rows.names)
    holds, covered, chance = np.zeros(width), np.zeros(width), np.ones(width)
    ranked = np.argsort(codes, kind="stable")
    ranked = ranked[used[ranked] & (codes[ranked] >= 0)]
    for f in range(width):
        known = ranked[~np.isnan(rows.values[ranked, f])]
        if known.size < 2:
            continue
        starts, sizes = _find_runs(codes[known])
        values = rows.values[known, f]
        top = np.maximum.reduceat(values, starts)
        low = np.minimum.reduceat(values, starts)
        several = sizes >= 2
        mixed = several & (top - low > measure_tolerance(top))
        day = rows.date_index[known[starts]]
        total = np.bincount(day, weights=sizes * several)
        off = np.bincount(day, weights=sizes * mixed)
        if total.any():
            holds[f] = (off[total > 0] <= _MAX_DISAGREE * total[total > 0]).mean()
            covered[f] = total.sum() / known.size
            count, whole = int(mixed.sum()), codes is rows.date_index
            variety = _measure_variety(values)
            chance[f] = 0.0 if whole and not count else _bound_chance(count, several.sum(), variety)
    return holds, covered, chance


def _measure_variety(values: Matrix) -> float:
    """How likely two values differ.

    >>> _measure_variety(np.array([1.0, 1.0, 2.0, 2.0]))
    0.5
    """
    counts = np.unique(values, return_counts=True)[1]
    return float(1 - ((counts / len(values)) ** 2).sum())


def _bound_chance(hits: int, count: int, share: float) -> float:
    """How likely at most so many of some are hit, each by chance: Chernoff's bound.

    >>> round(_bound_chance(0, 3, 0.5), 6)
    0.125
    >>> _bound_chance(2, 4, 0.5)
    1.0
    """
    part = hits / count
    if part >= share:
        return 1.0
    rest = (1 - part) * np.log((1 - part) / (1 - share)) if share < 1 else np.inf
    some = part * np.log(part / share) if part else 0.0
    return float(np.exp(-count * (some + rest)))


def _find_runs(ordered: Codes) -> tuple[Codes, Codes]:
    """Starts and lengths of equal codes."""
    if not ordered.size:
        return ordered, ordered
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    return starts, np.diff(np.r_[starts, len(ordered)])
