"""The printed schema, as SQL that a grammar and a real table accept."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlglot
from google.api_core.exceptions import GoogleAPICallError
from sqlglot import exp

from fsq.schema.bigquery import output_fields
from fsq.stores.bigquery.client import Clients
from fsq.stores.bigquery.ddl import alter_table, create_table
from fsq.stores.bigquery.fields import quality_fields
from fsq.stores.bigquery.names import TableName
from fsq.stores.schema_diff import diff_schema
from tests.support.tables import UPSTREAM, make_table, run_schema, shape
from tests.support.v2 import COLUMN_NAMES, COLUMNS, OUTPUT


def test_the_printed_create_table_makes_the_table(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = run_schema(capsys, "ddl", "--name", f"{dataset}.t")
    clients.tables.query(sql).result()
    found = clients.tables.get_table(f"{dataset}.t")
    # Of a CREATE TABLE the emulator forgets NOT NULL, descriptions and clustering; see below.
    assert [f[:2] for f in shape(found.schema[:2])] == [
        ("player_lookup", "STRING"),
        ("game_date", "DATE"),
    ]
    assert shape(found.schema[2:]) == shape(quality_fields(OUTPUT))
    assert found.time_partitioning.field == "game_date"


def test_options_of_the_partitions(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--require-partition-filter", "--partition-expiration-days", "400")
    sql = run_schema(capsys, "ddl", "--name", f"{dataset}.t", *words)
    options = sql.rstrip().splitlines()[-1]
    assert options.endswith("partition_expiration_days=400, require_partition_filter=TRUE);")
    clients.tables.query(sql).result()
    with pytest.raises(GoogleAPICallError, match="partition elimination"):
        clients.tables.query(f"SELECT * FROM `{dataset}.t`", retry=None, job_retry=None).result()


def test_create_table_says_all_that_the_api_would() -> None:
    """Parsed by a grammar that is not ours: types, NOT NULL and descriptions at every depth."""
    tree = sqlglot.parse_one(
        create_table(TableName.parse("p.d.t"), OUTPUT, "it's"), read="bigquery"
    )

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

    assert stated(tree.this.expressions) == wanted(output_fields(OUTPUT))
    clauses = [p.sql("bigquery") for p in tree.args["properties"].expressions]
    assert clauses == [
        "PARTITION BY `game_date`",
        "CLUSTER BY `player_lookup`",
        "description='it\\'s'",
    ]


def test_the_printed_alter_gives_a_legacy_table_the_columns(
    clients: Clients, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = make_table(clients, f"{dataset}.t", UPSTREAM)
    blind = sqlglot.parse_one(
        run_schema(capsys, "ddl", "--alter", "--name", f"{dataset}.t"), read="bigquery"
    )
    looked = run_schema(capsys, "ddl", "--table", uri)
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
    assert shape(found[c.name] for c in COLUMNS) == shape(quality_fields(OUTPUT))


def test_alter_names_what_only_the_api_can_add() -> None:
    have = output_fields(OUTPUT)
    have[2] = have[2] | {"fields": have[2]["fields"][:-1]}
    sql = alter_table(TableName.parse("p.d.t"), OUTPUT, diff_schema(have, OUTPUT))
    assert sql.startswith("-- SQL cannot add these")
    assert sql.endswith("feature_quality_detail.computation_duration_ms")
    assert (
        alter_table(TableName.parse("p.d.t"), OUTPUT, diff_schema(output_fields(OUTPUT), OUTPUT))
        == "-- Nothing is missing."
    )
