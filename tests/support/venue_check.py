"""A check in one file: rows without a venue, a column that the rows may carry."""

from __future__ import annotations

from fsq.contract.sections import Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import MIN_ROWS, Check, Kind, Stage, need_column
from fsq.diagnosis.context import Context
from fsq.diagnosis.messages import Facts, Text


class VenueThresholds(Thresholds):
    venue_missing_share: Share = 0.1
    """Share of rows without a venue."""


def _describe(f: Facts) -> Text:
    return Text(f"no venue in {f.rows}", "The schedule was read before it was complete.")


VENUE_MISSING = Kind(
    "venue_missing",
    "rows have no venue",
    ("red", "yellow"),
    _describe,
    (need_column("venue"), MIN_ROWS),
    in_sql=False,
)


class VenueCheck(Check):
    """Count the rows without a venue."""

    stage = Stage.ROWS
    thresholds = VenueThresholds
    kinds = (VENUE_MISSING,)
    columns = ("venue",)

    def find(self, ctx: Context) -> None:
        least = VenueThresholds.of(ctx.contract).venue_missing_share
        for at, _ in ctx.iterate_dates():
            if VENUE_MISSING.can_evaluate(ctx, at):
                missing = ctx.count_per_date(ctx.get_carried("venue").is_null().to_numpy())[at]
                share = float(missing / ctx.rows[at])
                if share >= least:
                    VENUE_MISSING.report(ctx, at, "yellow", "", [], missing, share=share)
