"""Each rule of a feature's draft: a column that has what it looks for, and one that has not."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

import fsq
from fsq.contract.drafting import draft_contract
from fsq.contract.loading import parse_contract
from tests.support.drafting import (
    DATES,
    PER_DATE,
    RANDOM,
    ROWS,
    draft,
    feature,
    frame,
    normal,
)

# Features


def test_numbers_are_features_and_text_is_not() -> None:
    contract = draft(
        {"sales": normal(), "open": [True, False] * (ROWS // 2), "town": ["x"] * ROWS, "town_id": 7}
    )
    assert contract.names == ("sales", "open")


def test_the_label_and_what_is_known_with_it_are_no_features() -> None:
    sold = RANDOM.random(ROWS) < 0.8
    label = pl.Series(normal()).set(pl.Series(~sold), None)
    columns = {"sales": normal(), "was_open": sold, "is_weekend": RANDOM.random(ROWS) < 0.3}
    assert draft({**columns, "revenue": label}, label="revenue").names == ("sales", "is_weekend")
    assert draft({**columns, "target": label}).names == ("sales", "is_weekend")
    assert "revenue" in draft({**columns, "revenue": label}).names


def test_provenance_is_no_feature_and_marks_what_is() -> None:
    columns = {"sales": normal(), "sales__sample_size": 9, "rank": normal()}
    assert draft(columns).names == ("sales", "rank")
    columns |= {"sales__source": ["db"] * ROWS}
    assert draft(columns).names == ("sales",)


def test_names_and_dates_that_scoring_reads_are_read() -> None:
    rows = frame({"Temp.F": normal(), "SALES": normal(), "Sales__Source": ["db"] * ROWS})
    texts = rows.with_columns(pl.col("day").cast(pl.String))
    contract = parse_contract(draft_contract(texts, keys=["shop_id"], date="day"), "draft")
    assert contract.names == ("sales",)
    assert fsq.score(texts, contract).height == ROWS
    midnights = rows.drop("Sales__Source").with_columns(pl.col("day").cast(pl.Datetime))
    contract = parse_contract(draft_contract(midnights, keys=["shop_id"], date="day"), "draft")
    assert contract.names == ("temp_f", "sales")
    assert fsq.score(midnights, contract).height == ROWS
    with pytest.raises(fsq.InputError, match="'02/06/2026' is not an ISO date"):
        draft_contract(rows.with_columns(day=pl.lit("02/06/2026")), keys=["shop_id"], date="day")
    noon = midnights.with_columns(pl.col("day").dt.offset_by("12h"))
    with pytest.raises(fsq.InputError, match="is not midnight"):
        draft_contract(noon, keys=["shop_id"], date="day")


@pytest.mark.parametrize("label", ["BOX.POINTS", "box_points"])
@pytest.mark.parametrize("key", ["SHOP.ID", "shop_id"])
def test_columns_may_be_named_as_the_data_or_the_draft_has_them(label: str, key: str) -> None:
    rows = frame({"SALES": normal(), "BOX.POINTS": normal()})
    numbered = rows.with_columns(pl.int_range(pl.len()).alias("SHOP.ID")).drop("shop_id")
    renamed = numbered.rename({"SHOP.ID": key})
    if "." in key:
        with pytest.raises(fsq.InputError, match=r"'SHOP\.ID' cannot be a key; rename it"):
            draft_contract(renamed, keys=[key], date="day", label=label)
        return
    contract = parse_contract(draft_contract(renamed, keys=[key], date="day", label=label), "d")
    assert contract.names == ("sales",)
    assert fsq.score(renamed, contract).height == ROWS


def test_a_key_in_capitals_is_a_key() -> None:
    rows = frame({"SALES": normal()}).rename({"shop_id": "SHOP_ID"})
    for numbered in (rows, rows.with_columns(SHOP_ID=pl.int_range(pl.len()))):
        contract = parse_contract(draft_contract(numbered, keys=["SHOP_ID"], date="day"), "draft")
        assert contract.table.keys == ("SHOP_ID",)
        assert fsq.score(numbered, contract).height == ROWS


# Ranges


@pytest.mark.parametrize(
    ("name", "values", "low", "high"),
    [
        ("open", RANDOM.integers(0, 2, ROWS), 0, 1),
        ("return_rate", RANDOM.random(ROWS) / 3, 0, 1),
        ("load", RANDOM.random(ROWS) / 3, 0, 0.42),  # no share by its name
        ("return_rate", RANDOM.random(ROWS) * 3, 0, 3.8),  # nor by its values
        ("humidity_pct", 20 + RANDOM.random(ROWS) * 60, 0, 100),
        ("humidity", 20 + RANDOM.random(ROWS) * 90, 0, 140),
        ("growth_pct", RANDOM.random(ROWS) * 150 - 50, -90, 140),  # falls, too
        ("growth_pct", RANDOM.random(ROWS) * 300, 0, 380),
        ("open_hour", RANDOM.integers(8, 20, ROWS), 0, 23),
        ("open_hour", RANDOM.integers(8, 30, ROWS), 2, 35),
        ("visits", RANDOM.integers(3, 90, ROWS), 0, 120),
        ("change", RANDOM.integers(-9, 10, ROWS), -14, 14),
        ("score", np.clip(normal(0, 5), -8, 8), -8, 8),  # cut at both ends
        ("pressure", normal(1000, 5) // 1, 970, 1030),  # far from 0
        ("price", RANDOM.integers(4, 40, ROWS) / 4, 0, 13),  # of few articles, not cut
    ],
)
def test_ranges(name: str, values: np.ndarray, low: float, high: float) -> None:
    found = feature({name: values}, name)
    assert (found.min, found.max) == (pytest.approx(low, rel=0.1), pytest.approx(high, rel=0.1))
    assert found.min <= values.min() <= values.max() <= found.max


def test_an_outlier_lies_inside_and_is_pointed_at() -> None:
    wind = normal(10, 2)
    text = draft_contract(frame({"wind": wind}), keys=["shop_id"], date="day")
    assert "is it real" not in text
    wind[17] = 1048
    text = draft_contract(frame({"wind": wind}), keys=["shop_id"], date="day")
    assert "1048 is far above the 99.9 % quantile" in text
    assert parse_contract(text, "draft").features[0].max >= 1048


def test_what_follows_the_date_gets_a_wider_range() -> None:
    """Weather of one season says little of the next; what varies within a date says enough."""
    within = normal(50, 10)
    daily = np.repeat(normal(50, 10)[:DATES], PER_DATE) + normal(0, 1)
    contract = draft({"within": within, "daily": daily})
    margins = [f.max - v.max() for f, v in zip(contract.features, (within, daily), strict=True)]
    assert margins[1] > 2 * margins[0]


# Values that look like defaults


def test_a_spike_among_measured_values_is_a_suspicious_default() -> None:
    values = normal()
    values[RANDOM.random(ROWS) < 0.06] = 50.0
    found = feature({"score": values, "plain": normal()}, "score")
    assert (found.expected, found.suspicious_default) == (50.0, True)
    plain = feature({"score": values, "plain": normal()}, "plain")
    assert (plain.expected, plain.suspicious_default) == (None, False)


def test_many_zeros_may_be_a_default_or_not() -> None:
    rain = np.where(RANDOM.random(ROWS) < 0.8, 0.0, np.abs(normal(1, 1)))
    found = feature({"rain": rain, "die": RANDOM.integers(1, 7, ROWS)}, "rain")
    assert (found.expected, found.suspicious_default) == (0.0, False)
    assert feature({"die": RANDOM.integers(1, 7, ROWS)}, "die").expected is None


# Floors, from the dates


def test_floors_follow_the_dates() -> None:
    found = feature({"sales": normal(50, 10)}, "sales")
    assert 3 < found.min_std < 5
    assert 20 < found.min_distinct < 31


def test_no_floor_where_one_value_prevails_or_a_date_has_one_value() -> None:
    rain = np.where(RANDOM.random(ROWS) < 0.8, 0.0, normal())
    daily = np.repeat(normal()[:DATES], PER_DATE)
    for name, values in {"rain": rain, "daily": daily}.items():
        found = feature({name: values}, name)
        assert found.min_std is None
        assert (found.min_distinct or 0) <= 1


def test_one_value_on_a_date_may_be_normal() -> None:
    """Dry days have no rain; a stuck date among a hundred others is no such thing."""
    dry = np.repeat(np.arange(DATES) % 4 == 0, PER_DATE)
    rain = np.where(dry, 0.0, np.abs(normal(5, 2)))
    assert feature({"rain": rain}, "rain").min_distinct == 1
    assert feature({"sales": normal()}, "sales").min_distinct != 1
    flag = np.repeat(np.arange(DATES) % 7 >= 5, PER_DATE)  # of one value on every date
    assert feature({"weekend": flag}, "weekend").min_distinct is None


@pytest.mark.parametrize(("uniform", "floor"), [(1, None), (2, 1), (9, 1)])
def test_a_few_levels_that_are_one_on_several_dates_are_normal(
    uniform: int, floor: int | None
) -> None:
    day, place = np.divmod(np.arange(ROWS), PER_DATE)
    level = np.where(place < 9, 1 + place % 2, 0)  # one level has most of the rows of a date
    level[day < uniform] = 0
    assert feature({"level": level}, "level").min_distinct == floor


def test_one_stuck_date_does_not_lower_the_floor() -> None:
    values = np.round(RANDOM.normal(50, 10, 100 * PER_DATE), 3)
    values[50 * PER_DATE : 51 * PER_DATE] = 50.0
    days = [date(2026, 1, 1) + timedelta(days=i // PER_DATE) for i in range(len(values))]
    shops = [f"shop{i % PER_DATE}" for i in range(len(values))]
    rows = pl.DataFrame({"shop_id": shops, "day": days, "sales": values})
    text = draft_contract(rows, keys=["shop_id"], date="day")
    assert (parse_contract(text, "draft").features[0].min_std or 0) > 3
    assert "1 under the floor, as 2026-02-20" in text


# Windows


def test_windows_come_from_names() -> None:
    contract = draft({n: normal() for n in ("a_last_10", "b_last_7d", "c_last_7_days", "d_last")})
    assert [f.window for f in contract.features] == ["last_10", "last_7d", "last_7_days", None]
    sizes = {name: w.size for name, w in contract.windows.items()}
    assert sizes == {"last_10": 10, "last_7d": None, "last_7_days": None}


def test_windows_come_from_sample_sizes() -> None:
    columns = {"sales_season": normal(), "sales_year": normal(), "season__sample_size": 9}
    assert [f.window for f in draft(columns).features] == ["season", None]


def test_a_small_window_is_not_thin_by_itself() -> None:
    contract = draft({"a_last_3": normal(), "b_last_10": normal()})
    assert [contract.threshold(f, "thin_sample") for f in contract.features] == [3, 5]
    assert draft({"a_last_3": normal()}).diagnosis.warmup_games == 1.5
    full = draft({"a_last_30": normal(), "a_last_30__sample_size": 28})
    assert full.diagnosis.warmup_games == 14
    assert contract.diagnosis.warmup_games == 5
