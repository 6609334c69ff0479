"""Which kinds of tables can be read and written, and what to do with the others."""

from __future__ import annotations

from typing import Any

from fsq.errors import InputError
from fsq.schema.bigquery import standard_type
from fsq.stores.bigquery.names import TableName, quote_column

# The Storage Read API refuses these.
_KINDS = {"VIEW": "a view", "MATERIALIZED_VIEW": "a materialized view", "EXTERNAL": "external"}


def require_readable(table: Any, name: TableName, date_column: str | None = None) -> None:
    """Refuse what the Storage Read API cannot read, and give the statement that copies it.

    Args:
        table: as Google's client returns it.
        name: its name.
        date_column: what the new table is partitioned by, where it is a date.

    Raises:
        InputError: it is a view, a materialized view or an external table.
    """
    kind = _KINDS.get(table.table_type)
    if kind is None:
        return
    copy = TableName(name.project, name.dataset, f"{name.table}_table", name.location)
    dates = {f.name for f in table.schema if standard_type(f.field_type) == "DATE"}
    by = (
        f"PARTITION BY {quote_column(date_column)} " if date_column and date_column in dates else ""
    )
    statement = f"CREATE TABLE {copy.sql} {by}AS SELECT * FROM {name.sql};"
    problem = f"{name.dotted} is {kind}, which the Storage Read API refuses"
    cure = f"create a table from it and read that:\n  {statement}"
    raise InputError([f"{problem}; {cure}"], "it cannot be read")


def require_writable(table: Any, name: TableName) -> None:
    """Refuse what rows cannot be written to.

    Raises:
        InputError: it is not a plain table.
    """
    if table.table_type != "TABLE":
        problem = f"{name.dotted} has the type {table.table_type}; name the table itself"
        raise InputError([problem], "rows cannot be written to it")
