"""Dropping the legacy fields from a table, once nothing reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from google.api_core.exceptions import NotFound

from fsq.contract import Contract
from fsq.errors import InputError
from fsq.intake.formats import detect_form
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.jobs import run_aggregate, run_query
from fsq.stores.bigquery.migrate import get_table
from fsq.stores.bigquery.names import EVERY_DATE, TableName, quote_column
from fsq.stores.bigquery.partitions import Partitioning
from fsq.stores.bigquery.references import find_in_text, find_references
from fsq.stores.bigquery.row_policies import list_row_policies
from fsq.stores.migration import LegacyDropResult, LegacyReference, table_not_found

_SNAPSHOT_LIFETIME = timedelta(days=90)
_LOSSES = (
    "their values; only a snapshot, or time travel for up to a week, brings them back",
    "for good: legacy SQL, wildcard queries, BI Engine and `bq cp` on this table; BigQuery refuses "
    "them once a column has been dropped",
)


def drop_legacy(
    uri: str,
    consumers: Sequence[str],
    contract: Contract,
    *,
    yes: bool,
    input_too: bool,
    snapshot: bool,
) -> LegacyDropResult:
    """Drop the legacy fields; see ``fsq.stores.drop_legacy``."""
    fields = contract.output.legacy
    name, known = TableName.parse(uri), find_references(consumers, fields)
    with open_clients(name.project, name.location, name.options) as clients:
        client = clients.tables
        try:
            table = get_table(client, name, uri)
        except NotFound:
            raise table_not_found(uri) from None
        columns = {f.name.lower() for f in table.schema}
        present = tuple(f for f in fields if f in columns)
        if not present:
            return LegacyDropResult(uri)
        references = [*known.references]
        for view in known.tables:
            references += _search_consumer(client, view, fields)
        references += _search_dataset(client, name, fields)
        if "feature_sources" in present and not input_too:
            references += _search_table(client, name, table, contract)
        references += _search_policies(client, name)
        if references or not yes:
            distinct = tuple(dict.fromkeys(references))
            return LegacyDropResult(uri, present, distinct, losses=_LOSSES)
        copy = _take_snapshot(client, name) if snapshot else None
        run_query(client, format_drop(name, present))
        return LegacyDropResult(uri, present, dropped=True, losses=_LOSSES, snapshot=copy)


def format_drop(name: TableName, fields: Sequence[str]) -> str:
    """The one statement that drops all of these columns, or none; it can be repeated.

    >>> print(format_drop(TableName("p", "d", "t"), ["a", "b"]))
    ALTER TABLE `p.d.t`
      DROP COLUMN IF EXISTS `a`,
      DROP COLUMN IF EXISTS `b`
    """
    drops = ",\n".join(f"  DROP COLUMN IF EXISTS {quote_column(f)}" for f in fields)
    return f"ALTER TABLE {name.sql}\n{drops}"


def _take_snapshot(client: Any, name: TableName) -> str:
    """Take a snapshot of the table, which costs nothing until the table changes; its name."""
    now = datetime.now(UTC)
    copy = name.beside(f"snapshot_{now:%Y%m%d_%H%M%S}")
    expires = (now + _SNAPSHOT_LIFETIME).isoformat(sep=" ", timespec="seconds")
    run_query(
        client,
        f"CREATE SNAPSHOT TABLE {copy.sql} CLONE {name.sql} "
        f"OPTIONS (expiration_timestamp = TIMESTAMP '{expires}')",
    )
    return copy.dotted


def _search_policies(client: Any, name: TableName) -> Iterator[LegacyReference]:
    """Row access policies, under which the service drops no column."""
    where = f"table {name.dataset}.{name.table}"
    for policy, predicate in list_row_policies(client, name).items():
        problem = (
            f"has the row access policy {policy} ({predicate}); drop it, and recreate it afterwards"
        )
        yield LegacyReference(where, None, None, problem)


def _search_dataset(
    client: Any, name: TableName, fields: Sequence[str]
) -> Iterator[LegacyReference]:
    """Search the dataset's views, materialized views and routines."""
    for view, sql in _get_views(client, name).items():
        yield from _search_sql(f"view {name.dataset}.{view}", sql, fields)
    dataset = f"{name.project}.{name.dataset}"
    for item in client.list_tables(dataset):
        if item.table_type == "MATERIALIZED_VIEW":
            sql = client.get_table(item.reference).mview_query
            yield from _search_sql(f"view {name.dataset}.{item.table_id}", sql, fields)
    for item in client.list_routines(dataset):
        routine = client.get_routine(item.reference)
        where = f"routine {name.dataset}.{routine.reference.routine_id}"
        yield from find_in_text(routine.body or "", where, fields)  # a remote function has no body


def _get_views(client: Any, name: TableName) -> dict[str, str | None]:
    """The SQL of the dataset's plain views by name."""
    dataset = f"`{name.project}.{name.dataset}`"
    sql = f"SELECT table_name, view_definition FROM {dataset}.INFORMATION_SCHEMA.VIEWS"
    # The statement names no table from which the service could tell the location.
    location = name.location or client.get_dataset(f"{name.project}.{name.dataset}").location
    return dict(row.values() for row in run_query(client, sql, location=location))


def _search_consumer(client: Any, name: TableName, fields: Sequence[str]) -> list[LegacyReference]:
    """Search a view named as a consumer; a table may be a copy that has the fields."""
    try:
        found = client.get_table(name.dotted)
    except NotFound:
        problem = f"there is no view {name.dotted}; correct it, or leave it out"
        raise InputError([problem], "the list of consumers cannot be used") from None
    where = f"view {name.dotted}"
    if found.table_type == "VIEW":
        return _search_sql(where, _get_views(client, name).get(name.table), fields)
    if found.table_type == "MATERIALIZED_VIEW":
        return _search_sql(where, found.mview_query, fields)
    names = "\n".join(f.name for f in found.schema)
    return find_in_text(names, f"table {name.dotted}", fields)


def _search_sql(where: str, sql: str | None, fields: Sequence[str]) -> list[LegacyReference]:
    if not sql:
        problem = "you cannot see its SQL, so it may name them"
        return [LegacyReference(where, None, None, problem)]
    return find_in_text(sql, where, fields)


def _search_table(
    client: Any, name: TableName, table: Any, contract: Contract
) -> Iterator[LegacyReference]:
    """Reasons why the table itself still needs its sources."""
    columns, partitioning = {f.name.lower() for f in table.schema}, Partitioning.of(table)
    where, field = f"table {name.dataset}.{name.table}", "feature_sources"
    if detect_form(columns, contract) == "legacy":
        problem = "scoring its arrays needs feature_sources; --input-too drops it anyway"
        yield LegacyReference(where, None, field, problem)
    if "feature_quality_detail" not in columns:
        yield LegacyReference(where, None, field, "none of its rows is scored yet")
        return
    day = contract.table.date
    every = [f"{quote_column(day)} {EVERY_DATE}", *partitioning.conditions(day)]
    sql = f"""
    SELECT COUNT(*) FROM {name.sql}
    WHERE {" AND ".join(every)}
      AND IFNULL(ARRAY_LENGTH(feature_quality_detail), 0) = 0
    """
    found = run_aggregate(client, sql)
    if found[0]:
        yield LegacyReference(where, None, field, f"rows not scored yet: {found[0]:,}")
