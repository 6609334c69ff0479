"""Patches that let bqemulator 1.4.0 hold nested rows; one function per fault.

``tests/emulator/test_patches.py`` shows each fault without its patch. If a release fixes a fault,
the test fails, and the patch can go.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb_extension_spatial
import pyarrow as pa
import sqlglot
from bqemulator.api.routes import tabledata
from bqemulator.catalog import ddl_sync
from bqemulator.catalog.duckdb_repository import DuckDBCatalogRepository
from bqemulator.catalog.memory_repository import MemoryCatalogRepository
from bqemulator.grpc_api import read_servicer, write_servicer
from bqemulator.jobs import executor
from bqemulator.scripting import interpreter
from bqemulator.storage.engine import DuckDBEngine
from bqemulator.storage.sql_identifiers import quoted_table_ref
from bqemulator.storage.type_map import bq_schema_to_duckdb_columns
from google.cloud.bigquery_storage_v1 import types
from sqlglot import exp


def load_spatial() -> None:
    """Load the extension from its package, without a download or files in the home folder."""
    package = Path(duckdb_extension_spatial.__file__).parent
    file = next(package.rglob("spatial.duckdb_extension"))

    def load(self: DuckDBEngine) -> None:
        self.connection.execute(f"LOAD '{file}'")

    DuckDBEngine._load_spatial = load


def keep_struct_fields() -> None:
    """Keep the fields of structs in appended Arrow rows."""

    def schema(table: Any) -> Any:
        return tabledata._build_arrow_schema(
            tabledata._fields_raw_from_schema(table.schema_.fields)
        )

    write_servicer._table_arrow_schema = schema


def describe_structs() -> None:
    """Describe structs with their fields in ``WriteStream.table_schema``."""
    struct = int(types.TableFieldSchema.Type.STRUCT)

    def field(f: Any) -> Any:
        nested = f.type.upper() in ("RECORD", "STRUCT")
        return types.TableFieldSchema(
            name=f.name,
            type_=struct if nested else write_servicer._bq_type_to_storage_type(f.type),
            mode=write_servicer._bq_mode_to_storage_mode(f.mode),
            fields=[field(inner) for inner in f.fields],
        )

    def schema(table: Any) -> Any:
        return types.TableSchema(fields=[field(f) for f in table.schema_.fields])

    write_servicer._table_meta_to_proto_schema = schema


def split_large_answers() -> None:
    """Split answers to reads so that each stays below gRPC's limit."""
    original = read_servicer.get_stream_data

    def data(session_name: str, stream_name: str) -> Any:
        table = original(session_name, stream_name)
        return table and pa.Table.from_batches(
            [piece for batch in table.to_batches() for piece in _split_below(batch, 4_000_000)],
            table.schema,
        )

    read_servicer.get_stream_data = data


def _split_below(batch: Any, limit: int) -> list[Any]:
    if batch.num_rows < 2 or pa.ipc.get_record_batch_size(batch) <= limit:
        return [batch]
    half = batch.num_rows // 2
    return [*_split_below(batch.slice(0, half), limit), *_split_below(batch.slice(half), limit)]


def keep_table_metadata() -> None:
    """Keep an existing table's metadata on ``CREATE TABLE IF NOT EXISTS``."""
    original = ddl_sync.sync_created_table

    def sync(bq_sql: str, project_id: str, ctx: Any) -> None:
        tree = _parse(bq_sql)
        if isinstance(tree, exp.Create) and tree.args.get("exists"):
            target = ddl_sync._detect_plain_create_table(bq_sql)
            names = target and ddl_sync._split_target(target, project_id)
            if names and ctx.catalog.get_table(*names) is not None:
                return
        original(bq_sql, project_id, ctx)

    executor.sync_created_table = interpreter.sync_created_table = sync


def apply_sql_changes() -> None:
    """Apply ``ALTER TABLE … ADD|DROP COLUMN`` to the catalog, and keep descriptions."""
    original = executor.sync_created_schema

    def sync(bq_sql: str, project_id: str, ctx: Any) -> None:
        original(bq_sql, project_id, ctx)
        tree = _parse(bq_sql)
        if not isinstance(tree, exp.Alter):
            return
        names = ddl_sync._split_target(tree.this, project_id)
        known = ctx.catalog.get_table(*names)
        if known is None:
            return
        old = {f.name: f for f in known.schema_.fields}
        fields = [old.get(f.name, f) for f in ddl_sync._introspect_schema(*names, ctx).fields]
        schema = known.schema_.model_copy(update={"fields": tuple(fields)})
        ctx.catalog.update_table(known.model_copy(update={"schema_": schema}))

    executor.sync_created_schema = interpreter.sync_created_schema = sync


def apply_patch_changes() -> None:
    """Apply new columns and sub-fields of ``tables.patch`` to the stored table."""
    for repository in (DuckDBCatalogRepository, MemoryCatalogRepository):
        _patch_repository(repository)


def _patch_repository(repository: Any) -> None:
    original = repository.update_table

    def update(self: Any, table: Any) -> Any:
        names = (table.project_id, table.dataset_id, table.table_id)
        known = self.get_table(*names)
        if known is not None and self._engine is not None and table.table_type == "TABLE":
            old = {f.name: f for f in known.schema_.fields}
            for f in table.schema_.fields:
                if f != old.get(f.name):
                    _alter_column(self._engine, quoted_table_ref(*names), f)
        return original(self, table)

    repository.update_table = update


def _alter_column(engine: Any, target: str, field: Any) -> None:
    (raw,) = tabledata._fields_raw_from_schema([field])
    ((name, kind),) = bq_schema_to_duckdb_columns([raw])
    stored = {r[1]: r[2] for r in engine.execute(f"PRAGMA table_info('{target}')").fetchall()}
    if name not in stored:
        engine.execute(f'ALTER TABLE {target} ADD COLUMN "{name}" {kind}')
    elif raw["type"] in ("RECORD", "STRUCT"):
        engine.execute(f'ALTER TABLE {target} ALTER COLUMN "{name}" TYPE {kind}')


def _parse(bq_sql: str) -> Any:
    try:
        return sqlglot.parse_one(bq_sql, read="bigquery")
    except sqlglot.errors.SqlglotError:
        return None


PATCHES = (
    keep_struct_fields,
    describe_structs,
    split_large_answers,
    keep_table_metadata,
    apply_sql_changes,
    apply_patch_changes,
)
