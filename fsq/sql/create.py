"""Creates the views in BigQuery. Importing it loads Google's client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.api_core.exceptions import NotFound

from fsq.contract import Contract
from fsq.errors import InputError
from fsq.profile import Profile
from fsq.sql.profile import CANARY, PROFILE_QUERIES, make_canary_query
from fsq.sql.queries import make_view, make_view_name, wrap_view
from fsq.stores.bigquery.columns import table_schema
from fsq.stores.bigquery.jobs import run_query
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.partitions import Partitioning

_HEADLINE = "the views cannot be created"


def create(
    client: Any,
    table: TableName,
    contract: Contract,
    names: Sequence[str],
    profile: Profile | None = None,
) -> list[TableName]:
    """See ``fsq.sql.create_views``."""
    views = check_names(client, table, names)
    output, group = contract.output, contract.table.group
    found = client.get_table(table.dotted)
    columns = {f.name.lower() for f in found.schema}
    needed = (c for c in (*contract.table.key, *output.names) if c not in output.legacy)
    if missing := sorted(c for c in needed if c.lower() not in columns):
        cure = "run fsq schema migrate first"
        raise InputError([f"{table.dotted} has no column {c}; {cure}" for c in missing], _HEADLINE)
    has_group = group is not None and group.lower() in columns
    by, statements = Partitioning.of(found), []
    for name in names:
        if name == CANARY and profile is not None:
            schema = table_schema(found.schema)
            query = make_canary_query(
                profile, table, contract, schema, group=has_group, partitioning=by
            )
            statements.append(wrap_view(name, table, PROFILE_QUERIES[name], query))
        else:
            statements.append(make_view(name, table, contract, group=has_group, partitioning=by))
    for statement in statements:
        run_query(client, statement)
    return views


def check_names(client: Any, table: TableName, names: Sequence[str]) -> list[TableName]:
    """Return the views' names, unless something else has one of them.

    Raises:
        InputError: names are taken by something that is not a view; all are listed.
    """
    views = [make_view_name(n, table) for n in names]
    types = [_table_type(client, view) for view in views]
    problems = [
        f"{view.dotted} is a {table_type}, not a view; rename or drop it"
        for view, table_type in zip(views, types, strict=True)
        if table_type not in (None, "VIEW")
    ]
    if problems:
        raise InputError(problems, _HEADLINE)
    return views


def _table_type(client: Any, view: TableName) -> str | None:
    try:
        return str(client.get_table(view.dotted).table_type)
    except NotFound:
        return None
