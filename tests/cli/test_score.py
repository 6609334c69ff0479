"""``fsq score`` as people and scripts see it: status, stdout, stderr and files."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fsq
from tests.support.cli import Command
from tests.support.frames import NAMES, legacy, wide
from tests.support.v2 import ARROW_SCHEMA, COLUMN_NAMES

FAULTS: dict[str, tuple[Callable[[], pl.DataFrame], list[str]]] = {
    "missing columns": (
        lambda: wide().drop("pace_score", "home_away__source"),
        ["pace_score", "home_away__source"],
    ),
    "wrong type": (
        lambda: wide().with_columns(pace_score=pl.lit("fast"), game_date=pl.lit(7)),
        ["pace_score", "game_date"],
    ),
    "unknown words": (
        lambda: wide().with_columns(pace_score__source=pl.lit("phase9")),
        ["'phase9' (40)"],
    ),
    "duplicate keys": (lambda: pl.concat([wide(), wide().head(1)]), ["duplicate", "player0"]),
    "NULL key": (
        lambda: wide().with_columns(player_lookup=pl.lit(None, pl.String)),
        ["player_lookup: NULL in 40 rows"],
    ),
    "legacy rows without a name": (
        lambda: legacy(wide(), [*NAMES[:25]]),
        ["vegas_points_line", "ppm_avg_last_10"],
    ),
    "several at once": (
        lambda: pl.concat([wide(), wide().head(1)]).with_columns(
            pace_score__source=pl.lit("phase9")
        ),
        ["duplicate", "phase9"],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("into", ["out.parquet", "store"])
@pytest.mark.parametrize("as_json", [False, True])
def test_bad_rows_are_refused_before_any_work(
    run: Command, tmp_path: Path, fault: str, into: str, as_json: bool
) -> None:
    make, wanted = FAULTS[fault]
    make().write_parquet(tmp_path / "in.parquet")
    told = run(
        "score", tmp_path / "in.parquet", "--out", tmp_path / into, *(["--json"] if as_json else [])
    )
    assert told.status == 2
    assert told.err.count("Error: ") == 1
    assert "Traceback" not in told.err
    assert [w for w in wanted if w not in told.err] == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.parquet"]
    if as_json:
        problems = told.document["error"]["problems"]
        assert [w for w in wanted if w not in " ".join(problems)] == []
    else:
        assert told.out == ""


def test_bad_rows_leave_the_former_output(run: Command, tmp_path: Path) -> None:
    wide().drop("pace_score").write_parquet(tmp_path / "in.parquet")
    (tmp_path / "out.parquet").write_text("former")
    assert run("score", tmp_path / "in.parquet", "--out", tmp_path / "out.parquet").status == 2
    assert (tmp_path / "out.parquet").read_text() == "former"


def test_score_writes_plain_arrow_types(run: Command, rows: Path, tmp_path: Path) -> None:
    told = run("score", rows, "--out", tmp_path / "new" / "out.parquet")
    assert told.status == 0
    assert told.err == ""
    assert "40 rows of 4 dates" in told.out
    written = pq.read_table(tmp_path / "new" / "out.parquet")
    quality = pa.schema([written.schema.field(n) for n in COLUMN_NAMES])
    assert quality.equals(ARROW_SCHEMA)
    drop = ["quality_computed_at"]
    want = fsq.score(wide()).drop(drop)
    assert pl.read_parquet(tmp_path / "new" / "out.parquet").drop(drop).equals(want)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["out.parquet"]


def test_score_without_rows_writes_columns(run: Command, tmp_path: Path) -> None:
    wide().clear().write_parquet(tmp_path / "in.parquet")
    assert run("score", tmp_path / "in.parquet", "--out", tmp_path / "o.parquet").status == 0
    assert pl.read_parquet(tmp_path / "o.parquet").shape == (0, 3 + len(COLUMN_NAMES))


def test_score_into_a_store_and_on_from_it(run: Command, rows: Path, tmp_path: Path) -> None:
    assert run("score", rows, "--out", tmp_path / "store").status == 0
    again = run("score", tmp_path / "store", "--out", tmp_path / "o.parquet", "--json")
    assert again.status == 0
    assert again.document["rows"] == 40


def test_score_takes_the_options_of_the_library(run: Command, rows: Path, tmp_path: Path) -> None:
    context = {"pipeline_run_id": "run-7", "by_date": {"2026-01-02": {"pipeline_run_id": "run-8"}}}
    (tmp_path / "run.json").write_text(json.dumps(context))
    told = run(
        "score",
        rows,
        "--out",
        tmp_path / "o.parquet",
        "--contract",
        "v2_33features_capped",
        "--run-context",
        tmp_path / "run.json",
        "--as-of",
        "2026-01-05T00:00:00Z",
    )
    assert told.status == 0
    ids = (
        pl.read_parquet(tmp_path / "o.parquet")
        .group_by("game_date")
        .agg(
            pl.col("upstream_pipeline_run_id").unique().first(),
            pl.col("feature_schema_version").first(),
        )
    )
    found = {day: (run_id, version) for day, run_id, version in ids.iter_rows()}
    assert found[date(2026, 1, 1)] == ("run-7", "v2_33features_capped")
    assert found[date(2026, 1, 2)] == ("run-8", "v2_33features_capped")


def test_unknown_words_may_count_as_defaults(run: Command, tmp_path: Path) -> None:
    make, _ = FAULTS["unknown words"]
    make().write_parquet(tmp_path / "in.parquet")
    told = run(
        "score",
        tmp_path / "in.parquet",
        "--out",
        tmp_path / "o.parquet",
        "--on-unknown-source",
        "default",
        "--json",
    )
    assert told.status == 0
    assert told.document["unknown_sources"] == {"phase9": 40}
    assert told.err.count("phase9") == 1


def test_a_bad_run_context(run: Command, rows: Path, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"run": 7}')
    told = run(
        "score", rows, "--out", tmp_path / "o.parquet", "--run-context", tmp_path / "run.json"
    )
    assert told.status == 2
    assert not (tmp_path / "o.parquet").exists()


def test_an_output_that_cannot_be_written(run: Command, rows: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = run("score", rows, "--out", tmp_path / "file" / "o.parquet")
    assert told.status == 3
    assert told.err.startswith("Error: ")
