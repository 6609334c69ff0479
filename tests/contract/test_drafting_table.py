"""Each rule of a table's draft: tables, sources, identities, keys and zones, and its errors."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import fsq
from fsq.contract.drafting import draft_contract
from fsq.contract.loading import parse_contract
from tests.support.drafting import (
    PER_DATE,
    RANDOM,
    ROWS,
    Columns,
    draft,
    feature,
    frame,
    normal,
    with_nulls,
)

# Tables and categories


def test_tables_come_from_timestamps_by_name_and_by_nulls() -> None:
    absent = np.arange(ROWS) % 50 == 0
    stamp = pl.Series([datetime(2026, 1, 1, tzinfo=UTC)] * ROWS).set(pl.Series(absent), None)
    joined = pl.Series(normal()).set(pl.Series(absent), None)
    columns = {
        "temp": joined,
        "weather_code_sum": normal(),
        "sales": with_nulls(normal(), 0.02),
        "weather__last_updated": stamp,
    }
    tables = {f.name: f.upstream_table for f in draft(columns).features}
    expected = {"temp": "weather", "weather_code_sum": "weather", "sales": "unknown_table"}
    assert tables == expected


def test_tables_come_from_hashes() -> None:
    absent = np.arange(ROWS) % 50 == 0
    hashes = pl.Series(["a1"] * ROWS).set(pl.Series(absent), None)
    joined = pl.Series(normal()).set(pl.Series(absent), None)
    columns = {"temp": joined, "sales": normal(), "weather__data_hash": hashes}
    assert [f.upstream_table for f in draft(columns).features] == ["weather", "unknown_table"]


def test_tables_come_from_columns_that_name_them() -> None:
    columns = {"sales": normal(), "rank": normal(), "sales__upstream_table": ["ledger"] * ROWS}
    assert [f.upstream_table for f in draft(columns).features] == ["ledger", "unknown_table"]


def test_categories_come_from_prefixes_that_names_share() -> None:
    contract = draft({n: normal() for n in ("plane_age", "plane_seats", "hour", "temp")})
    categories = [f.category for f in contract.features]
    assert categories == ["plane", "plane", "other", "other"]
    assert contract.category_names == ("plane", "other")


def test_hours_come_from_the_age_of_records() -> None:
    days = frame({})["day"].cast(pl.Datetime("us", "UTC"))
    columns = {
        "weather_temp": normal(),
        "price_mean": normal(),
        "other_mean": normal(),
        "weather__last_updated": days.dt.offset_by("23h"),
        "price__last_updated": days.dt.offset_by("-60h"),
        "other__last_updated": days.dt.offset_by("14h"),
    }
    contract = draft(columns)
    hours = [contract.threshold(f, "very_stale_hours") for f in contract.features]
    assert hours == [4, 336, 48]


def test_records_of_another_century_do_not_break_the_draft() -> None:
    days = frame({})["day"].cast(pl.Datetime("us", "UTC"))
    columns = {"old_temp": normal(), "old__last_updated": days.dt.offset_by("-150y")}
    contract = draft(columns)
    assert contract.threshold(contract.features[0], "very_stale_hours") == 1_000_000


# Sources


def test_without_sources_everything_is_unlabelled() -> None:
    contract = draft({"sales": normal()})
    assert contract.unlabelled == "measured"
    assert set(contract.sources) == {"measured", "default", "missing"}


def test_source_labels_that_occur() -> None:
    labels = ["db", "db", "csv", "fallback"] * (ROWS // 4)
    contract = draft({"sales": normal(), "sales__source": labels})
    assert contract.unlabelled is None
    types = {label: s.type for label, s in contract.sources.items()}
    expected = {"db": "db", "csv": "csv"}
    assert types == expected | dict.fromkeys(("fallback", "default", "missing"), "default")


def test_values_that_are_labelled_as_defaults_do_not_count() -> None:
    values, labels = normal(50, 5), np.array(["db"] * ROWS, dtype=object)
    values[:600], labels[:600] = -999, "default"
    found = feature({"sales": values, "sales__source": labels}, "sales")
    assert found.optional
    assert (found.min, found.min_std < 5) == (
        -999,
        True,
    )  # it must be inside; the spread is not its
    text = draft_contract(
        frame({"sales": values, "sales__source": labels}), keys=["shop_id"], date="day"
    )
    assert "-999 is labelled as a default: better NULL" in text


def test_sources_as_json() -> None:
    columns = {"sales": normal(), "feature_sources": ['{"0":"db"}', '{"0": "csv"}'] * (ROWS // 2)}
    assert {"db", "csv"} < set(draft(columns).sources)


def test_a_label_that_cannot_be_named() -> None:
    with pytest.raises(fsq.InputError, match=r"cannot name: .*Data Base"):
        draft({"sales": normal(), "sales__source": ["Data Base"] * ROWS})


# Optional features


def test_optional_features() -> None:
    rarely = with_nulls(normal(), 0.05)
    some_days = pl.Series(normal()).set(pl.Series(np.arange(ROWS) // PER_DATE % 20 == 19), None)
    columns = {"often": with_nulls(normal(), 0.4), "rarely": rarely, "some_days": some_days}
    optional = [f.optional for f in draft(columns).features]
    assert optional == [True, False, False]  # few dates, which 40 do not tell from faults


# Identities


def test_identities_that_hold() -> None:
    a, b, c = normal(), normal(5, 3), normal(20, 4)
    columns = {
        "line": a + b,
        "opening": a,
        "move": b,
        "points": np.round(a * c, 3),
        "rate": c,
        "noise": a + b + RANDOM.normal(0, 1, ROWS),
    }
    found = {(i.left, i.right) for i in draft(columns).identities}
    assert found == {("line", "opening + move"), ("points", "opening * rate")}


def test_shares_that_add_up_and_copies() -> None:
    x, y = RANDOM.random(ROWS) / 2, RANDOM.random(ROWS) / 2
    columns = {"near": x, "middle": y, "far": 1 - x - y, "copy": x, "beyond": RANDOM.random(ROWS)}
    found = {(i.left, i.right) for i in draft(columns).identities}
    assert found == {("near + middle + far", "1"), ("near", "copy")}


def test_identities_hold_in_the_data_within_their_tolerance() -> None:
    a, b = normal(), normal(5, 3)
    product = np.round(a * b, 1)
    product[:2] += 50  # two rows of 2,400 are wrong
    [identity] = draft({"a": a, "b": b, "c": product}).identities
    assert ((np.abs(product - a * b) <= identity.tolerance).sum()) == ROWS - 2


def test_constants_and_flags_make_no_identities() -> None:
    flag = (RANDOM.random(ROWS) < 0.5).astype(float)
    columns = {"zero": 0.0, "one": 1.0, "flag": flag, "sales": normal(), "again": normal()}
    assert draft(columns).identities == ()


# The table


def test_a_group_is_a_column_of_events() -> None:
    games = [f"g{i // 20}" for i in range(ROWS)]
    towns = [f"t{i % 5}" for i in range(ROWS)]
    contract = draft({"sales": normal(), "town": towns, "game": games})
    assert contract.table.group == "game"
    assert draft({"sales": normal(), "town": towns}).table.group is None


def test_the_zone_is_that_of_the_time_or_one_in_which_dates_agree() -> None:
    days = frame({})["day"].cast(pl.Datetime("us"))
    late = days.dt.offset_by("21h").dt.replace_time_zone("America/New_York")
    columns = {"sales": normal(), "moment": late.dt.convert_time_zone("UTC")}
    assert draft(columns, time="moment").table.timezone == "America/New_York"
    assert draft(columns | {"moment": late}, date=None, time="moment").table.timezone == (
        "America/New_York"
    )
    noon = days.dt.offset_by("12h").dt.replace_time_zone("UTC")
    assert draft(columns | {"moment": noon}, time="moment").table.timezone == "UTC"


def test_small_and_weekly_dates_get_their_own_thresholds() -> None:
    weekly = frame({"sales": normal()}).with_columns(
        day=pl.lit(date(2026, 1, 1)) + pl.duration(days=7 * (pl.int_range(pl.len()) // PER_DATE))
    )
    few = weekly.filter(pl.int_range(pl.len()) % 3 == 0)
    options: Any = {"keys": ["shop_id"], "date": "day"}
    rules = parse_contract(draft_contract(few, **options), "draft").diagnosis
    assert (rules.min_rows, rules.break_days, rules.history_max_age_days) == (10, 35, 70)
    assert draft({"sales": normal()}).diagnosis.break_days == 5
    two = weekly.filter(pl.col("day") <= date(2026, 1, 8))
    assert two["day"].n_unique() == 2
    assert parse_contract(draft_contract(two, **options), "draft").diagnosis.break_days == 35


# The whole


def test_the_draft_does_not_depend_on_the_order_of_rows() -> None:
    rows = frame({"a": normal(), "b": with_nulls(normal(), 0.3), "c_last_5": normal()})
    first = draft_contract(rows, keys=["shop_id"], date="day")
    shuffled = rows.sample(fraction=1, shuffle=True, seed=3)
    assert draft_contract(shuffled.lazy(), keys=["shop_id"], date="day") == first


def test_every_line_says_what_it_was_read_from() -> None:
    text = draft_contract(frame({"a": normal(), "b": normal()}), keys=["shop_id"], date="day")
    bare = [li for li in text.splitlines() if " = " in li and "#" not in li]
    assert bare == []


def test_the_draft_scores_its_data(tmp_path: Path) -> None:
    rows = frame({"a": normal(), "b_last_10": with_nulls(normal(), 0.1)})
    path = tmp_path / "mine.toml"
    path.write_text(draft_contract(rows, keys=["shop_id"], date="day"))
    scored = fsq.score(rows, path)
    detail = scored["feature_quality_detail"].list.explode(empty_as_null=True, keep_nulls=True)
    assert detail.struct.field("value_range_valid").drop_nulls().all()


def test_numbers_of_every_type_and_size() -> None:
    count = np.arange(ROWS) * 7919 % 1009
    columns = {
        "tiny": normal() * 1e-300,
        "huge": normal() * 1e306,  # the standard deviation overflows
        "extreme": np.where(count % 2 == 0, 1, -1) * np.finfo(float).max,
        "small": pl.Series(count % 100, dtype=pl.Int8),
        "large": pl.Series(count.astype(np.uint64) * 2**54),
        "wide": pl.Series(count).cast(pl.Int128),
        "money": pl.Series(count).cast(pl.Decimal(12, 2)) / 4,
        "single": pl.Series(normal(), dtype=pl.Float32),
        "flag": count % 3 == 0,
        "constant": 3,
        "endless": np.where(count == 5, np.inf, 1.5),
    }
    rows = frame(columns)
    contract = parse_contract(draft_contract(rows, keys=["shop_id"], date="day"), "draft")
    assert set(contract.names) == {*columns}
    scored = fsq.score(rows, contract)
    detail = scored["feature_quality_detail"].list.explode(empty_as_null=True, keep_nulls=True)
    assert detail.struct.field("value_range_valid").drop_nulls().all()
    assert detail.struct.field("value_range_valid").null_count() == (count == 5).sum()


# Errors that say what would do


def test_missing_keys_and_dates_are_proposed() -> None:
    rows = frame({"sales": normal(), "town": ["x"] * ROWS})
    with pytest.raises(fsq.InputError) as error:
        draft_contract(rows)
    assert "add --date day" in str(error.value)
    assert "with day, a record is named by --key shop_id" in str(error.value)


def test_keys_that_do_not_suffice_are_completed() -> None:
    rows = frame({"sales": normal()}).with_columns(
        pl.col("shop_id").str.slice(0, 5).alias("first"), pl.col("shop_id").alias("second")
    )
    with pytest.raises(fsq.InputError, match=r"same in .* rows; add --key shop_id"):
        draft_contract(rows, keys=["first"], date="day")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"keys": ["nobody"]}, "no column 'nobody'"),
        ({"keys": ["SHOP_ID"]}, r"the data has \['shop_id'\]"),
        ({"keys": ["sales"]}, "sales is Float64; a key is a string or an integer"),
        ({"date": "shop_id"}, "shop_id: 'shop0' is not an ISO date"),
        ({"date": "sales"}, "sales is Float64; cast it to a date"),
        ({"time": "day"}, "must be different columns"),
        ({"date": None, "time": "day"}, "day is Date; make it a timestamp"),
        ({"label": "nothing"}, "no column 'nothing'"),
    ],
)
def test_columns_that_are_not_there_or_of_another_type(options: Columns, told: str) -> None:
    with pytest.raises(fsq.InputError, match=told):
        draft({"sales": normal()}, **options)


def test_no_rows_no_features_no_values() -> None:
    with pytest.raises(fsq.InputError, match="no rows"):
        draft_contract(frame({"sales": normal()}).head(0), keys=["shop_id"], date="day")
    with pytest.raises(fsq.InputError, match="no column can be a feature"):
        draft({"town": ["x"] * ROWS})
    with pytest.raises(fsq.InputError, match="no feature has a value"):
        draft({"sales": pl.Series([None] * ROWS, dtype=pl.Float64)})
    with pytest.raises(fsq.InputError, match="features are in arrays"):
        draft({"feature_names": [["a"]] * ROWS})


def test_a_column_named_like_the_output() -> None:
    with pytest.raises(fsq.InputError, match=r"named like output columns: \['quality_tier'\]"):
        draft({"sales": normal(), "quality_tier": ["gold"] * ROWS})
