"""``fsq sql`` as people use it: SQL on stdout, and nothing else."""

from __future__ import annotations

import json

import pytest

from fsq import sql
from fsq.cli import main
from tests.support.cli import Command

TABLE = "bigquery://p.nba.scored?location=EU"


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql"]) == 0
    told = capsys.readouterr()
    assert all(name in told.out and gives in told.out for name, gives in sql.VIEWS.items())
    assert main(["sql", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["views"]
    assert [*listed] == [*sql.VIEWS, "profile"]
    assert "--store" in listed["profile"]


@pytest.mark.parametrize("name", sql.VIEWS)
def test_only_sql_is_on_stdout(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sql", name, "--table", TABLE, "--contract", "v3_37features"]
    assert main(words) == 0
    assert capsys.readouterr() == (sql.make_query(name, TABLE, "v3_37features"), "")
    assert main([*words, "--create-view", "--no-group"]) == 0
    made = capsys.readouterr().out
    assert made == sql.make_view(name, TABLE, "v3_37features", group=False)
    assert made.startswith(f"CREATE OR REPLACE VIEW `p.nba.scored_{name}`\n")
    assert "`game_id`" not in made


def test_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--table", TABLE, "--start", "2026-01-05", "--end", "2026-02-06", "--create-view"]
    assert main(["sql", "trend", *words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["view"] == "p.nba.scored_trend"
    assert (told["start"], told["end"]) == ("2026-01-05", "2026-02-06")
    assert "BETWEEN DATE '2025-12-05' AND DATE '2026-02-06'" in told["sql"]


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (["canary"], "--table bigquery://project.dataset.table"),
        (["profile"], "--store bigquery://p.d.t"),
        (["profile", "--table", TABLE], "--store bigquery://p.d.t"),
        (["profile", "--store", "some/store"], "--table bigquery://project.dataset.table"),
        (["trend", "--store", TABLE], "only profile and canary take a profile"),
        (["kanary", "--table", TABLE], "use one of features, wide, canary"),
        (["canary", "--table", "p.d.t`"], "write bigquery://project.dataset.table"),
        (["canary", "--table", TABLE, "--start", "2026-02-06", "--end", "2026-02-05"], "swap them"),
    ],
)
def test_wrong_words(words: list[str], cure: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", *words]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert cure in told.err


def test_a_view_may_be_spelt_as_the_command(run: Command) -> None:
    table = ("--table", "bigquery://p.d.t")
    dashed, plain = (run("sql", name, *table) for name in ("training-set", "training_set"))
    assert (dashed.status, dashed.out) == (0, plain.out)
    assert run("sql", "training-sets", *table).status == 2
