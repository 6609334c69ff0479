"""``fsq schema migrate`` against a real table: it adds what is missing, and nothing twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField
from polars.testing import assert_frame_equal

from fsq.backfilling.run import backfill
from fsq.cli import main
from fsq.schema.bigquery import output_fields
from fsq.stores.bigquery.client import Clients
from fsq.stores.bigquery.fields import quality_fields, schema_fields, table_fields
from fsq.stores.bigquery.validate import validate_rows
from tests.support import warehouse
from tests.support.etags import guarded
from tests.support.frames import wide
from tests.support.tables import UPSTREAM, descriptions, make_table, run_schema, shape
from tests.support.v2 import COLUMNS, LEGACY_FIELDS, OUTPUT, TABLE_SCHEMA


def test_migrate_adds_what_a_legacy_table_lacks_and_nothing_twice(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = make_table(clients, f"{dataset}.t", UPSTREAM)
    before = clients.tables.get_table(f"{dataset}.t")
    plan = json.loads(run_schema(capsys, "migrate", uri, "--dry-run", "--json"))
    assert plan["dry_run"] is True
    assert len(plan["added"]) == 43
    assert [c["path"] for c in plan["described"]] == ["player_lookup", "feature_sources"]
    assert clients.tables.get_table(f"{dataset}.t").etag == before.etag
    assert "43 columns added, 2 described" in run_schema(capsys, "migrate", uri)
    found = clients.tables.get_table(f"{dataset}.t")
    quality = {f.name: f for f in found.schema}
    assert shape(found.schema[:5]) == shape(UPSTREAM)
    assert quality["game_date"].description == "Theirs"
    assert descriptions(quality[c.name] for c in COLUMNS) == descriptions(quality_fields(OUTPUT))
    assert "nothing is missing" in run_schema(capsys, "migrate", uri)
    assert clients.tables.get_table(f"{dataset}.t").etag == found.etag


def test_migrate_appends_sub_fields_and_keeps_rows(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = output_fields(OUTPUT)
    detail = next(f for f in fields if f["name"] == "feature_quality_detail")
    lacking = ["feature_category", "computation_duration_ms"]
    detail["fields"] = [f for f in detail["fields"] if f["name"] not in lacking]
    del detail["fields"][3]["description"]
    uri = make_table(clients, f"{dataset}.t", schema_fields(fields))
    clients.tables.query(
        f"INSERT INTO `{dataset}.t` (player_lookup, game_date, quality_tier) "
        "VALUES ('a', DATE '2026-02-06', 'gold')"
    ).result()
    done = json.loads(run_schema(capsys, "migrate", uri, "--json"))
    assert [c["path"] for c in done["added"]] == [f"feature_quality_detail.{n}" for n in lacking]
    assert [c["path"] for c in done["described"]] == ["feature_quality_detail.expected_value"]
    found = {f.name: f for f in clients.tables.get_table(f"{dataset}.t").schema}
    inner = found["feature_quality_detail"].fields
    assert [f.name for f in inner][-2:] == lacking
    assert all(f.description for f in inner)
    (row,) = clients.tables.query(f"SELECT quality_tier FROM `{dataset}.t`").result()
    assert row.quality_tier == "gold"


def test_conflicts_are_all_told_and_change_nothing(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = [SchemaField("feature_index", "STRING"), SchemaField("Feature_Name", "STRING")]
    wrong = [
        SchemaField("quality_tier", "INT64"),
        SchemaField("Quality_Alert_Level", "STRING"),
        SchemaField("quality_alerts", "STRING"),
        SchemaField("is_training_ready", "BOOL", "REQUIRED"),
        SchemaField("feature_quality_detail", "RECORD", "REPEATED", fields=inner),
    ]
    uri = make_table(clients, f"{dataset}.t", [*UPSTREAM[:2], *wrong])
    before = clients.tables.get_table(f"{dataset}.t").etag
    document = json.loads(run_schema(capsys, "migrate", uri, "--json", status=2))
    problems = document["error"]["problems"]
    assert [p.split()[0] for p in problems] == [
        "feature_quality_detail.feature_index",
        "feature_quality_detail.feature_name",
        "quality_tier",
        "quality_alert_level",
        "quality_alerts",
        "is_training_ready",
    ]
    assert clients.tables.get_table(f"{dataset}.t").etag == before
    assert run_schema(capsys, "ddl", "--table", uri, status=2) == ""


def test_a_table_without_keys_is_none_of_ours(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clients.tables.create_table(bigquery.Table(f"{dataset}.t", schema=UPSTREAM[2:]))
    document = json.loads(
        run_schema(capsys, "migrate", f"bigquery://{dataset}.t", "--json", status=2)
    )
    assert [p.split(";")[0] for p in document["error"]["problems"]] == [
        "no column player_lookup",
        "no column game_date",
    ]


def test_create_makes_the_table_that_a_backfill_fits(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = f"bigquery://{dataset}.t"
    assert run_schema(capsys, "migrate", uri, status=3) == ""
    assert "46 columns" in run_schema(capsys, "migrate", uri, "--create", "--dry-run")
    assert run_schema(capsys, "migrate", uri, status=3) == ""
    assert "table created, 46 columns added" in run_schema(capsys, "migrate", uri, "--create")
    found = clients.tables.get_table(f"{dataset}.t")
    assert shape(found.schema) == shape(table_fields(TABLE_SCHEMA, OUTPUT))
    assert descriptions(found.schema) == descriptions(table_fields(TABLE_SCHEMA, OUTPUT))
    assert (found.time_partitioning.field, found.clustering_fields) == (
        "game_date",
        ["player_lookup"],
    )
    validate_rows(TABLE_SCHEMA.empty_table(), found.schema, uri, OUTPUT, inserts=True)
    assert "nothing is missing" in run_schema(capsys, "migrate", uri, "--create")


@pytest.mark.parametrize("others", [1, 99])
def test_a_change_by_others_is_seen(
    others: int,
    clients: Clients,
    dataset: str,
    emulator: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Somebody adds a column between our look and our patch: once, or each time."""
    uri = make_table(clients, f"{dataset}.t", UPSTREAM)

    def meddle(patch: int) -> None:
        if patch <= others:
            theirs = clients.tables.get_table(f"{dataset}.t")
            theirs.schema = [*theirs.schema, SchemaField(f"theirs_{patch}", "STRING")]
            clients.tables.update_table(theirs, ["schema"])

    with guarded(emulator["BIGQUERY_EMULATOR_HOST"], meddle) as front:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", f"http://127.0.0.1:{front.server_port}")
        assert main(["schema", "migrate", uri]) == (0 if others == 1 else 3)
        assert front.patches == (2 if others == 1 else 8)
    names = [f.name for f in clients.tables.get_table(f"{dataset}.t").schema]
    assert "theirs_1" in names
    assert ("quality_tier" in names) == (others == 1)
    assert len(names) == len(set(names))


def test_a_lost_answer_leaves_the_table_migrated_once(
    clients: Clients, dataset: str, emulator: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service patches the table, and its answer never comes: the next try finds it done."""
    uri = make_table(clients, f"{dataset}.t", UPSTREAM)
    with guarded(emulator["BIGQUERY_EMULATOR_HOST"], lose_answer_of=1) as front:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", f"http://127.0.0.1:{front.server_port}")
        assert main(["schema", "migrate", uri]) == 0
        assert front.patches == 2
    found = clients.tables.get_table(f"{dataset}.t").schema
    assert len(found) == len(UPSTREAM) + 43


def test_a_migration_from_its_first_day_to_its_last(
    dataset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Upstream's table is migrated and scored in place; then nobody reads the legacy fields."""
    rows = warehouse.upstream_rows(wide()).sort("game_date", "player_lookup")
    uri = warehouse.made(dataset, rows, migrated=False)
    assert main(["schema", "migrate", uri]) == 0
    assert_frame_equal(warehouse.held(uri).select(rows.columns), rows)
    words = ["backfill", "--source", uri, "--store", uri]
    assert main(words) == 0
    assert "--input-too" in run_schema(capsys, "drop-legacy", uri, "--yes", status=1)
    scored = warehouse.held(uri)
    assert main(["schema", "drop-legacy", uri, "--yes", "--input-too"]) == 0
    left = scored.drop(LEGACY_FIELDS)
    assert_frame_equal(warehouse.held(uri), left)
    # Its arrays can no longer be scored, and that is told before good rows are overwritten.
    capsys.readouterr()
    assert main(words) == 2
    assert "missing column feature_sources" in capsys.readouterr().err
    assert_frame_equal(warehouse.held(uri), left)
    # Rows that bring their sources along still go in.
    wide().write_parquet(tmp_path / "rows.parquet")
    assert backfill(str(tmp_path / "rows.parquet"), uri).rows == 40
    assert "nothing is missing" in run_schema(capsys, "migrate", uri)


@pytest.mark.parametrize("words", [("migrate",), ("drop-legacy", "--yes"), ("ddl", "--table")])
@pytest.mark.parametrize("name", ["p.d.t`; DROP TABLE x", "p.d", "p.d.t.u", "p.d.'t'"])
def test_names_that_are_none_are_refused_before_any_request(
    words: tuple[str, ...], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:1")
    monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", "127.0.0.1:1")
    assert main(["schema", *words, f"bigquery://{name}"]) == 2
