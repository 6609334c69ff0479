"""Quarters of entities, beside those that a grouped frame of everything gives."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from fsq.diagnosis.records import Records
from fsq.training import sorting
from fsq.training.quarters import split_entities
from fsq.training.rows import SortedRows


def make_rows(dates: int, entities: int, values: int, seed: int) -> pl.DataFrame:
    """Each entity on each date, with NULL among the names and the measures."""
    rng = np.random.default_rng(seed)
    made = pl.DataFrame(
        {
            "player": [f"p{i}" for i in range(entities)] * dates,
            "team": rng.choice(["bos", "lal"], entities).tolist() * dates,
            "day": [date(2026, 1, 1) + timedelta(i // entities) for i in range(dates * entities)],
            "points": rng.integers(0, values, dates * entities) * 0.5,
        }
    )
    return made.with_columns(
        pl.when(pl.col("player") != "p3").then("player").alias("player"),
        pl.when(pl.col("points") > 0).then("points").alias("points"),
    ).sample(fraction=1, shuffle=True, seed=seed)


def split_slowly(rows: pl.DataFrame, keys: list[str]) -> list[str | None]:
    """The quarter of each row's entity: ranked by median, equal ones by their keys."""
    medians = rows.group_by(keys).agg(pl.col("points").median()).drop_nulls().sort("points", *keys)
    names: dict[tuple[object, ...], str] = {}
    for at, row in enumerate(medians.rows(named=True)):
        quarter = at * 4 // medians.height
        of_quarter = medians.filter(pl.int_range(pl.len()) * 4 // pl.len() == quarter)["points"]
        ends = of_quarter.round(1)
        names[tuple(row[k] for k in keys)] = f"{quarter + 1} of 4: {ends.min()!s} to {ends.max()!s}"
    return [names.get(tuple(row[k] for k in keys)) for row in rows.iter_rows(named=True)]


@pytest.mark.parametrize(
    ("dates", "entities", "values"),
    [(1, 41, 4), (1, 200, 2), (1, 60, 1_000), (3, 41, 4), (2, 30, 100), (1, 3, 9), (1, 1, 9)],
)
@pytest.mark.parametrize("keys", [["player"], ["team", "player"]], ids=["one key", "two keys"])
def test_quarters_are_those_of_grouped_entities(
    dates: int, entities: int, values: int, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "_AT_ONCE", 10)
    rows = make_rows(dates, entities, values, entities)
    order = np.random.default_rng(1).permutation(rows.height).astype(np.uint32)
    found = split_entities(
        SortedRows(Records.of(rows), order), keys, rows["points"][order].to_numpy()
    )
    assert found.to_list() == split_slowly(rows[order], keys)


def test_no_record_has_a_quarter_without_measures() -> None:
    rows = make_rows(1, 5, 1, 1)
    order = np.arange(5, dtype=np.uint32)
    sorted_rows = SortedRows(Records.of(rows), order)
    assert split_entities(sorted_rows, ["player"], np.full(5, np.nan)).to_list() == [None] * 5
    nothing = SortedRows(Records.of(rows.clear()), order[:0])
    assert split_entities(nothing, ["player"], np.zeros(0)).to_list() == []
