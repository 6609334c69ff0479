"""Source labels that are absent, and labels that their values contradict."""

from __future__ import annotations

import polars as pl
import pytest

import fsq
from tests.support.healthy_days import (
    CONTRACT,
    LAST,
    TABLES,
    change_last,
    default_values,
    diagnose_last,
    list_serious,
    make_days,
)

CACHE = TABLES["player_daily_cache"]


def drop_labels(names: list[str], keep: pl.Expr | None = None) -> dict[str, pl.Expr]:
    none = pl.lit(None, pl.String)
    return {
        f"{n}__source": none if keep is None else pl.when(keep).then(pl.col(f"{n}__source"))
        for n in names
    }


def test_a_date_without_labels_is_one_finding_that_blames_no_job() -> None:
    dx = diagnose_last(change_last(make_days(), **drop_labels(list(CONTRACT.names))))
    (finding,) = dx.findings
    assert (finding.kind, finding.severity) == ("sources_absent", "red")
    assert (finding.processor, finding.rows_affected) == (None, 120)
    assert "120 of 120 rows do not say where their values come from" in finding.title
    assert [c for c in finding.remedy if "run-processor" in c] == []
    assert dx.named_rows.height == 120


def test_the_legacy_form_without_sources_is_the_same() -> None:
    names = list(CONTRACT.names)
    rows = make_days().with_columns(pl.col(names).fill_null(0.5))
    text = '{"' + '","'.join(f'{i}":"phase4' for i in range(len(names))) + '"}'
    legacy = rows.select(
        "player_lookup",
        "game_date",
        "game_id",
        features=pl.concat_list(names),
        feature_names=pl.lit(names, pl.List(pl.String)),
        feature_sources=pl.when(pl.col("game_date") < LAST).then(pl.lit(text)),
    )
    red = [f for f in diagnose_last(legacy).findings if f.severity == "red"]
    assert [f.kind for f in red] == ["sources_absent"]


def test_some_rows_without_labels_are_named() -> None:
    keep = pl.col("player_lookup") >= "player012"
    dx = diagnose_last(change_last(make_days(), **drop_labels(list(CONTRACT.names), keep)))
    (finding,) = list_serious(dx)
    assert (finding.kind, finding.severity) == ("sources_absent", "yellow")
    assert finding.rows_affected == 12
    assert sorted(dx.named_rows["player_lookup"]) == [f"player{i:03}" for i in range(12)]


def test_a_table_without_labels_blames_no_other_features() -> None:
    dx = diagnose_last(change_last(make_days(), **drop_labels(CACHE)))
    (finding,) = list_serious(dx)
    assert (finding.kind, finding.severity) == ("sources_absent", "red")
    assert (finding.table, list(finding.features)) == ("player_daily_cache", CACHE)


def test_another_table_that_is_missing_is_still_seen() -> None:
    rows = change_last(make_days(), **drop_labels(CACHE))
    rows = change_last(rows, **default_values(TABLES["player_composite_factors"]))
    kinds = {f.kind for f in list_serious(diagnose_last(rows))}
    assert kinds == {"sources_absent", "processor_wrote_nothing"}


def test_defaults_without_labels_are_a_job_that_wrote_nothing() -> None:
    values = default_values(CACHE) | drop_labels(CACHE)
    (finding,) = list_serious(diagnose_last(change_last(make_days(), **values)))
    assert finding.kind == "processor_wrote_nothing"


def test_a_default_label_on_real_values() -> None:
    labels = {f"{n}__source": pl.lit("default") for n in CACHE}
    dx = diagnose_last(change_last(make_days(), **labels))
    (finding,) = list_serious(dx)
    assert (finding.kind, finding.severity) == ("labels_contradict_values", "yellow")
    assert (finding.table, list(finding.features)) == ("player_daily_cache", CACHE)
    assert dx.named_rows.height == 120


@pytest.mark.parametrize(("players", "seen"), [(12, True), (3, False)])
def test_contradictions_need_more_than_a_few_rows(players: int, seen: bool) -> None:
    few = pl.col("player_lookup") < f"player{players:03}"
    label = pl.when(few).then(pl.lit("fallback")).otherwise("fatigue_score__source")
    dx = diagnose_last(change_last(make_days(), fatigue_score__source=label))
    kinds = [f.kind for f in list_serious(dx)]
    assert kinds == (["labels_contradict_values"] if seen else [])


def test_another_fallback_that_has_always_been_used_is_no_fault() -> None:
    label = pl.when(pl.col("player_lookup") < "player012").then(pl.lit("default"))
    rows = make_days().with_columns(fatigue_score__source=label.otherwise("fatigue_score__source"))
    assert list_serious(diagnose_last(rows)) == []


def test_a_job_that_did_not_run_explains_old_values() -> None:
    done = [p.name for p in CONTRACT.processors if p.name != "PlayerDailyCacheProcessor"]
    labels = {f"{n}__source": pl.lit("default") for n in CACHE}
    rows = change_last(make_days(), processors_completed=pl.lit(done), **labels)
    (finding,) = list_serious(diagnose_last(rows))
    assert finding.kind == "processor_did_not_run"


def test_optional_values_that_are_filled_in_are_no_absent_table() -> None:
    odds = [f.name for f in CONTRACT.features if f.optional and f.name != "has_vegas_line"]
    filled = {n: pl.col(n).fill_null(0.0) for n in odds}
    (finding,) = list_serious(diagnose_last(change_last(make_days(), **filled)))
    assert finding.kind == "optional_coverage"
    assert "not at all" not in finding.cause
    assert "50% of the values of vegas_points_line are 0" in finding.cause
    assert finding.rows_affected == 60


def test_a_date_of_few_rows_is_judged_too() -> None:
    rows = make_days(per_day=30)
    dx = diagnose_last(change_last(rows, **drop_labels(list(CONTRACT.names))))
    assert [f.kind for f in dx.findings if f.severity == "red"] == ["sources_absent"]
    assert list_serious(fsq.diagnose(fsq.score(rows))) == []


@pytest.mark.parametrize(("players", "severity"), [(120, "red"), (12, "yellow"), (3, None)])
def test_a_good_label_without_a_value(players: int, severity: str | None) -> None:
    few = pl.col("player_lookup") < f"player{players:03}"
    lost = {n: pl.when(~few).then(pl.col(n)) for n in CACHE}
    dx = diagnose_last(change_last(make_days(), **lost))
    found = [(f.kind, f.severity, f.table) for f in list_serious(dx)]
    expected = [("labelled_without_value", severity, "player_daily_cache")] if severity else []
    assert found == expected
    assert dx.named_rows.height == (players if severity else 0)


def test_a_label_that_says_missing_is_no_contradiction() -> None:
    few = pl.col("player_lookup") < "player012"
    lost = {n: pl.when(~few).then(pl.col(n)) for n in CACHE}
    labels = {
        f"{n}__source": pl.when(few).then(pl.lit("missing")).otherwise(f"{n}__source")
        for n in CACHE
    }
    assert list_serious(diagnose_last(change_last(make_days(), **lost, **labels))) == []


def test_values_that_are_always_missing_under_a_label_are_no_news() -> None:
    few = pl.col("player_lookup") < "player012"
    rows = make_days().with_columns(fatigue_score=pl.when(~few).then("fatigue_score"))
    assert list_serious(fsq.diagnose(fsq.score(rows))) == []
