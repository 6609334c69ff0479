"""``fsq profile``: learned from clean dates, shown in sentences, kept, pinned and compared."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.diagnosis.stored_profile import load_profile
from tests.support.cli import Command
from tests.support.faults import before, fall_back, fill_store
from tests.support.healthy_days import LAST, make_days

COUNT = 20
SHARED = "rest_advantage is one value per game_id and date."


def shared_rest(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of one game share a value."""
    return rows.with_columns(pl.col("rest_advantage").first().over("game_id"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    return fill_store(tmp_path_factory.mktemp("filled"), shared_rest(make_days(COUNT, seed=2)))[1]


@pytest.fixture
def store(filled: str, tmp_path: Path) -> str:
    """A copy, without a profile."""
    folder = tmp_path / "store"
    fsq.open_store(str(folder)).replace(fsq.open_store(filled).read().collect())
    return str(folder)


def test_what_normally_holds_is_told_in_sentences(run: Command, store: str) -> None:
    assert run("profile", "show", "--store", store).status == 2
    learned = run("profile", "learn", "--store", store)
    assert learned.status == 0
    assert learned.out.startswith("Profile of v2_33features: ")
    shown = run("profile", "show", "--store", store)
    assert f"  {SHARED}\n" in shown.out
    document = json.loads(run("profile", "show", "--store", store, "--json").out)
    assert SHARED in document["sentences"]
    assert document["clean_dates"][-1] == str(LAST)
    assert not document["pinned"]


def test_check_holds_dates_against_it(run: Command, store: str) -> None:
    run("profile", "learn", "--store", store, "--end", before(1))
    rows = shared_rest(make_days(COUNT, seed=2))
    mixed = pl.col("rest_advantage").shuffle(seed=1).over("game_date")
    hit = pl.col("game_date") == LAST
    broken = rows.with_columns(pl.when(hit).then(mixed).otherwise("rest_advantage"))
    fsq.open_store(store).replace(fsq.score(broken.filter(hit)))
    document = json.loads(run("check", "--store", store, "--json").out)
    serious = [f for f in document["findings"] if f["severity"] != "info"]
    assert ["rest_advantage"] in [f["features"] for f in serious]


def test_dates_with_faults_teach_nothing(run: Command, tmp_path: Path) -> None:
    rows = fall_back(shared_rest(make_days(COUNT, seed=2)), [before(3)], 1.0)
    store = fill_store(tmp_path, rows)[1]
    run("check", "--store", store, "--date", before(3), "--record")
    run("profile", "learn", "--store", store)
    profile = load_profile(fsq.open_store(store))
    assert profile is not None
    assert before(3) not in profile.dates


def test_a_pinned_profile_stays(run: Command, store: str) -> None:
    run("profile", "learn", "--store", store, "--end", before(4))
    assert run("profile", "pin", "--store", store).out.endswith(", pinned\n")
    refused = run("profile", "learn", "--store", store)
    assert refused.status == 2
    assert "is pinned" in refused.err
    assert run("profile", "pin", "--off", "--store", store).status == 0
    assert run("profile", "learn", "--store", store).status == 0
    run("profile", "pin", "--store", store)
    assert run("profile", "learn", "--store", store, "--force").status == 0


@pytest.mark.parametrize("ending", ["json", "parquet"])
def test_it_is_exported_and_compared(run: Command, store: str, tmp_path: Path, ending: str) -> None:
    run("profile", "learn", "--store", store)
    out = tmp_path / f"profile.{ending}"
    assert run("profile", "export", "--store", store, "--out", out).status == 0
    assert run("profile", "diff", out, "--store", store).out == "0 differences\n"
    (tmp_path / "other").mkdir()
    other = fill_store(tmp_path / "other", make_days(COUNT, seed=3))[1]
    run("profile", "learn", "--store", other)
    lines = run("profile", "diff", out, "--store", other).out.splitlines()
    assert f"- {SHARED}" in lines
    assert f"+ {SHARED}" in run("profile", "diff", other, "--store", store).out.splitlines()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("export", "--out", "profile.txt"), "must end in one of .json, .parquet"),
        (("diff", "none.json"), "cannot be read"),
        (("pin",), "has no profile"),
        (("learn", "--end", before(15)), "5 dates without known faults"),
    ],
)
def test_bad_input_is_one_clear_error(
    run: Command, store: str, tmp_path: Path, words: tuple[object, ...], message: str
) -> None:
    if words[0] == "diff":
        run("profile", "learn", "--store", store)
    refused = run("profile", *words, "--store", store)
    assert refused.status == 2
    assert message in refused.err


def test_a_file_that_is_no_profile_is_refused(run: Command, store: str, tmp_path: Path) -> None:
    run("profile", "learn", "--store", store)
    other = tmp_path / "rows.parquet"
    make_days(2).write_parquet(other)
    refused = run("profile", "diff", other, "--store", store)
    assert refused.status == 2
    assert "learn it again" in refused.err


def test_a_backfill_learns_it_when_it_pays(run: Command, tmp_path: Path) -> None:
    source, store = tmp_path / "rows.parquet", str(tmp_path / "store")
    shared_rest(make_days(COUNT, seed=2)).write_parquet(source)
    words = ("backfill", "--source", source, "--store", store)
    few = run(*words, "--end", before(10))
    assert "Learned" not in few.err
    learned = run(*words, "--json")
    assert json.loads(learned.out)["profile"]["clean_dates"] >= 15
    assert "Learned what normally holds" in learned.err
    # Nothing new: nothing is learned; nor is it with few new dates.
    assert json.loads(run(*words, "--json").out)["profile"] is None
    assert json.loads(run(*words, "--json", "--force").out)["profile"] is None
