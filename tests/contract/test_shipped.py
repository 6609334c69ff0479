"""The shipped contracts of larger and of other tables say what is known of these tables."""

from __future__ import annotations

from collections import Counter
from datetime import date

import polars as pl
import pytest

import fsq
from fsq.contract.drafting import draft_contract
from fsq.contract.expressions import parse_expression
from fsq.contract.loading import parse_contract
from tests.support.real_data import DATA

SIXTY = fsq.load_contract("v2_60features")


def test_sixty_features_are_counted_as_the_table_is_known() -> None:
    assert Counter(f.category for f in SIXTY.features) == {
        "matchup": 6,
        "player_history": 24,
        "team_context": 4,
        "vegas": 4,
        "game_context": 22,
    }
    optional = [f.index for f in SIXTY.features if f.optional]
    assert optional == [25, 26, 27, *range(37, 60)]
    sizes = {name: len(features) for name, features in SIXTY.models.items()}
    expected = {"v8": 33, "v9": 33, "v10": 37, "v11": 39, "v12": 54, "v12_noveg": 50}
    expected |= {"v16": 56, "v16_noveg": 52, "v17": 59, "v17_noveg": 55, "v2_14features": 7}
    assert sizes == expected
    assert SIXTY.sources["bettingpros"].type == "bettingpros"


def test_the_first_features_are_those_of_the_older_table() -> None:
    older = fsq.load_contract("v2_33features")
    for old, new in zip(older.features, SIXTY.features, strict=False):
        optional = False if new.name == "has_vegas_line" else old.optional
        assert new == old.model_copy(update={"optional": optional})
    assert SIXTY.names.index("dnp_rate") == 33


def test_required_defaults_cap_the_score_of_sixty_features() -> None:
    middle = {f.name: (f.min + f.max) / 2 + 0.125 for f in SIXTY.features}
    rows = pl.DataFrame({"player_lookup": ["a", "b", "c", "d"], "game_date": ["2026-02-06"] * 4})
    rows = rows.with_columns(pl.lit(v).alias(n) for n, v in middle.items())
    labels = {n: ["phase4"] * 4 for n in SIXTY.names}
    for player, (required, optional) in enumerate([(0, 0), (0, 26), (1, 0), (5, 0)]):
        names = [f.name for f in SIXTY.features if f.optional][:optional]
        names += [f.name for f in SIXTY.features if not f.optional][:required]
        for name in names:
            labels[name][player] = "missing"
    rows = rows.with_columns(pl.Series(f"{n}__source", label) for n, label in labels.items())
    scored = fsq.score(rows, SIXTY)
    assert scored["feature_quality_score"].to_list() == [100, 100, 69, 49]
    assert "bettingpros_feature_count" in scored.columns


# One feature of each identity.
BROKEN = ("vegas_line_move", "line_vs_season_avg", "opponent_pace_mismatch", "implied_team_total",
          "prop_under_streak", "days_rest", "pct_paint")  # fmt: skip


def test_identities_of_sixty_features_hold_where_they_should() -> None:
    row = {"vegas_line_move": 1.5, "vegas_points_line": 22.5, "vegas_opening_line": 21.0}
    row |= {"line_vs_season_avg": 2.1, "points_avg_season": 20.4, "team_pace": 101.0}
    row |= {"opponent_pace": 98.0, "opponent_pace_mismatch": 3.0, "implied_team_total": 115.25}
    row |= {"game_total_line": 224.0, "spread_magnitude": 6.5, "prop_over_streak": 3.0}
    row |= {"prop_under_streak": 0.0, "back_to_back": 1.0, "days_rest": 1.0}
    row |= {"pct_paint": 0.5, "pct_mid_range": 0.1, "pct_three": 0.4}
    for identity in SIXTY.identities:
        assert _apart(identity.left, identity.right, row) <= identity.tolerance + 1e-9
        broken = row | {n: v + 0.7 for n, v in row.items() if n in BROKEN}
        assert _apart(identity.left, identity.right, broken) > identity.tolerance


def _apart(left: str, right: str, row: dict[str, float]) -> float:
    signs = {"+": float.__add__, "-": float.__sub__, "*": float.__mul__, "/": float.__truediv__}
    a, b = (
        parse_expression(side).build(row.__getitem__, float, lambda s, x, y: signs[s](x, y))
        for side in (left, right)
    )
    return abs(a - b)


# Real data


@pytest.fixture(scope="module")
def flights() -> pl.DataFrame:
    path = DATA / "flights_features_2013_h1.parquet"
    if not path.exists():
        pytest.skip("the real flights are not here")
    return pl.read_parquet(path)


def test_what_is_said_of_the_flights(flights: pl.DataFrame) -> None:
    """The blizzard, a new timetable and a gap in the weather are yellow; most dates are green."""
    contract = fsq.load_contract("flights_2013")
    diagnosis = fsq.diagnose(fsq.score(flights, contract), contract=contract)
    counts = Counter(diagnosis.dates.values())
    assert counts["red"] == 0
    assert counts["green"] > 0.8 * len(diagnosis.dates)
    titles: dict[date, str] = {}
    for f in diagnosis.findings:
        for d in f.dates:
            titles[d] = f"{titles.get(d, '')}\n{f.title}"
    assert "features 2-3 are default" in titles[date(2013, 2, 9)]  # who was cancelled has no plane
    assert "features 4-6 are default" in titles[date(2013, 2, 14)]  # new flight numbers
    assert "weather quality fell" in titles[date(2013, 5, 8)]  # no pressure in the rain


def test_a_draft_of_flights_calls_no_date_red(flights: pl.DataFrame) -> None:
    keys = ["carrier", "flight", "origin"]
    options = {"date": "flight_date", "time": "scheduled_at", "label": "arr_delay_minutes"}
    contract = parse_contract(draft_contract(flights, keys=keys, **options), "draft")
    tables = Counter(f.upstream_table for f in contract.features)
    assert tables == {"flights_history": 9, "weather": 8, "unknown_table": 5, "plane": 2}
    assert contract.table.timezone == "America/New_York"
    verdicts = fsq.diagnose(fsq.score(flights, contract), contract=contract).dates
    assert "red" not in verdicts.values()


@pytest.mark.parametrize("name", ["nba_features_2022-23", "nba_features_2023-24"])
def test_a_draft_of_a_season_calls_no_date_red(name: str) -> None:
    path = DATA / f"{name}.parquet"
    if not path.exists():
        pytest.skip("the real seasons are not here")
    season = pl.read_parquet(path)
    text = draft_contract(season, keys=["player_lookup"], date="game_date", label="actual_points")
    contract = parse_contract(text, "draft")
    assert {i.right for i in contract.identities} == {"minutes_avg_last_10 * ppm_avg_last_10", "1"}
    assert (contract.table.group, contract.table.entity) == ("game_id", "player")
    verdicts = fsq.diagnose(fsq.score(season, contract), contract=contract).dates
    assert "red" not in verdicts.values()
