"""fsq's own tables beside a table: its ledger, origin, runs, side tables and staging."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import bigquery

from fsq.stores.bigquery.ddl import quote_text
from fsq.stores.bigquery.jobs import run_query
from fsq.stores.bigquery.names import TableName, quote_column

log = logging.getLogger("fsq")


def find_own_table(client: Any, target: TableName, suffix: str) -> TableName | None:
    """A table that fsq keeps for another; None if there is none.

    A table under the name of the first release stays in use.
    """
    names = [target.beside(suffix)]
    if target.options.staging is None:
        names.append(target.formerly_beside(suffix))
    for name in names:
        try:
            client.get_table(name.dotted)
        except NotFound:
            continue
        return name
    return None


def ensure_own_table(
    client: Any,
    target: TableName,
    suffix: str,
    fields: Sequence[Any],
    description: str,
    first_row: Sequence[str] | None = None,
) -> TableName:
    """A table that fsq keeps for another; it is created if there is none.

    It never expires by the dataset's default: what it says is needed for as long as the rows.

    Args:
        client: of BigQuery.
        target: the other table.
        suffix: what it is for.
        fields: its columns.
        description: one sentence.
        first_row: SQL of the values of its first row; nobody ever sees the table without it.
    """
    found = find_own_table(client, target, suffix)
    if found is not None:
        return found
    name = target.beside(suffix)
    table = make_own_table(name, fields, client.get_table(target.dotted), suffix)
    table.description = description
    if first_row is None:
        created = client.create_table(table, exists_ok=True)
    else:
        run_query(client, _format_creation(table, name, first_row))
        created = client.get_table(name.dotted)
    if created.expires is not None:
        created.expires = None
        try:
            client.update_table(created, ["expires"])
        except GoogleAPICallError as error:
            log.warning(
                "%s will expire, and you may not change that: %s", name.dotted, error.message
            )
    return name


def make_own_table(
    name: TableName, fields: Sequence[Any], target: Any, purpose: str
) -> bigquery.Table:
    """Describe one of fsq's own tables: labelled, and encrypted like the table that it is for."""
    table = bigquery.Table(name.dotted, schema=[_without_tags(f) for f in fields])
    table.labels = {"tool": "fsq", "fsq_purpose": purpose.partition("_")[0]}
    table.labels |= dict(name.options.labels)
    table.encryption_configuration = target.encryption_configuration
    return table


def _format_creation(table: bigquery.Table, name: TableName, row: Sequence[str]) -> str:
    """The statement that creates a table with one row, if there is none."""
    labels = [f"({quote_text(key)}, {quote_text(value)})" for key, value in table.labels.items()]
    options = [f"description={quote_text(table.description)}", f"labels=[{', '.join(labels)}]"]
    if (encryption := table.encryption_configuration) is not None:
        options.append(f"kms_key_name={quote_text(encryption.kms_key_name)}")
    values = zip(row, table.schema, strict=True)
    selected = ", ".join(f"{value} AS {quote_column(f.name)}" for value, f in values)
    return (
        f"CREATE TABLE IF NOT EXISTS {name.sql} OPTIONS ({', '.join(options)}) AS SELECT {selected}"
    )


def list_tagged(fields: Sequence[Any]) -> list[str]:
    """The columns that have policy tags, or have a field with some."""
    return [f.name for f in fields if f.policy_tags is not None or list_tagged(f.fields)]


def _without_tags(field: Any) -> Any:
    """A field without policy tags: setting them needs a role that few writers have."""
    if not list_tagged([field]):
        return field
    plain = {k: v for k, v in field.to_api_repr().items() if k != "policyTags"}
    if field.fields:
        plain["fields"] = [_without_tags(f).to_api_repr() for f in field.fields]
    return bigquery.SchemaField.from_api_repr(plain)


def warn_of_expiration(table: Any, name: TableName) -> None:
    """Warn that the service will delete a table, or its partitions."""
    partitions = table.time_partitioning and table.time_partitioning.expiration_ms
    if table.expires is not None:
        problem = f"{name.dotted} expires on {table.expires:%Y-%m-%d}, by the dataset's default"
        option = "expiration_timestamp = NULL"
    elif partitions:
        days = round(int(partitions) / 86_400_000)
        problem = f"partitions of {name.dotted} are deleted after {days} days"
        option = "partition_expiration_days = NULL"
    else:
        return
    log.warning("%s; to keep the rows: ALTER TABLE %s SET OPTIONS (%s)", problem, name.sql, option)
