"""The plan of a backfill: which dates of a source to score, and why."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from os import PathLike
from zoneinfo import ZoneInfo

import polars as pl

from fsq.backfilling.mixing import require_contract, require_name
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
    count_unknown_labels,
    validate_columns,
    validate_input,
    validate_rows,
)
from fsq.schema.arrow import Convert, exact_type, plain_type
from fsq.scoring.options import ScoringOptions
from fsq.stores import (
    ColumnFit,
    CostEstimate,
    LedgerEntry,
    Store,
    Workload,
    get_backend,
    get_capabilities,
    identify_table,
    open_store,
)
from fsq.utils.frames import filter_dates

log = logging.getLogger("fsq")


@dataclass(frozen=True, slots=True)
class Step:
    """One date of the plan.

    Attributes:
        day: the date.
        rows: number of its rows in the source.
        reason: why to score it: ``"new"``, ``"changed"``, ``"contract"`` or ``"forced"``; None
            to skip it.
        entry: what the store's ledger is to hold once the date is written.
    """

    day: date
    rows: int
    reason: str | None
    entry: LedgerEntry


@dataclass(frozen=True, slots=True)
class Job:
    """A source and a store, opened; no row has been read.

    Attributes:
        source: URI of the source; for rows in memory, what messages call them.
        rows: rows of the wanted dates, lazily.
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
    def arrow_type(self) -> Convert:
        """Arrow types for the store: those of carried columns, as far as it knows them."""
        return exact_type if get_capabilities(self.store.uri).exact_types else plain_type


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
    if not options.change_contract:
        require_name(opened, scoring.contract)  # before its columns are missed in the source
    in_place = uri is not None and identify_table(uri) == identify_table(opened.uri)
    # Read before the scan: commits of others in between are then reported, never lost.
    base_version = opened.version() if in_place else None
    with source_read_errors(label):
        table = scoring.contract.table
        if uri is None:
            rows = scan_rows(source, scoring.contract)
        else:
            rows = scan_source(uri, scoring.contract)
        if rows.collect_schema().get(table.date) != pl.Date:
            validate_input(rows, scoring.contract, "error")  # raises: dates cannot be compared
        rows = filter_dates(rows, table.date, options.start, options.end)
        layout = validate_columns(rows, scoring.contract, scoring.on_unknown)
    if in_place:
        _require_spelling(scan_source(opened.uri), scoring.contract)
    if in_place and layout.form == "wide":
        problem = "a wide table cannot be its own store: its feature columns would be emptied"
        raise InputError([f"{problem}; write to another folder"])
    # In place, the first run adds these columns to a legacy table: its input is unchanged.
    added = set(scoring.contract.output.legacy[1:]) if in_place else set()
    # In place, some stores update only the quality columns; others write whole rows again.
    updates_columns = in_place and get_capabilities(label).column_updates
    columns = [*(() if updates_columns else layout.carried), *layout.needed]
    carried = [] if updates_columns else layout.carried
    stored = {c: layout.schema[c] for c in (*carried, *table.key) if c in layout.schema}
    fit = get_backend(opened.uri).fit_columns(opened, stored | dict(scoring.contract.output.polars))
    return Job(
        label,
        rows,
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


def _require_spelling(stored: pl.LazyFrame, contract: Contract) -> None:
    """Refuse to write a table in place whose columns scoring reads under other names."""
    renamed, _ = find_renames(tuple(stored.collect_schema().names()), contract)
    if renamed:
        names = ", ".join(f"{short(old)!r} to {new}" for old, new in list(renamed.items())[:5])
        problem = f"its columns would be written under other names; rename them first: {names}"
        raise InputError([problem], "the table cannot be its own store")


def make_plan(
    job: Job, rows: pl.LazyFrame, dates: pl.DataFrame, options: BackfillOptions
) -> list[Step]:
    """Decide for each date whether to score it, and why.

    Args:
        job: the source and the store, whose ledger says what was scored before.
        rows: the source's rows, to name what is wrong with their dates.
        dates: what ``fingerprint_dates`` returns for them.
        options: whether to score every date, and whether contracts may mix.

    Raises:
        InputError: rows have no date, or the store has rows of another contract.
        StoreError: the ledger cannot be read.
    """
    scoring, ledger = job.scoring, job.store.ledger()
    if dates["day"].null_count():
        validate_input(rows, scoring.contract, scoring.on_unknown)
    if not options.change_contract:
        require_contract(job.store, scoring.contract, ledger, set(dates["day"]))
    plan = []
    for day, count, fingerprint in dates.iter_rows():
        entry = LedgerEntry(
            scoring.contract.name,
            scoring.contract.version_hash,
            f"{fingerprint}|{_scoring_text(day, scoring)}",
            count,
        )
        plan.append(Step(day, count, _reason(entry, ledger.get(day), force=options.force), entry))
    return plan


def _reason(entry: LedgerEntry, known: LedgerEntry | None, *, force: bool) -> str | None:
    if force:
        return "forced"
    if known is None:
        return "new"
    if (known.contract, known.version) != (entry.contract, entry.version):
        return "contract"
    return None if known == entry else "changed"


def _scoring_text(day: date, scoring: ScoringOptions) -> str:
    """What the scores of a date depend on beside its rows; until the day is over, the clock too."""
    parts = [scoring.as_of, scoring.run.on(day) if scoring.run else None, scoring.on_unknown]
    zone, after = ZoneInfo(scoring.contract.table.timezone), day + timedelta(days=1)
    midnight = datetime(after.year, after.month, after.day, tzinfo=zone)
    if scoring.as_of is None and scoring.now < midnight:
        parts.append(scoring.now)
    return "|".join(str(p) for p in parts)


def pending_steps(plan: list[Step]) -> list[Step]:
    """The steps of a plan that are to be scored."""
    return [step for step in plan if step.reason is not None]


def validate_steps(job: Job, rows: pl.LazyFrame, steps: list[Step]) -> dict[str, int]:
    """Refuse invalid rows before anything is written.

    Returns:
        Unknown source labels that count as defaults, with their number.

    Raises:
        InputError: rows of these steps are invalid.
    """
    if not steps:
        return {}
    scoring = job.scoring
    chosen = rows.filter(pl.col(scoring.contract.table.date).is_in([step.day for step in steps]))
    with source_read_errors(job.source):
        validate_rows(chosen, job.layout, scoring.on_unknown)
        return count_unknown_labels(chosen, job.layout) if scoring.on_unknown == "default" else {}


def validate_fit(job: Job, rows: pl.LazyFrame, steps: list[Step]) -> None:
    """Refuse rows that the store cannot hold without loss, and tell what is done to their columns.

    Raises:
        InputError: types or values do not fit the store's columns.
        StoreError: the store does not let its rows of these dates go.
    """
    if not steps:
        return
    job.fit.require()
    days = [step.day for step in steps]
    get_backend(job.store.uri).check_dates(job.store, days)
    chosen = rows.filter(pl.col(job.date_column).is_in(days))
    carried = replace(
        job.fit,
        found={c: dtype for c, dtype in job.fit.found.items() if c in job.columns},
        added=tuple(c for c in job.fit.added if c in job.columns),
    )
    with source_read_errors(job.source):
        carried.require(carried.find_losses(chosen))
    for line in carried.describe():
        log.warning("%s", line)


def group_steps(steps: list[Step], chunk_rows: int) -> list[list[Step]]:
    """Group the steps, in order, so that a group has up to ``chunk_rows`` rows or one date."""
    groups: list[list[Step]] = []
    size = chunk_rows
    for step in steps:
        if size + step.rows > chunk_rows:
            groups.append([])
            size = 0
        groups[-1].append(step)
        size += step.rows
    return groups


def estimate_costs(
    job: Job, rows: pl.LazyFrame, steps: list[Step], *, commits: int
) -> CostEstimate | None:
    """Estimate the bytes to move and their price; None for a store that bills no bytes."""
    backend = get_backend(job.store.uri)
    if not backend.capabilities.bills_bytes:
        return None
    count = sum(step.rows for step in steps)
    kept = [c for c in job.layout.carried if c not in job.fit.empty]
    carried = () if job.base_version is not None else kept
    with source_read_errors(job.source):
        workload = Workload(
            job.fit.apply(rows), count, job.scoring.contract, job.source, carried, commits
        )
        return backend.estimate_costs(job.store, workload)
