"""``diagnose``: run the checks in order, make findings of their signals, judge each date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from fsq.contract import Contract, choose_contract
from fsq.diagnosis.causes import make_findings
from fsq.diagnosis.checks import list_checks
from fsq.diagnosis.checks.base import Stage
from fsq.diagnosis.context import Context
from fsq.diagnosis.daily_metrics import measure_dates
from fsq.diagnosis.feature_metrics import aggregate_features, count_features
from fsq.diagnosis.findings import Accepted, Verdict, find_worst
from fsq.diagnosis.learning import learn_from
from fsq.diagnosis.long_detail import DETAIL_PARTS, Reader, read_long_detail
from fsq.diagnosis.named_rows import list_expected, list_named_rows
from fsq.diagnosis.passes import run_checks
from fsq.diagnosis.result import Diagnosis
from fsq.diagnosis.schedule import list_due_dates, read_schedule
from fsq.diagnosis.scored_columns import HEADLINE, require_columns
from fsq.diagnosis.showing import show_signals
from fsq.diagnosis.stored_profile import load_usable_profile
from fsq.errors import InputError
from fsq.intake.run_context import RunContext, RunLike
from fsq.profile import Profile
from fsq.schema.tables import AnyRows, is_stored, read_rows
from fsq.stores import Store
from fsq.utils.arguments import DateLike, read_dates

_CANNOT_LEARN = "no profile can be learned"


def diagnose(
    scored: AnyRows,
    contract: str | Path | Contract | None = None,
    run: RunLike | None = None,
    dates: DateLike | Iterable[DateLike] | None = None,
    history: AnyRows | None = None,
    source: str | None = None,
    store: str | None = None,
    profile: Profile | None = None,
    not_history: Iterable[date] = (),
    accepted: Iterable[Accepted] = (),
    known_dates: Iterable[date] = (),
    schedule: pl.DataFrame | None = None,
) -> Diagnosis:
    """Find what is wrong with the rows of each date, and why.

    Args:
        scored: scored rows: the result of ``fsq.score`` as a frame or table of any library, or a
            store.
        contract: name, path or contract of the scoring; None for the store's, and for
            ``v2_33features`` where there is no store.
        run: what upstream reports of its run, for rows that do not say it themselves; a context,
            or a mapping with its keys.
        dates: those to check; by default all of ``scored``. The others are history only.
        history: scored rows of earlier dates, if ``scored`` does not hold them.
        source: what the repairing commands name as the source; None for the store's, else
            ``SOURCE``.
        store: what they name as the store; None for the store itself, else ``STORE``.
        profile: what normally holds, from ``learn_profile``; None for the store's, else to learn
            what can be learned from the other dates.
        not_history: dates that later ones are not compared with. Nor are those on which this call
            finds a fault: a fault that lasts does not become normal.
        accepted: causes that somebody accepted as normal: they are said for information only.
        known_dates: further dates on which the table has rows, which are not read: they show where
            a season began.
        schedule: what was to take place: the contract's date, and its group or a column that the
            rows carry, one row each. A missing event is red then, and a date of rest is green;
            without ``dates``, scheduled dates between the first and the last one are checked, too.

    Returns:
        The findings, a verdict per date, and what could not be evaluated. A date in ``dates``
        that has no rows is red. Bad data raises no error.

    Raises:
        InputError: the rows are not scored, or were scored under another contract; the schedule has
            no dates; the profile is one of other features; or an argument is wrong.
        StoreError: the store cannot be read.

    >>> import polars as pl
    >>> from datetime import date
    >>> from fsq.contract import load_contract
    >>> from fsq.scoring.engine import score
    >>> names = load_contract().names
    >>> row = dict(zip(load_contract().table.key, ("lebronjames", date(2026, 2, 6))))
    >>> row |= {n: 1.0 for n in names} | {f"{n}__source": "default" for n in names}
    >>> diagnose(score(pl.DataFrame(row))).findings[0].kind
    'upstream_table_missing'
    """
    loaded, context = choose_contract(scored, contract), RunContext.of(run)
    _require_profile(profile, loaded)
    if profile is None and is_stored(scored):
        profile = load_usable_profile(cast("Store", scored))
    chosen, day = read_dates(dates, "dates", HEADLINE), pl.col(loaded.table.date)
    fields = list_detail_fields()
    rows = read_rows(scored, "scored", HEADLINE, fields=fields).lazy()
    require_columns(rows.collect_schema(), [loaded.table.date])
    if history is not None:
        past = read_rows(history, "history", HEADLINE, fields=fields).lazy()
        shared = [c for c in rows.collect_schema() if c in past.collect_schema()]
        first = rows.select(day.min()).collect().item()
        before = past.filter(day < first).select(shared)
        if chosen is None:
            chosen = rows.select(day.unique()).collect().to_series().to_list()
        rows = pl.concat([before, rows.select(shared)])
    due = None if schedule is None else read_schedule(schedule, loaded)
    ctx = make_context(rows, loaded, context)
    ctx.profile, ctx.known_dates, ctx.schedule = profile, (*known_dates,), due
    checked = _list_dates(ctx.dates, due, loaded) if chosen is None else chosen
    places = name_places(scored, source, store)
    return diagnose_context(ctx, checked, places, not_history, accepted)


def diagnose_context(
    ctx: Context,
    dates: Iterable[date],
    places: tuple[str, str],
    not_history: Iterable[date] = (),
    accepted: Iterable[Accepted] = (),
) -> Diagnosis:
    """Diagnose rows that are read already; see ``diagnose``.

    Args:
        ctx: the result of ``make_context``, with all that is known beside the rows.
        dates: those to check.
        places: what the repairing commands name as source and store.
        not_history: dates that later ones are not compared with.
        accepted: causes that somebody accepted as normal.
    """
    contract, checked = ctx.contract, sorted(set(dates))
    ctx.checked_dates, ctx.asked_dates = checked, frozenset(checked)
    run_checks(ctx, list_checks(), not_history, tuple(accepted))
    show_signals(ctx)
    every = sorted({*ctx.dates, *checked})
    keep = pl.col(contract.table.date).is_in(checked)
    made = make_findings(ctx.signals, every, contract, *places, ctx.leaning)
    return Diagnosis(
        contract,
        _judge_dates(ctx),
        tuple(finding for finding, _ in made),
        tuple(_list_not_evaluated(ctx)),
        ctx.days.filter(keep),
        ctx.features.filter(keep),
        list_named_rows(ctx, made),
        list_expected(ctx, made),
    )


def learn_profile(scored: AnyRows, contract: str | Path | Contract | None = None) -> Profile | None:
    """Learn what normally holds, from the dates that nothing else calls red or yellow.

    Args:
        scored: scored rows with the columns that came along: the result of ``fsq.score`` as a
            frame or table of any library, or a store; a season is good, two weeks are the least.
        contract: name, path or contract of the scoring; None for the store's, and for
            ``v2_33features`` where there is no store.

    Returns:
        What ``diagnose`` takes as ``profile``; None if the clean dates are too few.

    Raises:
        InputError: the rows are not scored, or were scored under another contract; or an
            argument is wrong.
        StoreError: the store cannot be read.

    >>> import polars as pl
    >>> from datetime import date
    >>> from fsq.contract import load_contract
    >>> from fsq.scoring.engine import score
    >>> names = load_contract().names
    >>> row = dict(zip(load_contract().table.key, ("lebronjames", date(2026, 2, 6))))
    >>> row |= {n: 1.0 for n in names} | {f"{n}__source": "phase4" for n in names}
    >>> learn_profile(score(pl.DataFrame(row))) is None
    True
    """
    loaded = choose_contract(scored, contract)
    rows = read_rows(scored, "scored", _CANNOT_LEARN, fields=list_detail_fields()).lazy()
    require_columns(rows.collect_schema(), [loaded.table.date], _CANNOT_LEARN)
    ctx = make_context(rows, loaded, None)
    ctx.checked_dates = list(ctx.dates)
    run_checks(ctx, [c for c in list_checks() if c.stage < Stage.PROFILE])
    return learn_from(ctx, np.zeros(len(ctx.dates), dtype=np.bool_))


def list_detail_fields() -> list[str]:
    """The fields of ``feature_quality_detail`` that a diagnosis reads, for ``Store.read``.

    >>> "feature_value" in list_detail_fields(), "fallback_reason" in list_detail_fields()
    (True, False)
    """
    further = (name for check in list_checks() for name in check.fields)
    return [*dict.fromkeys([*DETAIL_PARTS, *further])]


def _require_profile(profile: object, contract: Contract) -> None:
    """Refuse what is no profile of the contract's features."""
    if profile is None:
        return
    if not isinstance(profile, Profile):
        problem = f"profile is a {type(profile).__name__}; pass what fsq.learn_profile returned"
        raise InputError([problem], HEADLINE)
    if profile.names != contract.names:
        problem = f"profile was learned under {profile.contract}, which has other features"
        cure = f"learn one from rows scored under {contract.name}"
        raise InputError([f"{problem}; {cure}"], HEADLINE)


def make_context(
    rows: pl.LazyFrame,
    contract: Contract,
    run: RunContext | None = None,
    others: Sequence[Reader] = (),
) -> Context:
    """The rows, measured, without dates to check.

    Args:
        rows: scored rows, with ``list_detail_fields`` of the detail.
        contract: of the scoring.
        run: what is known of upstream's run, for rows that do not say it themselves.
        others: who else reads the same rows.

    Raises:
        InputError: the rows are not scored, or were scored under another contract.
        StoreError: the rows cannot be read.
    """
    checks, schema = list_checks(), rows.collect_schema()
    days = measure_dates(rows, contract)
    long = read_long_detail(
        rows,
        contract,
        count_features,
        [c for check in checks for c in check.list_columns(contract, schema)],
        list_detail_fields(),
        [c for check in checks for c in check.list_raw_columns(contract)],
        [kept for check in checks if (kept := check.condense(rows, contract)) is not None],
        int(days["rows"].sum()),
        others,
    )
    return Context(contract, days, aggregate_features(long, contract), long, [], run=run)


def _list_dates(present: list[date], due: pl.DataFrame | None, contract: Contract) -> list[date]:
    """The dates that have rows, and those between them on which something was to take place."""
    if due is None or not present:
        return present
    return [*present, *list_due_dates(due, contract, present[0], present[-1])]


def _judge_dates(ctx: Context) -> dict[date, Verdict]:
    """The worst that was reported of each date; unknown if nothing was, but too little checked."""
    # What few rows or a short history leave open, a profile may settle.
    unknown = {n.day for n in ctx.not_evaluated if n.decisive} - ctx.settled_dates
    verdicts: dict[date, list[Verdict]] = {
        d: ["unknown" if d in unknown else "green"] for d in ctx.checked_dates
    }
    for s in ctx.signals:
        if s.severity != "info":
            verdicts[s.day].append(s.severity)
    return {d: find_worst(v) for d, v in verdicts.items()}


def _list_not_evaluated(ctx: Context) -> list[dict[str, Any]]:
    """One entry per kind, reason and features, with its dates."""
    index = {n: i for i, n in enumerate(ctx.contract.names)}
    per_day: dict[tuple[str, str, date], set[str]] = {}
    for n in ctx.not_evaluated:
        per_day.setdefault((n.kind, n.reason, n.day), set()).update(n.features)
    dates: dict[tuple[str, str, tuple[str, ...]], list[date]] = {}
    for (kind, reason, day), features in per_day.items():
        key = (kind, reason, tuple(sorted(features, key=lambda n: index[n])))
        dates.setdefault(key, []).append(day)
    return [
        {"check": kind, "reason": reason, "dates": sorted(days), "features": list(features)}
        for (kind, reason, features), days in dates.items()
    ]


def name_places(
    scored: AnyRows, source: str | None = None, store: str | None = None
) -> tuple[str, str]:
    """What the repairing commands name as source and store."""
    known = scored if is_stored(scored) else None
    uri = getattr(known, "uri", None)
    return source or getattr(known, "source", None) or "SOURCE", store or uri or "STORE"
