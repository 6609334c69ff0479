"""Features that fall back to defaults, traced to the table and to the job that writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fsq.contract import Feature
from fsq.contract.sections import Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import HISTORY, SAMPLE_SIZES, Check, Kind, Stage
from fsq.diagnosis.checks.source_labels import CONTRADICTED, LOST, SOURCES_ABSENT
from fsq.diagnosis.context import Context
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.nouns import describe_start, name_events, name_examples, name_sample
from fsq.profile.rows import Mask, Matrix


class UpstreamThresholds(Thresholds):
    """How much a default rate may rise over the earlier dates' median."""

    default_rise_yellow: Share = 0.15
    """Rise of a feature's default rate over the earlier dates' median."""
    default_rise_red: Share = 0.5
    """The same, for red."""
    rising = (("default_rise_yellow", "default_rise_red"),)


def _describe_not_run(f: Facts) -> Text:
    return Text(
        f"{f.job} did not run: {f.indices} {f.are} default for {f.rows}",
        f"{f.job} is not among the completed processors, so {f.table} has no record and "
        f"{f.names} fell back to defaults.",
    )


def _describe_wrote_nothing(f: Facts) -> Text:
    return Text(
        f"{f.job} ran but wrote nothing: {f.indices} {f.are} default for {f.rows}",
        f"{f.job} is listed as completed, but {f.table} has no record for these "
        f"{f.signal.rows_affected:,} {f.entities}{f.examples}.",
    )


def _describe_table_missing(f: Facts) -> Text:
    return Text(
        f"{f.table} has no records: {f.indices} {f.are} default for {f.rows}",
        f"{f.table} has no record for these rows; the run context does not say whether "
        f"{f.job} ran.",
    )


def _describe_wrote_part(f: Facts) -> Text:
    return Text(
        f"{f.job} left out {f.entities}: {f.indices} {f.are} default for {f.rows}",
        f"{f.run}{f.table} has no record for these {f.signal.rows_affected:,} "
        f"{f.entities}{f.examples}; usually {f.usual_share} of the rows lack one.",
    )


def _describe_feature_missing(f: Facts) -> Text:
    return Text(
        f"{f.feature} {f.are} default for {f.rows}",
        f"{f.run}{f.names} {f.are} missing, while other features of {f.table} have values.",
    )


def _describe_default_rise(f: Facts) -> Text:
    return Text(
        f"{f.feature} {f.are} default for {f.evidence['default_share']:.0%} of the rows, "
        f"usually {f.usual_share}",
        f"{f.run}{f.names} of {f.table} fell back to defaults for more rows than on earlier "
        f"dates{f.examples}.",
    )


def _describe_disagreement(f: Facts) -> Text:
    return Text(
        f"{f.job} is listed as not run, but {f.indices} {f.are} present",
        f"The values may come from an older run of {f.job}, or the list of completed processors "
        "is wrong.",
    )


def _describe_season_start(f: Facts) -> Text:
    table = f.contract.table
    count = f.evidence[name_sample(table)]
    events = name_events(table, 1 if count == 1 else 2)
    if count is None:
        why = f"No {events} were stored for weeks before the first of these dates"
    else:
        why = f"The median {table.entity} has {count:g} {events} in the window"
    return Text(
        f"{describe_start(f.contract)}: {f.indices} {f.are} still default",
        f"{why}, so {f.names} cannot be known yet. The training gate excludes such rows.",
    )


DID_NOT_RUN = Kind(
    "processor_did_not_run",
    "a job did not run; its features are defaults",
    ("red",),
    _describe_not_run,
    of_values=True,
)
WROTE_NOTHING = Kind(
    "processor_wrote_nothing",
    "a job ran, but its table has no record for the rows",
    ("red",),
    _describe_wrote_nothing,
    of_values=True,
)
TABLE_MISSING = Kind(
    "upstream_table_missing",
    "a table has no record for the rows, and nothing says whether its job ran",
    ("red",),
    _describe_table_missing,
    of_values=True,
)
WROTE_PART = Kind(
    "processor_wrote_part",
    "a job left out more rows than on earlier dates",
    ("red", "yellow"),
    _describe_wrote_part,
    (HISTORY,),
    of_values=True,
)
FEATURE_MISSING = Kind(
    "feature_missing",
    "a feature is default for nearly all rows, while others of its table have values",
    ("red",),
    _describe_feature_missing,
    of_values=True,
)
DEFAULT_RISE = Kind(
    "default_rate_shift",
    "a feature falls back to its default more often than on earlier dates",
    ("red", "yellow"),
    _describe_default_rise,
    (HISTORY,),
    of_values=True,
)
DISAGREEMENT = Kind(
    "run_context_disagrees",
    "a job is listed as not run, but its features have values",
    ("yellow",),
    _describe_disagreement,
)
SEASON_START = Kind(
    "season_start",
    "windows are still filling, since the season has just begun",
    ("yellow",),
    _describe_season_start,
    (SAMPLE_SIZES,),
    repairable=False,
    is_fault=False,
)


class Upstream(Check):
    """Tables without records, features without values, and default rates that rise."""

    stage = Stage.UPSTREAM
    thresholds = UpstreamThresholds
    kinds = (
        DID_NOT_RUN,
        WROTE_NOTHING,
        TABLE_MISSING,
        WROTE_PART,
        FEATURE_MISSING,
        DEFAULT_RISE,
        DISAGREEMENT,
        SEASON_START,
    )

    def find(self, ctx: Context) -> None:
        """Compare each table's default rows with all rows, and with those of earlier dates."""
        nearly_all = ctx.contract.diagnosis.table_default_share
        limits, nouns = UpstreamThresholds.of(ctx.contract), ctx.contract.table
        defaulted = {t: ctx.find_all_defaulted(fs) for t, fs in ctx.tables.items()}
        empty = {t: ctx.count_per_date(mask) for t, mask in defaulted.items()}
        mislabelled = ctx.list_explained(SOURCES_ABSENT.name, CONTRADICTED.name, LOST.name)
        earlier, unrun = ctx.find_usual(ctx.default_share), ctx.list_not_run()
        odd = _find_odd(ctx, empty, earlier, limits)
        for at, day in ctx.iterate_dates():
            starting: list[Feature] = []
            is_filling, usual = ctx.is_filling[at], earlier.get(at)
            DEFAULT_RISE.can_evaluate(ctx, at)
            SEASON_START.can_evaluate(ctx, at)
            for number, (table, features) in enumerate(ctx.tables.items()):
                required = [f for f in features if not f.optional]
                if not required or not (odd[at, number] or table in unrun[at]):
                    continue  # optional ones may be absent; another check looks at them
                if any((day, f.name) in mislabelled for f in features):
                    continue  # they are no defaults, whatever their labels say
                ran = ctx.has_run(table, at)
                if empty[table][at] >= nearly_all * ctx.rows[at]:
                    if is_filling[[f.index for f in required]].all() and ran is not False:
                        starting += features
                    else:
                        rows, examples = empty[table][at], ctx.list_examples(defaulted[table], at)
                        facts: dict[str, Any] = {"ran": ran, name_examples(nouns): examples}
                        kind = _kind_of_empty(ran)
                        named = defaulted[table]
                        kind.report(ctx, at, "red", table, features, rows, table, named, **facts)
                    continue
                if ran is False:
                    DISAGREEMENT.report(ctx, at, "yellow", table, features, 0, table, ran=False)
                lost = [f for f in required if ctx.default_share[at, f.index] >= nearly_all]
                starting += [f for f in lost if is_filling[f.index]]
                lost = [f for f in lost if not is_filling[f.index]]
                if lost:
                    most = ctx.get_matrix("default_rows")[at, [f.index for f in lost]].max()
                    named = ctx.find_any_defaulted(lost)
                    FEATURE_MISSING.report(ctx, at, "red", table, lost, most, table, named, ran=ran)
                rest = [f for f in required if f not in lost and not is_filling[f.index]]
                if usual is not None:
                    _report_rise(ctx, at, table, rest, ran, limits, usual)
            if starting:
                starting.sort(key=lambda f: f.index)
                sample: dict[str, Any] = {name_sample(nouns): _measure_sample(ctx, at, starting)}
                SEASON_START.report(ctx, at, "yellow", "", starting, ctx.rows[at], **sample)


def _find_odd(
    ctx: Context, empty: dict[str, Matrix], usual: dict[int, Matrix], limits: UpstreamThresholds
) -> Mask:
    """Dates × tables of whose defaults there may be something to report."""
    nearly_all = ctx.contract.diagnosis.table_default_share
    rise = np.full(ctx.default_share.shape, np.nan)
    for at, share in usual.items():
        rise[at] = ctx.default_share[at] - share
    high = (ctx.default_share >= nearly_all) | (rise >= limits.default_rise_yellow)
    columns = [
        (empty[table] >= nearly_all * ctx.rows) | high[:, [f.index for f in features]].any(axis=1)
        for table, features in ctx.tables.items()
    ]
    return np.stack(columns, axis=1)


def _kind_of_empty(ran: bool | None) -> Kind:
    if ran is None:
        return TABLE_MISSING
    return WROTE_NOTHING if ran else DID_NOT_RUN


def _measure_sample(ctx: Context, at: int, features: Sequence[Feature]) -> float:
    """The median sample of a date on which all windows, or these features' windows, fill."""
    if ctx.starts_season(at):
        return float(ctx.median_sample[at])
    return float(np.nanmax(ctx.get_matrix("sample_size")[at, [f.index for f in features]]))


def _report_rise(
    ctx: Context,
    at: int,
    table: str,
    features: Sequence[Feature],
    ran: bool | None,
    limits: UpstreamThresholds,
    usual: Matrix,
) -> None:
    """Report features that fall back for more rows than on earlier dates, though not for all."""
    if ctx.rows[at] < ctx.contract.diagnosis.min_rows:
        return
    rise = ctx.default_share[at] - usual
    risen = [f for f in features if rise[f.index] >= limits.default_rise_yellow]
    if not risen:
        return
    worst = max(risen, key=lambda f: rise[f.index])
    required = [f for f in ctx.tables[table] if not f.optional]
    whole_table = len(risen) == len(required) and len(risen) > 1
    mask = ctx.find_all_defaulted(required) if whole_table else ctx.find_any_defaulted(risen)
    kind = WROTE_PART if whole_table else DEFAULT_RISE
    facts: dict[str, Any] = {
        "ran": ran,
        name_examples(ctx.contract.table): ctx.list_examples(mask, at),
        "default_share": round(float(ctx.default_share[at, worst.index]), 4),
        "usual_share": round(float(usual[worst.index]), 4),
    }
    kind.report(
        ctx,
        at,
        "red" if rise[worst.index] >= limits.default_rise_red else "yellow",
        table,
        risen,
        ctx.count_per_date(mask)[at],
        table,
        mask,
        **facts,
    )
