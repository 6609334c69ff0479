"""Windows that fill: whether a date's windows can be full, and what of it is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import ClassVar

import numpy as np

from fsq.contract import Feature
from fsq.diagnosis.history import History
from fsq.diagnosis.season_start import find_season_starts
from fsq.profile.rows import Codes, Mask, Matrix

_HAS_VALUES = 0.8  # share of defaults: windows that fill have more


@dataclass
class Windows(History):
    """How full the windows of each date are, and where a season starts.

    Args:
        known_dates: further dates on which the table has rows.
    """

    known_dates: Sequence[date] = field(default=(), kw_only=True)
    _of_history: ClassVar[tuple[str, ...]] = (
        "default_share", "is_filling", "_first_comparable", "_starting"
    )  # fmt: skip

    @cached_property
    def tables(self) -> dict[str, tuple[Feature, ...]]:
        """Features by upstream table, in contract order."""
        return self.contract.group_by_table()

    @cached_property
    def default_share(self) -> Matrix:
        """Share of rows per date and feature that are default.

        Where a window has no fixed size, such as all events against one rival, an empty window
        is normal: such rows do not count.
        """
        windows = self.contract.windows
        open_ended = [
            bool(f.window and windows[f.window].size is None) for f in self.contract.features
        ]
        # Unless there used to be something in it: then that was lost.
        used = np.nan_to_num(self.compute_medians_before(self.get_matrix("sample_size")))
        empty = np.array(open_ended) & (used < self.contract.diagnosis.warmup_games)
        excused = np.where(empty, self.get_matrix("empty_rows"), 0)
        left = self.rows[:, None] - excused
        lost = self.get_matrix("default_rows") - excused
        return np.asarray(np.divide(lost, left, out=np.zeros_like(lost), where=left > 0))

    @cached_property
    def _window_sizes(self) -> dict[int, int]:
        """Sizes of the windows of fixed size, by the index of their feature."""
        windows = self.contract.windows
        sizes = {f.index: windows[f.window].size for f in self.contract.features if f.window}
        return {index: size for index, size in sizes.items() if size is not None}

    @cached_property
    def median_sample(self) -> Matrix:
        """Median events in the fullest windows of fixed size, per date; NaN if unknown."""
        samples = self.get_matrix("sample_size")[:, list(self._window_sizes)]
        known = ~np.isnan(samples)
        most = np.where(known, samples, -1.0).max(axis=1, initial=-1.0)
        return np.where(most < 0, np.nan, most)

    @cached_property
    def _warm(self) -> Mask:
        """Dates whose windows hold as many events as the contract asks for, or as they can."""
        known = ~np.isnan(self.get_matrix("sample_size")[:, list(self._window_sizes)])
        sizes = np.where(known, list(self._window_sizes.values()), 0).max(axis=1, initial=0)
        least = np.minimum(self.contract.diagnosis.warmup_games, sizes)
        return np.asarray(self.median_sample >= least)

    def starts_season(self, at: int) -> bool:
        """Whether a season has just begun, so that windows cannot be full.

        Windows that were full on an earlier date and are empty now have lost their events.
        """
        return bool(self._starting[at])

    @cached_property
    def _starting(self) -> Mask:
        """Whether a season has just begun with each date."""
        warm = np.concatenate([[0], np.cumsum(self._warm)])
        started = np.array([start is not None for start in self.season_starts], dtype=np.bool_)
        never_warm = warm[1:] == warm[self._first_comparable]
        return np.where(np.isnan(self.median_sample), started, never_warm)

    @cached_property
    def is_filling(self) -> Mask:
        """Dates × features: whether a feature's window cannot be full yet.

        A window of fixed size fills once, and grows while it does; one without a size counts as
        filling only while there is nothing to compare it with.
        """
        samples = self.get_matrix("sample_size")
        most = np.full(samples.shape[1], np.inf)
        most[list(self._window_sizes)] = list(self._window_sizes.values())
        least = np.minimum(self.contract.diagnosis.warmup_games, most)
        few, enough = samples < least, samples >= least  # neither where it is unknown
        first = self._first_comparable
        with np.errstate(invalid="ignore"):
            grows = np.isfinite(most) & (samples > samples[first])
        grows |= ~self.has_history[:, None]
        full = np.cumsum(np.vstack([np.zeros(len(most), np.int64), enough]), axis=0)
        was_full = full[:-1] > full[first]
        starts = np.repeat(self._starting[:, None], len(most), axis=1)
        for at in np.flatnonzero(self._starting).tolist():
            starts[at] &= ~self._had_values(at)
        return np.asarray(starts | (grows & few & ~was_full))

    @cached_property
    def season_starts(self) -> list[date | None]:
        """Per date the first one of its season, if that was a few days ago, after a gap.

        A table may also begin with a season: then its first date has no window yet.
        """
        rules = self.contract.diagnosis
        starts = find_season_starts(self.dates, self.known_dates, rules)
        if not self._begins_empty():
            return starts
        ages = [(d - self.dates[0]).days for d in self.dates]
        return [
            s or (self.dates[0] if a < rules.season_start_days else None)
            for s, a in zip(starts, ages, strict=True)
        ]

    def _begins_empty(self) -> bool:
        """Whether the table's first date lacks every window of fixed size, though jobs had run.

        If a job had not run, its other features would be default, too.
        """
        table, sized = self.contract.table, set(self._window_sizes)
        if table.season_start is None or not sized or not self.dates:
            return False
        if min([*self.known_dates, self.dates[0]]) < self.dates[0]:
            return False
        share = self.get_matrix("default_rows")[0] / self.rows[0]
        if (share[list(sized)] < self.contract.diagnosis.table_default_share).any():
            return False
        filled = [fs for fs in self.tables.values() if sized & {f.index for f in fs}]
        return all(any(share[f.index] < _HAS_VALUES for f in fs) for fs in filled)

    def _had_values(self, at: int) -> Mask:
        """Features that had values earlier in a season that starts: they are lost, if none is left.

        None counts where sample sizes are known, which say better whether windows can be full.
        """
        first = self.season_starts[at]
        since: list[int] = []
        if first is not None and np.isnan(self.median_sample[at]):
            since = [i for i in range(at) if self.dates[i] >= first]
        share = self.get_matrix("default_rows")[since] / self.rows[since, None]
        return np.asarray((share < _HAS_VALUES).any(axis=0))

    @cached_property
    def _first_comparable(self) -> Codes:
        """Position of the first earlier date of the same season that each is compared with."""
        starts, ends = self._spans
        every = np.arange(len(self.dates))
        if not self._kept.size:
            return every
        first = self._kept[np.minimum(starts, len(self._kept) - 1)]
        return np.where(ends > starts, first, every)
