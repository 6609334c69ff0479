"""The output's schema as SQL for BigQuery; needs none of Google's clients."""

from __future__ import annotations

import json
from collections.abc import Iterable

from fsq.schema.bigquery import Field, field_for_column, output_fields, sql_type
from fsq.schema.output import OutputSchema
from fsq.stores.bigquery.names import TableName, quote_column
from fsq.stores.schema_diff import SchemaDiff

_MOST_CLUSTERS = 4  # that BigQuery allows


def create_table(
    name: TableName,
    output: OutputSchema,
    description: str | None = None,
    *,
    partition_days: int | None = None,
    require_filter: bool = False,
) -> str:
    """The statement that creates a table of the keys and the quality columns.

    Args:
        name: the table.
        output: the columns of its rows.
        description: of the table.
        partition_days: days after which BigQuery deletes a date; None to keep it.
        require_filter: whoever queries the table must restrict its dates.

    >>> from fsq.contract import load_contract
    >>> output = load_contract("v2_33features").output
    >>> print(create_table(TableName.parse("p.d.t"), output).splitlines()[0])
    CREATE TABLE `p.d.t` (
    """
    clusters = ", ".join(map(quote_column, choose_clusters(output)))
    lines = [
        f"CREATE TABLE {name.sql} (",
        _format_fields(output_fields(output)),
        ")",
        f"PARTITION BY {quote_column(output.date)}",
        f"CLUSTER BY {clusters}",
    ]
    options = {} if description is None else {"description": quote_text(description)}
    if partition_days is not None:
        options["partition_expiration_days"] = str(partition_days)
    if require_filter:
        options["require_partition_filter"] = "TRUE"
    if options:
        lines.append(f"OPTIONS({', '.join(f'{k}={v}' for k, v in options.items())})")
    return "\n".join(lines) + ";"


def choose_clusters(output: OutputSchema) -> list[str]:
    """The columns that a new table is clustered by: its first keys, of which there may be four.

    >>> from fsq.contract import load_contract
    >>> output = load_contract("v2_33features").output
    >>> choose_clusters(output) == [*output.entity_keys]
    True
    """
    return [*output.entity_keys[:_MOST_CLUSTERS]]


def alter_table(name: TableName, output: OutputSchema, plan: SchemaDiff | None = None) -> str:
    """The statements that add what a table lacks, as far as SQL can.

    One statement adds all columns, since a table allows only five such statements per ten
    seconds. SQL cannot add a sub-field to an existing column; ``fsq schema migrate`` can.

    Args:
        name: the table.
        output: the columns that it is to have.
        plan: what it lacks; None if unknown: existing columns are then skipped.

    >>> from fsq.contract import load_contract
    >>> output = load_contract("v2_33features").output
    >>> print(alter_table(TableName.parse("p.d.t"), output).splitlines()[-3][:50])
      ADD COLUMN IF NOT EXISTS `feature_sources` STRIN
    """
    if plan is None:
        added, described, deep = [field_for_column(c) for c in output.columns], [], []
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
    return f"OPTIONS(description={quote_text(description)})"


def quote_text(text: str) -> str:
    r"""A text as a SQL literal.

    >>> print(quote_text('the "best" table'))
    "the \"best\" table"
    """
    # BigQuery's double-quoted literals are escaped like JSON.
    return json.dumps(text, ensure_ascii=False)
