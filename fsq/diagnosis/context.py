"""What every check reads: days as matrices, their history, and what is known of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.contract import Contract, Feature
from fsq.diagnosis.findings import NotEvaluated, Severity, Signal
from fsq.intake.run_context import RunContext

Matrix = npt.NDArray[np.float64]


@dataclass
class Context:
    """The days to judge and those before them.

    Args:
        contract: of the scoring.
        days: ``record_days`` of every date read, history included.
        features: ``feature_days`` of the same dates.
        long: ``long_detail`` of the same rows.
        judged: the dates to judge; the others are only history.
        run: what is known of upstream's run, for rows that do not say it themselves.
    """

    contract: Contract
    days: pl.DataFrame
    features: pl.DataFrame
    long: pl.DataFrame
    judged: list[date]
    run: RunContext | None = None
    signals: list[Signal] = field(default_factory=list)
    unjudged: list[NotEvaluated] = field(default_factory=list)

    @cached_property
    def dates(self) -> list[date]:
        """Every date read, in order."""
        return self.days["game_date"].to_list()

    @cached_property
    def rows(self) -> Matrix:
        """Rows per date."""
        return self.days["rows"].to_numpy().astype(np.float64)

    def matrix(self, column: str) -> Matrix:
        """A column of ``feature_days`` as dates × features; NULL is NaN."""
        values = self.features[column].cast(pl.Float64).to_numpy()
        return np.asarray(values).reshape(len(self.dates), len(self.contract.features))

    @cached_property
    def default_share(self) -> Matrix:
        """Share of rows per date and feature that are default.

        Where a window has no fixed size, such as games against one opponent, no game in it is
        a fact and no fault: such rows do not count.
        """
        windows = self.contract.windows
        open_ended = [
            bool(f.window and windows[f.window].size is None) for f in self.contract.features
        ]
        # Unless there used to be games in it: then they were lost.
        samples = self.matrix("sample_size")
        used = np.zeros_like(samples)
        for at in range(len(self.dates)):
            usual = self.usual(samples, at)
            used[at] = 0 if usual is None else np.nan_to_num(usual)
        bare = np.array(open_ended) & (used < self.contract.diagnosis.warmup_games)
        excused = np.where(bare, self.matrix("empty_rows"), 0)
        left = self.rows[:, None] - excused
        lost = self.matrix("default_rows") - excused
        return np.asarray(np.divide(lost, left, out=np.zeros_like(lost), where=left > 0))

    @cached_property
    def games_known(self) -> Matrix:
        """Median games in the windows of fixed size, per date; NaN if unknown."""
        sized = [
            f.index
            for f in self.contract.features
            if f.window and self.contract.windows[f.window].size is not None
        ]
        samples = self.matrix("sample_size")[:, sized]
        known = ~np.isnan(samples)
        most = np.where(known, samples, -1.0).max(axis=1, initial=-1.0)
        return np.where(most < 0, np.nan, most)

    def warming(self, at: int) -> bool:
        """Whether a season has just begun, so that windows cannot be full.

        Windows that were full on an earlier date and are empty now have lost their games.
        """
        least = self.contract.diagnosis.warmup_games
        before = self.games_known[self._recent(at) : at]
        return bool(self.games_known[at] < least and not (before >= least).any())

    def _recent(self, at: int) -> int:
        """Position of the first trailing date that is not another season's."""
        rules = self.contract.diagnosis
        first = max(0, at - rules.history_days)
        while (self.dates[at] - self.dates[first]).days > rules.history_max_age_days:
            first += 1
        return first

    def after_break(self, at: int) -> bool:
        """Whether the date before lies so far back that everybody has rested alike."""
        if at == 0:
            return False
        return (self.dates[at] - self.dates[at - 1]).days >= self.contract.diagnosis.break_days

    def at(self) -> Iterator[tuple[int, date]]:
        """Positions and dates to judge."""
        wanted = set(self.judged)
        return ((i, d) for i, d in enumerate(self.dates) if d in wanted)

    def past(self, at: int) -> slice | None:
        """The trailing dates of a date; None if they are too few to compare with."""
        first = self._recent(at)
        enough = at - first >= self.contract.diagnosis.history_min_days
        return slice(first, at) if enough else None

    def usual(self, values: Matrix, at: int) -> Matrix | None:
        """The trailing dates' median of each column; None without enough history."""
        past = self.past(at)
        if past is None:
            return None
        lines = np.where(np.isnan(values[past]), np.inf, values[past])
        middle = np.sort(lines, axis=0)[(lines.shape[0] - 1) // 2]
        return np.where(np.isinf(middle), np.nan, middle)

    @cached_property
    def tables(self) -> dict[str, list[Feature]]:
        """Features by upstream table, in contract order."""
        out: dict[str, list[Feature]] = {}
        for f in self.contract.features:
            out.setdefault(f.upstream_table, []).append(f)
        return out

    @cached_property
    def default(self) -> npt.NDArray[np.bool_]:
        """Records × features: is the value a default?"""
        width = len(self.contract.features)
        return self.long["is_default"].to_numpy().reshape(-1, width)

    @cached_property
    def values(self) -> Matrix:
        """Records × features: the values that are not default; NaN elsewhere."""
        trusted = pl.when(~pl.col("is_default")).then("feature_value")
        column = self.long.select(trusted.alias("v"))["v"].to_numpy()
        return np.asarray(column).reshape(-1, len(self.contract.features))

    @cached_property
    def day_of(self) -> npt.NDArray[np.int64]:
        """Position of each record's date among ``dates``."""
        firsts = self.long["game_date"].gather_every(len(self.contract.features))
        where = self.days["game_date"].to_physical().to_numpy()
        return np.asarray(np.searchsorted(where, firsts.to_physical().to_numpy()))

    def all_defaulted(self, features: list[Feature]) -> npt.NDArray[np.bool_]:
        """Records that have a default for all of these features."""
        return np.asarray(self.default[:, [f.index for f in features]].all(axis=1))

    def per_day(self, mask: npt.NDArray[np.bool_]) -> Matrix:
        """How many records of each date are in the mask."""
        return np.bincount(self.day_of[mask], minlength=len(self.dates)).astype(np.float64)

    def players(self, mask: npt.NDArray[np.bool_], at: int, most: int = 5) -> list[str]:
        """The first few players of a date that are in the mask."""
        if "player_lookup" not in self.long.columns:
            return []
        lines = np.flatnonzero(mask & (self.day_of == at)) * len(self.contract.features)
        names = self.long["player_lookup"].gather(lines.astype(np.uint32)).drop_nulls()
        return [str(n) for n in names.unique().sort().head(most)]

    def ran(self, processor: str, at: int) -> bool | None:
        """Whether a processor finished on a date; None if nobody says."""
        day = self.days.row(at, named=True)
        if day["run_known_rows"]:
            # The words of a row win over those of the run; absent from every row: it did not run.
            return processor in day["completed_processors"]
        if self.run is None:
            return None
        done = self.run.on(day["game_date"])[1]
        return None if done is None else processor in done

    def say(
        self,
        kind: str,
        severity: Severity,
        at: int,
        subject: str,
        features: list[Feature],
        rows_affected: float,
        table: str | None = None,
        **evidence: Any,
    ) -> None:
        """Note one thing that is wrong on one date."""
        self.signals.append(
            Signal(
                kind,
                severity,
                self.dates[at],
                subject,
                tuple(f.name for f in features),
                int(rows_affected),
                int(self.rows[at]),
                table,
                evidence,
            )
        )

    def skip(self, check: str, at: int, reason: str, features: tuple[str, ...] = ()) -> None:
        """Note that a check could not be judged on a date."""
        self.unjudged.append(NotEvaluated(check, self.dates[at], reason, features))


Check = Callable[[Context], None]
