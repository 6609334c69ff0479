"""What every check reads: dates as matrices, their history, and what is known of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import polars as pl

from fsq.contract import Feature
from fsq.diagnosis.daily_metrics import name_group_count
from fsq.diagnosis.findings import NotEvaluated, Signal
from fsq.diagnosis.groups import DAY, Groups, find_groups, list_carried
from fsq.diagnosis.jobs import Jobs
from fsq.diagnosis.long_detail import IS_DEFAULT, LongDetail
from fsq.diagnosis.schedule import is_rest_day
from fsq.diagnosis.scored_columns import list_plain_columns
from fsq.profile import Judgement, Profile, Rows
from fsq.profile.rows import Codes, Mask, Matrix, bound

T = TypeVar("T")
_KEYS_AT_ONCE = 100_000  # of a large date, whose keys take too much together


@dataclass
class Context(Jobs):
    """The dates to check and those before them.

    Args:
        contract: of the scoring.
        days: ``measure_dates`` of every date read, history included.
        features: ``measure_features`` of the same dates.
        long: ``read_long_detail`` of the same rows.
        checked_dates: the dates to check now; the others are only history.
        profile: what normally holds; None to learn it from the other dates.
        signals: what the checks have reported so far.
        not_evaluated: what they could not evaluate.
        has_profile: whether there is a profile, given or learned.
        settled_dates: those that it was able to judge.
        leaning: how closely each feature goes with the label, as the profile knows it.
        judgements: how far each date lies from what is normal, and how strong each alarm is.
        asked_dates: those that somebody asked for: not learned from, if it can be helped.
        known_faulty: dates that are no history, whatever the checks say.
        faulty_features: dates and features that an earlier pass of the checks has named.
        known_dates: see ``Windows``.
        run: see ``Jobs``.
        judged_dates: see ``Jobs``.
        schedule: ``read_schedule`` of what was to take place; None if nobody says it.
        weighs_chance: whether few rows or groups are judged by what chance explains; the views of
            SQL only count.
    """

    long: LongDetail
    checked_dates: list[date]
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
    schedule: pl.DataFrame | None = None
    weighs_chance: bool = True
    _memory: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _listed: tuple[list[date], list[tuple[int, date]]] | None = field(
        default=None, init=False, repr=False
    )

    @property
    def missing_dates(self) -> list[date]:
        """Dates to check that have no rows, unless nothing was to take place."""
        present = set(self.dates)
        missing = [d for d in self.checked_dates if d not in present]
        return [d for d in missing if not is_rest_day(self.schedule, self.contract, d)]

    def remember(self, name: str, compute: Callable[[], T]) -> T:
        """What a check computes of all rows, whichever dates it is to check; computed once."""
        if name not in self._memory:
            self._memory[name] = compute()
        found: T = self._memory[name]
        return found

    def get_values(self, feature: int) -> Matrix:
        """A feature's values that are not default, one per record; NaN elsewhere."""
        return self.long.get_values(feature)

    def find_any(self, name: str, features: Sequence[Feature]) -> Mask:
        """Records for which a check has kept TRUE under this name, for any of these features."""
        out: Mask = np.zeros(self.long.records.height, dtype=np.bool_)
        for f in features:
            out |= self.long.cells.get_column(name, f.index)
        return out

    def find_all(self, name: str, features: Sequence[Feature]) -> Mask:
        """The same for all of these features."""
        out: Mask = np.ones(self.long.records.height, dtype=np.bool_)
        for f in features:
            out &= self.long.cells.get_column(name, f.index)
        return out

    def count_kept(self, name: str) -> Matrix:
        """How often a check has kept TRUE under this name: dates × features."""
        columns = (self.long.cells.get_column(name, f.index) for f in self.contract.features)
        return np.stack([self.count_per_date(column) for column in columns], axis=1)

    def get_carried(self, column: str) -> pl.Series:
        """A carried column, one value per record; the check names it in its ``columns``."""
        return self.long.records[column]

    @cached_property
    def keys(self) -> list[str]:
        """The columns of the contract's keys that the rows have, date and time left out."""
        return [k for k in self.contract.table.keys if k in self.long.records.columns]

    @cached_property
    def key(self) -> list[str]:
        """The columns of the contract's keys, date and time that the rows have."""
        return [k for k in self.contract.table.key if k in self.long.records.columns]

    def iterate_dates(self) -> Iterator[tuple[int, date]]:
        """Positions and dates to check."""
        if self._listed is None or self._listed[0] is not self.checked_dates:
            wanted = set(self.checked_dates)
            found = [(i, d) for i, d in enumerate(self.dates) if d in wanted]
            self._listed = self.checked_dates, found
        return iter(self._listed[1])

    def find_usual(self, values: Matrix) -> dict[int, Matrix]:
        """The earlier dates' median of each column, per date to check with enough history.

        Args:
            values: of every date: dates × columns.
        """
        wanted = np.array([at for at, _ in self.iterate_dates() if self.has_history[at]], np.int64)
        medians = self.compute_medians_before(values, wanted)
        return dict(zip(wanted.tolist(), medians, strict=True))

    def measure_usual_share(self, feature: Feature, at: int) -> float:
        """The earlier dates' median share of the one value that a feature has on a date."""
        history = self.find_history(at)
        if history is None:
            return 0.0
        values = self.get_values(feature.index)
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

    @property
    def plain_columns(self) -> pl.DataFrame:
        """The keys and the columns that came along, without lists and structs."""
        records = self.long.records
        return records.select(list_plain_columns(records.schema, self.contract))

    @cached_property
    def profile_rows(self) -> Rows:
        """The records as a profile reads them."""
        table = self.contract.table
        return Rows(
            self.contract.names,
            self.days[table.date],
            self.date_index,
            bound(self.values),
            self.is_default,
            self.plain_columns,
            table.keys,
            table.group,
            table.time,
            self.find_faulty(),
        )

    def find_faulty(self) -> Mask:
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
    def groups(self) -> Matrix:
        """Groups of rows per date; 0 where they are unknown."""
        name = name_group_count(self.contract.table)
        if name is None:
            return np.zeros(len(self.dates))
        return self.days[name].cast(pl.Float64).fill_null(0).to_numpy()

    @cached_property
    def is_default(self) -> Mask:
        """Records × features: is the value a default?"""
        return self.long.cells.get_matrix(IS_DEFAULT)

    @cached_property
    def values(self) -> Matrix:
        """Records × features: the values that are not default; NaN elsewhere."""
        return np.stack([self.get_values(f.index) for f in self.contract.features], axis=1)

    @cached_property
    def date_index(self) -> Codes:
        """Position of each record's date among ``dates``."""
        date = self.contract.table.date
        where = self.days[date].to_physical().to_numpy()
        records = self.long.records[date].to_physical().to_numpy()
        return np.asarray(np.searchsorted(where, records))

    @cached_property
    def _by_date(self) -> tuple[Codes, Codes]:
        """Positions of the records, date by date, and where each date begins, and the last ends."""
        ends = np.cumsum(np.bincount(self.date_index, minlength=len(self.dates)))
        return np.argsort(self.date_index, kind="stable"), np.concatenate([[0], ends])

    def find_records(self, at: int) -> Codes:
        """Positions of a date's records, in their order."""
        order, bounds = self._by_date
        return order[bounds[at] : bounds[at + 1]]

    @cached_property
    def by_group(self) -> Groups:
        """Each record's event and subgroup, as the rows show them."""
        records = self.long.records
        carried = list_carried(self.contract, records.schema)
        return find_groups(records, pl.Series(self.date_index), self.contract, carried)

    def find_all_defaulted(self, features: Sequence[Feature]) -> Mask:
        """Records that have a default for all of these features."""
        return self.find_all(IS_DEFAULT, features)

    def find_any_defaulted(self, features: Sequence[Feature]) -> Mask:
        """Records that have a default for at least one of these features."""
        return self.find_any(IS_DEFAULT, features)

    def count_per_date(self, mask: Mask) -> Matrix:
        """How many records of each date are in the mask."""
        return np.bincount(self.date_index[mask], minlength=len(self.dates)).astype(np.float64)

    def align(self, per_date: pl.DataFrame, column: str) -> Matrix:
        """A column of a table by ``DAY`` as dates × 1; 0 where it has no row for a date."""
        out = np.zeros((len(self.dates), 1))
        out[per_date[DAY].to_numpy(), 0] = per_date[column].to_numpy()
        return out

    def list_examples(self, mask: Mask, at: int, most: int = 5) -> list[str]:
        """The keys of the first few records of a date that are in the mask, date left out."""
        if not self.keys:
            return []
        here, found = self.find_records(at), []
        chosen = here[mask[here]]
        for start in range(0, len(chosen), _KEYS_AT_ONCE):
            part = self.long.records.take(chosen[start : start + _KEYS_AT_ONCE], self.keys)
            found.append(part.drop_nulls().unique().sort(self.keys).head(most))
        if not found:
            return []
        first = found[0] if len(found) == 1 else pl.concat(found).unique().sort(self.keys)
        return [" ".join(map(str, key)) for key in first.head(most).rows()]
