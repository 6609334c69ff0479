"""The benchmark of detection as a whole, with fsq as the detector."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from fsq.bench.detection import (
    Fsq,
    Plan,
    Season,
    render_summary,
    render_templates,
    run_detection,
)
from fsq.demo import simulate_season
from tests.support.any_table import PATH, make_rows

FALLBACK = "first table falls back, all"


def test_fsq_finds_planted_faults(tmp_path: Path) -> None:
    rows = simulate_season(players_per_team=10, incidents=False).rows
    dates = rows["game_date"].unique().sort()
    path = tmp_path / "rows.parquet"
    rows.filter(pl.col("game_date") <= dates[60]).write_parquet(path)
    plan = Plan(
        [str(path)], "v2_33features", {"label": "actual_points", "kept_share": 0.3}, dates=2,
        words=f"{FALLBACK}; one feature times 100, all; 63 % of the rows missing; controls",
    )  # fmt: skip
    steps: list[float] = []
    summary = run_detection(plan, on_step=lambda _, done: steps.append(done))
    found = summary["detectors"]["fsq"]
    seen = {t["template"]: (t["seen"], t["red"]) for t in found["templates"]}
    assert seen[FALLBACK] == (1.0, 1.0)
    assert seen["63 % of the rows missing"][0] == 1.0
    assert found["naming"]["table"] == 1.0
    assert found["false_alarms"]["red"] == 0
    assert set(found["controls"].values()) == {0.0}
    assert steps == sorted(steps)
    text = render_summary(summary)
    assert "labelled fallback" in text
    assert f"{FALLBACK:<52}100 (100)" in render_templates(summary)
    assert json.loads(json.dumps(summary)) == summary


def test_several_processes_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    make_rows(dates=45, entities=40, incidents=False).write_parquet(path)
    plan = Plan([str(path)], PATH, words=FALLBACK, dates=2, options={"kept_share": 0.3})
    alone, together = (run_detection(plan, jobs) for jobs in (1, 2))
    assert alone["trials"] == together["trials"]
    assert alone["trials"]


def test_a_detector_must_learn_first(season: Season) -> None:
    with pytest.raises(ValueError, match="learn first"):
        Fsq().judge(season.show([season.kept[0]]))
