"""Which records and values the gates keep, against a slow truth."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fsq
from fsq.training.gates import (
    list_excusable_features,
    list_required_features,
    list_training_ready_conditions,
)
from tests.support import strategies
from tests.support.frames import CONTRACT, NAMES, wide
from tests.support.oracle_contracts import V2
from tests.support.training import KEYS, SCORED, list_kept
from tests.support.wrong_join import DAY, score_wrong_join


@pytest.mark.parametrize("mode", ["drop", "mask", "keep"])
def test_kept_records_and_values_are_those_of_the_slow_truth(mode: Any) -> None:
    made = fsq.training_set(SCORED, "points", mode, exclude=None)
    want = list_kept(SCORED, mode)
    assert 0 < len(want) < SCORED.height
    assert made.frame.drop("game_id").to_dicts() == [
        {k: r[k] for k in ("player_lookup", "game_date", *NAMES, "points")} for r in want
    ]


@given(strategies.wide_frames(V2), st.sampled_from(["drop", "mask", "keep"]))
def test_any_rows_give_the_slow_truth(frame: pl.DataFrame, mode: Any) -> None:
    scored = fsq.score(frame.unique(["player_lookup", "game_date"])).with_columns(points=1.0)
    made = fsq.training_set(scored, "points", mode, exclude=None)
    got = made.frame.select("player_lookup", "game_date", *NAMES).to_dicts()
    want = [
        {k: r[k] for k in ("player_lookup", "game_date", *NAMES)} for r in list_kept(scored, mode)
    ]
    assert got == want


def test_the_gates_together_are_the_training_gate() -> None:
    every = fsq.score(wide(2_000, seed=5)).vstack(SCORED.select(fsq.score(wide(1)).columns))
    met = every.select(
        pl.all_horizontal(g.expression for g in list_training_ready_conditions(CONTRACT))
    )
    assert met.to_series().to_list() == every["is_training_ready"].to_list()
    assert 0 < every["is_training_ready"].sum() < every.height


def test_waterfall_adds_up_and_overlaps_are_counted() -> None:
    made = fsq.training_set(
        SCORED,
        "points",
        critical_features=True,
        min_training_quality=28,
        exclude=[date(2026, 1, 3)],
    )
    falls = made.waterfall.to_dicts()
    assert [w["gate"] for w in falls] == [
        "all",
        "label",
        "date",
        "tier",
        "matchup",
        "player_history",
        "no_critical_default",
        "critical_features",
        "training_quality",
        "default",
        "out_of_range",
        "stale",
    ]
    for before, after in itertools.pairwise(falls):
        assert after["left"] == before["left"] - after["dropped"]
    assert falls[-1]["left"] == made.frame.height == len(made)
    counts = Counter(gate for gates, n in made.overlaps.rows() for gate in gates for _ in range(n))
    alone = {gates[0]: n for gates, n in made.overlaps.rows() if len(gates) == 1}
    assert all(w["failed"] == counts[w["gate"]] for w in falls[1:])
    assert all(w["alone"] == alone.get(w["gate"], 0) for w in falls[1:])
    assert made.overlaps["rows"].sum() + len(made) == SCORED.height
    assert date(2026, 1, 3) not in made.frame["game_date"]
    assert 0 < len(made) < len(fsq.training_set(SCORED, "points"))


def test_bounds_drop_records_or_mask_values() -> None:
    asked: dict[str, Any] = {
        "min_quality": {"pace_score": 90.0},
        "max_age_hours": {"points_avg_last_5": 24.0},
    }
    dropped = fsq.training_set(SCORED, "points", "drop", training_ready=False, **asked)
    masked = fsq.training_set(SCORED, "points", "mask", **asked)
    long = fsq.explode_detail(SCORED).filter(pl.col("feature_name") == "pace_score")
    good = long.filter(pl.col("quality_score") >= 90).select(KEYS)
    assert dropped.frame.join(good, on=KEYS, how="anti").is_empty()
    weak = masked.frame.join(good, on=KEYS, how="anti")
    assert weak.height
    assert weak["pace_score"].null_count() == weak.height
    hours = SCORED.select(*KEYS, pl.col("upstream_data_freshness_hours"))
    old = masked.frame.join(hours.filter(pl.col("upstream_data_freshness_hours") > 24), on=KEYS)
    assert old.height
    assert old["points_avg_last_5"].null_count() == old.height
    young = masked.frame.join(hours.filter(pl.col("upstream_data_freshness_hours") <= 24), on=KEYS)
    assert young["points_avg_last_5"].null_count() < young.height / 2
    # Nobody knows how old these are.
    unknown = fsq.training_set(SCORED, "points", "mask", max_age_hours={"pace_score": 1e9})
    assert unknown.frame["pace_score"].null_count() == len(unknown)


def test_what_is_unknown_is_not_trusted() -> None:
    fields = [f.name for f in SCORED.schema["feature_quality_detail"].inner.fields]  # type: ignore[attr-defined]
    for blank in ("is_default", "feature_quality_tier"):
        element = pl.element().struct.field
        hidden = pl.struct(
            pl.lit(None, pl.Boolean if blank == "is_default" else pl.String).alias(f)
            if f == blank
            else element(f)
            for f in fields
        )
        unknown = SCORED.with_columns(pl.col("feature_quality_detail").list.eval(hidden))
        assert len(fsq.training_set(unknown, "points")) == 0
        masked = fsq.training_set(unknown, "points", "mask").frame.select(NAMES)
        assert masked.null_count().sum_horizontal().item() == masked.height * len(NAMES)


def test_a_number_binds_required_features_only() -> None:
    made = fsq.training_set(SCORED, "points", "mask", min_quality=100)
    assert set(made.options.min_quality) == set(list_required_features(CONTRACT))
    assert list_excusable_features(CONTRACT) == ("points_avg_season", "avg_points_vs_opponent")


def test_red_dates_are_left_out() -> None:
    hit = pl.col("game_date") == date(2026, 1, 6)
    plain = wide(480, days=8).with_columns(
        pl.when(hit & (f.category == "matchup"))
        .then(pl.lit("default"))
        .otherwise(pl.lit("phase4"))
        .alias(f"{f.name}__source")
        for f in CONTRACT.features
    )
    scored = fsq.score(plain.with_columns(points=1.0))
    dx = fsq.diagnose(scored)
    red = [d for d, verdict in dx.dates.items() if verdict == "red"]
    assert date(2026, 1, 6) in red
    assert len(red) < 8
    excluded = fsq.training_set(scored, "points", "keep", exclude=dx)
    assert set(excluded.frame["game_date"]) == set(scored["game_date"]) - set(red)
    itself = fsq.training_set(scored, "points", "keep", exclude="red")
    assert itself.frame.equals(excluded.frame)


def test_the_last_dates_of_a_frame_fail_for_their_own_defaults() -> None:
    scored = score_wrong_join()
    critical = {f.name for f in fsq.load_contract().features if f.critical}
    for start in (DAY, DAY - timedelta(days=3)):
        made = fsq.training_set(scored, start=start, end=DAY, exclude=None)
        available = scored.filter(pl.col("game_date") >= start)["available_feature_names"]
        lacking = sum(not critical <= set(names) for names in available.to_list())
        falls = made.waterfall.filter(pl.col("gate") == "no_critical_default")
        assert falls["failed"].item() == lacking > 0
