"""The incident of 6 February, put into a real season: found, named, and nothing else is red."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.cli import main
from tests.support.real_data import SEASONS

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
