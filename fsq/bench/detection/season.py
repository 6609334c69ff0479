"""Clean rows of many dates: a part to learn from, and a part that is kept back for the damage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from fsq.bench.damage import DamageTable, add_stamps, describe_table
from fsq.bench.detection.detector import Evidence
from fsq.contract import Contract
from fsq.errors import InputError
from fsq.intake.formats import detect_form, to_wide
from fsq.intake.preparation import prepare_rows
from fsq.scoring.engine import score

_HEADLINE = "detection cannot be measured"
_LEAST_DATES = 20


@dataclass(frozen=True)
class Season:
    """Clean rows, wide and scored.

    Attributes:
        table: what is known of the table.
        rows: wide rows, sorted by date.
        scored: the same rows, scored.
        learned: dates to learn from, in order.
        kept: dates that are damaged, one after another; none is learned from.
        window: how many earlier dates a detector gets to see.
    """

    table: DamageTable
    rows: pl.DataFrame
    scored: pl.DataFrame
    learned: list[date]
    kept: list[date]
    window: int

    def select(self, frame: pl.DataFrame, dates: Sequence[date]) -> pl.DataFrame:
        """Rows of some consecutive dates."""
        column = frame[self.table.date]
        start, end = (
            column.search_sorted(dates[0], "left"),
            column.search_sorted(dates[-1], "right"),
        )
        return frame.slice(int(start), int(end) - int(start))

    def list_before(self, day: date) -> list[date]:
        """The earlier dates that a detector gets to see."""
        every = sorted([*self.learned, *self.kept])
        at = every.index(day)
        return every[max(0, at - self.window) : at]

    def list_from(self, day: date, count: int) -> list[date]:
        """So many dates of those that are kept back, from one on; fewer at the end."""
        at = self.kept.index(day)
        return self.kept[at : at + count]

    def show(self, dates: Sequence[date], rows: pl.DataFrame | None = None) -> Evidence:
        """What a detector gets to see of consecutive dates: clean rows, or damaged ones."""
        before = self.list_before(dates[0])
        if rows is None:
            wide, scored = self.select(self.rows, dates), self.select(self.scored, dates)
        else:
            wide, scored = rows, score(rows, self.table.contract)
        old, old_scored = self.select(self.rows, before), self.select(self.scored, before)
        return Evidence(dates, wide, scored, old, old_scored)


def load_season(
    frames: Sequence[pl.DataFrame],
    contract: Contract,
    label: str | None = None,
    kept_share: float = 0.5,
    window: int = 21,
    subgroup: str | None = None,
    group: str | None = None,
) -> Season:
    """Prepare clean rows for the benchmark.

    Args:
        frames: feature rows in any form; the last frame is damaged, the others are learned from.
        contract: of the rows.
        label: the column that models predict.
        kept_share: of the last frame's dates, the latest, which are kept back.
        window: how many earlier dates a detector gets to see.
        subgroup: see ``describe_table``.
        group: see ``describe_table``.

    Raises:
        InputError: the rows cannot be scored, or have too few dates.
    """
    prepared = [_make_wide(frame, contract) for frame in frames]
    last = prepared[-1][contract.table.date].unique().sort().to_list()
    rows = pl.concat(prepared, how="diagonal_relaxed").sort(contract.table.order)
    rows = add_stamps(rows, contract)
    every = rows[contract.table.date].unique().sort().to_list()
    kept = last[len(last) - round(kept_share * len(last)) :]
    learned = [d for d in every if d not in set(kept)]
    if len(learned) < _LEAST_DATES or not kept:
        raise InputError(
            [f"{len(every)} dates, of which {len(learned)} are to learn from; {_LEAST_DATES} are "
             "needed, and some to damage"],
            _HEADLINE,
        )  # fmt: skip
    known = rows.filter(pl.col(contract.table.date).is_in(learned))
    table = describe_table(known, contract, label, subgroup, group)
    return Season(table, rows, score(rows, contract), learned, kept, window)


def _make_wide(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Wide rows, with source labels as text, so that a fault can write a label that no row had."""
    rows = prepare_rows(frame, contract)
    rows = to_wide(rows, detect_form(rows.columns, contract), contract)
    return rows.with_columns(pl.col(r"^.*__source$").cast(pl.String))


def sample_dates(season: Season, count: int) -> list[date]:
    """So many dates of those kept back, evenly spaced."""
    places = np.linspace(0, len(season.kept) - 1, min(count, len(season.kept)))
    return [season.kept[i] for i in sorted({round(float(p)) for p in places})]
