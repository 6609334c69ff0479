"""The value whose share of a date rose most, against a table of all dates and values."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fsq.profile.rows import Matrix, Rows
from fsq.profile.spikes import find_spikes


def make_rows(dates: int, records: int, distinct: int) -> Rows:
    """Columns of many values, of mostly one, of one per date, and of one that changes."""
    chance = np.random.default_rng(dates * distinct)
    day = np.sort(chance.integers(0, dates, records))
    values = chance.integers(0, distinct, (records, 4)).astype(np.float64)
    values[:, 1] = chance.choice([1.0, 2.0], records, p=[0.9, 0.1])
    values[:, 2] = day
    values[:, 3] = np.where(day < dates // 2, 5.0, chance.random(records))
    values[day == dates // 3, 0] = 0.0  # a spike
    values[chance.random(values.shape) < 0.1] = np.nan
    values[day == 3] = np.nan
    keys = pl.DataFrame({"k": range(records)})
    return Rows(
        ("a", "b", "c", "d"), pl.Series(range(dates)), day, values, np.isnan(values), keys, ("k",)
    )


def find_rise(rows: Rows, f: int, at: int) -> tuple[float, float]:
    """The largest rise on a date, of every value that is common on some date, and the value."""

    def share(day: int, value: float) -> float:
        here = rows.values[rows.date_index == day, f]
        known = here[~np.isnan(here)]
        return float((known == value).mean()) if len(known) else 0.0

    values = np.unique(rows.values[:, f][~np.isnan(rows.values[:, f])])
    common = [v for v in values if max(share(d, v) for d in range(len(rows.dates))) >= 0.02]
    before = range(max(0, at - 14), at)
    usual = [np.median([share(d, v) for d in before]) if before else 0.0 for v in common]
    rises = [share(at, v) - u for v, u in zip(common, usual, strict=True)]
    return max(rises), common[rises.index(max(rises))]


@pytest.mark.parametrize(
    ("dates", "records", "distinct"), [(5, 60, 3), (14, 90, 6), (15, 90, 6), (70, 400, 9)]
)
def test_the_rise_is_that_of_a_table_of_every_value(
    dates: int, records: int, distinct: int
) -> None:
    rows = make_rows(dates, records, distinct)
    hits, rise = find_spikes(rows)
    known: Matrix = rows.sum_per_date(~np.isnan(rows.values))
    assert (np.isnan(rise) == (known == 0)).all()
    for f in range(4):
        for at in {0, 1, dates // 3, dates // 2, dates - 2, dates - 1} - {3}:
            if known[at, f]:
                most, value = find_rise(rows, f, at)
                here = rows.date_index == at
                assert rise[at, f] == pytest.approx(most, abs=1e-12)
                assert (hits[here, f] == (rows.values[here, f] == value)).all()


def test_the_order_of_the_records_does_not_matter() -> None:
    rows = make_rows(70, 400, 9)
    mixed = rows.choose(np.random.default_rng(3).permutation(400))
    hits, rise = find_spikes(rows)
    mixed_hits, mixed_rise = find_spikes(mixed)
    assert np.array_equal(rise, mixed_rise, equal_nan=True)
    order = mixed.carried["k"].arg_sort().to_numpy()
    assert (hits == mixed_hits[order]).all()


def test_where_nothing_rises_a_value_that_is_not_there_may_be_the_first() -> None:
    # From the 21st date on all is 2, as before; 1 has not been there for as long.
    day, columns = np.repeat(np.arange(40), 4), np.zeros((160, 1))
    columns[:, 0] = np.where(day < 2, 1.0, 2.0)
    rows = Rows(
        ("a",), pl.Series(range(40)), day, columns, np.zeros((160, 1), np.bool_),
        pl.DataFrame({"k": range(160)}), ("k",),
    )  # fmt: skip
    hits, rise = find_spikes(rows)
    assert (rise[[0, 2]] == 1).all()
    assert (rise[20:] == 0).all()
    assert hits[rows.date_index == 2].all()
    assert not hits[rows.date_index >= 20].any()


def test_a_spike_names_its_records() -> None:
    rows = make_rows(70, 2_000, 40)
    hits, rise = find_spikes(rows)
    on = rows.date_index == 70 // 3
    assert rise[70 // 3, 0] > 0.9
    assert (hits[on, 0] == (rows.values[on, 0] == 0.0)).all()


def test_dates_whose_values_are_all_their_own() -> None:
    # A table of all dates and values would take 15 GB.
    records, dates = 30_000, 3_000
    day = np.repeat(np.arange(dates), records // dates)
    values = np.random.default_rng(7).random((records, 2))
    keys = pl.DataFrame({"k": range(records)})
    rows = Rows(
        ("a", "b"), pl.Series(range(dates)), day, values, np.zeros((records, 2), np.bool_), keys,
        ("k",),
    )  # fmt: skip
    hits, rise = find_spikes(rows)
    assert np.allclose(rise, 0.1)
    assert hits.sum() == 2 * dates


def test_few_common_values() -> None:
    day = np.repeat(np.arange(30), 200)
    columns = np.random.default_rng(5).random((6_000, 1))  # rare, each of them
    columns[(day == 20) & (np.arange(6_000) % 4 == 0)] = 7.0
    rows = Rows(
        ("a",), pl.Series(range(30)), day, columns, np.zeros((6_000, 1), np.bool_),
        pl.DataFrame({"k": range(6_000)}), ("k",),
    )  # fmt: skip
    hits, rise = find_spikes(rows)
    assert rise[20] == 0.25
    assert rise.sum() == 0.25
    assert (hits[:, 0] == (columns[:, 0] == 7.0)).all()
