"""Tables in BigQuery for the tests of ``fsq schema``."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

from fsq.cli import main
from fsq.schema.bigquery import standard_type
from fsq.stores.bigquery.client import Clients

UPSTREAM = [
    SchemaField("player_lookup", "STRING", "REQUIRED"),
    SchemaField("game_date", "DATE", "REQUIRED", description="Theirs"),
    SchemaField("features", "FLOAT64", "REPEATED"),
    SchemaField("feature_names", "STRING", "REPEATED"),
    SchemaField("feature_sources", "STRING"),
]


def make_table(clients: Clients, name: str, fields: list[SchemaField]) -> str:
    """A new table with these fields; its URI."""
    new = bigquery.Table(name, schema=fields)
    new.time_partitioning = bigquery.TimePartitioning(field="game_date")
    clients.tables.create_table(new)
    return f"bigquery://{name}"


def shape(fields: Any) -> list[tuple[Any, ...]]:
    """Names, types and modes at every depth; a type has two names."""
    return [(f.name, standard_type(f.field_type), f.mode, shape(f.fields)) for f in fields]


def descriptions(fields: Any) -> list[tuple[Any, ...]]:
    """Names and descriptions at every depth."""
    return [(f.name, f.description, descriptions(f.fields)) for f in fields]


def run_schema(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    """Run ``fsq schema`` with these words; what it prints."""
    capsys.readouterr()
    assert main(["schema", *words]) == status
    return capsys.readouterr().out
