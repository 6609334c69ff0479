"""Migrations of Delta tables: what an older one lacks, in one commit that moves no row."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, Field, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from fsq.errors import StoreError
from fsq.schema.arrow import TABLE_SCHEMA, plain_type
from fsq.schema.bigquery import field_for_arrow
from fsq.stores.delta.store import CONFIGURATION
from fsq.stores.migration import (
    ATTEMPTS,
    Migration,
    require_compatible,
    schema_conflict,
    table_not_found,
)
from fsq.stores.schema_diff import SchemaDiff, diff_schema


def migrate(path: str, *, dry_run: bool, create: bool) -> Migration:
    """Migrate a table; see ``fsq.stores.migration.migrate``."""
    for _ in range(ATTEMPTS):
        try:
            return _tried(path, dry_run=dry_run, create=create)
        except CommitFailedError:
            continue  # somebody else came first: look again
        except (DeltaError, OSError) as error:
            raise StoreError(f"{path} cannot be changed: {error}") from error
    raise schema_conflict(path)


def _tried(path: str, *, dry_run: bool, create: bool) -> Migration:
    if not (Path(path) / "_delta_log").is_dir() or not DeltaTable.is_deltatable(path):
        if not create:
            raise table_not_found(path)
        if not dry_run:
            write_deltalake(
                path, TABLE_SCHEMA.empty_table(), mode="error", configuration=CONFIGURATION
            )
        return Migration(path, created=True, added=diff_schema([]).added, dry_run=dry_run)
    table = DeltaTable(path)
    have = pa.schema(table.schema())
    plan = require_compatible(_plan(have), path)
    if plan.added and not dry_run:
        table.alter.add_columns([Field.from_arrow(f) for f in _widened(have, plan)])
    return Migration(path, added=plan.added, dry_run=dry_run)


def _plan(have: pa.Schema) -> SchemaDiff:
    """Delta's columns have no descriptions here, so none is missing."""
    stated = []
    for field in have:
        try:
            stated.append(field_for_arrow(pa.field(field.name, plain_type(field.type)), told="-"))
        except KeyError:  # a type that no column of the output has
            stated.append({"name": field.name, "type": str(field.type), "description": "-"})
    return diff_schema(stated)


def _widened(have: pa.Schema, plan: SchemaDiff) -> list[pa.Field]:
    """The columns that are missing, and those that lack sub-fields, with these at their end."""
    tops = dict.fromkeys(c.path.partition(".")[0] for c in plan.added)
    out = []
    for name in tops:
        want = TABLE_SCHEMA.field(name)
        if name in have.names:
            there = have.field(name).type.value_type
            lacking = [f for f in want.type.value_type if f.name not in {t.name for t in there}]
            inner = pa.struct([*there, *lacking])
            want = pa.field(name, pa.list_(pa.field("element", inner)))
        out.append(want)
    return out
