"""The output's schema as SQL for BigQuery; needs none of Google's clients."""

from __future__ import annotations

import json
from collections.abc import Iterable

from fsq.contract.v2 import COLUMNS
from fsq.schema.bigquery import Field, field_for_column, output_fields, sql_type
from fsq.stores.bigquery.names import TableName, quote_column
from fsq.stores.schema_diff import SchemaDiff


def create_table(name: TableName, description: str | None = None) -> str:
    """The statement that creates a table of the keys and the 44 quality columns.

    >>> print(create_table(TableName.parse("p.d.t")).splitlines()[1])
      `player_lookup` STRING NOT NULL OPTIONS(description="Key: the player"),
    """
    lines = [
        f"CREATE TABLE {name.sql} (",
        _format_fields(output_fields()),
        ")",
        "PARTITION BY `game_date`",
        "CLUSTER BY `player_lookup`",
    ]
    if description is not None:
        lines.append(_format_description(description))
    return "\n".join(lines) + ";"


def alter_table(name: TableName, plan: SchemaDiff | None = None) -> str:
    """The statements that add what a table lacks, as far as SQL can.

    One statement adds all columns, since a table allows only five such statements per ten
    seconds. SQL cannot add a sub-field to an existing column; ``fsq schema migrate`` can.

    Args:
        name: the table.
        plan: what it lacks; None if unknown: existing columns are then skipped.

    >>> print(alter_table(TableName.parse("p.d.t")).splitlines()[-1][:50])
      ADD COLUMN IF NOT EXISTS `matchup_data_status` S
    """
    if plan is None:
        added, described, deep = [field_for_column(c) for c in COLUMNS], [], []
    else:
        names = {c.path for c in plan.added}
        added = [f for f in plan.fields if f["name"] in names]
        described = [c for c in plan.described if "." not in c.path]
        deep = [c.path for c in (*plan.added, *plan.described) if "." in c.path]
    out = []
    if added:
        adds = (f"  ADD COLUMN IF NOT EXISTS {_format_field(f, 2)}" for f in added)
        out.append(f"ALTER TABLE {name.sql}\n" + ",\n".join(adds) + ";")
    for c in described:
        sets = f"ALTER COLUMN {quote_column(c.path)} SET {_format_description(c.description)}"
        out.append(f"ALTER TABLE {name.sql} {sets};")
    if deep:
        out.append("-- SQL cannot add these; `fsq schema migrate` can: " + ", ".join(deep))
    return "\n\n".join(out) or "-- Nothing is missing."


def _format_fields(fields: Iterable[Field], indent: int = 2) -> str:
    return ",\n".join(" " * indent + _format_field(f, indent) for f in fields)


def _format_field(field: Field, indent: int) -> str:
    """The declaration of a column or field, over as many lines as its own fields need."""
    kind = sql_type(field, with_fields=False)
    if "fields" in field:
        inner = f"STRUCT<\n{_format_fields(field['fields'], indent + 2)}\n{' ' * indent}>"
        kind = kind.replace("STRUCT", inner)
    null = " NOT NULL" if field["mode"] == "REQUIRED" else ""
    return f"{quote_column(field['name'])} {kind}{null} {_format_description(field['description'])}"


def _format_description(description: str) -> str:
    # BigQuery's double-quoted literals are escaped like JSON.
    return f"OPTIONS(description={json.dumps(description, ensure_ascii=False)})"
