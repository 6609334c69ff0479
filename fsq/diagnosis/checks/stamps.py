"""Timestamps of upstream records that cannot be right: too late, missing, or shifted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeAlias

import numpy as np
import polars as pl
from pydantic import Field

from fsq.contract import Contract
from fsq.contract.sections import Hours, Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import HISTORY, TIMESTAMPS, Check, Kind, Need, Stage
from fsq.diagnosis.context import Context
from fsq.diagnosis.few_rows import measure_tail
from fsq.diagnosis.findings import Severity
from fsq.diagnosis.long_detail import Condense
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.moments import ROW_AGE, Moments, keep_latest, read_moments
from fsq.profile.rows import Codes, Mask, Matrix


class StampThresholds(Thresholds):
    """Hours and shares by which timestamps may be wrong."""

    late_hours_yellow: Annotated[Hours, Field(gt=0)] = 1.0
    """Hours that a record was updated after its row was computed, or after the row's `as_of`."""
    late_hours_red: Annotated[Hours, Field(gt=0)] = 24.0
    """Hours that it was updated after its row was computed, for red."""
    late_share: Share = 0.02
    """Share of rows with such a record."""
    unstamped_rise: Share = 0.1
    """Rise of the share of values without a timestamp over the earlier dates' median."""
    unstamped_chance: Annotated[float, Field(gt=0, lt=1)] = 1e-6
    """That rise must be less likely than this by chance."""
    stamp_shift_hours: Annotated[Hours, Field(ge=1)] = 2.0
    """Whole hours by which the timestamps of a table may differ from their usual time."""
    stamp_spread_hours: Annotated[Hours, Field(gt=0)] = 0.5
    """Earlier dates whose timestamps lie further apart than this have no usual time."""
    rising = (("late_hours_yellow", "late_hours_red"),)


ROW_MOMENT = Need(
    "`last_updated` timestamps, and when the rows were computed",
    "no last_updated timestamps, or no computed_at",
)
_USUALLY = 0.75  # share of the earlier dates that keep to a time
_WHOLE = 0.05  # hours: three minutes, by which the start of a job varies


def _describe_early(f: Facts) -> Text:
    return Text(
        f"{f.rows} were computed {f.evidence['hours']:g} hours before {_name(f)} {_was(f)} updated",
        f"Such rows cannot hold what {_name(f)} {_say(f)} now: compute them again, after upstream.",
    )


def _describe_future(f: Facts) -> Text:
    return Text(
        f"records of {_name(f)} were updated {f.evidence['hours']:g} hours after the rows' as_of, "
        f"in {f.rows}",
        "Such values were not known then, or the timestamps are wrong: check the clock and the "
        f"time zone of what writes {_name(f)}.",
    )


def _describe_unstamped(f: Facts) -> Text:
    return Text(
        f"{f.table} has values without last_updated in {f.rows}",
        f"Usually {f.usual_share} of its values lack it. Without it nobody knows how old they "
        "are, and old values pass for fresh ones.",
    )


def _describe_shifted(f: Facts) -> Text:
    hours = f.evidence["hours"]
    way = "later" if hours > 0 else "earlier"
    return Text(
        f"the timestamps of {f.table} are {abs(hours):g} whole hours {way} than usual",
        "A shift by whole hours is usually a time zone that was forgotten or applied twice, so the "
        "ages of these values are wrong; or the job ran at another time.",
    )


def _name(f: Facts) -> str:
    tables = f.evidence["tables"]
    return tables[0] if len(tables) == 1 else f"{', '.join(tables[:-1])} and {tables[-1]}"


def _was(f: Facts) -> str:
    return "was" if len(f.evidence["tables"]) == 1 else "were"


def _say(f: Facts) -> str:
    return "says" if len(f.evidence["tables"]) == 1 else "say"


EARLY_ROWS = Kind(
    "row_before_upstream",
    "rows were computed before the upstream records that they name",
    ("red", "yellow"),
    _describe_early,
    (ROW_MOMENT,),
    in_sql=False,
)
FUTURE = Kind(
    "updated_after_as_of",
    "upstream records were updated after the `as_of` of the rows",
    ("yellow",),
    _describe_future,
    (TIMESTAMPS,),
    in_sql=False,
)
UNSTAMPED = Kind(
    "stamps_missing",
    "values have no `last_updated`, though they used to",
    ("yellow",),
    _describe_unstamped,
    (HISTORY,),
    in_sql=False,
)
SHIFTED = Kind(
    "stamps_shifted",
    "the timestamps of a table are whole hours earlier or later than on earlier dates",
    ("yellow",),
    _describe_shifted,
    (HISTORY,),
    in_sql=False,
)


class Stamps(Check):
    """Compare the timestamps of each table with those of the rows and with earlier dates."""

    stage = Stage.MOMENTS
    thresholds = StampThresholds
    kinds = (EARLY_ROWS, FUTURE, UNSTAMPED, SHIFTED)

    def list_columns(self, contract: Contract, schema: pl.Schema) -> Iterable[str]:
        """Those that say when a row was computed, and its ``as_of``."""
        own = contract.table.time
        return [ROW_AGE, "computed_at", "as_of", *([own] if own else [])]

    def condense(self, rows: pl.LazyFrame, contract: Contract) -> Condense:
        """The latest moment of each table."""
        return keep_latest

    def find(self, ctx: Context) -> None:
        """Report shifts first: they explain timestamps that are too late."""
        moments = ctx.remember("moments", lambda: read_moments(ctx))
        if moments is None or np.isnan(moments.computed).all():
            for at, _ in ctx.iterate_dates():
                EARLY_ROWS.note_unmet(ctx, at, ROW_MOMENT)
        if moments is None:
            for at, _ in ctx.iterate_dates():
                FUTURE.note_unmet(ctx, at, TIMESTAMPS)
            return
        for at, _ in ctx.iterate_dates():
            UNSTAMPED.can_evaluate(ctx, at)
            SHIFTED.can_evaluate(ctx, at)
        fine = ~_find_shifts(ctx, moments)
        least = StampThresholds.of(ctx.contract).late_hours_yellow

        def compare(table: int) -> tuple[Matrix, Mask]:
            hours = moments.get_stamps(table) - moments.as_of
            return hours, hours >= least

        def compare_rows(table: int) -> tuple[Matrix, Mask]:
            stamps = moments.get_stamps(table)
            hours, future = stamps - moments.computed, stamps - moments.as_of >= least
            return hours, (hours >= least) & ~future

        _report_late(ctx, FUTURE, moments, compare, fine)
        _report_late(ctx, EARLY_ROWS, moments, compare_rows, fine)
        _report_unstamped(ctx, moments)


# Of a table: by how many hours its timestamps are too late, and which of them count.
Compare: TypeAlias = Callable[[int], tuple[Matrix, Mask]]


def _report_late(ctx: Context, kind: Kind, moments: Moments, compare: Compare, fine: Mask) -> None:
    """Report tables with too many such timestamps, date by date; ``fine`` are dates × tables."""
    share = StampThresholds.of(ctx.contract).late_share

    def count() -> Matrix:
        late = (compare(i)[1] for i in range(len(moments.tables)))
        return np.stack([ctx.count_per_date(wrong) for wrong in late], axis=1)

    counts = np.where(fine, ctx.remember(f"late stamps: {kind.name}", count), 0.0)
    for at, _ in ctx.iterate_dates():
        tables = np.flatnonzero(counts[at] >= max(1.0, share * ctx.rows[at]))
        if len(tables):
            _report_late_tables(ctx, at, kind, moments, compare, tables)


def _report_late_tables(
    ctx: Context, at: int, kind: Kind, moments: Moments, compare: Compare, hit: Codes
) -> None:
    """Report them together: the row or the clock is the cause."""
    limits, here = StampThresholds.of(ctx.contract), ctx.date_index == at
    tables = [moments.tables[i] for i in hit]
    features = [f for f in ctx.contract.features if f.upstream_table in tables]
    rows: Mask = np.zeros(len(here), dtype=np.bool_)
    latest = np.zeros(len(here))
    for index in hit:
        hours, wrong = compare(int(index))
        rows |= wrong & here
        np.maximum(latest, hours, out=latest, where=wrong)
    most = float(np.median(latest[rows]))
    can_be_red = "red" in kind.severities
    severity: Severity = "red" if can_be_red and most >= limits.late_hours_red else "yellow"
    table = tables[0] if len(tables) == 1 else None
    facts: dict[str, Any] = {"hours": round(most, 1), "tables": tables}
    kind.report(ctx, at, severity, "", features, rows.sum(), table, rows, **facts)


def _report_unstamped(ctx: Context, moments: Moments) -> None:
    """Report tables whose values lost their timestamps; records without a value need none."""
    limits = StampThresholds.of(ctx.contract)
    held, lost = ctx.remember("values without stamps", lambda: _count_unstamped(ctx, moments))
    share = lost / np.maximum(held, 1)
    before = ctx.find_usual(share)
    for column, table in enumerate(moments.tables):
        for at, usual in ((at, float(shares[column])) for at, shares in before.items()):
            now, rows = float(share[at, column]), lost[at, column]
            if now - usual < limits.unstamped_rise:
                continue
            chance = measure_tail(int(rows), int(held[at, column]), max(usual, 0.01))
            if chance < limits.unstamped_chance:
                features, bare = ctx.tables[table], _find_unstamped(ctx, moments, column)[1]
                facts = {"share": round(now, 4), "usual_share": round(usual, 4)}
                UNSTAMPED.report(ctx, at, "yellow", table, features, rows, table, bare, **facts)


def _find_unstamped(ctx: Context, moments: Moments, column: int) -> tuple[Mask, Mask]:
    """Records with a value from a table, and those of them that have no timestamp."""
    valued = ~ctx.find_all_defaulted(ctx.tables[moments.tables[column]])
    return valued, valued & np.isnan(moments.get_stamps(column))


def _count_unstamped(ctx: Context, moments: Moments) -> tuple[Matrix, Matrix]:
    """How many records of each date these are: dates × tables."""
    found = (_find_unstamped(ctx, moments, i) for i in range(len(moments.tables)))
    counts = [[ctx.count_per_date(mask) for mask in masks] for masks in found]
    held, lost = (np.stack(columns, axis=1) for columns in zip(*counts, strict=True))
    return held, lost


def _find_shifts(ctx: Context, moments: Moments) -> Mask:
    """Report shifted tables.

    Returns:
        Dates × tables: whether the timestamps of a table are shifted.
    """
    out: Mask = np.zeros((len(ctx.dates), len(moments.tables)), dtype=np.bool_)
    wanted = np.array([at for at, _ in ctx.iterate_dates() if ctx.has_history[at]], dtype=np.int64)
    if not wanted.size:
        return out
    by_clock, by_age = (
        _measure_shifts(ctx, medians, wanted)
        for medians in ctx.remember("usual hours", lambda: _find_usual_hours(ctx, moments))
    )
    shifts = np.where(np.isnan(by_clock), by_age, by_clock)
    shifted = (shifts != 0) & ~np.isnan(shifts) & (by_age != 0)  # else one of them is as usual
    if ctx.contract.table.time is not None:
        # Timestamps that follow the rows' own times are merely older.
        shifted &= (shifts > 0) | np.isnan(by_age)
    for place, column in np.argwhere(shifted).tolist():
        at, table = int(wanted[place]), moments.tables[column]
        out[at, column] = True
        features, hours = ctx.tables[table], round(float(shifts[place, column]))
        rows = (ctx.date_index == at) & ~np.isnan(moments.get_stamps(column))
        SHIFTED.report(ctx, at, "yellow", table, features, rows.sum(), table, hours=hours)
    return out


def _measure_shifts(ctx: Context, medians: Matrix, wanted: Codes) -> Matrix:
    """Whole hours from the usual time to that of some dates, which have enough history.

    Returns:
        Dates × tables: 0 for none, NaN without a usual time.
    """
    limits, least = StampThresholds.of(ctx.contract), ctx.contract.diagnosis.history_min_days
    now, before = medians[wanted], np.sort(ctx.take_before(medians, wanted), axis=1)
    count = np.isfinite(before).sum(axis=1, keepdims=True)
    places = (np.maximum(count - 1, 0) // 2, np.minimum(count // 2, before.shape[1] - 1))
    low, high = (np.take_along_axis(before, place, axis=1) for place in places)
    usual = np.where(count > 0, (low + high) / 2, np.nan)
    with np.errstate(invalid="ignore"):
        near = (np.abs(before - usual) <= limits.stamp_spread_hours).sum(axis=1)
        known = (count[:, 0] >= least) & (near >= _USUALLY * count[:, 0])
        shift = np.where(known, now - usual[:, 0], np.nan)
        size = np.abs(shift)
        whole = (size >= limits.stamp_shift_hours) & (size <= 24)
        whole &= np.abs(shift - np.round(shift)) <= _WHOLE
    return np.where(whole | np.isnan(shift), shift, 0.0)


def _find_usual_hours(ctx: Context, moments: Moments) -> tuple[Matrix, Matrix]:
    """Dates × tables: the usual time of day, and the usual time before the rows' ``as_of``."""
    clock, ahead = [], []
    midnight, as_of = moments.midnight, moments.as_of
    for table in range(len(moments.tables)):
        stamps = moments.get_stamps(table)
        clock.append(_find_middle(ctx, stamps - midnight))
        ahead.append(_find_middle(ctx, stamps - as_of))
    return np.stack(clock, axis=1), np.stack(ahead, axis=1)


def _find_middle(ctx: Context, hours: Matrix) -> Matrix:
    """Each date's median; NaN where its hours lie apart, or are unknown."""
    known = np.flatnonzero(~np.isnan(hours))
    ordered = known[np.lexsort((hours[known], ctx.date_index[known]))]
    count = np.bincount(ctx.date_index[known], minlength=len(ctx.dates))
    some = np.flatnonzero(count)
    first, last = (np.cumsum(count) - count)[some], count[some] - 1

    def take(place: Codes) -> Matrix:
        return np.asarray(hours[ordered[first + place]])

    apart = take((last * 3 + 2) // 4) - take((last + 2) // 4)
    middle = (take(last // 2) + take((last + 1) // 2)) / 2
    out = np.full(len(ctx.dates), np.nan)
    out[some] = np.where(
        apart <= StampThresholds.of(ctx.contract).stamp_spread_hours, middle, np.nan
    )
    return out
