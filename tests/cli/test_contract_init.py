"""``fsq contract init``, ``show --toml`` and ``schema`` as people and scripts see them."""

from __future__ import annotations

import json
import shlex
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.contract import shipped_contracts
from fsq.stores.bigquery.client import open_clients
from tests.support.cli import Command


@pytest.fixture
def data(tmp_path: Path) -> Path:
    days = [date(2026, 1, 1) + timedelta(days=i // 20) for i in range(400)]
    shops = [f"s{i % 20}" for i in range(400)]
    sales = [float(i * 37 % 101) for i in range(400)]
    rows = pl.DataFrame({"shop_id": shops, "day": days, "sales_avg_last_7": sales})
    path = tmp_path / "shop data.parquet"
    rows.write_parquet(path)
    return path


def test_init_writes_a_file_that_check_accepts(run: Command, data: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    told = run("contract", "init", data, "--key", "shop_id", "--date", "day", "--out", mine)
    assert told.status == 0
    assert f"{mine}: mine, 1 feature, version" in told.out
    check, backfill, then = (shlex.split(line) for line in told.out.splitlines()[-3:])
    assert run(*check[1:]).status == 0
    assert backfill[:6] == ["fsq", "backfill", "--source", str(data), "--store", "warehouse/mine"]
    assert then == ["fsq", "check", "--store", "warehouse/mine"]
    assert fsq.score(pl.read_parquet(data), mine).height == 400


def test_init_reads_a_delta_table(run: Command, data: Path, tmp_path: Path) -> None:
    table = tmp_path / "table"
    pl.read_parquet(data).write_delta(str(table))
    words = ("--key", "shop_id", "--date", "day", "--name", "shop_data")
    told = run("contract", "init", table, *words)
    assert (told.status, told.out) == (0, run("contract", "init", data, *words).out)


def test_init_reads_a_bigquery_table(run: Command, data: Path, dataset: str) -> None:
    statement = f"""
        CREATE TABLE `{dataset}.shops` AS
        SELECT CONCAT("s", CAST(MOD(i, 20) AS STRING)) AS shop_id,
            DATE_ADD(DATE "2026-01-01", INTERVAL DIV(i, 20) DAY) AS day,
            CAST(MOD(i * 37, 101) AS FLOAT64) AS sales_avg_last_7
        FROM UNNEST(GENERATE_ARRAY(0, 399)) AS i"""
    with open_clients("p") as clients:
        clients.tables.query(statement).result()
    words = ("--key", "shop_id", "--date", "day")
    told = run("contract", "init", f"bigquery://{dataset}.shops", *words)
    assert told.status == 0
    assert told.out == run("contract", "init", data, *words, "--name", "shops").out


def test_the_printed_commands_go_all_the_way(
    run: Command, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a file to a training set without an edit."""
    monkeypatch.chdir(tmp_path)
    words = ("--key", "shop_id", "--date", "day", "--out", "mine.toml")
    for line in run("contract", "init", data, *words).out.splitlines()[-2:]:
        assert run(*shlex.split(line)[1:]).status == 0
    told = run("check", "--store", "warehouse/mine", "--date", "2026-01-20", "--json")
    assert told.status == 0
    assert told.document["dates"][0]["verdict"] == "green"
    training = ("training-set", "--store", "warehouse/mine", "--out", "t.parquet")
    assert run(*training).status == 0
    assert pl.read_parquet("t.parquet").height == 400


@pytest.mark.parametrize("ending", ["csv", "ndjson", "arrow"])
def test_init_reads_other_files(run: Command, data: Path, tmp_path: Path, ending: str) -> None:
    rows, path = pl.read_parquet(data), tmp_path / f"shop_data.{ending}"
    if ending == "csv":
        rows.write_csv(path)
    elif ending == "ndjson":
        rows.write_ndjson(path)
    else:
        rows.write_ipc(path)
    words = ("--key", "shop_id", "--date", "day", "--name", "shop_data")
    told = run("contract", "init", path, *words)
    assert told.status == 0
    # A file without types may have whole numbers where others have floats: the draft is the same.
    assert told.out == run("contract", "init", data, *words).out


def test_init_prints_the_same_without_a_file(run: Command, data: Path) -> None:
    words = ("contract", "init", data, "--key", "shop_id", "--date", "day", "--name", "mine")
    told = run(*words)
    assert 'name = "mine"' in told.out
    assert run(*words, "--json").document["toml"] == told.out
    assert 'name = "shop_data"' in run(*words[:-2]).out


def test_init_never_replaces_a_file_unasked(run: Command, data: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text("# mine")
    words = ("contract", "init", data, "--key", "shop_id", "--date", "day", "--out", mine)
    told = run(*words)
    assert (told.status, mine.read_text()) == (2, "# mine")
    assert "add --force to replace it" in told.err
    assert run(*words, "--force").status == 0
    assert 'name = "mine"' in mine.read_text()


def test_init_proposes_what_is_not_named(run: Command, data: Path, tmp_path: Path) -> None:
    told = run("contract", "init", data)
    assert told.status == 2
    assert "add --date day" in told.err
    assert "named by --key shop_id\n" in told.err
    told = run("contract", "init", data, "--out", tmp_path / "mine.yaml")
    assert "must end in .toml" in told.err
    assert run("contract", "init", tmp_path / "nothing.parquet").status == 2


@pytest.mark.parametrize("name", shipped_contracts())
def test_show_toml_is_the_whole_contract(run: Command, tmp_path: Path, name: str) -> None:
    path = tmp_path / "copy.toml"
    path.write_text(run("contract", "show", name, "--toml").out)
    assert "extends" not in path.read_text()
    assert fsq.load_contract(path) == fsq.load_contract(name)
    assert run("contract", "diff", name, path).out == "0 differences\n"


def test_show_either_toml_or_json(run: Command) -> None:
    told = run("contract", "show", "--toml", "--json")
    assert told.status == 2
    assert "choose one" in told.out


def test_schema_is_json(run: Command, tmp_path: Path) -> None:
    text = run("contract", "schema").out
    assert json.loads(text)["title"] == "fsq contract"
    told = run("contract", "schema", "--out", tmp_path / "c.json")
    assert f"#:schema {tmp_path / 'c.json'}" in told.out
    assert (tmp_path / "c.json").read_text() == text
