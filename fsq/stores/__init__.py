"""Stores of scored rows: Delta Lake (the embedded default), BigQuery, and your own."""

from fsq.stores.backend import Backend, Capabilities
from fsq.stores.base import (
    BatchWrite,
    DataWriter,
    GroupWrite,
    LedgerEntry,
    Store,
    WriterCommitMessage,
    WriteResult,
    store_not_found,
    table_disappeared,
    write_conflict,
)
from fsq.stores.column_fit import ColumnFit
from fsq.stores.costs import CostEstimate, CostItem, Price, Workload
from fsq.stores.migration import LegacyDropResult, LegacyReference, Migration
from fsq.stores.registry import (
    drop_legacy,
    find_backend,
    find_missing,
    get_backend,
    get_capabilities,
    identify_table,
    is_store,
    migrate,
    open_batch_write,
    open_group_write,
    open_store,
    register_backend,
    unregister_backend,
)
from fsq.stores.schema_diff import SchemaChange, SchemaDiff

__all__ = [
    "Backend",
    "BatchWrite",
    "Capabilities",
    "ColumnFit",
    "CostEstimate",
    "CostItem",
    "DataWriter",
    "GroupWrite",
    "LedgerEntry",
    "LegacyDropResult",
    "LegacyReference",
    "Migration",
    "Price",
    "SchemaChange",
    "SchemaDiff",
    "Store",
    "Workload",
    "WriteResult",
    "WriterCommitMessage",
    "drop_legacy",
    "find_backend",
    "find_missing",
    "get_backend",
    "get_capabilities",
    "identify_table",
    "is_store",
    "migrate",
    "open_batch_write",
    "open_group_write",
    "open_store",
    "register_backend",
    "store_not_found",
    "table_disappeared",
    "unregister_backend",
    "write_conflict",
]
