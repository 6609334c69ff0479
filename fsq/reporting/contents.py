"""What a page shows: rows are read, diagnosed and counted once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, cast

import polars as pl

from fsq.checking import CheckOptions
from fsq.checking.freshness import find_overdue, measure_age
from fsq.checking.result import add_finding
from fsq.contract import Contract
from fsq.diagnosis import Diagnosis
from fsq.diagnosis.diagnose import (
    diagnose_context,
    list_detail_fields,
    make_context,
    name_places,
)
from fsq.diagnosis.scored_columns import require_columns
from fsq.diagnosis.stored_profile import load_usable_profile
from fsq.diagnosis.trend import LOOKBACK, make_trend
from fsq.errors import StoreError
from fsq.incidents import Incident, read_incidents
from fsq.incidents.ledger import exclude_dates, select_accepted
from fsq.reporting.headline import HEADLINE
from fsq.reporting.records import find_worst_records
from fsq.schema.tables import AnyRows, is_stored, read_rows
from fsq.stores import Store
from fsq.training.readiness import Readiness, ReadyCounter
from fsq.utils.dates import move_date
from fsq.utils.frames import filter_dates


@dataclass(frozen=True)
class Contents:
    """What a page shows.

    Attributes:
        dx: the diagnosis of its dates, and of the age of the store.
        days: their trend.
        readiness: how many records are ready to train.
        records: the worst ones; see ``find_worst_records``.
        scored_at: when the first and the last row were scored.
        uri: the store, or words for rows in memory.
        now: the clock, UTC.
        incidents: of the store's ledger.
        is_open: whether there are no later dates than these, so that newer ones are awaited.
        max_age: how long ago the newest date may have ended; None if nobody said.
    """

    dx: Diagnosis
    days: pl.DataFrame
    readiness: Readiness
    records: list[dict[str, Any]]
    scored_at: tuple[datetime | None, datetime | None]
    uri: str
    now: datetime
    incidents: list[Incident]
    is_open: bool = True
    max_age: timedelta | None = None


def read_contents(
    scored: AnyRows,
    contract: Contract,
    start: date | None = None,
    end: date | None = None,
    now: datetime | None = None,
    max_age: timedelta | None = None,
) -> Contents:
    """Read and diagnose what a page shows.

    Args:
        scored: the rows, in a store or as a table of any library.
        contract: the contract that the rows were scored under.
        start: first date; None for the store's first.
        end: last date, included; None for the store's last.
        now: the clock; the current time by default.
        max_age: how long ago the newest date of a store may have ended.

    Raises:
        StoreError: the rows cannot be read, or there are none of these dates.
        InputError: the rows were scored under another contract, or are not scored.
    """
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    # So many earlier dates tell what is usual, as for a check without a profile.
    back = max(LOOKBACK, contract.diagnosis.learning_dates)
    first = None if start is None else move_date(start, -back)
    day, uri, store = pl.col(contract.table.date), "rows in memory", None
    if is_stored(scored):
        store = cast("Store", scored)
        rows, uri = store.read(first, end, fields=list_detail_fields()), store.uri
        wanted, later = store.read(start, end), _read_later(store.read, end)
    else:
        every = read_rows(scored, "scored", HEADLINE).lazy()
        require_columns(every.collect_schema(), [contract.table.date], HEADLINE)
        rows = filter_dates(every, contract.table.date, first, end)
        wanted = filter_dates(every, contract.table.date, start, end)
        later = _read_later(partial(filter_dates, every, contract.table.date), end)
    counter = ReadyCounter(contract)
    ctx = make_context(rows, contract, others=[counter.reader])
    dates = [d for d in ctx.dates if d is not None and (start is None or d >= start)]
    if not dates:
        raise StoreError(f"{uri} has no rows of these dates; backfill them, or choose others")
    is_open = later is None or later.select(day).head(1).collect().is_empty()
    incidents = [] if store is None else read_incidents(store)
    ctx.profile = None if store is None else load_usable_profile(store)
    known, accepted = exclude_dates(incidents), select_accepted(incidents)
    dx = diagnose_context(ctx, dates, name_places(scored), known, accepted)
    trend = make_trend(ctx.days, contract)
    return Contents(
        _add_age(dx, store if is_open else None, CheckOptions(max_age=max_age, now=now)),
        trend.filter(day >= dates[0]),
        counter.count(dx),
        find_worst_records(wanted, contract, list_settled_dates(dx)),
        _find_moments(wanted),
        uri,
        moment,
        incidents,
        is_open,
        max_age,
    )


def _read_later(
    read: Callable[[date, None], pl.LazyFrame], end: date | None
) -> pl.LazyFrame | None:
    """The rows after the last date that is asked for; None if there can be none."""
    return None if end is None or end == date.max else read(end + timedelta(days=1), None)


def list_settled_dates(dx: Diagnosis) -> list[date]:
    """Dates with a verdict on which windows have filled; on others, low scores are normal."""
    filling = {d for f in dx.findings if f.kind == "season_start" for d in f.dates}
    return [d for d, v in dx.dates.items() if v != "unknown" and d not in filling]


def _add_age(dx: Diagnosis, store: Store | None, options: CheckOptions) -> Diagnosis:
    """Add the finding that nobody filled the store, if that is so."""
    if store is None or options.max_age is None:
        return dx
    newest = max(dx.dates)
    age = measure_age(newest, dx.contract, options.moment)
    overdue = find_overdue(newest, age, options, store)
    return dx if overdue is None else add_finding(dx, overdue)


def _find_moments(scored: pl.LazyFrame) -> tuple[datetime | None, datetime | None]:
    """When the first and the last row were scored."""
    at = pl.col("quality_computed_at")
    first, last = scored.select(at.min().alias("first"), at.max().alias("last")).collect().row(0)
    return first, last
