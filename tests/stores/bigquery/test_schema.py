"""The schema's commands against a real table: what they print runs, and what they add fits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField
from polars.testing import assert_frame_equal
from sqlglot import exp

from fsq.backfill.run import backfill
from fsq.cli import main
from fsq.schema.arrow import TABLE_SCHEMA
from fsq.schema.bigquery import output_fields, standard_type
from fsq.schema.columns import COLUMN_NAMES, COLUMNS, LEGACY_FIELDS
from fsq.stores.bigquery.client import Clients, open_clients
from fsq.stores.bigquery.ddl import alter_table, create_table
from fsq.stores.bigquery.fields import quality_fields, schema_fields, table_fields
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.validate import validate_rows
from fsq.stores.schema_diff import diff_schema
from tests.support import warehouse
from tests.support.etags import guarded
from tests.support.frames import wide

UPSTREAM = [
    SchemaField("player_lookup", "STRING", "REQUIRED"),
    SchemaField("game_date", "DATE", "REQUIRED", description="Theirs"),
    SchemaField("features", "FLOAT64", "REPEATED"),
    SchemaField("feature_names", "STRING", "REPEATED"),
    SchemaField("feature_sources", "STRING"),
]


@pytest.fixture
def clients(dataset: str) -> Iterator[Clients]:
    with open_clients("p") as found:
        yield found


def made(clients: Clients, name: str, fields: list[SchemaField]) -> str:
    new = bigquery.Table(name, schema=fields)
    new.time_partitioning = bigquery.TimePartitioning(field="game_date")
    clients.tables.create_table(new)
    return f"bigquery://{name}"


def shape(fields: Any) -> list[tuple[Any, ...]]:
    """Names, types and modes at every depth; a type has two names."""
    return [(f.name, standard_type(f.field_type), f.mode, shape(f.fields)) for f in fields]


def told(fields: Any) -> list[tuple[Any, ...]]:
    return [(f.name, f.description, told(f.fields)) for f in fields]


def printed(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    capsys.readouterr()
    assert main(["schema", *words]) == status
    return capsys.readouterr().out


def test_the_printed_create_table_makes_the_table(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = printed(capsys, "ddl", "--name", f"{dataset}.t")
    clients.tables.query(sql).result()
    found = clients.tables.get_table(f"{dataset}.t")
    # Of a CREATE TABLE the emulator forgets NOT NULL, descriptions and clustering; see below.
    assert [f[:2] for f in shape(found.schema[:2])] == [
        ("player_lookup", "STRING"),
        ("game_date", "DATE"),
    ]
    assert shape(found.schema[2:]) == shape(quality_fields())
    assert found.time_partitioning.field == "game_date"


def test_create_table_says_all_that_the_api_would() -> None:
    """Parsed by a grammar that is not ours: types, NOT NULL and descriptions at every depth."""
    tree = sqlglot.parse_one(create_table(TableName.parse("p.d.t"), "it's"), read="bigquery")

    def stated(columns: Any) -> list[tuple[Any, ...]]:
        out = []
        for c in columns:
            (option,) = c.find(exp.Properties).expressions
            required = any(isinstance(k.kind, exp.NotNullColumnConstraint) for k in c.constraints)
            kind = c.args["kind"]
            array = kind.is_type("array")
            kind = kind.expressions[0] if array else kind
            name = "STRUCT" if kind.is_type("struct") else kind.sql("bigquery")
            mode = "REPEATED" if array else "REQUIRED" if required else "NULLABLE"
            inner = stated(kind.expressions) if name == "STRUCT" else []
            out.append((c.name, name, mode, option.args["value"].this, inner))
        return out

    def wanted(fields: Any) -> list[Any]:
        return [
            (f["name"], f["type"], f["mode"], f["description"], wanted(f.get("fields", [])))
            for f in fields
        ]

    assert stated(tree.this.expressions) == wanted(output_fields())
    clauses = [p.sql("bigquery") for p in tree.args["properties"].expressions]
    assert clauses == [
        "PARTITION BY `game_date`",
        "CLUSTER BY `player_lookup`",
        "description='it\\'s'",
    ]


def test_the_printed_alter_gives_a_legacy_table_the_columns(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = made(clients, f"{dataset}.t", UPSTREAM)
    blind = sqlglot.parse_one(
        printed(capsys, "ddl", "--alter", "--name", f"{dataset}.t"), read="bigquery"
    )
    looked = printed(capsys, "ddl", "--table", uri)
    assert re.findall(r"ADD COLUMN IF NOT EXISTS `(\w+)`", looked) == [
        n for n in COLUMN_NAMES if n != "feature_sources"
    ]
    assert "ALTER COLUMN `player_lookup` SET OPTIONS" in looked
    assert "ALTER COLUMN `game_date`" not in looked  # it has a description
    assert [a.this.name for a in blind.args["actions"]] == [*COLUMN_NAMES]
    # The service takes all of it in one statement, the emulator one column in each.
    for action in re.findall(r"  (ADD COLUMN .*?)(?=,\n  ADD|;\n)", looked, re.DOTALL):
        clients.tables.query(f"ALTER TABLE `{dataset}.t` {action}").result()
    found = {f.name: f for f in clients.tables.get_table(f"{dataset}.t").schema}
    assert shape(found[c.name] for c in COLUMNS) == shape(quality_fields())


def test_migrate_adds_what_a_legacy_table_lacks_and_nothing_twice(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = made(clients, f"{dataset}.t", UPSTREAM)
    before = clients.tables.get_table(f"{dataset}.t")
    plan = json.loads(printed(capsys, "migrate", uri, "--dry-run", "--json"))
    assert plan["dry_run"] is True
    assert len(plan["added"]) == 43
    assert [c["path"] for c in plan["described"]] == ["player_lookup", "feature_sources"]
    assert clients.tables.get_table(f"{dataset}.t").etag == before.etag
    assert "43 columns added, 2 described" in printed(capsys, "migrate", uri)
    found = clients.tables.get_table(f"{dataset}.t")
    quality = {f.name: f for f in found.schema}
    assert shape(found.schema[:5]) == shape(UPSTREAM)
    assert quality["game_date"].description == "Theirs"
    assert told(quality[c.name] for c in COLUMNS) == told(quality_fields())
    assert "nothing is missing" in printed(capsys, "migrate", uri)
    assert clients.tables.get_table(f"{dataset}.t").etag == found.etag


def test_migrate_appends_sub_fields_and_keeps_rows(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = output_fields()
    detail = next(f for f in fields if f["name"] == "feature_quality_detail")
    lacking = ["feature_category", "computation_duration_ms"]
    detail["fields"] = [f for f in detail["fields"] if f["name"] not in lacking]
    del detail["fields"][3]["description"]
    uri = made(clients, f"{dataset}.t", schema_fields(fields))
    clients.tables.query(
        f"INSERT INTO `{dataset}.t` (player_lookup, game_date, quality_tier) "
        "VALUES ('a', DATE '2026-02-06', 'gold')"
    ).result()
    done = json.loads(printed(capsys, "migrate", uri, "--json"))
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
    uri = made(clients, f"{dataset}.t", [*UPSTREAM[:2], *wrong])
    before = clients.tables.get_table(f"{dataset}.t").etag
    document = json.loads(printed(capsys, "migrate", uri, "--json", status=2))
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
    assert printed(capsys, "ddl", "--table", uri, status=2) == ""


def test_a_table_without_keys_is_none_of_ours(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clients.tables.create_table(bigquery.Table(f"{dataset}.t", schema=UPSTREAM[2:]))
    document = json.loads(printed(capsys, "migrate", f"bigquery://{dataset}.t", "--json", status=2))
    assert [p.split(";")[0] for p in document["error"]["problems"]] == [
        "no column player_lookup",
        "no column game_date",
    ]


def test_create_makes_the_table_that_a_backfill_fits(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = f"bigquery://{dataset}.t"
    assert printed(capsys, "migrate", uri, status=3) == ""
    assert "46 columns" in printed(capsys, "migrate", uri, "--create", "--dry-run")
    assert printed(capsys, "migrate", uri, status=3) == ""
    assert "table made, 46 columns added" in printed(capsys, "migrate", uri, "--create")
    found = clients.tables.get_table(f"{dataset}.t")
    assert shape(found.schema) == shape(table_fields(TABLE_SCHEMA))
    assert told(found.schema) == told(table_fields(TABLE_SCHEMA))
    assert (found.time_partitioning.field, found.clustering_fields) == (
        "game_date",
        ["player_lookup"],
    )
    validate_rows(TABLE_SCHEMA.empty_table(), found.schema, uri, inserts=True)
    assert "nothing is missing" in printed(capsys, "migrate", uri, "--create")


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
    uri = made(clients, f"{dataset}.t", UPSTREAM)

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
    uri = made(clients, f"{dataset}.t", UPSTREAM)
    with guarded(emulator["BIGQUERY_EMULATOR_HOST"], lose_answer_of=1) as front:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", f"http://127.0.0.1:{front.server_port}")
        assert main(["schema", "migrate", uri]) == 0
        assert front.patches == 2
    found = clients.tables.get_table(f"{dataset}.t").schema
    assert len(found) == len(UPSTREAM) + 43


def test_drop_legacy_asks_and_drops_and_migrate_leaves_them_dropped(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = made(clients, f"{dataset}.t", schema_fields(output_fields()))
    assert "would drop feature_sources" in printed(capsys, "drop-legacy", uri, status=2)
    assert len(clients.tables.get_table(f"{dataset}.t").schema) == 46
    done = json.loads(printed(capsys, "drop-legacy", uri, "--yes", "--json"))
    assert done["dropped"] is True
    assert done["fields"] == [*LEGACY_FIELDS]
    found = clients.tables.get_table(f"{dataset}.t").schema
    assert [f.name for f in found] == [n for n in TABLE_SCHEMA.names if n not in LEGACY_FIELDS]
    assert "no legacy field" in printed(capsys, "drop-legacy", uri, "--yes")
    assert "nothing is missing" in printed(capsys, "migrate", uri)
    validate_rows(TABLE_SCHEMA.empty_table().drop([*LEGACY_FIELDS]), found, uri, inserts=True)


def test_a_half_done_drop_is_ended_by_the_next(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = made(clients, f"{dataset}.t", schema_fields(output_fields()))
    clients.tables.query(f"ALTER TABLE `{dataset}.t` DROP COLUMN feature_sources").result()
    assert "nothing is missing" in printed(capsys, "migrate", uri)
    assert "dropped primary_data_source" in printed(capsys, "drop-legacy", uri, "--yes")
    names = {f.name for f in clients.tables.get_table(f"{dataset}.t").schema}
    assert not names & {*LEGACY_FIELDS}


def test_views_and_consumers_refuse_the_drop(
    clients: Clients, dataset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = made(clients, f"{dataset}.t", schema_fields(output_fields()))
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
    document = json.loads(printed(capsys, "drop-legacy", uri, "--yes", "--json", *words, status=1))
    dataset_id = dataset.partition(".")[2]
    assert {(p["where"], p["line"], p["field"]) for p in document["places"]} == {
        (f"view {dataset_id}.reads", 2, "primary_data_source"),
        (str(tmp_path / "app" / "job.py"), 2, "matchup_data_status"),
        ("the list of consumers", None, "feature_sources"),
    }
    assert len(clients.tables.get_table(f"{dataset}.t").schema) == 46
    shown = printed(capsys, "drop-legacy", uri, "--yes", *words, status=1)
    assert f"view {dataset_id}.reads:2: PRIMARY_DATA_SOURCE AS s" in shown
    listed = printed(
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
    assert "dropped" in printed(
        capsys, "drop-legacy", uri, "--yes", "--consumers", str(tmp_path / "names.txt")
    )


def test_views_elsewhere_and_routines_refuse_the_drop(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = made(clients, f"{dataset}.t", schema_fields(output_fields()))
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
    found = printed(
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
    uri = made(clients, f"{dataset}.t", UPSTREAM)
    shown = printed(capsys, "drop-legacy", uri, "--yes", status=1)
    assert "with feature_sources only" in shown
    assert "has been scored" in shown
    assert main(["schema", "migrate", uri]) == 0
    clients.tables.query(
        f"INSERT INTO `{dataset}.t` (player_lookup, game_date, feature_sources) "
        "VALUES ('a', DATE '2026-02-06', '{}')"
    ).result()
    assert "rows not scored yet: 1" in printed(capsys, "drop-legacy", uri, "--yes", status=1)
    assert "dropped feature_sources" in printed(capsys, "drop-legacy", uri, "--yes", "--input-too")


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
    assert "--input-too" in printed(capsys, "drop-legacy", uri, "--yes", status=1)
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
    assert "nothing is missing" in printed(capsys, "migrate", uri)


@pytest.mark.parametrize("words", [("migrate",), ("drop-legacy", "--yes"), ("ddl", "--table")])
@pytest.mark.parametrize("name", ["p.d.t`; DROP TABLE x", "p.d", "p.d.t.u", "p.d.'t'"])
def test_names_that_are_none_are_refused_before_any_request(
    words: tuple[str, ...], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:1")
    monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", "127.0.0.1:1")
    assert main(["schema", *words, f"bigquery://{name}"]) == 2


def test_alter_names_what_only_the_api_can_add() -> None:
    have = output_fields()
    have[2] = have[2] | {"fields": have[2]["fields"][:-1]}
    sql = alter_table(TableName.parse("p.d.t"), diff_schema(have))
    assert sql.startswith("-- SQL cannot add these")
    assert sql.endswith("feature_quality_detail.computation_duration_ms")
    assert (
        alter_table(TableName.parse("p.d.t"), diff_schema(output_fields()))
        == "-- Nothing is missing."
    )
