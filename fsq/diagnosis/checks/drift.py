"""What differs from the trailing dates: rows, optional features, categories, distributions."""

from __future__ import annotations

from typing import Any

import numpy as np

from fsq.diagnosis.context import Context, Matrix
from fsq.diagnosis.findings import Severity
from fsq.schema.columns import CATEGORIES


def coverage(ctx: Context) -> None:
    """Rows per game, or rows where games are unknown, against the trailing median."""
    rules = ctx.contract.diagnosis
    games = ctx.days["games"].cast(float).fill_null(0).to_numpy()
    known = bool((games > 0).all())
    rate = (ctx.rows / games if known else ctx.rows)[:, None]
    for at, _ in ctx.at():
        usual = ctx.usual(rate, at)
        if usual is None:
            ctx.skip("missing_rows", at, "no_history")
            continue
        ratio = float(rate[at, 0] / usual[0])
        low = rules.rows_per_game_yellow if known else rules.rows_yellow
        facts: dict[str, Any] = {
            "per": "game" if known else "date",
            "rate": round(float(rate[at, 0]), 1),
            "usual": round(float(usual[0]), 1),
        }
        lacking = round(ctx.rows[at] * (1 / ratio - 1))
        if ratio < low:
            red = known and ratio < rules.rows_per_game_red
            ctx.say("missing_rows", "red" if red else "yellow", at, "", [], lacking, **facts)
        elif known and ratio > rules.rows_above:
            ctx.say("surplus_rows", "yellow", at, "", [], -lacking, **facts)


def optional(ctx: Context) -> None:
    """How many rows have a line: absent for all dates is a fact, absent of a sudden is not."""
    rules = ctx.contract.diagnosis
    features = [f for f in ctx.contract.features if f.optional]
    if not features:
        return
    table = features[0].upstream_table
    share = (ctx.days["vegas_rows"].to_numpy() / ctx.rows)[:, None]
    low, high = rules.optional_normal
    for at, _ in ctx.at():
        now, usual = float(share[at, 0]), ctx.usual(share, at)
        facts = {
            "share": round(now, 4),
            "normal": [low, high],
            "usual_share": None if usual is None else round(float(usual[0]), 4),
        }
        lacking = ctx.rows[at] * (1 - now)
        if now == 0 and (usual is None or usual[0] == 0):
            ctx.say("optional_absent", "info", at, "", features, lacking, table, **facts)
            continue
        if usual is None:
            ctx.skip("optional_coverage", at, "no_history")
        elif (
            not ctx.warming(at)
            and not low <= now <= high
            and abs(now - usual[0]) >= rules.optional_shift
        ):
            ctx.say("optional_coverage", "yellow", at, "", features, lacking, table, **facts)


def categories(ctx: Context) -> None:
    """Required categories whose quality falls below the trailing median without another cause."""
    rules, contract = ctx.contract.diagnosis, ctx.contract
    quality = ctx.days.select(f"{c}_quality_pct" for c in CATEGORIES).to_numpy()
    required = {c.name for c in contract.categories if not c.optional}
    named = {(s.day, f) for s in ctx.signals if s.severity != "info" for f in s.features}
    for at, day in ctx.at():
        usual = ctx.usual(quality, at)
        if usual is None:
            ctx.skip("category_shift", at, "no_history")
            continue
        if ctx.warming(at):
            ctx.skip("category_shift", at, "season_start")
            continue
        for n, category in enumerate(CATEGORIES):
            members = [f for f in contract.features if f.category == category]
            drop = float(usual[n] - quality[at, n])
            explained = any((day, f.name) in named for f in members)
            if category not in required or explained or not drop >= rules.category_drop_yellow:
                continue
            severity: Severity = "red" if drop >= rules.category_drop_red else "yellow"
            ctx.say(
                "category_shift",
                severity,
                at,
                category,
                members,
                ctx.rows[at],
                quality_pct=round(float(quality[at, n]), 1),
                usual_pct=round(float(usual[n]), 1),
            )


def distributions(ctx: Context) -> None:
    """Features whose values are spread otherwise than on the trailing dates."""
    rules, contract = ctx.contract.diagnosis, ctx.contract
    order = np.argsort(ctx.day_of, kind="stable")
    bounds = np.searchsorted(ctx.day_of[order], np.arange(len(ctx.dates) + 1))
    values = ctx.values[order]
    explained = {(s.day, f) for s in ctx.signals if s.severity != "info" for f in s.features}
    for at, day in ctx.at():
        past = ctx.past(at)
        reason = (
            "no_history"
            if past is None
            else "season_start"
            if ctx.warming(at)
            else "under_min_rows"
            if ctx.rows[at] < rules.min_rows
            else None
        )
        if past is None or reason:
            ctx.skip("distribution_shift", at, reason or "no_history")
            continue
        window = values[bounds[past.start] : bounds[at + 1]]
        which = np.repeat(np.arange(at - past.start + 1), np.diff(bounds[past.start : at + 2]))
        for f in contract.features:
            if (day, f.name) in explained or f.optional:
                continue
            found = _shift(window[:, f.index], which, at - past.start, ctx)
            if found is not None:
                index, usual = found
                look = index >= rules.psi_yellow and not ctx.after_break(at)
                ctx.say(
                    "distribution_shift",
                    "yellow" if look else "info",
                    at,
                    f.upstream_table,
                    [f],
                    ctx.rows[at],
                    f.upstream_table,
                    psi=round(index, 3),
                    usual_psi=round(usual, 3),
                )


def _shift(
    values: Matrix, which: np.ndarray, last: int, ctx: Context
) -> tuple[float, float] | None:
    """The index of the last date, and the largest of an earlier one, if the last stands out."""
    rules, there = ctx.contract.diagnosis, ~np.isnan(values)
    values, which = values[there], which[there]
    sizes = np.bincount(which, minlength=last + 1)
    if sizes[last] < rules.min_rows or (sizes[:last] >= rules.min_rows).sum() < (
        rules.history_min_days
    ):
        return None
    before = np.sort(values[which < last])
    steps = np.linspace(0, len(before) - 1, rules.psi_bins + 1)[1:-1].astype(np.int64)
    edges = np.unique(before[steps])
    bins = np.searchsorted(edges, values, side="right")
    counts = np.zeros((last + 1, len(edges) + 1))
    np.add.at(counts, (which, bins), 1)
    total = counts[:last].sum(axis=0)
    index = psi(counts[last], total)
    # Rows of one team share their team's value: what counts is how many values there are.
    chance = rules.psi_noise * len(edges) / len(np.unique(values[which == last]))
    if index < max(rules.psi_above, chance):
        return None
    usual = max(psi(counts[d], total - counts[d]) for d in range(last) if sizes[d])
    return (index, usual) if index >= rules.psi_over_usual * usual else None


def psi(now: Matrix, before: Matrix) -> float:
    """Population stability index of two histograms; an empty bin counts as half a row.

    >>> psi(np.array([50.0, 50.0]), np.array([500.0, 500.0]))
    0.0
    """
    p = np.maximum(now, 0.5) / np.maximum(now, 0.5).sum()
    q = np.maximum(before, 0.5) / np.maximum(before, 0.5).sum()
    return float(((p - q) * np.log(p / q)).sum())
