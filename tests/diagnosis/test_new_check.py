"""A new check is one file: register it, and everything that lists checks knows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq import sql
from fsq.cli import main
from fsq.diagnosis.checks import list_checks, list_kinds, register, unregister
from fsq.diagnosis.documentation import make_kinds_table, make_thresholds_table
from tests.support.healthy_days import LAST, change_last, diagnose_last, list_serious, make_days
from tests.support.venue_check import VenueCheck

VENUE = pl.when(pl.int_range(pl.len()) % 4 > 0).then(pl.lit("arena"))


@pytest.fixture(autouse=True)
def check() -> Iterator[VenueCheck]:
    check = VenueCheck()
    register(check)
    yield check
    unregister(check)


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """A quarter of the last date's rows has no venue."""
    return change_last(make_days().with_columns(venue=pl.lit("arena")), venue=VENUE)


def test_its_finding(rows: pl.DataFrame) -> None:
    dx = diagnose_last(rows)
    (finding,) = list_serious(dx)
    assert (finding.kind, finding.severity, finding.dates) == ("venue_missing", "yellow", (LAST,))
    assert finding.title == "no venue in 30 of 120 rows"
    assert finding.evidence == {"share": 0.25}
    assert finding.remedy[-1].startswith("fsq backfill")
    assert dx.verdict == "yellow"
    assert "no venue in 30 of 120 rows  [venue_missing]" in str(dx)


def test_rows_without_what_it_needs(rows: pl.DataFrame) -> None:
    dx = diagnose_last(rows.drop("venue"))
    assert list_serious(dx) == []
    (open_one,) = [n for n in dx.not_evaluated if n["check"] == "venue_missing"]
    assert open_one["reason"] == "no column venue"


def test_a_contract_may_set_its_threshold(rows: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    head = 'name = "mine"\nextends = "v2_33features"\n[diagnosis]\n'
    path.write_text(f"{head}venue_missing_share = 0.3\n")
    contract = fsq.load_contract(path)
    scored = fsq.score(rows, contract)
    assert list_serious(fsq.diagnose(scored, contract, dates=[LAST])) == []
    path.write_text(f"{head}venue_missing_share = 3\nvenue_share = 0.3\nmin_rows = 1\n")
    with pytest.raises(fsq.ContractError) as error:
        fsq.load_contract(path)
    places = [problem.split(":")[0] for problem in error.value.problems]
    assert places == [
        "diagnosis.min_rows",
        "diagnosis.venue_missing_share",
        "diagnosis.venue_share",
    ]


def test_the_command(
    rows: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = str(tmp_path / "store")
    fsq.open_store(store).replace(fsq.score(rows))
    assert main(["check", "--store", store, "--json", "--fail-on", "yellow"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["kind"] == "venue_missing"
    assert finding["rows_affected"] == 30


def test_lists_and_documentation() -> None:
    assert "venue_missing" in list_kinds()
    needs = "column `venue`, a minimum of rows"
    assert f"| `venue_missing` | red, yellow | rows have no venue | {needs} |" in make_kinds_table()
    assert (
        "| `venue_missing_share` | 0.1 | Share of rows without a venue. |"
        in make_thresholds_table()
    )
    assert "-- * venue_missing: rows have no venue" in sql.make_query(
        "findings", "bigquery://p.d.t"
    )


def test_checks_that_explain_run_first(check: VenueCheck) -> None:
    stages = [c.stage for c in list_checks()]
    assert stages == sorted(stages)
    assert check in list_checks()


def test_a_kind_is_registered_once(check: VenueCheck) -> None:
    with pytest.raises(ValueError, match="venue_missing"):
        register(check)
