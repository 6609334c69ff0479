"""Migrations of Delta tables: missing columns are added in one commit that rewrites no row."""

from __future__ import annotations

import pyarrow as pa
from deltalake import Field
from deltalake.exceptions import CommitFailedError, DeltaError

from fsq.errors import StoreError
from fsq.schema.arrow import plain_type
from fsq.schema.bigquery import field_for_arrow
from fsq.schema.output import OutputSchema
from fsq.stores.attempts import ATTEMPTS
from fsq.stores.delta.location import locate
from fsq.stores.delta.protocol import require_writable
from fsq.stores.delta.table import LakeTable
from fsq.stores.delta.write import create_table
from fsq.stores.migration import (
    Migration,
    require_compatible,
    schema_conflict,
    table_not_found,
)
from fsq.stores.read_errors import first_line
from fsq.stores.schema_diff import SchemaDiff, diff_schema


def migrate(path: str, output: OutputSchema, *, dry_run: bool, create: bool) -> Migration:
    """Migrate a table; see ``fsq.stores.migrate``."""
    for _ in range(ATTEMPTS):
        try:
            return _try_to_migrate(path, output, dry_run=dry_run, create=create)
        except CommitFailedError:
            continue  # another writer committed first: look again
        except (DeltaError, OSError) as error:
            raise StoreError(f"{path} cannot be changed: {first_line(error)}") from error
    raise schema_conflict(path)


def _try_to_migrate(path: str, output: OutputSchema, *, dry_run: bool, create: bool) -> Migration:
    place = locate(path)
    if not dry_run:
        place.require_atomic_writes()
    if not place.is_table():
        if not create:
            raise table_not_found(path)
        if not dry_run:
            create_table(path, output.table)
        added = diff_schema([], output).added
        return Migration(path, created=True, added=added, dry_run=dry_run)
    table = LakeTable(path)
    require_writable(table.full_protocol(), path)
    existing = pa.schema(table.schema())
    plan = require_compatible(_diff_table(existing, output), path)
    if plan.added and not dry_run:
        table.alter.add_columns(
            [Field.from_arrow(f) for f in _fields_to_add(existing, plan, output.table)]
        )
    return Migration(path, added=plan.added, dry_run=dry_run)


def _diff_table(existing: pa.Schema, output: OutputSchema) -> SchemaDiff:
    """What the table lacks; descriptions are not kept in Delta tables, so none is missing."""
    fields = []
    for field in existing:
        try:
            fields.append(field_for_arrow(pa.field(field.name, plain_type(field.type)), "-"))
        except KeyError:  # a type that no output column has
            fields.append({"name": field.name, "type": str(field.type), "description": "-"})
    return diff_schema(fields, output)


def _fields_to_add(existing: pa.Schema, plan: SchemaDiff, wanted: pa.Schema) -> list[pa.Field]:
    """The missing columns, and columns that lack sub-fields with these appended."""
    tops = dict.fromkeys(c.path.partition(".")[0] for c in plan.added)
    out = []
    for name in tops:
        field = wanted.field(name)
        if name in existing.names:
            inner = existing.field(name).type.value_type
            names = {f.name for f in inner}
            missing = [f for f in field.type.value_type if f.name not in names]
            field = pa.field(name, pa.list_(pa.field("element", pa.struct([*inner, *missing]))))
        out.append(field)
    return out
