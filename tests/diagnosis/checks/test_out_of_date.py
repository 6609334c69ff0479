"""Rows that were changed after they were scored, and tables whose two forms disagree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

import fsq
from tests.support.healthy_days import CONTRACT, LAST, diagnose_last, list_serious, make_days

NAMES = list(CONTRACT.names)
ON_LAST = pl.col("game_date") == LAST
FEW = pl.col("player_lookup") < "player012"
NOW = datetime(2026, 2, 11, tzinfo=UTC)


def make_legacy(flat: bool = False, reverse: bool = False) -> pl.DataFrame:
    """The same rows as arrays, and as flat columns if asked for."""
    rows = make_days()
    names = NAMES[::-1] if reverse else NAMES
    words = [
        pl.when(pl.col(n).is_null()).then(pl.lit("default")).otherwise(f"{n}__source")
        for n in names
    ]
    spec = {f.name: f.expected or 0.0 for f in CONTRACT.features}
    parts = [pl.format('"{}":"{}"', pl.lit(i), w) for i, w in enumerate(words)]
    columns = [pl.col(n).alias(f"feature_{i}_value") for i, n in enumerate(NAMES)]
    columns += [pl.col(f"{n}__source").alias(f"feature_{i}_source") for i, n in enumerate(NAMES)]
    return rows.select(
        "player_lookup",
        "game_date",
        "game_id",
        *(columns if flat else []),
        features=pl.concat_list(pl.col(n).fill_null(spec[n]) for n in names),
        feature_names=pl.lit(names, pl.List(pl.String)),
        feature_sources=pl.concat_str(
            pl.lit("{"), pl.concat_str(parts, separator=","), pl.lit("}")
        ),
    )


def list_found(scored: pl.DataFrame) -> list[fsq.Finding]:
    return list_serious(fsq.diagnose(scored, dates=[LAST]))


def test_unchanged_rows_of_either_form_are_fine() -> None:
    assert list_serious(diagnose_last(make_legacy())) == []
    assert list_serious(diagnose_last(make_legacy(reverse=True))) == []
    assert list_serious(diagnose_last(make_legacy(flat=True))) == []
    flat = make_legacy(flat=True).drop("features", "feature_names", "feature_sources")
    assert list_serious(diagnose_last(flat)) == []


def test_an_array_that_was_corrected_after_the_scoring() -> None:
    for reverse in (False, True):
        scored = fsq.score(make_legacy(reverse=reverse))
        at = (NAMES[::-1] if reverse else NAMES).index("fatigue_score")
        new = pl.col("features").list.eval(
            pl.when(pl.int_range(pl.len()) == at).then(pl.element() + 3).otherwise(pl.element())
        )
        changed = pl.when(ON_LAST & FEW).then(new).otherwise("features")
        scored = scored.with_columns(changed.alias("features"))
        dx = fsq.diagnose(scored, dates=[LAST])
        (finding,) = list_serious(dx)
        assert (finding.kind, finding.severity) == ("quality_out_of_date", "yellow")
        assert finding.features == ("fatigue_score",)
        assert "differs from features in 12 of 120 rows" in finding.title
        assert "changed after they were scored" in finding.cause
        assert sorted(dx.named_rows["player_lookup"]) == [f"player{i:03}" for i in range(12)]


def test_two_forms_that_disagree() -> None:
    line = NAMES.index("vegas_points_line")
    value = f"feature_{line}_value"
    rows = make_legacy(flat=True)
    rows = rows.with_columns(
        pl.when(ON_LAST & FEW).then(pl.col(value) - 4.5).otherwise(value).alias(value)
    )
    (finding,) = list_serious(diagnose_last(rows))
    assert (finding.kind, finding.rows_affected) == ("quality_out_of_date", 6)
    assert f"vegas_points_line differs from {value} in 6 of 120 rows" in finding.title
    assert "two forms disagree: features was scored" in finding.cause


def test_most_rows_changed_is_red() -> None:
    flat = make_legacy(flat=True).drop("features", "feature_names", "feature_sources")
    scored = fsq.score(flat).with_columns(
        pl.when(ON_LAST)
        .then(pl.col("feature_5_value") / 2)
        .otherwise("feature_5_value")
        .alias("feature_5_value")
    )
    (finding,) = list_found(scored)
    assert (finding.severity, finding.features) == ("red", (NAMES[5],))
    assert "feature_5_value" in finding.title


def test_a_clamped_value_does_not_differ() -> None:
    home = NAMES.index("home_away")
    flat = make_legacy(flat=True).drop("features", "feature_names", "feature_sources")
    name = f"feature_{home}_value"
    flat = flat.with_columns(
        pl.when(ON_LAST & (pl.col("player_lookup") < "player003"))
        .then(1.5)
        .otherwise(name)
        .alias(name)
    )
    assert list_serious(diagnose_last(flat)) == []


def test_rows_that_say_that_they_were_changed_later() -> None:
    scored = fsq.score(make_days(), now=NOW)
    later = (
        pl.when(ON_LAST & FEW).then(NOW + timedelta(hours=30)).otherwise(NOW - timedelta(hours=9))
    )
    changed = scored.with_columns(updated_at=later)
    (finding,) = list_found(changed)
    assert (finding.kind, finding.severity) == ("quality_out_of_date", "yellow")
    assert "12 of 120 rows were changed 30 hours after they were scored" in finding.title
    in_time = scored.with_columns(updated_at=pl.lit(NOW - timedelta(hours=1)))
    assert list_found(in_time) == []
    naive = changed.with_columns(
        pl.lit(NOW + timedelta(hours=10)).dt.replace_time_zone(None).alias("updated_at")
    )
    assert list_found(naive) == []


def test_rows_that_keep_nothing_of_their_own_are_not_evaluated() -> None:
    dx = diagnose_last(make_days())
    noted = {n["check"]: n["reason"] for n in dx.not_evaluated}
    assert noted["quality_out_of_date"] == "the rows keep no values but the scored ones"
