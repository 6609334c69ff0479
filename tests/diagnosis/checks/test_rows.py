"""Rows and optional features that are missing, and categories that fall."""

from __future__ import annotations

import polars as pl
import pytest

import fsq
from fsq.demo import simulate_season
from tests.support.healthy_days import (
    CONTRACT,
    LAST,
    TABLES,
    change_last,
    diagnose_last,
    list_serious,
    make_days,
)


def test_half_the_rows_are_missing() -> None:
    rows = make_days().filter((pl.col("game_date") != LAST) | (pl.int_range(pl.len()) % 4 < 2))
    (finding,) = list_serious(diagnose_last(rows))
    assert (finding.kind, finding.severity) == ("missing_rows", "red")
    assert finding.rows_affected == 60


def test_lines_gone_of_a_sudden_and_lines_that_never_were() -> None:
    odds = [f.name for f in CONTRACT.features if f.optional]
    none = {n: pl.lit(None, pl.Float64) for n in odds}
    (finding,) = list_serious(diagnose_last(change_last(make_days(), **none)))
    assert (finding.kind, finding.severity) == ("optional_coverage", "yellow")
    never = fsq.diagnose(fsq.score(make_days().with_columns(**none)))
    assert list_serious(never) == []
    (finding,) = never.findings
    assert finding.kind == "optional_absent"
    assert len(finding.dates) == 9


def test_a_category_that_falls_without_another_cause() -> None:
    names = TABLES["team_offense_game_summary"] + ["team_win_pct"]
    rows = change_last(make_days(), **{f"{n}__source": pl.lit("phase3") for n in names})
    (finding,) = list_serious(diagnose_last(rows))
    assert finding.kind == "category_shift"
    assert finding.evidence == {"quality_pct": 87.0, "usual_pct": 100.0}


@pytest.mark.parametrize("filled", [False, True])
def test_optional_values_come_by_and_by_where_a_season_starts(filled: bool) -> None:
    rows = simulate_season(players_per_team=10, incidents=False).rows
    last = rows["game_date"].unique().sort()[13]
    young = rows.filter(pl.col("game_date") <= last)
    if filled:
        hit = (pl.col("game_date") == last) & (pl.int_range(pl.len()) % 2 == 0)
        line = pl.when(hit).then(21.5).otherwise("vegas_points_line")
        young = young.with_columns(line.alias("vegas_points_line"))
    found = {f.kind for f in fsq.diagnose(fsq.score(young), dates=[last]).findings}
    assert ("optional_coverage" in found) == filled
