"""Arguments and rows that a training set refuses, and how it follows the others."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import polars as pl
import pytest

import fsq
from tests.support.frames import wide
from tests.support.training import SCORED


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(fsq.InputError) as raised:
        fsq.training_set(
            SCORED.drop("quality_tier"),
            "pts",
            "dorp",  # type: ignore[arg-type]
            features=["pace_score", "pace_scor"],
            min_quality={"unheard_of": 50.0},
            max_age_hours=-1.0,
            carry=["tem"],
            leak_from=2.0,
            min_training_quality=99,
            exclude="yellow",
            training_ready=True,
        )
    message = "\n".join(raised.value.problems)
    for word in (
        "column pts",
        "dorp",
        "'pace_score'",
        "min_quality: no feature unheard_of",
        "is -1",
        "tem",
        "leak_from",
        "is 99",
        "exclude",
        "quality_tier",
    ):
        assert word in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": "pace_score"}, "has a feature's name"),
        ({"label": "team"}, "cast it to a number"),
        ({"on_default": "keep", "min_quality": 50}, "have no effect"),
        ({"start": date(2026, 1, 2), "end": date(2026, 1, 1)}, "swap them"),
        ({"features": ["pace_score", "pace_score"]}, "occurs twice"),
        ({"features": []}, "at least one"),
        ({"group": "pace_score", "features": ["home_away"]}, "not among the features"),
    ],
)
def test_arguments_that_cannot_be_meant(change: dict[str, Any], words: str) -> None:
    with pytest.raises(fsq.InputError, match=words):
        fsq.training_set(SCORED, **change)


def test_rows_that_are_not_scored_or_of_another_contract_are_refused() -> None:
    with pytest.raises(fsq.InputError, match=r"fsq\.score"):
        fsq.training_set(wide(4))
    with pytest.raises(fsq.InputError, match="name the contract"):
        _ = fsq.training_set(SCORED, contract="v3_37features").frame
    order = SCORED.with_columns(pl.col("feature_quality_detail").list.reverse())
    with pytest.raises(fsq.InputError, match="name the contract"):
        _ = fsq.training_set(order).frame
    with pytest.raises(fsq.InputError, match="duplicate keys: 400"):
        _ = fsq.training_set(pl.concat([SCORED, SCORED])).frame


def test_features_and_carried_columns_are_as_asked() -> None:
    made = fsq.training_set(SCORED, "points", features=["home_away", "pace_score"], carry=["team"])
    assert made.frame.columns == [
        "player_lookup",
        "game_date",
        "game_id",
        "team",
        "home_away",
        "pace_score",
        "points",
    ]
    features, label = made.to_numpy()
    assert features.shape == (len(made), 2)
    assert label is not None
    assert label.tolist() == made.frame["points"].to_list()


def test_empty_rows_give_an_empty_set() -> None:
    made = fsq.training_set(SCORED.clear(), "points")
    assert made.frame.height == 0
    assert [f.kind for f in made.findings] == ["nothing_kept"]
    assert "0 of 0" in str(made)


def test_the_present_may_be_written_in_many_ways() -> None:
    now = datetime(2026, 1, 2, 15, tzinfo=UTC)
    for kind in (now.isoformat(), now.replace(tzinfo=None), pd.Timestamp(now)):
        assert fsq.training_set(SCORED, now=kind).options.now == now
    assert fsq.training_set(SCORED).options.now.tzinfo is UTC


def test_namespaces_do_the_same() -> None:
    want = fsq.training_set(SCORED, "points", "mask")
    assert SCORED.fsq.training_set("points", on_default="mask").frame.equals(want.frame)  # type: ignore[attr-defined]
    lazy = SCORED.lazy().fsq.training_set("points", on_default="mask")  # type: ignore[attr-defined]
    assert lazy.fingerprint == want.fingerprint


@pytest.mark.parametrize(
    ("bound", "refused"),
    [
        ({"min_quality": {"pace_score": 0.0}}, False),
        ({"min_quality": 0.5}, False),
        ({"min_quality": {"pace_score": 100.0}}, False),
        ({"min_quality": {"pace_score": 100.5}}, True),
        ({"min_quality": -0.5}, True),
        ({"max_age_hours": 0.0}, False),
        ({"max_age_hours": {"pace_score": 1e6}}, False),
        ({"max_age_hours": float("nan")}, True),
    ],
)
def test_bounds_may_be_as_low_and_as_high_as_what_they_bound(
    bound: dict[str, Any], refused: bool
) -> None:
    if refused:
        with pytest.raises(fsq.InputError, match=next(iter(bound))):
            fsq.training_set(SCORED, "points", **bound)
    else:
        assert len(fsq.training_set(SCORED, "points", **bound).waterfall)


def test_training_quality_may_be_as_low_as_the_bound() -> None:
    count = SCORED["training_quality_feature_count"]
    for least in (max(count), min(count)):
        made = fsq.training_set(SCORED, "points", "keep", min_training_quality=least)
        falls = dict(made.waterfall.select("gate", "failed").rows())
        assert falls["training_quality"] == (count < least).sum()
