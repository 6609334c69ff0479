"""A store that version 0.1 wrote is read, checked, extended and learned from."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from deltalake import DeltaTable, write_deltalake
from polars.testing import assert_frame_equal

import fsq
from fsq.training import read_provenance
from tests.support.cli import Command
from tests.upgrading.conftest import LAST, MADE

KEYS = ["game_date", "player_lookup"]
CLOCK = "quality_computed_at"


def read(store: str) -> pl.DataFrame:
    return fsq.open_store(store).read().sort(KEYS).collect()


def test_its_rows_are_what_scoring_them_again_gives(old_store: str, old_rows: pl.DataFrame) -> None:
    again = fsq.score(old_rows).sort(KEYS)
    stored = read(old_store)
    assert stored.columns == again.columns
    assert_frame_equal(stored.drop(CLOCK), again.drop(CLOCK))


def test_it_is_checked_explained_and_shown(run: Command, old_store: str, tmp_path: Path) -> None:
    checked = run("check", "--store", old_store, "--start", "2025-12-21", "--json")
    assert checked.status == 0
    assert [d["rows"] for d in checked.document["dates"]] == [12, 12, 12]
    (key,) = read(old_store).filter(pl.col("game_date") == LAST)["player_lookup"][:1]
    explained = run("explain", key, LAST, "--store", old_store, "--json")
    assert (explained.status, len(explained.document["features"])) == (0, 33)
    shown = run("trend", "--store", old_store, "--json")
    assert (shown.status, len(shown.document["days"])) == (0, 3)
    made = run("training-set", "--store", old_store, "--out", tmp_path / "set.parquet", "--json")
    assert made.status == 0
    assert pl.read_parquet(tmp_path / "set.parquet").height == 35
    assert run("report", "--store", old_store, "--out", tmp_path / "page.html").status == 0
    assert run("incidents", "--store", old_store).status == 0


def test_it_lacks_nothing_that_a_migration_would_add(run: Command, old_store: str) -> None:
    assert "nothing is missing" in run("schema", "migrate", old_store).out
    assert DeltaTable(old_store).version() == 1


def test_a_training_set_still_says_where_it_comes_from(run: Command, old_store: str) -> None:
    provenance = read_provenance(MADE / "training_set.parquet")
    assert provenance["rows"] == pl.read_parquet(MADE / "training_set.parquet").height == 35
    assert provenance["contract"]["name"] == fsq.open_store(old_store).contract.name


def test_a_backfill_of_every_date_scores_it_once_more(
    old_store: str, old_rows: pl.DataFrame
) -> None:
    before = read(old_store)
    first = fsq.backfill(old_rows, old_store)
    assert {s.reason for s in first.plan} == {"contract"}
    assert_frame_equal(read(old_store).drop(CLOCK), before.drop(CLOCK))
    assert fsq.backfill(old_rows, old_store).skipped == 3


def test_single_dates_are_added_once_the_new_version_is_accepted(
    run: Command, old_store: str, later_rows: pl.DataFrame, tmp_path: Path
) -> None:
    before = read(old_store)
    source = tmp_path / "next.parquet"
    following = later_rows.filter(pl.col("game_date") == pl.col("game_date").min())
    following.write_parquet(source)
    nightly = ("backfill", "--source", source, "--store", old_store)
    refused = run(*nightly)
    assert refused.status == 2
    assert "older version of v2_33features" in refused.err
    assert "--change-contract" in refused.err
    assert_frame_equal(read(old_store), before)
    assert run(*nightly, "--change-contract").status == 0
    assert run(*nightly).status == 0  # from then on without
    after = read(old_store)
    assert_frame_equal(after.filter(pl.col("game_date") <= LAST), before)
    assert after.height == before.height + following.height


def test_a_date_is_replaced_beside_dates_that_stay(old_store: str, old_rows: pl.DataFrame) -> None:
    before = read(old_store)
    changed = old_rows.filter(pl.col("game_date") == LAST).with_columns(pace_score=pl.lit(7.25))
    done = fsq.backfill(changed, old_store, change_contract=True)
    assert (done.dates, done.rows) == (1, 12)
    after = read(old_store)
    stays = pl.col("game_date") < LAST
    assert_frame_equal(after.filter(stays), before.filter(stays))
    values = fsq.explode_detail(after.filter(~stays)).filter(pl.col("feature_name") == "pace_score")
    assert values["feature_value"].unique().to_list() == [7.25]


def test_a_profile_is_learned_once_there_are_enough_dates(
    run: Command, old_store: str, old_rows: pl.DataFrame, later_rows: pl.DataFrame
) -> None:
    few = run("profile", "learn", "--store", old_store)
    assert few.status == 2
    assert "3 dates without known faults; backfill more" in few.err
    fsq.backfill(pl.concat([old_rows, later_rows]), old_store)
    learned = run("profile", "learn", "--store", old_store)
    assert learned.status == 0, learned.err
    checked = run("check", "--store", old_store, "--date", "2026-01-20", "--json").document
    silent = {n["check"] for n in checked["not_evaluated"]}
    assert "level_shift" not in silent


def test_a_lacking_column_is_named_with_the_command_that_adds_it(
    run: Command, old_store: str, tmp_path: Path
) -> None:
    store, gone = str(tmp_path / "lacks one"), "is_training_ready"
    write_deltalake(store, DeltaTable(old_store).to_pyarrow_table().drop_columns([gone]))
    for command in ("check", "trend"):
        refused = run(command, "--store", store)
        assert refused.status == 3
        assert f"has no column {gone}; `fsq schema migrate '{store}'` adds" in refused.err
    assert gone in run("schema", "migrate", store).out
    stored = read(store)
    assert stored[gone].null_count() == stored.height  # not known, rather than FALSE
    assert run("check", "--store", store).status == 0
