"""``diagnose``: the checks in order, the findings of their signals, and a verdict per date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl
import pyarrow as pa

from fsq.contract import Contract, load_contract
from fsq.diagnosis import rendering as display
from fsq.diagnosis.checks import drift as shift
from fsq.diagnosis.checks import upstream, values
from fsq.diagnosis.context import Context
from fsq.diagnosis.daily_metrics import by_feature, long_detail, record_days
from fsq.diagnosis.findings import VERDICTS, Finding, Signal, Verdict
from fsq.diagnosis.messages import findings, reason
from fsq.errors import InputError
from fsq.intake.run_context import RunContext
from fsq.schema.arrow import from_arrow

# Those that explain come before those that are silent about what is explained.
CHECKS = (
    upstream.check,
    values.stuck,
    values.stale,
    values.ranges,
    shift.coverage,
    shift.optional,
    shift.categories,
    shift.distributions,
)
SCHEMA_VERSION = 1
# Without these a date cannot be called fine.
_NEEDED = {"no_history", "under_min_rows"}
Scored: TypeAlias = pl.DataFrame | pl.LazyFrame | pa.Table


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """What is wrong with the rows of some dates, and why.

    Attributes:
        contract: the contract of the scoring.
        dates: verdict per date: red, yellow, green, or unknown where too little could be judged.
        findings: one per cause, those that hurt most first.
        not_evaluated: what could not be judged: check, dates, features (empty: all), reason.
        days: ``record_days`` of the judged dates.
        features: ``feature_days`` of the judged dates.
    """

    contract: Contract
    dates: dict[date, Verdict]
    findings: tuple[Finding, ...]
    not_evaluated: tuple[dict[str, Any], ...]
    days: pl.DataFrame = field(compare=False)
    features: pl.DataFrame = field(compare=False)

    @property
    def verdict(self) -> Verdict:
        """The worst of the dates' verdicts; unknown without dates."""
        return min(self.dates.values(), key=VERDICTS.index, default="unknown")

    @property
    def frame(self) -> pl.DataFrame:
        """The findings as a table: one line each, lists in cells, evidence as JSON text."""
        return display.frame(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types; the schema is that of ``fsq check --json``."""
        return display.document(self)

    def __str__(self) -> str:
        return display.text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return display.html(self)


def diagnose(
    scored: Scored,
    contract: str | Path | Contract = "v2_33features",
    run: RunContext | None = None,
    dates: Iterable[date] | None = None,
    history: Scored | None = None,
    source: str = "SOURCE",
    store: str = "STORE",
) -> Diagnosis:
    """Say what is wrong with the rows of each date, and why.

    Args:
        scored: scored rows; what ``fsq.score`` gives, or a store's.
        contract: name, path or contract of the scoring.
        run: what upstream says of its run, for rows that do not say it themselves.
        dates: those to judge; by default all of ``scored``. The others are history only.
        history: scored rows of earlier dates, if ``scored`` does not hold them.
        source: what the repairing commands name as the source.
        store: what they name as the store.

    Returns:
        The findings, a verdict per date, and what could not be evaluated. A date in ``dates``
        that has no rows is red. Nothing is raised because data are bad.

    Raises:
        InputError: the rows are not scored, or were scored under another contract.

    >>> import polars as pl
    >>> from datetime import date
    >>> from fsq.scoring.engine import score
    >>> names = load_contract().names
    >>> row = {"player_lookup": "lebronjames", "game_date": date(2026, 2, 6)}
    >>> row |= {n: 1.0 for n in names} | {f"{n}__source": "default" for n in names}
    >>> diagnose(score(pl.DataFrame(row))).findings[0].kind
    'upstream_table_missing'
    """
    loaded = load_contract(contract)
    rows = _lazy(scored)
    if history is not None:
        past = _lazy(history)
        shared = [c for c in rows.collect_schema() if c in past.collect_schema()]
        first = rows.select(pl.col("game_date").min()).collect().item()
        before = past.filter(pl.col("game_date") < first).select(shared)
        rows = pl.concat([before, rows.select(shared)])
        if dates is None:
            dates = _lazy(scored).select(pl.col("game_date").unique()).collect().to_series()
    days = record_days(rows, loaded)
    present = days["game_date"].to_list()
    judged = sorted(set(present if dates is None else dates))
    long = long_detail(rows, loaded)
    ctx = Context(loaded, days, by_feature(long, loaded), long, judged, run)
    if present:
        for check in CHECKS:
            check(ctx)
    absent = [d for d in judged if d not in set(present)]
    ctx.signals += [Signal("missing_rows", "red", d, "none", (), 0, 0, None, {}) for d in absent]
    there = sorted({*present, *absent})
    found = findings(ctx.signals, there, loaded, source, store)
    keep = pl.col("game_date").is_in(judged)
    return Diagnosis(
        loaded,
        _verdicts(ctx),
        tuple(found),
        tuple(_unjudged(ctx)),
        days.filter(keep),
        ctx.features.filter(keep),
    )


def _verdicts(ctx: Context) -> dict[date, Verdict]:
    """The worst that was said of each judged date; unknown if the checks that count were open."""
    said: dict[date, set[str]] = {d: set() for d in ctx.judged}
    for s in ctx.signals:
        said[s.day].add(s.severity)
    open_ones = {u.day for u in ctx.unjudged if u.reason in _NEEDED}
    return {
        d: "red"
        if "red" in words
        else "yellow"
        if "yellow" in words
        else "unknown"
        if d in open_ones
        else "green"
        for d, words in said.items()
    }


def _unjudged(ctx: Context) -> list[dict[str, Any]]:
    """One line per check, reason and features, with its dates."""
    lines: dict[tuple[str, str, tuple[str, ...]], list[date]] = {}
    order = {n: i for i, n in enumerate(ctx.contract.names)}
    together: dict[tuple[str, str, date], set[str]] = {}
    for u in ctx.unjudged:
        together.setdefault((u.check, u.reason, u.day), set()).update(u.features)
    for (check, word, day), features in together.items():
        key = (check, word, tuple(sorted(features, key=lambda n: order[n])))
        lines.setdefault(key, []).append(day)
    return [
        {
            "check": check,
            "reason": reason(word, ctx.contract),
            "dates": sorted(days),
            "features": list(features),
        }
        for (check, word, features), days in lines.items()
    ]


def _lazy(scored: Scored) -> pl.LazyFrame:
    if isinstance(scored, pl.LazyFrame):
        return scored
    if isinstance(scored, pl.DataFrame):
        return scored.lazy()
    if isinstance(scored, pa.Table):
        return from_arrow(scored).lazy()
    raise InputError(
        [f"scored is a {type(scored).__name__}; pass a Polars frame or a pyarrow.Table"],
        "the rows cannot be diagnosed",
    )
