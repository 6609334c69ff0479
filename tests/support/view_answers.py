"""What the views should say of scored rows, by the Python that they state again."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from fsq.contract import Contract
from fsq.diagnosis.checks import list_checks, list_kinds, upstream
from fsq.diagnosis.context import Context
from fsq.diagnosis.diagnose import make_context as read_context
from tests.support.frames import CONTRACT, NAMES

_SIGNAL = ("kind", "severity", "subject", "upstream_table", "features", "rows_affected", "rows")


def make_context(
    scored: pl.DataFrame, start: date | None = None, contract: Contract = CONTRACT
) -> Context:
    """The checks that the views state, on all dates; history as short as `fsq check` reads it."""
    day = contract.table.date
    days = scored[day].unique().sort().to_list()
    checked = [d for d in days if start is None or d >= start]
    before = [d for d in days if d < checked[0]][-contract.diagnosis.history_days :]
    rows = scored.filter(pl.col(day).is_in([*before, *checked])).lazy()
    ctx = read_context(rows, contract, None)
    ctx.checked_dates, ctx.weighs_chance = checked, False
    for check in list_checks():
        if any(kind.in_sql for kind in check.kinds):
            check.find(ctx)
    return ctx


def make_matrix(scored: pl.DataFrame) -> pl.DataFrame:
    """The values of each record, by its keys."""
    values = pl.col("feature_quality_detail").list
    return scored.select(
        "player_lookup",
        "game_date",
        *(values.get(i).struct.field("feature_value").alias(n) for i, n in enumerate(NAMES)),
    ).sort("game_date", "player_lookup")


def list_signals(ctx: Context) -> set[tuple[Any, ...]]:
    """What the checks say: date, kind, severity, subject, table, features, rows affected, rows."""
    return {
        (s.day, s.kind, s.severity, s.subject or None, s.table, s.features, s.rows_affected, s.rows)
        for s in ctx.signals
        if list_kinds()[s.kind].in_sql
    }


def read_signals(findings: pl.DataFrame, day: str = "game_date") -> set[tuple[Any, ...]]:
    """The same of the view's rows."""
    return {
        tuple(tuple(v) if isinstance(v, list) else v for v in line)
        for line in findings.select(day, *_SIGNAL).iter_rows()
    }


def make_canary(ctx: Context) -> pl.DataFrame:
    """The canary's verdict and findings of each date."""
    of = {f.name: f.category for f in CONTRACT.features}
    out = []
    for place, day in enumerate(ctx.dates):
        said: dict[str, list[Any]] = {"red": [], "yellow": [], "info": []}
        for s in ctx.signals:
            if s.day == day:
                said[s.severity].append(s)
        few = ctx.find_history(place) is None or ctx.rows[place] < CONTRACT.diagnosis.min_rows
        calm = "unknown" if few else "green"
        verdict = "red" if said["red"] else "yellow" if said["yellow"] else calm
        row: dict[str, Any] = {"game_date": day, "verdict": verdict}
        for level in ("red", "yellow"):
            hit = {of[f] for s in said[level] for f in s.features}
            names = [c.name for c in CONTRACT.categories]
            row[f"{level}_categories"] = [n for n in names if n in hit]
        for level in ("red", "yellow"):
            row[f"{level}_findings"] = sorted({s.kind for s in said[level]})
        out.append(row)
    lists = [c for c in out[0] if c.endswith(("_categories", "_findings"))]
    return pl.DataFrame(out, schema_overrides=dict.fromkeys(lists, pl.List(pl.String)))


def make_diagnosis(scored: pl.DataFrame, start: date | None = None) -> pl.DataFrame:
    """The status of each upstream table on each date."""
    ctx = make_context(scored, start)
    ctx.signals.clear()
    upstream.Upstream().find(ctx)
    all_defaulted = {
        t: ctx.count_per_date(ctx.find_all_defaulted(fs)) for t, fs in ctx.tables.items()
    }
    out = []
    for at, day in ctx.iterate_dates():
        missing = sorted(ctx.days.row(at, named=True)["missing_processors"])
        for table, features in ctx.tables.items():
            writer, names = CONTRACT.writer(table), [f.name for f in features]
            said = [s for s in ctx.signals if s.day == day and set(names) & set(s.features)]
            levels = {s.severity for s in said}
            more = {
                n
                for s in said
                for n in s.features
                if s.kind in ("processor_wrote_part", "default_rate_shift")
            }
            at_all = ctx.default_share[at] >= CONTRACT.diagnosis.table_default_share
            ran = ctx.has_run(table, at)
            out.append(
                {
                    "game_date": day,
                    "upstream_table": table,
                    "processor": writer and writer.name,
                    "ran": ran,
                    "processor_missing": ran is False,
                    "status": next((v for v in ("red", "yellow") if v in levels), "green"),
                    "rows": int(ctx.rows[at]),
                    "all_default_rows": int(all_defaulted[table][at]),
                    "default_rate": float(
                        ctx.get_matrix("default_rows")[at, [f.index for f in features]].mean()
                        / ctx.rows[at]
                    ),
                    "features": names,
                    "all_default_features": [f.name for f in features if at_all[f.index]],
                    "risen_features": [n for n in names if n in more],
                    "missing_processors": missing,
                }
            )
    lists = ("all_default_features", "risen_features", "missing_processors")
    return pl.DataFrame(out, schema_overrides=dict.fromkeys(lists, pl.List(pl.String)))
