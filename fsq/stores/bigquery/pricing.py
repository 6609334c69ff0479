"""What BigQuery bills: logical bytes by type, and the cost of a run and of a year."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from fsq.contract import Contract
from fsq.schema.arrow import plain_type, to_arrow
from fsq.stores.bigquery.row_size import TEXT_OVERHEAD, estimate_row_size
from fsq.stores.costs import CostEstimate, CostItem, Price, Workload
from fsq.utils.frames import read_batches

# Rows that are counted at once.
_BATCH_ROWS = 8_000
MIB, GIB, TIB = (2**n for n in (20, 30, 40))
# BigQuery's documented logical sizes; NULL takes none, a struct is the sum of its fields.
_SIZES: tuple[tuple[Callable[[pa.DataType], bool], int], ...] = (
    (pa.types.is_integer, 8),
    (pa.types.is_floating, 8),
    (pa.types.is_boolean, 1),
    (pa.types.is_date, 8),
    (pa.types.is_time, 8),
    (pa.types.is_timestamp, 8),
    (pa.types.is_decimal128, 16),
    (pa.types.is_decimal256, 32),
    (pa.types.is_null, 0),
)


def count_logical_bytes(rows: pl.DataFrame | pl.LazyFrame | pa.Table) -> dict[str, int]:
    """Count the logical bytes of each column, as BigQuery bills storage, reads and queries.

    Args:
        rows: any columns, also nested ones; a LazyFrame is read in batches.

    Returns:
        Bytes by column name, over all rows.

    Raises:
        TypeError: a column's type has no size in BigQuery.
        StoreError: the rows changed while they were read.

    >>> count_logical_bytes(pl.DataFrame({"n": [1, None], "words": [["é"], []]}))
    {'n': 8, 'words': 4}
    """
    if isinstance(rows, pl.LazyFrame):
        total = Counter(dict.fromkeys(rows.collect_schema(), 0))
        for batch in read_batches(rows, _BATCH_ROWS):
            total.update(count_logical_bytes(batch))
        return dict(total)
    table = to_arrow(rows) if isinstance(rows, pl.DataFrame) else rows
    return {
        name: sum(_count_bytes(chunk) for chunk in column.chunks)
        for name, column in zip(table.column_names, table.columns, strict=True)
    }


def _count_bytes(array: pa.Array) -> int:
    kind, count = array.type, len(array) - int(array.null_count)
    if pa.types.is_dictionary(kind):
        # Cast the few values first: take() does not work on views.
        values = array.dictionary.cast(plain_type(kind.value_type))
        return _count_bytes(values.take(array.indices))
    for matches, size in _SIZES:
        if matches(kind):
            return size * count
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return _count_bytes(array.cast(pa.large_binary()))
    if pa.types.is_struct(kind):
        return sum(_count_bytes(field) for field in array.flatten())
    try:
        if pa.types.is_nested(kind):
            return _count_bytes(array.flatten())
        return TEXT_OVERHEAD * count + int(pc.sum(pc.binary_length(array)).as_py() or 0)
    except pa.ArrowNotImplementedError:
        raise TypeError(f"{kind} has no size in BigQuery") from None


PRICED = "public list prices of the US multi-region as of 2025, without tax or discount"
PRICES = {
    "read": Price(1.10, TIB, 0, "Storage Read API"),
    "write": Price(0.025, GIB, 2 * TIB, "Storage Write API, 2 TiB a month of which are free"),
    "query": Price(6.25, TIB, TIB, "on-demand queries, 1 TiB a month of which is free"),
    "active": Price(0.02, GIB, 0, "active logical storage, a month"),
    "long_term": Price(0.01, GIB, 0, "logical storage unchanged for 90 days, a month"),
}
# Each query is billed for at least this much of each table that it names.
MINIMUM_BILLED = 10 * MIB
ASSUMPTIONS = (
    PRICED,
    "logical bytes by type: INT64, FLOAT64, DATE, TIMESTAMP 8; BOOL 1; STRING 2 and its UTF-8; "
    "NULL 0",
    "a MERGE is billed for its staging table and for all columns of the partitions it touches",
    "after each write rows are counted in the table, so its arrays are read twice more",
    "every query is billed for at least 10 MiB of each table that it names: two to count, two to "
    "merge and one to write the ledger in each commit, and two to read the ledger in each run",
    "storage excludes the 10 GiB a month that are free, and staging tables, which live for minutes",
)


def estimate(
    rows: int,
    contract: Contract,
    *,
    columns: Collection[str] | None = None,
    read: int = 0,
    carried: int = 0,
    replaced: int = 0,
    commits: int = 1,
    rows_a_day: int = 200,
    days: int = 365,
) -> CostEstimate:
    """Estimate what a backfill of this many rows would move and cost, before any is scored.

    Args:
        rows: number of rows to score.
        contract: the contract to score them with.
        columns: the input's columns, which decide what lineage is stored; None for all of it.
        read: logical bytes read from BigQuery; 0 for other sources.
        carried: logical bytes of the columns that are copied unchanged; 0 in place.
        replaced: logical bytes of the target's partitions that the rows belong to.
        commits: number of transactions.
        rows_a_day: rows per day, for the cost of a year.
        days: days with rows, for the cost of a year; 365 is more than any season has.

    >>> from fsq.contract import load_contract
    >>> costs = estimate(200, load_contract())
    >>> [i.name for i in costs.items], costs.year_usd < 0.20
    (['read', 'write', 'merge', 'count'], True)
    """
    size = estimate_row_size(contract, columns)
    per_row = size.total + (carried / rows if rows else 0)
    written, arrays = round(rows * per_row), rows * size.arrays
    commits = max(commits, 1) if rows else 0
    counted = _bill_queries(commits, arrays, arrays, 0) + _bill_queries(1, 0, 0)
    items = (
        _make_item("read", "read", read, read),
        _make_item("write", "write", written, written),
        _make_item("merge", "query", written + replaced, _bill_queries(commits, written, replaced)),
        _make_item("count", "query", 2 * arrays, counted),
    )
    return CostEstimate(
        "BigQuery", rows, commits, round(per_row), items, rows_a_day, days, PRICES, ASSUMPTIONS
    )


def estimate_backfill(
    workload: Workload, billed_bytes: int, *, billed_source: bool
) -> CostEstimate:
    """Estimate what a backfill would move and cost; this reads the source once.

    Args:
        workload: what it would read and write.
        billed_bytes: logical bytes of the target's partitions that the rows belong to.
        billed_source: the source is a BigQuery table too, so reading it is billed.

    Raises:
        TypeError: a column's type has no size in BigQuery.
        StoreError: the rows changed while they were read.
    """
    sizes = count_logical_bytes(workload.rows)
    return estimate(
        workload.count,
        workload.contract,
        columns=sizes,
        read=sum(sizes.values()) if billed_source else 0,
        carried=sum(sizes[c] for c in workload.carried),
        replaced=billed_bytes,
        commits=workload.commits,
    )


def _make_item(name: str, price: str, size: int, billed: int) -> CostItem:
    return CostItem(name, price, size, billed, PRICES[price].of(billed))


def _bill_queries(times: int, *tables: int) -> int:
    """Bytes billed for this many queries of tables, given the total size of each."""
    return sum(max(size, times * MINIMUM_BILLED) for size in tables)
