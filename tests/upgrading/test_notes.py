"""What the upgrade notes say of contracts and names is so."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fsq
from tests.support.cli import Command
from tests.upgrading.conftest import MADE

NOTES = (Path(__file__).parents[2] / "docs/upgrading.md").read_text("utf-8")
TOP, SECTIONS, MODEL_FLAGS = re.findall(r"```toml\n(.*?)```", NOTES, re.DOTALL)
OLD = (MADE / "contract.toml").read_text("utf-8")


def section(text: str, name: str) -> str:
    found = re.search(rf"^\[{name}\].*?(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[0]


def upgrade(text: str) -> str:
    """Do with a contract what the notes say."""
    moved = MODEL_FLAGS.splitlines()[1]
    assert moved in text
    text = text.replace(moved + "\n", "")
    text = text.replace(section(text, "legacy_prefixes"), "")
    text = text.replace(section(text, "legacy"), SECTIONS)
    return TOP + text + MODEL_FLAGS


def test_a_contract_of_0_1_is_refused_with_all_that_it_lacks(run: Command) -> None:
    refused = run("contract", "check", MADE / "contract.toml")
    assert refused.status == 2
    for name in ("table", "legacy.primary", "legacy_prefixes", "legacy.phase4_share"):
        assert f"- {name}: " in refused.err


def test_a_contract_changed_as_the_notes_say_is_the_shipped_one(
    run: Command, tmp_path: Path, old_rows: pl.DataFrame
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(upgrade(OLD), "utf-8")
    assert run("contract", "check", path).status == 0
    mine, shipped = fsq.load_contract(path), fsq.load_contract()
    assert mine.output.names == shipped.output.names
    values = ["feature_quality_detail", "feature_quality_score", *mine.output.legacy]
    scored = [fsq.score(old_rows, contract=c).select(values) for c in (mine, shipped)]
    assert_frame_equal(*scored)


def test_its_values_are_those_of_the_old_contract() -> None:
    old, new = tomllib.loads(OLD)["legacy"], tomllib.loads(SECTIONS)["legacy"]
    for name, was in re.findall(r"^(\w+) = \S+ # was (\w+)$", SECTIONS, re.MULTILINE):
        assert new[name] == old[was]
    assert new["prefixes"] == tomllib.loads(OLD)["legacy_prefixes"]


@pytest.mark.parametrize(
    "name",
    ["backfill", "explain", "trend", "report", "reporting", "stores.bigquery.pricing",
     "sql.make_query", "sql.make_view", "sql.make_view_name", "training.read_provenance"],
)  # fmt: skip
def test_the_names_that_it_leads_to_are_there(name: str) -> None:
    path, _, last = f"fsq.{name}".rpartition(".")
    assert last in NOTES
    assert hasattr(import_module(path), last) or import_module(f"fsq.{name}")


def test_old_options_still_work(run: Command, old_store: str, tmp_path: Path) -> None:
    table = "bigquery://p.d.t"
    old, new = (run("sql", "features", "--table", table, f"--no-{n}") for n in ("game-id", "group"))
    assert (old.status, old.out) == (0, new.out)
    words = ("training-set", "--store", old_store, "--out", tmp_path / "set.parquet")
    assert run(*words, "--exclude-red").out == run(*words, "--exclude", "red").out
