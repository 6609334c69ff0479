"""Features that say whether others are available, and contradict them."""

from __future__ import annotations

import numpy as np

from fsq.contract.sections import Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import Check, Kind, Stage, find_table
from fsq.diagnosis.context import Context
from fsq.diagnosis.messages import Facts, Text


class FlagThresholds(Thresholds):
    """How many rows may have values though a feature says that there are none, or lack them."""

    flag_share_yellow: Share = 0.02
    """Share of rows whose feature contradicts the flag of its name."""
    flag_share_red: Share = 0.3
    """The same, for red."""
    rising = (("flag_share_yellow", "flag_share_red"),)


def _describe(f: Facts) -> Text:
    e = f.evidence
    return Text(
        f"{e['flag']} contradicts {', '.join(e['of'])} for {f.rows}",
        f"{e['flag']} is 0 for {e['unexpected']:,} rows that have these values, and not 0 for "
        f"{e['lacking']:,} that lack them; a value may stand for none.",
    )


CONTRADICTED = Kind(
    "flag_contradicted",
    "a feature says that others have no values, but they do, or the reverse",
    ("red", "yellow"),
    _describe,
    in_sql=False,
    of_values=True,
)


class ContradictedFlags(Check):
    """Compare each feature that has the name of a flag of the record with that flag."""

    stage = Stage.VALUES
    thresholds = FlagThresholds
    kinds = (CONTRADICTED,)

    def find(self, ctx: Context) -> None:
        """Report flags that more rows contradict than chance explains."""
        limits = FlagThresholds.of(ctx.contract)
        by_name = {f.name: f for f in ctx.contract.features}
        for name, flag in ctx.contract.flags.items():
            if name not in by_name or name in flag.features:
                continue
            said = ctx.get_values(by_name[name].index)
            members = [by_name[n] for n in flag.features]
            there = ~ctx.find_any_defaulted(members)
            unexpected, lacking = (said == 0) & there, (said > 0) & ~there
            judged = ctx.count_per_date(~np.isnan(said))
            counts = [ctx.count_per_date(unexpected), ctx.count_per_date(lacking)]
            for at, _ in ctx.iterate_dates():
                hit = counts[0][at] + counts[1][at]
                share = hit / judged[at] if judged[at] else 0.0
                if not hit or share < limits.flag_share_yellow:
                    continue
                CONTRADICTED.report(
                    ctx,
                    at,
                    "red" if share >= limits.flag_share_red else "yellow",
                    name,
                    [*members, by_name[name]],
                    hit,
                    find_table(members),
                    unexpected | lacking,
                    flag=name,
                    of=list(flag.features),
                    unexpected=int(counts[0][at]),
                    lacking=int(counts[1][at]),
                    share=round(float(share), 4),
                )
