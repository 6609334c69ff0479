"""Faults that show only across the rows of a date: found, explained, and grouped by cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pyarrow as pa

from fsq.contract import Contract, load_contract
from fsq.diagnosis.checks import CHECKS, Days
from fsq.diagnosis.daily import by_feature, long_detail, record_days
from fsq.diagnosis.findings import SEVERITIES, Finding, NotEvaluated, merged, ranked
from fsq.diagnosis.shift import shifts
from fsq.schema import CATEGORIES

Verdict = Literal["red", "yellow", "green"]


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with some dates, why, and what repairs it; see ``diagnose``.

    Attributes:
        contract: the contract's name.
        dates: that were judged, in order.
        findings: one per cause, the most hurtful first.
        not_evaluated: what could not be judged, and why.
        records: one row per judged date, see ``fsq.diagnosis.daily.record_days``.
        features: one row per judged date and feature.
    """

    contract: str
    dates: tuple[date, ...]
    findings: tuple[Finding, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    records: pl.DataFrame
    features: pl.DataFrame

    def verdict(self, day: date | None = None) -> Verdict:
        """The worst severity of a date's findings, or of all; ``green`` where there are none."""
        met = {f.severity for f in self.findings if day is None or day in f.dates}
        return "red" if "red" in met else "yellow" if "yellow" in met else "green"

    @property
    def red_dates(self) -> tuple[date, ...]:
        """Dates with a red finding, which training had better leave out."""
        return tuple(d for d in self.dates if self.verdict(d) == "red")

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        verdict = self.verdict()
        when = str(self.dates[0]) if len(self.dates) == 1 else f"{len(self.dates)} dates"
        if not self.dates:
            return "NOTHING TO JUDGE: no rows on these dates"
        if verdict == "green":
            return f"GREEN: {when}: no fault found"
        worst = next(f for f in self.findings if f.severity == verdict)
        days = "" if len(self.dates) == 1 else f" on {_days(worst.dates)}"
        others = len([f for f in self.findings if f.severity != "info"]) - 1
        more = f" (and {others} more)" if others else ""
        return f"{verdict.upper()}: {when}: {worst.cause}{days}{more}"

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as plain values, for JSON."""
        return {
            "contract": self.contract,
            "verdict": self.verdict(),
            "headline": self.headline,
            "dates": [{"date": d.isoformat(), "verdict": self.verdict(d)} for d in self.dates],
            "findings": [f.to_dict() for f in self.findings],
            "not_evaluated": [n.to_dict() for n in self.not_evaluated],
        }

    def __str__(self) -> str:
        """The headline, and each finding with its evidence and remedy."""
        lines = [self.headline]
        for f in self.findings:
            lines.append(f"  {f.severity.upper():6} {_days(f.dates)}: {f.cause}")
            lines.append(f"         {f.evidence}")
            lines += [f"         $ {step}" for step in f.remedy]
        lines += [f"  not evaluated: {n.check}, {_days(n.dates)}: {n.reason}"
                  for n in self.not_evaluated]  # fmt: skip
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from fsq.diagnosis.display import html

        return html(self)


def _days(dates: tuple[date, ...]) -> str:
    return str(dates[0]) if len(dates) == 1 else f"{dates[0]} to {dates[-1]} ({len(dates)} dates)"


def diagnose(
    scored: pl.DataFrame | pl.LazyFrame | pa.Table,
    contract: str | Path | Contract = "v2_33features",
    dates: Iterable[date] | None = None,
    season_start: date | None = None,
) -> Diagnosis:
    """Find what is wrong with whole dates, and why.

    Args:
        scored: scored rows; dates among them that are not judged serve as history.
        contract: the contract that they were scored with.
        dates: the dates to judge; all by default.
        season_start: first date of the season, where ``scored`` begins later; until its windows
            have filled, defaults are expected. By default it is looked for in ``scored``.

    Raises:
        InputError: columns of a scored table are lacking.

    >>> import fsq
    >>> from fsq.demo import simulate_season
    >>> season = simulate_season("2025-26", seed=1)
    >>> february = season.rows.filter(pl.col("game_date").dt.month() == 2)
    >>> dx = diagnose(fsq.score(february), season_start=date(2025, 10, 21))
    >>> dx.findings[0].kind, dx.findings[0].processor
    ('processor_did_not_run', 'PlayerCompositeFactorsProcessor')
    """
    rules = load_contract(contract)
    frame = pl.LazyFrame(scored) if isinstance(scored, pa.Table) else scored.lazy()
    records = record_days(frame, rules)
    every = records["game_date"].to_list()
    asked = set(every if dates is None else dates)
    judged = [d for d in every if d in asked]
    lines = long_detail(frame, rules)
    days = _beside_history(records, by_feature(lines, rules), rules, season_start)
    chosen = Days(
        days.records.filter(pl.col("game_date").is_in(judged)),
        days.features.filter(pl.col("game_date").is_in(judged)),
        rules,
    )
    findings = [f for check in CHECKS for f in check(chosen)]
    findings += shifts(lines, chosen, every)
    findings = _explained(findings)
    return Diagnosis(
        rules.name,
        tuple(judged),
        tuple(ranked(merged(findings, every), rules)),
        tuple(_not_evaluated(chosen)),
        chosen.records,
        chosen.features,
    )


def _beside_history(
    records: pl.DataFrame, features: pl.DataFrame, contract: Contract, season_start: date | None
) -> Days:
    """The sums, each beside the median of the dates before it."""
    rules = contract.diagnosis

    def trailing(name: str) -> pl.Expr:
        least = min(rules.min_trailing_dates, rules.trailing_dates)
        return pl.col(name).shift(1).rolling_median(rules.trailing_dates, min_samples=least)

    gap = pl.col("game_date").diff().dt.total_days().fill_null(0) > rules.season_gap_days
    begun = pl.when(gap | (pl.int_range(pl.len()) == 0)).then("game_date").forward_fill()
    if season_start is not None:
        begun = pl.when(begun == pl.col("game_date").min()).then(season_start).otherwise(begun)
    records = records.with_columns(
        coverage=pl.col("rows") / pl.coalesce("games", 1),
        vegas_share=pl.col("vegas_rows") / pl.col("rows"),
        enough=pl.col("rows") >= rules.min_rows,
        after_break=pl.col("game_date").diff().dt.total_days().fill_null(0) > rules.break_days,
        warm=(pl.col("game_date") - begun).dt.total_days() < rules.warm_up_days,
    ).with_columns(
        trailing("coverage").alias("coverage_trailing"),
        trailing("vegas_share").alias("vegas_share_trailing"),
        *(trailing(f"{c}_quality_pct").alias(f"{c}_trailing") for c in CATEGORIES),
    ).with_columns(compared=pl.col("coverage_trailing").is_not_null())  # fmt: skip
    about = pl.DataFrame(
        {
            "feature_index": pl.Series([f.index for f in contract.features], dtype=pl.Int64),
            "required": [not f.optional for f in contract.features],
            "suspicious": [f.suspicious_default for f in contract.features],
            "min_std": pl.Series([f.min_std for f in contract.features], dtype=pl.Float64),
            "min_distinct": pl.Series([f.min_distinct or 0 for f in contract.features]),
        }
    )
    shares = ("default", "expected", "violation", "very_stale")
    features = (
        features.join(about, on="feature_index", maintain_order="left")
        .with_columns((pl.col(f"{s}_rows") / pl.col("rows")).alias(f"{s}_share") for s in shares)
        .with_columns(
            trailing(f"{s}_share").over("feature_index").alias(f"{s}_trailing") for s in shares
        )
        .join(
            records.select(
                "game_date", "warm", "after_break", "enough", "compared",
                "completed_processors", "missing_processors",
                games=pl.coalesce("games", pl.col("rows") // 25),
            ),
            on="game_date",
            maintain_order="left",
        )
    )  # fmt: skip
    return Days(records, features, contract)


def _explained(findings: list[Finding]) -> list[Finding]:
    """Leave out what another finding of the same date explains: one cause is one finding."""
    roots = ("processor_did_not_run", "table_missing", "warming_up", "default_rise", "stale_data",
             "stuck_constant", "silent_default", "range_violation")  # fmt: skip
    hit: dict[date, set[str]] = {}
    for f in findings:
        if f.kind in roots:
            hit.setdefault(f.dates[0], set()).update(f.features)
    symptoms = ("quality_drop", "distribution_shift")
    return [
        f
        for f in findings
        if f.kind not in symptoms or hit.get(f.dates[0], set()).isdisjoint(f.features)
    ]


def _not_evaluated(days: Days) -> list[NotEvaluated]:
    rules = days.contract.diagnosis
    reasons = {
        "spread and shares": (~pl.col("enough"), f"fewer than {rules.min_rows} rows"),
        "against the dates before": (
            ~pl.col("compared"), f"fewer than {rules.min_trailing_dates} dates before"),
        "what ran": (
            pl.col("run_known_rows") == 0,
            "the rows do not say which processors completed"),
    }  # fmt: skip
    out = []
    for check, (hit, reason) in reasons.items():
        if dates := days.records.filter(hit)["game_date"].to_list():
            out.append(NotEvaluated(check, reason, tuple(dates)))
    return out


__all__ = ["SEVERITIES", "Diagnosis", "Finding", "NotEvaluated", "diagnose"]
