"""The incident of 6 February, put into a real season: found, named, and nothing else is red."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.cli import main
from tests.support.healthy_days import CONTRACT, list_serious
from tests.support.real_data import DATA, SEASONS

MATCHUP = [f for f in fsq.load_contract().features if f.category == "matchup"]


@pytest.fixture(scope="module")
def season() -> pl.DataFrame:
    if not SEASONS:
        pytest.skip("the real seasons are not here")
    return pl.read_parquet(SEASONS[0])


def test_the_incident_is_red_and_its_neighbours_are_not(
    season: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = date(2023, 2, 6)
    hit = pl.col("game_date") == day
    broken = season.with_columns(
        *(pl.when(hit).then(f.expected).otherwise(pl.col(f.name)).alias(f.name) for f in MATCHUP),
        *(
            pl.when(hit)
            .then(pl.lit("default"))
            .otherwise(pl.col(f"{f.name}__source").cast(pl.String))
            .alias(f"{f.name}__source")
            for f in MATCHUP
        ),
    )
    store = str(tmp_path / "store")
    fsq.open_store(store).replace(fsq.score(broken))
    assert main(["check", "--store", store, "--date", str(day), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    named = {f["processor"]: f["features"] for f in document["findings"] if f["severity"] == "red"}
    assert named == {
        "PlayerCompositeFactorsProcessor": [f.name for f in MATCHUP[:4]],
        "TeamDefenseZoneAnalysisProcessor": [f.name for f in MATCHUP[4:]],
    }
    assert [day["matchup_quality_pct"] for day in document["dates"]] == [0]
    for near in (date(2023, 2, 5), date(2023, 2, 7)):
        assert main(["check", "--store", store, "--date", str(near)]) == 0


def test_an_untouched_season_has_no_red_date(season: pl.DataFrame) -> None:
    found = fsq.diagnose(fsq.score(season))
    verdicts = list(found.dates.values())
    assert "red" not in verdicts
    assert 0 < verdicts.count("yellow") < len(verdicts) * 0.2


@cache
def real(season: str) -> pl.DataFrame:
    path = DATA / f"nba_features_{season}.parquet"
    if not path.exists():
        pytest.skip("the real seasons are not here")
    return pl.read_parquet(path)


@pytest.mark.parametrize("season", ["2022-23", "2023-24"])
def test_an_untouched_real_season_is_quiet(season: str) -> None:
    dx = fsq.diagnose(fsq.score(real(season)))
    dates = list(dx.dates)
    assert [d for d, v in dx.dates.items() if v == "red"] == []
    start = [f for f in dx.findings if f.kind == "season_start"]
    assert len(start) == 1
    assert start[0].dates == tuple(dates[: len(start[0].dates)])
    assert 5 <= len(start[0].dates) <= 12
    rest = [f for f in list_serious(dx) if f.kind != "season_start"]
    assert 1 <= len(rest) <= 8
    (lines,) = [f for f in dx.findings if f.kind == "optional_absent"]
    assert len(lines.dates) == len(dates)


@pytest.mark.parametrize(
    ("season", "day"), [("2022-23", date(2023, 2, 6)), ("2023-24", date(2024, 2, 6))]
)
def test_february_the_sixth_in_a_real_season(season: str, day: date) -> None:
    hit = pl.col("game_date") == day
    chosen = [f for f in CONTRACT.features if f.category == "matchup"]
    rows = real(season).filter((pl.col("game_date") - pl.lit(day)).dt.total_days().abs() < 21)
    rows = rows.with_columns(
        *(pl.when(hit).then(pl.lit(f.expected)).otherwise(f.name).alias(f.name) for f in chosen),
        *(
            pl.when(hit)
            .then(pl.lit("default"))
            .otherwise(pl.col(f"{f.name}__source").cast(pl.String))
            .alias(f"{f.name}__source")
            for f in chosen
        ),
    )
    dx = fsq.diagnose(fsq.score(rows), dates=rows["game_date"].unique().sort().to_list()[8:])
    red = [f for f in dx.findings if f.severity == "red"]
    assert {f.processor: f.features for f in red} == {
        "PlayerCompositeFactorsProcessor": CONTRACT.names[5:9],
        "TeamDefenseZoneAnalysisProcessor": CONTRACT.names[13:15],
    }
    assert all(f.dates == (day,) for f in red)
    near = [v for d, v in dx.dates.items() if 0 < abs((d - day).days) <= 8]
    assert set(near) == {"green"}


def take_nights(season: str, last: date) -> pl.DataFrame:
    """Three weeks with one game on each date, as in play-offs."""
    rows = real(season).filter(pl.col("game_date").is_between(last - timedelta(21), last))
    first = rows.group_by("game_date").agg(pl.col("game_id").min())
    return rows.join(first, on=["game_date", "game_id"], how="semi")


@pytest.mark.parametrize(
    ("season", "last"),
    [
        ("2022-23", date(2022, 12, 20)),
        ("2022-23", date(2023, 1, 31)),
        ("2022-23", date(2023, 3, 17)),
        ("2023-24", date(2023, 12, 20)),
        ("2023-24", date(2024, 1, 31)),
        ("2023-24", date(2024, 3, 13)),
    ],
)
def test_nights_of_one_game_each_are_in_order(season: str, last: date) -> None:
    """Two teams are no sample: one of them may move further than in all of three weeks."""
    rows = fsq.score(take_nights(season, last))
    found = fsq.diagnose(rows, dates=rows["game_date"].unique().sort().to_list()[-1:])
    assert [(f.kind, f.title) for f in list_serious(found)] == []


@pytest.mark.parametrize("feature", ["opponent_def_rating", "team_pace", "fatigue_score"])
def test_a_default_throughout_a_night_of_one_game_is_red(feature: str) -> None:
    rows = take_nights("2022-23", date(2023, 3, 17))
    (value,) = [f.expected for f in CONTRACT.features if f.name == feature]
    night = pl.col("game_date") == rows["game_date"].max()
    broken = rows.with_columns(pl.when(night).then(value).otherwise(feature).alias(feature))
    nights = rows["game_date"].unique().sort().to_list()
    found = fsq.diagnose(fsq.score(broken), dates=nights[-1:])
    (finding,) = [f for f in list_serious(found) if feature in f.features]
    assert (finding.kind, finding.severity) == ("silent_default", "red")


def test_columns_that_hold_the_values_say_nothing_of_them() -> None:
    """In flat form every feature equals a column that came along, and has its label beside it."""
    day = date(2024, 1, 20)
    rows = real("2023-24").filter(pl.col("game_date").is_between(date(2024, 1, 8), day))
    flat = rows.select(
        "player_lookup",
        "game_date",
        "game_id",
        "team_abbr",
        *(pl.col(f.name).alias(f"feature_{f.index}_value") for f in CONTRACT.features),
        *(
            pl.col(f"{f.name}__source").alias(f"feature_{f.index}_source")
            for f in CONTRACT.features
        ),
    )
    assert list_serious(fsq.diagnose(fsq.score(flat), dates=day)) == []


def test_teams_that_no_column_tells_are_no_outliers() -> None:
    day = date(2024, 1, 20)
    rows = real("2023-24").filter(pl.col("game_date").is_between(date(2024, 1, 8), day))
    bare = rows.drop("team_abbr", "opponent_team_abbr", "is_home")
    assert list_serious(fsq.diagnose(fsq.score(bare), dates=day)) == []
