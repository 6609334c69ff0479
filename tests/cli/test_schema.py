"""``fsq schema ddl`` without any server, and without Google's clients."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fsq.cli import main
from fsq.cli._costs import print_costs
from fsq.cli._output import Output
from fsq.contract import load_contract
from fsq.schema.bigquery import output_fields
from fsq.stores.bigquery.ddl import alter_table, create_table
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.pricing import MIB, estimate
from tests.support.v2 import OUTPUT, TABLE_SCHEMA

PAGE = (Path(__file__).parents[2] / "docs" / "bigquery-schema.md").read_text(encoding="utf-8")
WITHOUT = """
import sys
sys.modules["google"] = None
sys.modules["grpc"] = None
from fsq.cli import main
sys.exit(main(sys.argv[1:]))
"""


def alone(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT, "schema", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_ddl_needs_no_client_and_a_table_does(tmp_path: Path) -> None:
    printed = alone("ddl", "--name", "p.d.t")
    assert printed.returncode == 0
    assert printed.stdout.startswith("CREATE TABLE `p.d.t` (")
    refused = alone("ddl", "--table", "bigquery://p.d.t")
    assert refused.returncode == 2
    assert "pip install 'feature-store-quality[bigquery]'" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert alone("migrate", str(tmp_path / "new"), "--create").returncode == 0


def test_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "ddl", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == output_fields(OUTPUT)
    assert main(["schema", "ddl", "--format", "arrow"]) == 0
    assert capsys.readouterr().out.rstrip("\n") == TABLE_SCHEMA.to_string()
    assert main(["schema", "ddl", "--json", "--name", "p.d.t", "--alter"]) == 0
    name = TableName.parse("p.d.t")
    assert json.loads(capsys.readouterr().out) == {
        "table": "p.d.t",
        "sql": alter_table(name, OUTPUT),
        "fields": output_fields(OUTPUT),
    }


def test_the_contract_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "ddl", "--contract", "v3_37features", "--name", "p.d.t"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(create_table(TableName.parse("p.d.t"), OUTPUT)[:-2])
    assert '37 features of each player and date; contract v3_37features")' in printed


@pytest.mark.parametrize(
    "words",
    [
        ("--name", "p.d"),
        ("--name", "p.d.t` x"),
        ("--table", "p.d.t"),
        ("--alter", "--format", "json"),
        ("--format", "arrow", "--table", "bigquery://p.d.t"),
        ("--contract", "nonsense"),
    ],
)
def test_wrong_words_are_reported(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", "ddl", *words]) == 2
    assert capsys.readouterr().out == ""


def test_the_page_shows_the_statement_as_it_is() -> None:
    (block,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    name = TableName.parse("my-project.nba_predictions.ml_feature_store_v2")
    pieces = [re.escape(piece.strip()) for piece in block.split("…\n")]
    assert len(pieces) == 3
    assert re.fullmatch(r"\s.*\n\s*".join(pieces) + ";", create_table(name, OUTPUT), re.DOTALL)


def test_the_page_shows_the_costs_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    told = estimate(37_000, load_contract(), read=40 * MIB, replaced=280 * MIB, commits=2)
    print_costs(told, Output())
    assert capsys.readouterr().out.strip() == block.strip()
