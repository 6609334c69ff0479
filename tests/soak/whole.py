"""What must be true of a store at every moment: each of its dates is whole."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

import fsq
from tests.support.frames import wide

KEYS = ["game_date", "player_lookup"]
STAMP = "quality_computed_at"
DAYS = 8


def versions(records: int, count: int = 2) -> list[pl.DataFrame]:
    """Inputs of the same dates that differ in values, words and players."""
    rng = np.random.default_rng(3)
    out = []
    for seed in range(count):
        rows = wide(records, DAYS, seed)
        out.append(rows.filter(pl.Series(rng.random(rows.height) < 0.9)))
    return out


def answer(rows: pl.DataFrame) -> pl.DataFrame:
    """What a store must hold of an input, in order of its keys; the stamp apart."""
    return fsq.score(rows).drop(STAMP).sort(KEYS)


def origins(found: pl.DataFrame, answers: list[pl.DataFrame]) -> list[int | None]:
    """For each date that any answer has, which answer it is, row by row; None for no rows.

    Raises:
        AssertionError: a date is mixed, a row is lost or twice, or it bears two stamps.
    """
    stamps = found.group_by("game_date").agg(
        pl.col(STAMP).n_unique(), pl.col(STAMP).null_count().alias("without")
    )
    assert stamps.filter((pl.col(STAMP) != 1) | (pl.col("without") != 0)).is_empty(), stamps
    there = _by_day(found.select(answers[0].columns).sort(KEYS))
    wanted = [_by_day(a) for a in answers]
    days = sorted({day for a in wanted for day in a})
    assert set(there) <= set(days)
    out: list[int | None] = []
    for day in days:
        rows = there.get(day)
        fits = [i for i, a in enumerate(wanted) if rows is not None and rows.equals(a[day])]
        assert rows is None or fits, f"{day} is of no single input: {rows}"
        out.append(fits[0] if fits else None)
    return out


def _by_day(rows: pl.DataFrame) -> dict[date, pl.DataFrame]:
    return {key[0]: day for key, day in rows.group_by("game_date", maintain_order=True)}
