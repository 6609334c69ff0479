"""``fsq contract`` as people and scripts see it."""

from __future__ import annotations

from pathlib import Path

from fsq.cli._output import PIPE_WIDTH
from tests.support.cli import Command
from tests.support.frames import NAMES


def test_contract_show(run: Command) -> None:
    told = run("contract", "show", "v3_37features")
    assert "star_teammate_out" in told.out
    assert all(len(line) <= PIPE_WIDTH for line in told.out.splitlines())
    shown = run("contract", "show", "--json").document
    assert [f["name"] for f in shown["features"]] == list(NAMES)


def test_contract_check(run: Command, tmp_path: Path) -> None:
    assert run("contract", "check", "v2_33features").status == 0
    mine = tmp_path / "mine.toml"
    mine.write_text('extends = "v2_33features"\n[tiers]\ngold_above = 101\nsilver_from = "x"\n')
    told = run("contract", "check", mine, "--json")
    assert told.status == 2
    assert any("gold_above" in p for p in told.document["error"]["problems"])
    assert any("silver_from" in p for p in told.document["error"]["problems"])


def test_contract_diff(run: Command) -> None:
    told = run("contract", "diff", "v2_33features", "v2_33features_capped", "--json")
    assert told.status == 0
    places = {d["place"] for d in told.document["differences"]}
    assert places == {"name", "score_caps.0", "score_caps.1"}
    grown = run("contract", "diff", "v2_33features", "v3_37features", "--json").document
    assert {"place", "a", "b"} == set(grown["differences"][0])
    new = next(d for d in grown["differences"] if d["place"] == "features.star_teammate_out")
    assert (new["a"], new["b"]["index"]) == (None, 33)
    same = run("contract", "diff", "v2_33features", "v2_33features")
    assert (same.status, same.out) == (0, "0 differences\n")
