"""Rows that were changed after they were scored, and tables whose two forms disagree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import polars.selectors as cs
import pytest

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


def test_rows_whose_array_has_no_names() -> None:
    scored = fsq.score(make_legacy())
    names = pl.when(~(ON_LAST & FEW)).then("feature_names").alias("feature_names")
    (finding,) = list_serious(fsq.diagnose(scored.with_columns(names), dates=[LAST]))
    assert (finding.kind, finding.rows_affected) == ("quality_out_of_date", 12)


@pytest.mark.parametrize("other", [pl.lit("x"), pl.lit(LAST), pl.struct(pl.lit(1))])
def test_columns_that_only_bear_the_name_of_a_form(other: pl.Expr) -> None:
    rows = make_legacy(flat=True).drop("features", "feature_names", "feature_sources")
    names = ("feature_3_value", "features", "feature_names")
    scored = fsq.score(rows).with_columns(other.alias(name) for name in names)
    assert list_found(scored) == []


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


def find_one(rows: pl.DataFrame) -> fsq.Finding:
    (finding,) = list_serious(diagnose_last(rows))
    assert finding.kind == "quality_out_of_date"
    return finding


def test_a_form_that_holds_one_feature_only() -> None:
    value = "feature_5_value"
    flat = make_legacy(flat=True)
    rows = flat.drop(cs.matches(r"feature_\d+_(value|source)") - cs.by_name(value))
    assert list_serious(diagnose_last(rows)) == []
    changed = pl.when(ON_LAST & FEW).then(pl.col(value) + 3).otherwise(value)
    finding = find_one(rows.with_columns(changed.alias(value)))
    assert (finding.features, finding.rows_affected) == ((NAMES[5],), 12)


def test_two_arrays_that_disagree() -> None:
    rows = make_legacy().with_columns(feature_store_values=pl.col("features"))
    assert list_serious(diagnose_last(rows)) == []
    more = pl.col("features").list.eval(pl.element() + 1)
    changed = pl.when(ON_LAST & FEW).then(more).otherwise("features")
    finding = find_one(rows.with_columns(feature_store_values=changed))
    assert len(finding.features) == len(NAMES)
    assert "differ from feature_store_values in 12 of 120 rows" in finding.title


def test_two_forms_whose_sources_disagree() -> None:
    rows = make_legacy(flat=True)
    source = "feature_5_source"
    changed = pl.when(ON_LAST & FEW).then(pl.lit("default")).otherwise(source)
    finding = find_one(rows.with_columns(changed.alias(source)))
    assert (finding.severity, finding.features) == ("yellow", (NAMES[5],))
    assert f"the source of {NAMES[5]} differs from {source} in 12 of 120 rows" in finding.title
    assert "states the sources twice" in finding.cause
    other = pl.when(ON_LAST & FEW).then(pl.lit("vegas")).otherwise(source)  # as good as phase4
    assert list_serious(diagnose_last(rows.with_columns(other.alias(source)))) == []
    unsaid = rows.with_columns(pl.lit(None, pl.String).alias(source))
    assert list_serious(diagnose_last(unsaid)) == []


def test_what_stands_for_no_value_does_not_differ() -> None:
    absent = ON_LAST & FEW
    plain = make_legacy(flat=True)
    value, source = "feature_5_value", "feature_5_source"
    at = pl.int_range(pl.len()) == NAMES.index("fatigue_score")
    filled = pl.col("features").list.eval(pl.when(at).then(50.0).otherwise(pl.element()))
    label = pl.col("feature_sources").str.replace('"5":"phase4"', '"5":"default"', literal=True)
    rows = plain.with_columns(
        pl.when(absent).then(None).otherwise(value).alias(value),
        pl.when(absent).then(None).otherwise(source).alias(source),
        features=pl.when(absent).then(filled).otherwise("features"),
        feature_sources=pl.when(absent).then(label).otherwise("feature_sources"),
    )
    found = [f.kind for f in list_serious(diagnose_last(rows))]
    assert "quality_out_of_date" not in found
    wide = make_days().with_columns(
        pl.when(absent).then(None).otherwise("fatigue_score").alias("fatigue_score"),
        pl.when(absent)
        .then(pl.lit("missing"))
        .otherwise("fatigue_score__source")
        .alias("fatigue_score__source"),
        *rows.select("features", "feature_names"),
    )
    found = [f.kind for f in list_serious(diagnose_last(wide))]
    assert "quality_out_of_date" not in found


def test_infinity_is_no_value_in_any_form() -> None:
    value = "feature_8_value"
    rows = make_legacy(flat=True).drop("features", "feature_names", "feature_sources")
    odd = ON_LAST & (pl.col("player_lookup") == "player003")
    rows = rows.with_columns(pl.when(odd).then(float("inf")).otherwise(value).alias(value))
    assert "quality_out_of_date" not in [f.kind for f in diagnose_last(rows).findings]
