"""Root causes: features that fall back, to the table that lacks, to the job that writes it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fsq.contract import Feature
from fsq.diagnosis.context import Context
from fsq.diagnosis.findings import Severity


def check(ctx: Context) -> None:
    """Tables without records, features without values, and default rates that rise."""
    rules = ctx.contract.diagnosis
    hollow = {t: ctx.all_defaulted(fs) for t, fs in ctx.tables.items()}
    empty = {t: ctx.per_day(mask) for t, mask in hollow.items()}
    for at, _ in ctx.at():
        starting: list[Feature] = []
        if ctx.past(at) is None:
            ctx.skip("default_rate_shift", at, "no_history")
        if np.isnan(ctx.games_known[at]):
            ctx.skip("season_start", at, "no_sample_sizes")
        for table, features in ctx.tables.items():
            if all(f.optional for f in features):
                continue  # coverage looks at them: they may be absent
            ran = _ran(ctx, table, at)
            lost = [
                f
                for f in features
                if not f.optional and ctx.default_share[at, f.index] >= rules.table_default_share
            ]
            if empty[table][at] >= rules.table_default_share * ctx.rows[at]:
                if ctx.warming(at) and ran is not False:
                    starting += features
                    continue
                kind = {
                    True: "processor_wrote_nothing",
                    False: "processor_did_not_run",
                    None: "upstream_table_missing",
                }[ran]
                ctx.say(
                    kind,
                    "red",
                    at,
                    table,
                    features,
                    empty[table][at],
                    table,
                    ran=ran,
                    players=ctx.players(hollow[table], at),
                )
                continue
            if ran is False:
                ctx.say("run_context_disagrees", "yellow", at, table, features, 0, table, ran=False)
            if lost and ctx.warming(at):
                starting += lost
            elif lost:
                most = ctx.matrix("default_rows")[at, [f.index for f in lost]].max()
                ctx.say("feature_missing", "red", at, table, lost, most, table, ran=ran)
            if not ctx.warming(at):
                rest = [f for f in features if f not in lost and not f.optional]
                _risen(ctx, at, table, rest, ran, hollow[table])
        if starting:
            ctx.say(
                "season_start",
                "yellow",
                at,
                "",
                sorted(starting, key=lambda f: f.index),
                ctx.rows[at],
                games=float(ctx.games_known[at]),
            )


def _ran(ctx: Context, table: str, at: int) -> bool | None:
    writer = ctx.contract.writer(table)
    if writer is None:
        return None
    ran = ctx.ran(writer.name, at)
    # A job that is not expected on every date says nothing by its absence.
    return None if ran is False and not writer.expected else ran


def _risen(
    ctx: Context,
    at: int,
    table: str,
    features: list[Feature],
    ran: bool | None,
    hollow: npt.NDArray[np.bool_],
) -> None:
    """Features that fall back for more rows than on the trailing dates, though not for all."""
    rules, usual = ctx.contract.diagnosis, ctx.usual(ctx.default_share, at)
    if usual is None:
        return
    rise = ctx.default_share[at] - usual
    risen = [f for f in features if rise[f.index] >= rules.default_rise_yellow]
    if not risen or ctx.rows[at] < rules.min_rows:
        return
    places = [f.index for f in risen]
    worst = max(risen, key=lambda f: rise[f.index])
    severity: Severity = "red" if rise[worst.index] >= rules.default_rise_red else "yellow"
    whole = len(risen) == len(ctx.tables[table]) and len(risen) > 1
    lacking = hollow if whole else np.asarray(ctx.default[:, places].any(axis=1))
    ctx.say(
        "processor_wrote_part" if whole else "default_rate_shift",
        severity,
        at,
        table,
        risen,
        ctx.per_day(lacking)[at],
        table,
        ran=ran,
        players=ctx.players(lacking, at),
        default_share=round(float(ctx.default_share[at, worst.index]), 4),
        usual_share=round(float(usual[worst.index]), 4),
    )
