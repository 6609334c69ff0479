"""What a backfill works on: its source and its store, opened and found to fit together."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import polars as pl

from fsq.backfilling.mixing import require_name
from fsq.backfilling.options import BackfillOptions
from fsq.backfilling.source import (
    Source,
    Target,
    locate,
    name_source,
    scan_rows,
    scan_source,
    source_read_errors,
)
from fsq.contract import Contract
from fsq.errors import InputError, short
from fsq.intake.layout import Layout
from fsq.intake.preparation import find_renames
from fsq.intake.validation import (
    validate_columns,
    validate_input,
)
from fsq.scoring.options import ScoringOptions
from fsq.stores import (
    ColumnFit,
    Store,
    get_backend,
    get_capabilities,
    identify_table,
    open_store,
)
from fsq.utils.frames import filter_dates


@dataclass(frozen=True, slots=True)
class Job:
    """A source and a store, opened; no row has been read.

    Attributes:
        source: URI of the source; for rows in memory, what messages call them.
        rows: rows of the wanted dates, lazily.
        every_date: the same of all dates.
        columns: columns of the source that scoring reads or carries.
        layout: how to read the rows, once only these columns are selected.
        fingerprint_columns: columns whose content decides whether a date has changed.
        store: where to write.
        base_version: when a table is backfilled in place, its version before the rows were read;
            else None.
        scoring: how to score.
        fit: how the rows' columns fit the store's.
    """

    source: str
    rows: pl.LazyFrame
    every_date: pl.LazyFrame
    columns: list[str]
    layout: Layout
    fingerprint_columns: list[str]
    store: Store
    base_version: int | None
    scoring: ScoringOptions
    fit: ColumnFit

    @property
    def date_column(self) -> str:
        """The rows' column of dates."""
        return self.scoring.contract.table.date

    @property
    def empty(self) -> pl.DataFrame:
        """No rows, with the columns that are written, as the store takes them."""
        carried = {c: self.layout.schema[c] for c in self.layout.carried}
        return self.fit.apply(pl.DataFrame(schema=carried | self.scoring.contract.output.polars))


def open_job(source: Source, store: Target, options: BackfillOptions) -> Job:
    """Open the store, and read the schema of the source.

    Args:
        source: a URI, a path or a store, or rows in memory.
        store: a URI, a path or a store.
        options: what to backfill.

    Raises:
        InputError: columns are missing or mistyped, or the source cannot be its own store.
        ContractError: the contract cannot be used.
        StoreError: the store cannot be read, or never be written.
    """
    uri, label = locate(source), locate(source) or "the rows in memory"
    opened = _open_target(store, options, None if uri is None else name_source(uri))
    scoring = options.scoring(opened.contract)
    day = scoring.contract.table.date
    if not options.change_contract:
        require_name(opened, scoring.contract)  # before its columns are missed in the source
    in_place = uri is not None and identify_table(uri) == identify_table(opened.uri)
    # Read before the scan: commits of others in between are then reported, never lost.
    base_version = opened.version() if in_place else None
    with source_read_errors(label):
        every_date = _scan(source, scoring.contract)
        rows = filter_dates(every_date, day, options.start, options.end)
        layout = validate_columns(rows, scoring.contract, scoring.on_unknown)
    if in_place:
        _require_own_store(scan_source(opened.uri), layout)
    # In place, the first run adds these columns to a legacy table: its input is unchanged.
    added = set(scoring.contract.output.legacy[1:]) if in_place else set()
    # In place, some stores update only the quality columns; others write whole rows again.
    updates_columns = in_place and get_capabilities(label).column_updates
    carried = [] if updates_columns else layout.carried
    columns = [*carried, *layout.needed]
    key = scoring.contract.table.key
    stored = {c: layout.schema[c] for c in (*carried, *key) if c in layout.schema}
    fit = get_backend(opened.uri).fit_columns(opened, stored | dict(scoring.contract.output.polars))
    return Job(
        label,
        rows,
        every_date,
        columns,
        layout.select(columns),
        [c for c in columns if c not in added],
        opened,
        base_version,
        scoring,
        fit,
    )


def _open_target(store: Target, options: BackfillOptions, source: str | None) -> Store:
    """The store to write; one that is open keeps its contract."""
    uri = locate(store)
    if uri is None:
        problem = f"store is a {type(store).__name__}; name a folder, a URI or an open store"
        raise InputError([problem], "the backfill cannot start")
    known = None if isinstance(store, str | PathLike) else store.contract
    return open_store(uri, options.contract or known, source)


def _scan(source: Source, contract: Contract) -> pl.LazyFrame:
    """The source's rows, lazily.

    Raises:
        InputError: they have no column of dates.
    """
    uri, day = locate(source), contract.table.date
    rows = scan_rows(source, contract) if uri is None else scan_source(uri, contract)
    if rows.collect_schema().get(day) != pl.Date:
        validate_input(rows, contract, "error")  # raises: dates cannot be compared
    return rows


def _require_own_store(stored: pl.LazyFrame, layout: Layout) -> None:
    """Refuse a table that would lose columns if it were written in place.

    Raises:
        InputError: scoring reads its columns under other names, or it is wide.
    """
    renamed, _ = find_renames(tuple(stored.collect_schema().names()), layout.contract)
    if renamed:
        names = ", ".join(f"{short(old)!r} to {new}" for old, new in list(renamed.items())[:5])
        problem = f"its columns would be written under other names; rename them first: {names}"
        raise InputError([problem], "the table cannot be its own store")
    if layout.form == "wide":
        problem = "a wide table cannot be its own store: its feature columns would be emptied"
        raise InputError([f"{problem}; write to another folder"])
