"""``fsq schema drop-legacy`` against a real table: refused while anything names the fields."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.cloud import bigquery

from fsq.cli import main
from fsq.errors import InputError
from fsq.schema.bigquery import output_fields
from fsq.stores import open_store
from fsq.stores.bigquery.client import Clients
from fsq.stores.bigquery.fields import schema_fields
from fsq.stores.bigquery.validate import validate_rows
from tests.support.rest_front import fronted
from tests.support.tables import UPSTREAM, make_table, run_schema
from tests.support.v2 import LEGACY_FIELDS, OUTPUT, TABLE_SCHEMA


def test_drop_legacy_asks_and_drops_and_migrate_leaves_them_dropped(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = make_table(clients, f"{dataset}.t", schema_fields(output_fields(OUTPUT)))
    assert "would drop feature_sources" in run_schema(capsys, "drop-legacy", uri, status=2)
    assert len(clients.tables.get_table(f"{dataset}.t").schema) == 46
    done = json.loads(run_schema(capsys, "drop-legacy", uri, "--yes", "--json"))
    assert done["dropped"] is True
    assert done["fields"] == [*LEGACY_FIELDS]
    found = clients.tables.get_table(f"{dataset}.t").schema
    assert [f.name for f in found] == [n for n in TABLE_SCHEMA.names if n not in LEGACY_FIELDS]
    assert "no legacy field" in run_schema(capsys, "drop-legacy", uri, "--yes")
    assert "nothing is missing" in run_schema(capsys, "migrate", uri)
    validate_rows(
        TABLE_SCHEMA.empty_table().drop([*LEGACY_FIELDS]), found, uri, OUTPUT, inserts=True
    )


def test_the_drop_is_one_statement_and_says_what_is_lost(
    clients: Clients,
    dataset: str,
    emulator: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uri = make_table(clients, f"{dataset}.t", schema_fields(output_fields(OUTPUT)))
    shown = run_schema(capsys, "drop-legacy", uri, status=2)
    assert "wildcard queries" in " ".join(shown.split())
    with fronted(monkeypatch, emulator) as requests:
        run_schema(capsys, "drop-legacy", uri, "--yes")
    drops = [r.sql for r in requests if "DROP COLUMN" in r.sql]
    assert len(drops) == 1
    assert drops[0].count("DROP COLUMN IF EXISTS") == len(LEGACY_FIELDS)
    views = [r.body for r in requests if "INFORMATION_SCHEMA.VIEWS" in r.sql]
    assert [b["jobReference"]["location"] for b in views] == ["US"]


def test_a_snapshot_is_kept_if_you_ask_for_it(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = make_table(clients, f"{dataset}.t", schema_fields(output_fields(OUTPUT)))
    clients.tables.query(
        f"INSERT INTO `{dataset}.t` (player_lookup, game_date, feature_sources) "
        "VALUES ('a', DATE '2026-02-06', 'of old')"
    ).result()
    words = ("--yes", "--snapshot", "--input-too", "--json")
    done = json.loads(run_schema(capsys, "drop-legacy", uri, *words))
    assert done["snapshot"].startswith(f"{dataset}._fsq_snapshot_")
    (row,) = clients.tables.query(f"SELECT feature_sources FROM `{done['snapshot']}`").result()
    assert row.feature_sources == "of old"
    assert not {f.name for f in clients.tables.get_table(f"{dataset}.t").schema} & {*LEGACY_FIELDS}


def make_policy(clients: Clients, name: str, predicate: str) -> None:
    clients.tables.query(
        f"CREATE ROW ACCESS POLICY some_rows ON `{name}` "
        f"GRANT TO ('user:a@example.com') FILTER USING ({predicate})"
    ).result()


def test_row_access_policies_refuse_the_drop(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = make_table(clients, f"{dataset}.t", schema_fields(output_fields(OUTPUT)))
    make_policy(clients, f"{dataset}.t", "player_lookup = 'a'")
    shown = run_schema(capsys, "drop-legacy", uri, "--yes", status=1)
    assert "row access policy some_rows" in shown
    assert len(clients.tables.get_table(f"{dataset}.t").schema) == 46


@pytest.mark.parametrize(("predicate", "fine"), [("player_lookup = 'a'", False), ("TRUE", True)])
def test_rows_that_policies_hide_do_not_count_as_gone(
    predicate: str,
    fine: bool,
    clients: Clients,
    dataset: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    uri = make_table(clients, f"{dataset}.t", schema_fields(output_fields(OUTPUT)))
    make_policy(clients, f"{dataset}.t", predicate)
    if fine:
        open_store(uri).read()
        assert "some_rows" in caplog.text
        return
    with pytest.raises(InputError, match=r"FILTER USING \(TRUE\)"):
        open_store(uri).read()


def test_a_half_done_drop_is_ended_by_the_next(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = make_table(clients, f"{dataset}.t", schema_fields(output_fields(OUTPUT)))
    clients.tables.query(f"ALTER TABLE `{dataset}.t` DROP COLUMN feature_sources").result()
    assert "nothing is missing" in run_schema(capsys, "migrate", uri)
    assert "dropped primary_data_source" in run_schema(capsys, "drop-legacy", uri, "--yes")
    names = {f.name for f in clients.tables.get_table(f"{dataset}.t").schema}
    assert not names & {*LEGACY_FIELDS}


def test_views_and_consumers_refuse_the_drop(
    clients: Clients, dataset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = make_table(clients, f"{dataset}.t", schema_fields(output_fields(OUTPUT)))
    for name, sql in (
        ("reads", f"SELECT player_lookup,\n  PRIMARY_DATA_SOURCE AS s FROM `{dataset}.t`"),
        ("other", f"SELECT quality_tier AS my_feature_sources FROM `{dataset}.t`"),
    ):
        view = bigquery.Table(f"{dataset}.{name}")
        view.view_query = sql
        clients.tables.create_table(view)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "job.py").write_text("x = 1\nrow['matchup_data_status']\n")
    (tmp_path / "names.txt").write_text("my_primary_data_source_2\n")
    words = ["--consumers", str(tmp_path / "app"), "--consumers", str(tmp_path / "names.txt")]
    words += ["--consumers", "feature_sources"]
    document = json.loads(
        run_schema(capsys, "drop-legacy", uri, "--yes", "--json", *words, status=1)
    )
    dataset_id = dataset.partition(".")[2]
    assert {(p["where"], p["line"], p["field"]) for p in document["places"]} == {
        (f"view {dataset_id}.reads", 2, "primary_data_source"),
        (str(tmp_path / "app" / "job.py"), 2, "matchup_data_status"),
        ("the list of consumers", None, "feature_sources"),
    }
    assert len(clients.tables.get_table(f"{dataset}.t").schema) == 46
    shown = run_schema(capsys, "drop-legacy", uri, "--yes", *words, status=1)
    assert f"view {dataset_id}.reads:2: PRIMARY_DATA_SOURCE AS s" in shown
    listed = run_schema(
        capsys,
        "drop-legacy",
        uri,
        "--yes",
        "--json",
        "--consumers",
        "no/such/file",
        "--consumers",
        "p.d",
        status=2,
    )
    assert len(json.loads(listed)["error"]["problems"]) == 2
    clients.tables.delete_table(f"{dataset}.reads")
    assert "dropped" in run_schema(
        capsys, "drop-legacy", uri, "--yes", "--consumers", str(tmp_path / "names.txt")
    )


def test_views_elsewhere_and_routines_refuse_the_drop(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = make_table(clients, f"{dataset}.t", schema_fields(output_fields(OUTPUT)))
    clients.tables.create_dataset(f"{dataset}_reports")
    clients.tables.query(
        f"CREATE VIEW `{dataset}_reports.v` AS SELECT matchup_data_status FROM `{dataset}.t`"
    ).result()
    clients.tables.query(
        f"CREATE FUNCTION `{dataset}.told`(feature_sources STRING) AS (UPPER(feature_sources))"
    ).result()
    clients.tables.query(
        f"CREATE MATERIALIZED VIEW `{dataset}.kept` AS "
        f"SELECT primary_data_source FROM `{dataset}.t`"
    ).result()
    found = run_schema(
        capsys,
        "drop-legacy",
        uri,
        "--yes",
        "--json",
        "--consumers",
        f"{dataset}_reports.v",
        status=1,
    )
    dataset_id = dataset.partition(".")[2]
    assert [(p["where"], p["field"]) for p in json.loads(found)["places"]] == [
        (f"view {dataset}_reports.v", "matchup_data_status"),
        (f"view {dataset_id}.kept", None),  # the emulator does not show its SQL
        (f"routine {dataset_id}.told", "feature_sources"),
    ]


def test_sources_that_lie_nowhere_else_refuse_the_drop(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = make_table(clients, f"{dataset}.t", UPSTREAM)
    shown = run_schema(capsys, "drop-legacy", uri, "--yes", status=1)
    assert "needs feature_sources" in shown
    assert "is scored yet" in shown
    assert main(["schema", "migrate", uri]) == 0
    clients.tables.query(
        f"INSERT INTO `{dataset}.t` (player_lookup, game_date, feature_sources) "
        "VALUES ('a', DATE '2026-02-06', '{}')"
    ).result()
    assert "rows not scored yet: 1" in run_schema(capsys, "drop-legacy", uri, "--yes", status=1)
    assert "dropped feature_sources" in run_schema(
        capsys, "drop-legacy", uri, "--yes", "--input-too"
    )
