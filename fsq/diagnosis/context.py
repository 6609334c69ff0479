"""What every check reads: dates as matrices, their history, and what is known of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.contract import Contract, Feature
from fsq.diagnosis.daily_metrics import name_group_count
from fsq.diagnosis.findings import NotEvaluated, Signal
from fsq.diagnosis.groups import Groups, find_groups, list_carried
from fsq.diagnosis.long_detail import LongDetail
from fsq.diagnosis.schedule import is_rest_day
from fsq.diagnosis.season_start import find_season_starts
from fsq.intake.run_context import RunContext
from fsq.profile import Judgement, Profile, Rows

Matrix = npt.NDArray[np.float64]
T = TypeVar("T")
_HAS_VALUES = 0.8  # share of defaults: windows that fill have more
Positions = npt.NDArray[np.int64]
# What is computed from the history, and again once that changes.
_OF_HISTORY = ("default_share", "is_filling")


@dataclass
class Context:
    """The dates to check and those before them.

    Args:
        contract: of the scoring.
        days: ``measure_dates`` of every date read, history included.
        features: ``measure_features`` of the same dates.
        long: ``read_long_detail`` of the same rows.
        checked_dates: the dates to check now; the others are only history.
        run: what is known of upstream's run, for rows that do not say it themselves.
        profile: what normally holds; None to learn it from the other dates.
        signals: what the checks have reported so far.
        not_evaluated: what they could not evaluate.
        has_profile: whether there is a profile, given or learned.
        settled_dates: those that it was able to judge.
        leaning: how closely each feature goes with what is predicted, as the profile knows it.
        judgements: how far each date lies from what is normal, and how strong each alarm is.
        asked_dates: those that somebody asked for: not learned from, if it can be helped.
        known_faulty: dates that are no history, whatever the checks say.
        faulty_features: dates and features that an earlier pass of the checks has named.
        known_dates: further dates on which the table has rows.
        schedule: ``read_schedule`` of what was to take place; None if nobody says it.
        judged_dates: earlier dates that are only judged to know whether they are history; the run
            is not theirs.
    """

    contract: Contract
    days: pl.DataFrame
    features: pl.DataFrame
    long: LongDetail
    checked_dates: list[date]
    run: RunContext | None = None
    profile: Profile | None = None
    signals: list[Signal] = field(default_factory=list)
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    has_profile: bool = False
    settled_dates: set[date] = field(default_factory=set)
    leaning: Mapping[str, float] = field(default_factory=dict)
    judgements: dict[date, tuple[Judgement, dict[str, Matrix]]] = field(default_factory=dict)
    asked_dates: frozenset[date] = frozenset()
    known_faulty: frozenset[date] = frozenset()
    faulty_features: set[tuple[date, str]] = field(default_factory=set)
    known_dates: Sequence[date] = ()
    schedule: pl.DataFrame | None = None
    judged_dates: frozenset[date] = frozenset()
    _matrices: dict[str, Matrix] = field(default_factory=dict, init=False, repr=False)
    _memory: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _left_out: frozenset[date] = field(default=frozenset(), init=False, repr=False)
    _histories: dict[int, Positions] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def dates(self) -> list[date]:
        """Every date read, in order."""
        return self.days[self.contract.table.date].to_list()

    @property
    def left_out(self) -> frozenset[date]:
        """Dates that are no history of later ones."""
        return self._left_out

    @property
    def missing_dates(self) -> list[date]:
        """Dates to check that have no rows, unless nothing was to take place."""
        present = set(self.dates)
        missing = [d for d in self.checked_dates if d not in present]
        return [d for d in missing if not is_rest_day(self.schedule, self.contract, d)]

    @cached_property
    def rows(self) -> Matrix:
        """Rows per date."""
        return self.days["rows"].to_numpy().astype(np.float64)

    def get_matrix(self, column: str) -> Matrix:
        """A column of ``measure_features`` as dates × features, not to be changed; NULL is NaN."""
        if column not in self._matrices:
            values = np.asarray(self.features[column].cast(pl.Float64).to_numpy())
            shape = (len(self.dates), len(self.contract.features))
            self._matrices[column] = values.reshape(shape)
        return self._matrices[column]

    def remember(self, name: str, compute: Callable[[], T]) -> T:
        """What a check computes of all rows, whichever dates it is to check; computed once."""
        if name not in self._memory:
            self._memory[name] = compute()
        found: T = self._memory[name]
        return found

    def list_compared(self, at: int) -> npt.NDArray[np.int64]:
        """Positions of the dates that a date is compared with; none if they are too few."""
        history = self.find_history(at)
        every = np.arange(len(self.dates))
        return every[:0] if history is None else every[history]

    def get_cells(self, field: str) -> npt.NDArray[Any]:
        """A field of the detail as records × features; NULL is NaN."""
        cells = self.long.fields[field].to_numpy()
        return cells.reshape(-1, len(self.contract.features))

    def get_carried(self, column: str) -> pl.Series:
        """A carried column, one value per record; the check names it in its ``columns``."""
        return self.long.records[column]

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
        samples = self.get_matrix("sample_size")
        used = np.zeros_like(samples)
        for at in range(len(self.dates)):
            usual = self.compute_median_before(samples, at)
            used[at] = 0 if usual is None else np.nan_to_num(usual)
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
    def _warm(self) -> npt.NDArray[np.bool_]:
        """Dates whose windows hold as many events as the contract asks for, or as they can."""
        known = ~np.isnan(self.get_matrix("sample_size")[:, list(self._window_sizes)])
        sizes = np.where(known, list(self._window_sizes.values()), 0).max(axis=1, initial=0)
        least = np.minimum(self.contract.diagnosis.warmup_games, sizes)
        return np.asarray(self.median_sample >= least)

    def starts_season(self, at: int) -> bool:
        """Whether a season has just begun, so that windows cannot be full.

        Windows that were full on an earlier date and are empty now have lost their events.
        """
        if np.isnan(self.median_sample[at]):
            return self.season_starts[at] is not None
        return not self._warm[self._first_comparable(at) : at + 1].any()

    @cached_property
    def is_filling(self) -> npt.NDArray[np.bool_]:
        """Dates × features: whether a feature's window cannot be full yet.

        A window of fixed size fills once, and grows while it does; one without a size counts as
        filling only while there is nothing to compare it with.
        """
        samples = self.get_matrix("sample_size")
        most = np.full(samples.shape[1], np.inf)
        most[list(self._window_sizes)] = list(self._window_sizes.values())
        least = np.minimum(self.contract.diagnosis.warmup_games, most)
        few, enough = samples < least, samples >= least  # neither where it is unknown
        out: npt.NDArray[np.bool_] = np.zeros(few.shape, dtype=np.bool_)
        for at in range(len(self.dates)):
            first = self._first_comparable(at)
            grows = np.isfinite(most) & (samples[at] > samples[first])
            grows |= self.find_history(at) is None
            was_full = enough[first:at].any(axis=0)
            starts = self.starts_season(at) & ~self._had_values(at)
            out[at] = starts | (grows & few[at] & ~was_full)
        return out

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

    def _had_values(self, at: int) -> npt.NDArray[np.bool_]:
        """Features that had values earlier in a season that starts: they are lost, if none is left.

        Sample sizes say better whether windows can be full; none is told where there are any.
        """
        first = self.season_starts[at]
        since = [i for i in range(at) if first is not None and self.dates[i] >= first]
        if not np.isnan(self.median_sample[at]):
            since = []
        share = self.get_matrix("default_rows")[since] / self.rows[since, None]
        return np.asarray((share < _HAS_VALUES).any(axis=0))

    def _first_comparable(self, at: int) -> int:
        """Position of the first earlier date of the same season that is compared with."""
        history = self.list_history(at)
        return int(history[0]) if len(history) else at

    def leave_out(self, dates: Iterable[date]) -> None:
        """Take these dates, and no others, out of the history of later ones."""
        left_out = frozenset(dates)
        if left_out == self._left_out:
            return
        self._left_out = left_out
        self._histories.clear()
        for name in _OF_HISTORY:
            self.__dict__.pop(name, None)

    def follows_break(self, at: int) -> bool:
        """Whether so long a time without rows came before that everything has changed.

        It counts as long as no date after it is in the history.
        """
        history = self.list_history(at)
        first = int(history[-1]) if len(history) else max(at - 1, 0)
        gaps = np.diff([d.toordinal() for d in self.dates[first : at + 1]])
        return bool((gaps >= self.contract.diagnosis.break_days).any())

    def iterate_dates(self) -> Iterator[tuple[int, date]]:
        """Positions and dates to check."""
        wanted = set(self.checked_dates)
        return ((i, d) for i, d in enumerate(self.dates) if d in wanted)

    def find_history(self, at: int) -> Positions | None:
        """Positions of the dates that a date is compared with; None if they are too few."""
        history = self.list_history(at)
        enough = len(history) >= self.contract.diagnosis.history_min_days
        return history if enough else None

    def list_history(self, at: int) -> Positions:
        """Positions of the last earlier dates of the same season that are not left out, in order.

        A date that is left out does not make those before it older: a fault that lasts is held
        against what was before it.
        """
        if at not in self._histories:
            rules = self.contract.diagnosis
            found: list[int] = []
            oldest = rules.history_max_age_days
            for position in range(at - 1, -1, -1):
                age = (self.dates[at] - self.dates[position]).days
                if age > oldest or len(found) == rules.history_days:
                    break
                if self.dates[position] in self._left_out:
                    oldest += 1
                else:
                    found.append(position)
            self._histories[at] = np.array(found[::-1], dtype=np.int64)
        return self._histories[at]

    def compute_median_before(self, values: Matrix, at: int) -> Matrix | None:
        """The earlier dates' median of each column; None without enough history."""
        history = self.find_history(at)
        if history is None:
            return None
        earlier = np.where(np.isnan(values[history]), np.inf, values[history])
        middle = np.sort(earlier, axis=0)[(earlier.shape[0] - 1) // 2]
        return np.where(np.isinf(middle), np.nan, middle)

    def measure_usual_share(self, feature: Feature, at: int) -> float:
        """The earlier dates' median share of the one value that a feature has on a date."""
        values, history = self.values[:, feature.index], self.find_history(at)
        if history is None:
            return 0.0
        value = np.nanmax(values[self.date_index == at])
        equal, known = self.count_per_date(values == value), self.count_per_date(~np.isnan(values))
        return float(np.median((equal / np.maximum(known, 1))[history]))

    def list_explained(self, *kinds: str) -> set[tuple[date, str]]:
        """Dates and features that a signal names already, unless it is for information only.

        Args:
            kinds: those that count; all without any.
        """
        counted = [
            s for s in self.signals if s.severity != "info" and (s.kind in kinds or not kinds)
        ]
        return {(s.day, f) for s in counted for f in s.features}

    @cached_property
    def profile_rows(self) -> Rows:
        """The records as a profile reads them."""
        table = self.contract.table
        records = self.long.records.drop(table.date)
        return Rows(
            self.contract.names,
            self.days[table.date],
            self.date_index,
            self.values,
            self.is_default,
            records,
            table.keys,
            table.group,
            table.time,
            self.find_faulty(),
        )

    def find_faulty(self) -> npt.NDArray[np.bool_]:
        """Dates × features that are no history: named by a signal, or left out altogether.

        A fault of one feature says nothing of the others' history.
        """
        out = np.zeros((len(self.dates), len(self.contract.features)), dtype=np.bool_)
        place = {d: at for at, d in enumerate(self.dates)}
        index = {n: at for at, n in enumerate(self.contract.names)}
        out[[place[d] for d in self.known_faulty if d in place]] = True
        for day, feature in self.list_explained() | self.faulty_features:
            if day in place:
                out[place[day], index[feature]] = True
        return out

    @cached_property
    def tables(self) -> dict[str, list[Feature]]:
        """Features by upstream table, in contract order."""
        out: dict[str, list[Feature]] = {}
        for f in self.contract.features:
            out.setdefault(f.upstream_table, []).append(f)
        return out

    @cached_property
    def groups(self) -> Matrix:
        """Groups of rows per date; 0 where they are unknown."""
        name = name_group_count(self.contract.table)
        if name is None:
            return np.zeros(len(self.dates))
        return self.days[name].cast(pl.Float64).fill_null(0).to_numpy()

    @cached_property
    def is_default(self) -> npt.NDArray[np.bool_]:
        """Records × features: is the value a default?"""
        width = len(self.contract.features)
        return self.long.fields["is_default"].to_numpy().reshape(-1, width)

    @cached_property
    def values(self) -> Matrix:
        """Records × features: the values that are not default; NaN elsewhere."""
        trusted = pl.when(~pl.col("is_default")).then("feature_value")
        column = self.long.fields.select(trusted.alias("v"))["v"].to_numpy()
        return np.asarray(column).reshape(-1, len(self.contract.features))

    @cached_property
    def date_index(self) -> npt.NDArray[np.int64]:
        """Position of each record's date among ``dates``."""
        date = self.contract.table.date
        where = self.days[date].to_physical().to_numpy()
        records = self.long.records[date].to_physical().to_numpy()
        return np.asarray(np.searchsorted(where, records))

    @cached_property
    def by_group(self) -> Groups:
        """Each record's event and subgroup, as the rows show them."""
        records = self.long.records
        carried = list_carried(self.contract, records.schema)
        return find_groups(records, pl.Series(self.date_index), self.contract, carried)

    def find_all_defaulted(self, features: Sequence[Feature]) -> npt.NDArray[np.bool_]:
        """Records that have a default for all of these features."""
        return np.asarray(self.is_default[:, [f.index for f in features]].all(axis=1))

    def find_any_defaulted(self, features: Sequence[Feature]) -> npt.NDArray[np.bool_]:
        """Records that have a default for at least one of these features."""
        return np.asarray(self.is_default[:, [f.index for f in features]].any(axis=1))

    def count_per_date(self, mask: npt.NDArray[np.bool_]) -> Matrix:
        """How many records of each date are in the mask."""
        return np.bincount(self.date_index[mask], minlength=len(self.dates)).astype(np.float64)

    def list_examples(self, mask: npt.NDArray[np.bool_], at: int, most: int = 5) -> list[str]:
        """The keys of the first few records of a date that are in the mask, date left out."""
        keys = [k for k in self.contract.table.keys if k in self.long.records.columns]
        if not keys:
            return []
        chosen = np.flatnonzero(mask & (self.date_index == at)).astype(np.uint32)
        found = self.long.records.select(keys)[chosen].drop_nulls().unique().sort(keys).head(most)
        return [" ".join(map(str, key)) for key in found.rows()]

    def did_run(self, processor: str, at: int) -> bool | None:
        """Whether a processor finished on a date; None if nothing says so."""
        day = self.days.row(at, named=True)
        if day["run_known_rows"]:
            # What a row says wins over the run's context; absent from every row: it did not run.
            return processor in day["completed_processors"]
        if self.run is None or self.dates[at] in self.judged_dates:
            return None
        done = self.run.on(self.dates[at])[1]
        return None if done is None else processor in done

    def has_run(self, table: str, at: int) -> bool | None:
        """Whether the job that writes a table ran; None if its absence means nothing."""
        ran, writer = self.did_write(table, at), self.contract.writer(table)
        # A job that is not expected on every date says nothing by its absence.
        return None if ran is False and writer and not writer.expected else ran

    def did_write(self, table: str, at: int) -> bool | None:
        """Whether the processor that writes a table finished; None if nothing says so."""
        writer = self.contract.writer(table)
        return self.did_run(writer.name, at) if writer else None
