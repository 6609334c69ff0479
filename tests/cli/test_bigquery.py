"""The commands on tables of BigQuery, as people type them."""

from __future__ import annotations

import json
import os
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.cli import main
from fsq.demo import simulate_season
from fsq.stores.bigquery import jobs
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.variables import REST_VARIABLE
from tests.support.etags import guarded
from tests.support.warehouse import held, made, tables, upstream_rows

BROKEN = date(2026, 2, 6)


@pytest.fixture(scope="module")
def season() -> pl.DataFrame:
    """Six dates around the one on which a job did not run."""
    rows = simulate_season("2025-26").rows.filter(
        pl.col("game_date").is_between(BROKEN - timedelta(days=5), BROKEN)
    )
    return rows.with_columns(pl.col("^.*__source$").cast(pl.String))


def run(*words: str) -> int:
    return main(list(words))


def test_from_a_legacy_table_to_the_cause(
    season: pl.DataFrame, dataset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = made(dataset, upstream_rows(season))
    range_ = ("--start", "2026-01-01", "--end", "2026-02-06")
    assert run("backfill", "--source", uri, "--store", uri, *range_, "--dry-run", "--json") == 0
    costs = json.loads(capsys.readouterr().out)["costs"]
    assert costs["rows"] == season.height
    assert costs["bytes"]["read"] > 500 * season.height
    assert costs["bytes"]["write"] > 5_000 * season.height
    assert 0 < costs["year"]["usd"] < 0.20
    assert run("backfill", "--source", uri, "--store", uri, *range_, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["skipped"]) == (season.height, 0)
    assert run("backfill", "--source", uri, "--store", uri, *range_, "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 0

    assert run("check", "--store", uri, "--date", str(BROKEN)) == 1
    said = capsys.readouterr().out
    assert "features 5-8 are default for" in said
    assert "PlayerCompositeFactorsProcessor" in said
    player = season.filter(pl.col("game_date") == BROKEN)["player_lookup"][0]
    assert run("explain", player, str(BROKEN), "--store", uri) == 0
    assert "composite_factors" in capsys.readouterr().out
    assert run("trend", "--store", uri) == 0
    assert str(BROKEN) in capsys.readouterr().out

    # The same rows by way of a file give the same quality.
    scored, legacy = tmp_path / "scored.parquet", tmp_path / "rows.parquet"
    assert run("score", uri, "--out", str(scored)) == 0
    upstream_rows(season).write_parquet(legacy)
    wanted = fsq.score(pl.read_parquet(legacy)).select("player_lookup", "feature_quality_score")
    found = pl.read_parquet(scored).select("player_lookup", "feature_quality_score")
    assert sorted(found.rows()) == sorted(wanted.rows())


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("check", "--store", "bigquery://p.{d}.none"), 3, "backfill it first"),
        (("check", "--store", "bigquery://p.nowhere.none"), 3, "backfill it first"),
        (("check", "--store", "bigquery://p.d`; DROP.t"), 2, "does not name a table"),
        (("trend", "--store", "bigquery://p.{d}.t", "--store-summary"), 2, "fsq sql trend"),
        (
            ("backfill", "--source", "ftp://x/y", "--store", "bigquery://p.{d}.t"),
            3,
            "not supported",
        ),
    ],
)
def test_what_cannot_be_done_says_what_to_do(
    words: tuple[str, ...],
    status: int,
    told: str,
    dataset: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(*(w.replace("{d}", dataset.split(".")[1]) for w in words)) == status
    assert told in capsys.readouterr().err


def test_without_credentials_nothing_of_them_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "key.json"
    secret.write_text('{"type": "service_account", "private_key": "hunter2"}')
    for name in ("BIGQUERY_EMULATOR_HOST", "BIGQUERY_STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(secret))
    assert run("check", "--store", "bigquery://p.d.t") == 3
    said = capsys.readouterr()
    assert "Application Default Credentials" in said.err
    assert "hunter2" not in said.err + said.out


def test_one_of_two_addresses_is_not_enough(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:1")
    monkeypatch.delenv("BIGQUERY_STORAGE_EMULATOR_HOST", raising=False)
    assert run("check", "--store", "bigquery://p.d.t") == 2
    assert "set both, or neither" in capsys.readouterr().err


@pytest.mark.parametrize(("lost", "status"), [(2, 0), (10**6, 3)])
def test_a_merge_that_others_beat_is_tried_again_for_a_while(
    lost: int,
    status: int,
    season: pl.DataFrame,
    dataset: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, uri = tmp_path / "rows.parquet", f"bigquery://{dataset}.contested"
    season.head(20).write_parquet(source)
    with (
        guarded(os.environ[REST_VARIABLE], merges_to_lose=lost) as front,
        monkeypatch.context() as changed,
    ):
        if status == 3:  # half an hour otherwise
            changed.setattr(jobs, "PATIENCE", 5)
        changed.setenv(REST_VARIABLE, f"http://127.0.0.1:{front.server_port}")
        assert run("backfill", "--source", str(source), "--store", uri) == status
        said = capsys.readouterr().err
    assert ("concurrent update" in said) == (status == 3)
    beside = ["_fsq_origin__contested", *(["_fsq_ledger__contested"] if status == 0 else [])]
    assert tables(dataset) == {"contested", *beside}
    rows = fsq.open_store(uri).read().collect() if status == 0 else held(uri)
    assert rows.height == (20 if status == 0 else 0)


def test_rows_that_vanish_behind_a_merge_are_noticed(
    season: pl.DataFrame,
    dataset: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, uri = tmp_path / "rows.parquet", f"bigquery://{dataset}.contested"
    season.head(20).write_parquet(source)
    with open_clients("p") as clients:  # the emulator itself, past the front

        def others_delete() -> None:
            last = season["player_lookup"][19]
            clients.tables.query(f"DELETE FROM {dataset}.contested WHERE player_lookup = '{last}'")

        front = guarded(os.environ[REST_VARIABLE], after_merge=others_delete)
        with front as there, monkeypatch.context() as changed:
            changed.setenv(REST_VARIABLE, f"http://127.0.0.1:{there.server_port}")
            assert run("backfill", "--source", str(source), "--store", uri) == 3
    assert "rows: 19 instead of 20" in capsys.readouterr().err
    assert fsq.open_store(uri).ledger() == {}
    assert run("backfill", "--source", str(source), "--store", uri) == 0
    assert fsq.open_store(uri).read().collect().height == 20
