"""Findings about a training set: leaks, late values, mixed definitions, uneven losses."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import fsq
from tests.support.frames import CONTRACT, NAMES, wide
from tests.support.training import KEYS, SCORED


def test_a_feature_that_knows_the_label_is_a_leak() -> None:
    rng = np.random.default_rng(0)
    noise = pl.Series(rng.normal(0, 0.5, SCORED.height))
    detail = pl.col("feature_quality_detail")
    leaky = fsq.explode_detail(
        SCORED.select(*KEYS, detail).join(SCORED.select(*KEYS, "points"), on=KEYS)
    )
    truth = SCORED.select(*KEYS, leak=pl.col("points") + noise)
    changed = leaky.join(truth, on=KEYS, how="left", maintain_order="left").with_columns(
        feature_value=pl.when(pl.col("feature_name") == "points_avg_last_5")
        .then("leak")
        .otherwise("feature_value")
    )
    fields = [f.name for f in SCORED.schema["feature_quality_detail"].inner.fields]  # type: ignore[attr-defined]
    nested = changed.group_by(KEYS, maintain_order=True).agg(
        feature_quality_detail=pl.struct(fields)
    )
    scored = SCORED.drop("feature_quality_detail").join(nested, on=KEYS)
    made = fsq.training_set(scored, "points", "keep")
    (leak,) = [f for f in made.findings if f.kind == "label_leak"]
    assert leak.severity == "red"
    assert leak.features == ("points_avg_last_5",)
    top = made.correlations.row(0, named=True)
    pair = made.frame.select("points_avg_last_5", "points").drop_nulls()
    assert top["rows"] == pair.height
    assert top["correlation"] == pytest.approx(pair.select(pl.corr(*pair.columns)).item())
    assert not [
        f
        for f in fsq.training_set(scored, "points", "keep", leak_from=1.0).findings
        if f.kind == "label_leak"
    ]
    few = fsq.training_set(scored.head(30), "points", "keep")
    assert few.correlations["correlation"].null_count() == len(NAMES)


@pytest.mark.parametrize("own", [True, False])
def test_values_from_after_their_as_of_are_counted_and_dropped_on_request(own: bool) -> None:
    stamp = "team_offense_game_summary__last_updated"
    as_of = datetime(2026, 1, 9, 0, 0, tzinfo=UTC)
    stamps = [as_of - timedelta(hours=2), as_of, as_of + timedelta(microseconds=1), None]
    plain = wide(4, days=1).with_columns(
        pl.Series(stamp, stamps),
        player_daily_cache__last_updated=pl.lit(as_of - timedelta(hours=5, minutes=7)),
    )
    if own:
        plain = plain.with_columns(as_of=pl.lit(as_of).dt.replace_time_zone(None))
    scored = fsq.score(plain, as_of=as_of, now=as_of)
    made = fsq.training_set(scored, on_default="keep")
    assert made.late_rows == 1
    assert [f.kind for f in made.findings] == ["updated_after_as_of"]
    dropped = fsq.training_set(scored, on_default="keep", drop_late=True)
    assert dropped.waterfall.filter(pl.col("gate") == "late")["dropped"].item() == 1
    assert sorted(dropped.frame["player_lookup"]) == ["player0", "player1", "player3"]


def test_definitions_and_contracts_that_mix_are_named() -> None:
    newer = CONTRACT.model_copy(
        update={
            "name": "mine",
            "features": tuple(
                f.model_copy(update={"definition_version": "v9"}) if f.name == "pace_score" else f
                for f in CONTRACT.features
            ),
        }
    )
    early, late = wide(80).filter(pl.col("game_date") < date(2026, 1, 3)), wide(80)
    late = late.filter(pl.col("game_date") >= date(2026, 1, 3))
    both = pl.concat([fsq.score(early), fsq.score(late, newer)])
    found = {f.kind: f for f in fsq.training_set(both, on_default="keep").findings}
    assert found["mixed_definitions"].features == ("pace_score",)
    assert "v2 and v9" in found["mixed_definitions"].cause
    assert "mine and v2_33features" in found["mixed_contracts"].title
    assert not fsq.training_set(fsq.score(early), on_default="keep").findings


def test_losses_are_counted_by_date_column_and_group() -> None:
    made = fsq.training_set(SCORED, "points", carry=["team"])
    labelled = SCORED.filter(pl.col("points").is_finite())
    kept = made.frame.select(KEYS)
    for column, found in (("game_date", made.dropped_by_date), ("team", made.dropped_by("team"))):
        gone = labelled.join(kept, on=KEYS, how="anti")
        want = dict(gone.group_by(column).len().rows())
        assert {r[0]: r[2] for r in found.rows()} == {k: want.get(k, 0) for k in labelled[column]}
        assert found["rows"].sum() == labelled.height
    assert made.dropped_by_group["rows"].sum() == labelled.height
    by_team = fsq.training_set(SCORED, "points", group="team").dropped_by_group
    assert by_team["group"].to_list() == ["A", "B"]
    with pytest.raises(fsq.InputError, match="name it in carry"):
        made.dropped_by("team_abbr")


def test_a_filter_that_takes_one_group_is_a_finding() -> None:
    poor = SCORED["player_lookup"].is_in([f"player{i}" for i in range(12)])
    plain = wide(400, days=8).with_columns(pl.lit("phase4").alias(f"{n}__source") for n in NAMES)
    plain = plain.with_columns(pl.col(NAMES).fill_null(1.0))
    source = [
        pl.when(poor).then(pl.lit("default")).otherwise(pl.lit("phase4")).alias(f"{n}__source")
        for n in NAMES
    ]
    number = pl.col("player_lookup").str.slice(6).cast(pl.Float64)
    scored = fsq.score(plain.with_columns(*source, points=number))
    kinds = [
        f.kind
        for f in fsq.training_set(scored, "points", training_ready=True, on_default="keep").findings
    ]
    assert "uneven_drop" in kinds
    assert "uneven_drop" not in [
        f.kind for f in fsq.training_set(scored, "points", "mask").findings
    ]
