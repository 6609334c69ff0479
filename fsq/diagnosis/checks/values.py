"""Values that cannot be right: stuck, silently default, too old, out of range."""

from __future__ import annotations

import numpy as np

from fsq.contract import Feature
from fsq.diagnosis.context import Context
from fsq.diagnosis.findings import Severity


def stuck(ctx: Context) -> None:
    """Features that should vary and do not, and defaults that are not called so."""
    rules = ctx.contract.diagnosis
    trusted, distinct = ctx.matrix("trusted"), ctx.matrix("distinct")
    spread, most = ctx.matrix("std"), ctx.matrix("most_common_share")
    expected = ctx.matrix("expected_rows") / np.maximum(trusted, 1)
    for at, _ in ctx.at():
        if ctx.rows[at] < rules.min_rows:
            ctx.skip("stuck_constant", at, "under_min_rows")
            ctx.skip("silent_default", at, "under_min_rows")
            continue
        few = [f.name for f in ctx.contract.features if trusted[at, f.index] < rules.min_rows]
        if few:
            ctx.skip("stuck_constant", at, "under_min_rows_with_a_value", tuple(few))
        usual_distinct, usual_expected = ctx.usual(distinct, at), ctx.usual(expected, at)
        for f in ctx.contract.features:
            i = f.index
            if trusted[at, i] < rules.min_rows:
                continue
            one_value = bool(most[at, i] >= rules.stuck_share)
            share = float(expected[at, i])
            floor = f.min_std is not None or f.min_distinct is not None
            usual_share = 0.0 if usual_expected is None else float(usual_expected[i])
            facts = {
                "distinct": int(distinct[at, i]),
                "std": round(float(spread[at, i]), 4),
                "expected_share": round(share, 4),
                "expected_value": f.expected,
                "min_std": f.min_std,
                "min_distinct": f.min_distinct,
                "usual_share": round(usual_share, 4),
                "mean": round(float(ctx.matrix("mean")[at, i]), 4),
            }
            same = round(most[at, i] * trusted[at, i])
            if f.suspicious_default and share >= rules.stuck_share:
                ctx.say("silent_default", "red", at, f.name, [f], same, f.upstream_table, **facts)
            elif _is_stuck(ctx, f, at, one_value, floor, usual_distinct, distinct, spread, trusted):
                gone = (
                    one_value
                    or most[at, i] >= rules.stuck_red_share
                    or spread[at, i] < rules.stuck_red_std * (f.min_std or 0)
                )
                severity: Severity = "red" if gone and not ctx.after_break(at) else "yellow"
                ctx.say(
                    "stuck_constant", severity, at, f.name, [f], same, f.upstream_table, **facts
                )
            elif (
                (f.suspicious_default or (floor and usual_expected is not None))
                and share
                >= (rules.silent_share if f.suspicious_default else rules.silent_share_unmarked)
                and not ctx.warming(at)
                and share - usual_share >= rules.silent_rise
            ):
                rows = round(share * trusted[at, i])
                ctx.say(
                    "silent_default", "yellow", at, f.name, [f], rows, f.upstream_table, **facts
                )


def _is_stuck(
    ctx: Context,
    f: Feature,
    at: int,
    one_value: bool,
    floor: bool,
    usual: np.ndarray | None,
    distinct: np.ndarray,
    spread: np.ndarray,
    trusted: np.ndarray,
) -> bool:
    rules = ctx.contract.diagnosis
    if not floor:
        # Without a floor only a change tells: one value where there used to be several.
        varied = usual is not None and usual[f.index] >= rules.history_days
        return bool(distinct[at, f.index] == 1 and varied)
    if one_value:
        return True
    if ctx.warming(at):
        return False  # few games, few values
    least = min(f.min_distinct or 0, int(trusted[at, f.index] // rules.rows_per_value))
    narrow = f.min_std is not None and spread[at, f.index] < f.min_std
    return bool(narrow or distinct[at, f.index] < least)


def stale(ctx: Context) -> None:
    """Tables whose records are older than they may be, for half of the rows or more."""
    rules = ctx.contract.diagnosis
    aged, old = ctx.matrix("aged_rows"), ctx.matrix("stale_rows")
    very_old, age = ctx.matrix("very_stale_rows"), ctx.matrix("age_hours")
    for at, _ in ctx.at():
        for table, features in ctx.tables.items():
            known = [f for f in features if aged[at, f.index] > 0]
            if not known:
                ctx.skip("stale_data", at, "no_timestamps", tuple(f.name for f in features))
                continue
            hit: dict[str, list[Feature]] = {"red": [], "yellow": []}
            for f in known:
                i = f.index
                if very_old[at, i] >= rules.stale_share * aged[at, i]:
                    hit["red"].append(f)
                elif old[at, i] >= rules.stale_share * aged[at, i]:
                    hit["yellow"].append(f)
            for severity, late in hit.items():
                if late:
                    places = [f.index for f in late]
                    writer = ctx.contract.writer(table)
                    ran = ctx.ran(writer.name, at) if writer else None
                    ctx.say(
                        "stale_data",
                        "red" if severity == "red" else "yellow",
                        at,
                        table,
                        late,
                        old[at, places].max(),
                        table,
                        ran=ran,
                        age_hours=round(float(np.nanmax(age[at, places])), 1),
                    )


def ranges(ctx: Context) -> None:
    """Values beyond the contract's range, for more rows than chance."""
    rules = ctx.contract.diagnosis
    broken, values = ctx.matrix("violation_rows"), ctx.matrix("values")
    share = broken / np.maximum(values, 1)
    for at, _ in ctx.at():
        if ctx.rows[at] < rules.min_rows:
            ctx.skip("range_violation", at, "under_min_rows")
            continue
        for table, features in ctx.tables.items():
            bad = [f for f in features if share[at, f.index] >= rules.violation_share_yellow]
            if not bad:
                continue
            worst = max(bad, key=lambda f: share[at, f.index])
            red = share[at, worst.index] >= rules.violation_share_red
            ctx.say(
                "range_violation",
                "red" if red else "yellow",
                at,
                table,
                bad,
                broken[at, worst.index],
                table,
                worst=worst.name,
                min=worst.min,
                max=worst.max,
                mean=round(float(ctx.matrix("mean")[at, worst.index]), 4),
                share=round(float(share[at, worst.index]), 4),
            )
