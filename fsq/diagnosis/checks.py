"""The checks of a date: each takes the sums with their trailing medians and gives findings.

Red is kept for what makes a date's required features useless; in a season's first days, when
windows are still filling, defaults are expected and nothing but a job that is known not to have
run is red.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from fsq.contract import Contract, Processor
from fsq.diagnosis.findings import Finding, Severity
from fsq.schema import CATEGORIES

Row = dict[str, Any]


@dataclass(frozen=True)
class Days:
    """What the checks read: the judged dates' sums, beside the medians of the dates before."""

    records: pl.DataFrame
    features: pl.DataFrame
    contract: Contract

    def writer(self, table: str) -> Processor | None:
        """The job that writes a table, or computes what is calculated."""
        jobs = self.contract.processors
        return next((p for p in jobs if table in (p.writes, p.computes)), None)


def remedy(job: Processor | None, day: date) -> tuple[str, ...]:
    """Commands that repair a date, in order."""
    again = f"fsq backfill --source SOURCE --store STORE --start {day} --end {day} --force"
    return (job.rerun.format(date=day), again) if job and job.rerun else (again,)


def missing_tables(days: Days) -> Iterator[Finding]:
    """Upstream tables all of whose features are default in nearly all rows."""
    rules = days.contract.diagnosis
    tables = (
        days.features.group_by("game_date", "upstream_table", maintain_order=True)
        .agg(
            pl.col("default_share").min(),
            pl.col("default_rows").min().alias("affected"),
            pl.col("feature_name"),
            pl.col("feature_index"),
            pl.col("required").any(),
            pl.first(
                "rows", "warm", "completed_processors", "missing_processors", "default_trailing"
            ),
        )
        .filter(pl.col("default_share") >= rules.table_default_share)
    )
    for row in tables.iter_rows(named=True):
        job = days.writer(row["upstream_table"])
        did_not_run = job is not None and job.name in row["missing_processors"]
        ran = job is not None and job.name in row["completed_processors"]
        evidence = (
            f"{_features(row['feature_index'])} default for {row['affected']} of {row['rows']} rows"
        )
        kind: str = "table_missing"
        severity: Severity = "red"
        if did_not_run:
            kind = "processor_did_not_run"
            cause = f"{job.name if job else ''} did not run"
        elif not row["required"]:
            kind, severity = "optional_table_missing", "info"
            cause = f"{row['upstream_table']} has nothing for these rows; models can do without"
        elif row["warm"]:
            kind, severity = "warming_up", "yellow"
            cause = f"{row['upstream_table']} has no games to look back on: the season is young"
        elif ran and job:
            cause = f"{job.name} ran, but wrote nothing for these {row['affected']} rows"
        elif job:
            cause = f"{job.name} wrote nothing; the run context does not say whether it ran"
        else:
            cause = f"{row['upstream_table']} was not there; no job is known to write it"
        yield Finding(
            kind, severity, (row["game_date"],), tuple(row["feature_name"]), row["affected"],
            evidence, cause, () if severity == "info" else remedy(job, row["game_date"]),
            row["upstream_table"], job.name if job else None,
        )  # fmt: skip


def _features(indices: list[int]) -> str:
    """Indices in words, runs joined.

    >>> _features([5, 6, 7, 8, 13])
    'features 5-8, 13'
    """
    runs: list[list[int]] = []
    for i in indices:
        if runs and i == runs[-1][1] + 1:
            runs[-1][1] = i
        else:
            runs.append([i, i])
    told = ", ".join(f"{a}-{b}" if b > a else f"{a}" for a, b in runs)
    return f"feature{'s' if len(indices) > 1 else ''} {told}"


def missing_jobs(days: Days) -> Iterator[Finding]:
    """Jobs that the run context misses although their features are there."""
    seen = {
        (f.dates[0], f.processor) for f in missing_tables(days) if f.kind == "processor_did_not_run"
    }
    for row in days.records.filter(pl.col("missing_processors").list.len() > 0).iter_rows(
        named=True
    ):
        for name in row["missing_processors"]:
            if (row["game_date"], name) not in seen:
                job = next((p for p in days.contract.processors if p.name == name), None)
                yield Finding(
                    "processor_missing", "yellow", (row["game_date"],), (), row["rows"],
                    "the run context lacks it, but its features are not default",
                    f"{name} did not report its end, or its table is left from an earlier run",
                    remedy(job, row["game_date"]), job.writes if job else None, name,
                )  # fmt: skip


def fallen_back(days: Days) -> Iterator[Finding]:
    """Features that fall back more often than before, though their table is there."""
    rules = days.contract.diagnosis
    down = {(f.dates[0], f.upstream_table) for f in missing_tables(days)}
    risen = days.features.filter(
        pl.col("enough") & pl.col("compared")
        & (pl.col("default_share") - pl.col("default_trailing") >= rules.default_rise)
    )  # fmt: skip
    for row in _by_table(risen, pl.col("default_share").max(), pl.col("default_trailing").max()):
        if (row["game_date"], row["upstream_table"]) in down:
            continue
        job = days.writer(row["upstream_table"])
        all_of_it = row["default_share"] >= rules.table_default_share
        yield Finding(
            "default_rise", _unless_warm(row, "red" if all_of_it and row["required"] else "yellow"),
            (row["game_date"],), tuple(row["feature_name"]), row["default_rows"],
            f"default for {row['default_share']:.0%} of {row['rows']} rows, "
            f"{row['default_trailing']:.0%} on the dates before",
            f"{row['upstream_table']} lacks records for these rows",
            remedy(job, row["game_date"]), row["upstream_table"], job.name if job else None,
        )  # fmt: skip


def stuck(days: Days) -> Iterator[Finding]:
    """Features that should vary, but hardly do over a date's rows."""
    rules = days.contract.diagnosis
    one_value = pl.col("most_common_share") >= rules.stuck_top_share
    few = pl.col("distinct") < pl.min_horizontal("min_distinct", "games")
    found = days.features.filter(
        (pl.col("trusted") >= rules.min_rows) & pl.col("min_std").is_not_null()
        & (one_value | (pl.col("std") < pl.col("min_std")) | few)
        # Few games hold few teams, and their ratings may lie close together by chance.
        & (one_value | (pl.col("games") >= pl.col("min_distinct")))
        # All at the expected value is a silent default, which says more.
        & ~_silent(days)
    ).with_columns(one=one_value)  # fmt: skip
    for row in found.iter_rows(named=True):
        values = f"{row['distinct']} distinct value{'' if row['distinct'] == 1 else 's'}"
        yield Finding(
            "stuck_constant",
            # After a break everyone is as rested as can be: alike, but truly so.
            _unless_warm(row, "red" if row["one"] and not row["after_break"] else "yellow"),
            (row["game_date"],), (row["feature_name"],), row["trusted"],
            f"{values} in {row['trusted']} rows, standard deviation {row['std'] or 0:.3g} "
            f"(at least {row['min_std']:g} is normal)",
            f"{row['feature_name']} does not vary: its calculation may return a constant",
            remedy(days.writer(row["upstream_table"]), row["game_date"]), row["upstream_table"],
        )  # fmt: skip


def _silent(days: Days) -> pl.Expr:
    rules, share = days.contract.diagnosis, pl.col("expected_share")
    risen = pl.col("compared") & (share - pl.col("expected_trailing") >= rules.silent_rise)
    # A feature stuck at a value that is also the expected one is a default only if it is marked.
    return (share >= rules.silent_share) & pl.col("suspicious") & (risen | ~pl.col("compared"))


def silent_defaults(days: Days) -> Iterator[Finding]:
    """Features that equal the expected value in many rows, but are not labelled default."""
    found = days.features.filter(pl.col("enough") & _silent(days))
    for row in found.iter_rows(named=True):
        yield Finding(
            "silent_default", _unless_warm(row, "red" if row["required"] else "yellow"),
            (row["game_date"],), (row["feature_name"],), row["expected_rows"],
            f"{row['expected_share']:.0%} of {row['rows']} rows are exactly the expected value, "
            f"{row['expected_trailing'] or 0:.0%} on the dates before",
            f"{row['feature_name']} fell back without saying so",
            remedy(days.writer(row["upstream_table"]), row["game_date"]), row["upstream_table"],
        )  # fmt: skip


def stale(days: Days) -> Iterator[Finding]:
    """Upstream tables whose records are too old in many rows."""
    rules, limit = days.contract.diagnosis, days.contract.feature_rules.very_stale_hours
    found = days.features.filter(
        pl.col("enough") & (pl.col("very_stale_share") >= rules.stale_share)
    )
    for row in _by_table(found, pl.col("very_stale_share").max(), pl.col("very_stale_rows").max()):
        job = days.writer(row["upstream_table"])
        nearly_all = row["very_stale_share"] >= rules.table_default_share and row["required"]
        yield Finding(
            "stale_data", "red" if nearly_all else "yellow", (row["game_date"],),
            tuple(row["feature_name"]), row["very_stale_rows"],
            f"older than {limit:g} h in {row['very_stale_rows']} of {row['rows']} rows",
            f"{job.name if job else 'upstream'} has not renewed {row['upstream_table']}",
            remedy(job, row["game_date"]), row["upstream_table"], job.name if job else None,
        )  # fmt: skip


def ranges(days: Days) -> Iterator[Finding]:
    """Features with many values out of their range; those of one date are one finding."""
    rules = days.contract.diagnosis
    found = days.features.filter(
        pl.col("enough") & (pl.col("violation_share") >= rules.violation_share)
        & ~(pl.col("compared") & (pl.col("violation_share") - pl.col("violation_trailing")
                                  < rules.violation_share))
    )  # fmt: skip
    grouped = found.group_by("game_date", maintain_order=True).agg(
        "feature_name", pl.col("violation_rows").max(), pl.col("violation_share").max(),
        pl.first("rows"), pl.col("required").any(), pl.col("upstream_table").unique(),
    )  # fmt: skip
    for row in grouped.iter_rows(named=True):
        red = row["violation_share"] >= rules.violation_share_red and row["required"]
        table = row["upstream_table"][0] if len(row["upstream_table"]) == 1 else None
        yield Finding(
            "range_violation", "red" if red else "yellow", (row["game_date"],),
            tuple(row["feature_name"]), row["violation_rows"],
            f"out of range in up to {row['violation_share']:.0%} of {row['rows']} rows",
            "upstream computes values that cannot be, or the contract's range is too narrow",
            remedy(days.writer(table) if table else None, row["game_date"]), table,
        )  # fmt: skip


def coverage(days: Days) -> Iterator[Finding]:
    """Rows against the trailing median: per game where games are known."""
    rules = days.contract.diagnosis
    found = days.records.filter(
        pl.col("compared") & (pl.col("coverage") / pl.col("coverage_trailing") < rules.coverage)
    )
    for row in found.iter_rows(named=True):
        ratio, known = row["coverage"] / row["coverage_trailing"], row["games"] is not None
        per = " per game" if known else ""
        red = known and ratio < rules.coverage_red and not row["warm"]
        lost = round(row["rows"] / ratio - row["rows"])
        yield Finding(
            "missing_rows", "red" if red else "yellow", (row["game_date"],), (), lost,
            f"{row['coverage']:.3g} rows{per}, {row['coverage_trailing']:.3g} on the dates before",
            f"about {lost} rows were not written" if known else "fewer rows than usual",
            remedy(None, row["game_date"]),
        )  # fmt: skip


def category_drops(days: Days) -> Iterator[Finding]:
    """Categories whose quality fell against the dates before."""
    for category in CATEGORIES:
        now, before = pl.col(f"{category}_quality_pct"), pl.col(f"{category}_trailing")
        fell = days.records.filter(
            pl.col("enough") & pl.col("compared")
            & (before - now >= days.contract.diagnosis.quality_drop)
        )  # fmt: skip
        for row in fell.iter_rows(named=True):
            yield Finding(
                "quality_drop", "yellow", (row["game_date"],),
                tuple(f.name for f in days.contract.features if f.category == category),
                row["rows"],
                f"{category} quality {row[f'{category}_quality_pct']:.0f}, "
                f"{row[f'{category}_trailing']:.0f} on the dates before",
                f"{category} features are worse than usual",
            )  # fmt: skip


def vegas(days: Days) -> Iterator[Finding]:
    """The share of rows with a line, where it left its normal band and moved."""
    rules = days.contract.diagnosis
    low, high = rules.vegas_normal
    share = pl.col("vegas_rows") / pl.col("rows")
    moved = (share - pl.col("vegas_share_trailing")).abs() >= rules.vegas_move
    found = days.records.filter(
        pl.col("enough") & pl.col("compared") & moved & ~share.is_between(low, high)
    )
    for row in found.iter_rows(named=True):
        yield Finding(
            "vegas_coverage", "yellow", (row["game_date"],), ("vegas_points_line",), row["rows"],
            f"{row['vegas_rows'] / row['rows']:.0%} of the rows have a line, "
            f"{row['vegas_share_trailing']:.0%} on the dates before; "
            f"{low:.0%} to {high:.0%} is normal",
            "the odds feed covers other players than before",
        )  # fmt: skip


def _by_table(found: pl.DataFrame, *more: pl.Expr) -> Iterator[Row]:
    grouped = found.group_by("game_date", "upstream_table", maintain_order=True).agg(
        "feature_name", pl.col("required").any(), pl.first("rows", "warm"),
        pl.col("default_rows").max(), *more,
    )  # fmt: skip
    return grouped.iter_rows(named=True)


def _unless_warm(row: Row, severity: Severity) -> Severity:
    return "yellow" if row["warm"] else severity


CHECKS = (missing_tables, missing_jobs, fallen_back, stuck, silent_defaults, stale, ranges,
          coverage, category_drops, vegas)  # fmt: skip
