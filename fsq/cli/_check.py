"""A diagnosis as people and scripts read it: terminal, Markdown, JSON."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from fsq.cli._output import Output, clean
from fsq.diagnosis import Diagnosis, Finding
from fsq.schema import CATEGORIES

_STYLES = {"red": "bold red", "yellow": "bold yellow", "green": "bold green", "info": "cyan"}
_BAR = 30
_MOST_FEATURES = 12


def show(found: Diagnosis, out: Output, steps: Mapping[str, str]) -> None:
    """Print a diagnosis in 80 columns: verdict first, then parts, then causes."""
    out.line(found.headline, _STYLES[found.verdict()])
    sums = _sums(found)
    if sums is None:
        return
    out.line(
        f"{sums['rows']:,} rows, mean score {sums['quality']:.1f}; "
        f"{sums['production_ready']:,} ready for production, "
        f"{sums['training_ready']:,} for training"
    )
    out.line("")
    for category in CATEGORIES:
        pct = sums[f"{category}_quality_pct"]
        full = round(_BAR * pct / 100)
        out.line(f"{category:<15} {'█' * full}{'░' * (_BAR - full)} {pct:5.1f}")
    if len(found.dates) > 1:
        _date_table(found, out)
    features = _worst_features(found)
    if features:
        out.line("")
        names = ("feature", "score", "default", "p4/p3/calc/def %", "g/s/b/p %")
        out.table(names, features, numbers="score default")
    for finding in found.findings:
        _show_finding(finding, out, steps)
    if found.not_evaluated:
        out.line("")
        out.line("Not evaluated:")
        for n in found.not_evaluated:
            out.paragraph(f"{n.check} on {_days(n.dates)}: {n.reason}", indent=2)


def _show_finding(finding: Finding, out: Output, steps: Mapping[str, str]) -> None:
    out.line("")
    out.line(f"{finding.severity.upper()}  {finding.kind}  {_days(finding.dates)}",
             _STYLES[finding.severity])  # fmt: skip
    out.paragraph(finding.cause, indent=2)
    out.paragraph(finding.evidence, indent=2)
    if finding.features:
        out.paragraph(", ".join(finding.features), indent=2)
    for step in finding.remedy:
        out.line(f"  $ {_filled(step, steps)}")


def _date_table(found: Diagnosis, out: Output) -> None:
    """Dates that are not green, or all if they are few."""
    rows = [
        (row["game_date"], found.verdict(row["game_date"]), row["rows"], f"{row['quality']:.1f}",
         f"{row['matchup_quality_pct']:.1f}", row["production_ready"], row["training_ready"])
        for row in found.records.iter_rows(named=True)
        if len(found.dates) <= _MOST_FEATURES or found.verdict(row["game_date"]) != "green"
    ]  # fmt: skip
    out.line("")
    names = ("date", "verdict", "rows", "score", "matchup", "production", "training")
    out.table(names, rows, numbers="rows score matchup production training")


def _worst_features(found: Diagnosis) -> list[tuple[object, ...]]:
    """Features that a finding names, the worst first."""
    named = {n for f in found.findings if f.severity != "info" for n in f.features}
    sums = (
        found.features.filter(pl.col("feature_name").is_in(named))
        .group_by("feature_name", maintain_order=True)
        .agg(
            (pl.col("quality_pct") * pl.col("rows")).sum() / pl.col("rows").sum(),
            pl.sum("rows", "default_rows", "phase4", "phase3", "calculated",
                   "gold", "silver", "bronze", "poor"),
        )
        .sort("quality_pct", maintain_order=True)
        .head(_MOST_FEATURES)
    )  # fmt: skip
    out: list[tuple[object, ...]] = []
    for row in sums.iter_rows(named=True):
        shares = {k: f"{100 * v / row['rows']:.0f}" for k, v in row.items() if k in _COUNTS}
        sources = "/".join(shares[k] for k in ("phase4", "phase3", "calculated", "default_rows"))
        tiers = "/".join(shares[k] for k in ("gold", "silver", "bronze", "poor"))
        default = f"{shares['default_rows']} %"
        out.append((row["feature_name"], f"{row['quality_pct']:.1f}", default, sources, tiers))
    return out


_COUNTS = {"default_rows", "phase4", "phase3", "calculated", "gold", "silver", "bronze", "poor"}


def _sums(found: Diagnosis) -> dict[str, Any] | None:
    """Sums and row-weighted means over the judged dates; None without rows."""
    if found.records.is_empty():
        return None
    weight = pl.col("rows") / pl.col("rows").sum()
    means = ["quality", *(f"{c}_quality_pct" for c in CATEGORIES)]
    sums = ["rows", "production_ready", "training_ready", "red", "yellow", "green"]
    return found.records.select(
        *((pl.col(m) * weight).sum() for m in means), pl.sum(*sums)
    ).row(0, named=True)  # fmt: skip


def _days(dates: tuple[Any, ...]) -> str:
    return str(dates[0]) if len(dates) == 1 else f"{dates[0]} to {dates[-1]} ({len(dates)} dates)"


def _filled(step: str, steps: Mapping[str, str]) -> str:
    return re.sub("|".join(steps), lambda word: steps[word[0]], step) if steps else step


def as_document(found: Diagnosis, store: str, steps: Mapping[str, str]) -> dict[str, Any]:
    """The JSON document of ``fsq check``; docs/check-json.md describes it."""
    document = found.to_dict()
    for finding in document["findings"]:
        finding["remedy"] = [_filled(step, steps) for step in finding["remedy"]]
    sums = _sums(found) or {}
    return {
        "schema": "fsq.check/1",
        "store": store,
        **document,
        "rows": sums.get("rows", 0),
        "quality": sums.get("quality"),
        "categories": {c: sums.get(f"{c}_quality_pct") for c in CATEGORIES},
        "production_ready": sums.get("production_ready", 0),
        "training_ready": sums.get("training_ready", 0),
    }


def as_markdown(found: Diagnosis, steps: Mapping[str, str]) -> str:
    """A summary for a pull request or a job's page."""
    sign = {"red": "🔴", "yellow": "🟡", "green": "🟢"}[found.verdict()]
    lines = [f"## {sign} {_plain(found.headline)}", ""]
    if sums := _sums(found):
        lines += ["| category | quality |", "|---|---:|"]
        lines += [f"| {c} | {sums[f'{c}_quality_pct']:.1f} |" for c in CATEGORIES]
    for finding in found.findings:
        lines += ["", f"### {finding.severity}: {_plain(finding.cause)}", "",
                  f"{_days(finding.dates)}: {_plain(finding.evidence)}"]  # fmt: skip
        if finding.remedy:
            lines += ["", "```sh", *(_filled(step, steps) for step in finding.remedy), "```"]
    if found.not_evaluated:
        lines += ["", "Not evaluated:", ""]
        lines += [f"- {n.check}, {_days(n.dates)}: {n.reason}" for n in found.not_evaluated]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", html.escape(clean(text), quote=False))
