"""Migrations of BigQuery tables, by one ``tables.patch`` that fails if the table has changed."""

from __future__ import annotations

from typing import Any

from google.api_core.exceptions import Conflict, NotFound, PreconditionFailed

from fsq.errors import InputError
from fsq.schema.bigquery import output_fields
from fsq.schema.output import OutputSchema
from fsq.stores.attempts import ATTEMPTS
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.fields import new_table, schema_fields
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.partitions import Partitioning
from fsq.stores.migration import (
    Migration,
    require_compatible,
    schema_conflict,
    table_not_found,
)
from fsq.stores.schema_diff import SchemaDiff, diff_schema


def find_missing(uri: str, output: OutputSchema) -> SchemaDiff:
    """What a table lacks; see ``fsq.stores.find_missing``."""
    name = TableName.parse(uri)
    with open_clients(name.project, name.location, name.options) as clients:
        try:
            table = get_table(clients.tables, name, uri)
            return require_compatible(_diff_table(table, output), uri)
        except NotFound:
            raise table_not_found(uri) from None


def migrate(uri: str, output: OutputSchema, *, dry_run: bool, create: bool) -> Migration:
    """Migrate a table; see ``fsq.stores.migrate``."""
    name = TableName.parse(uri)
    with open_clients(name.project, name.location, name.options) as clients:
        for _ in range(ATTEMPTS):
            try:
                return _try_to_migrate(
                    clients.tables, name, uri, output, dry_run=dry_run, create=create
                )
            except (PreconditionFailed, Conflict):
                continue  # another writer was first: look again
    raise schema_conflict(uri)


def _try_to_migrate(
    client: Any, name: TableName, uri: str, output: OutputSchema, *, dry_run: bool, create: bool
) -> Migration:
    try:
        table = get_table(client, name, uri)
    except NotFound:
        if not create:
            raise table_not_found(uri) from None
        if not dry_run:
            fields = schema_fields(output_fields(output))
            client.create_table(new_table(name, fields, output))
        added = diff_schema([], output).added
        return Migration(uri, created=True, added=added, dry_run=dry_run)
    plan = require_compatible(_diff_table(table, output), uri)
    if not plan.empty and not dry_run:
        # The request has the table's etag, so the service rejects it if the table has changed.
        table.schema = schema_fields(plan.fields)
        client.update_table(table, ["schema"])
    return Migration(
        uri,
        added=plan.added,
        described=plan.described,
        notes=_make_notes(table, output.date),
        dry_run=dry_run,
    )


def get_table(client: Any, name: TableName, uri: str) -> Any:
    """The table as it is now.

    Raises:
        InputError: it is a view or an external table, whose columns are not its own.
        NotFound: there is none.
    """
    table = client.get_table(name.dotted)
    if table.table_type != "TABLE":
        problem = f"{uri} has the type {table.table_type}; name the table itself"
        raise InputError([problem], "it has no columns of its own")
    return table


def _diff_table(table: Any, output: OutputSchema) -> SchemaDiff:
    return diff_schema([f.to_api_repr() for f in table.schema], output)


def _make_notes(table: Any, date_column: str) -> tuple[str, ...]:
    """What the way in which it is partitioned costs."""
    partitioning = Partitioning.of(table)
    if not partitioning.is_by(date_column):
        problem = f"it is not partitioned by {date_column}, so every commit of a backfill is billed"
        return (f"{problem} for all of it; copy it into a partitioned table",)
    if partitioning.unit in ("MONTH", "YEAR"):
        unit = partitioning.unit.lower()
        return (f"it is partitioned by {unit}: each commit is billed for whole {unit}s",)
    return ()
