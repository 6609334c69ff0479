"""How a diagnosis is shown: categories as bars, features as a table, then the findings."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from fsq.checking import StoreCheck
from fsq.checking.freshness import describe_age
from fsq.checking.notify import WORDS
from fsq.cli._output import Output, clean, one_line
from fsq.contract import Contract
from fsq.contract.rules import Tiers
from fsq.diagnosis import Diagnosis, Finding
from fsq.diagnosis.feature_metrics import name_source_counts
from fsq.diagnosis.pictures import can_draw
from fsq.diagnosis.rendering import (
    MAX_FINDINGS,
    wrap_finding,
    wrap_headline,
    wrap_not_evaluated,
)
from fsq.schema.vocabulary import DEFAULT, FEATURE_TIERS
from fsq.utils.text import plural

_BAR_WIDTH, _MAX_FEATURES = 30, 12


def print_check(done: StoreCheck, out: Output) -> None:
    """Print how old the store is, the diagnosis, and what was entered into the ledger."""
    if done.newest is not None and done.age is not None:
        out.line(f"Newest date {done.newest}, {describe_age(done.age, done.days_ahead)}")
    print_diagnosis(done.dx, out)
    if done.changes is None:
        return
    out.line("")
    for change in done.changes:
        incident = change.incident
        how = "" if incident.how is None else f", {incident.how}"
        told = f"Incident {incident.id} {WORDS[change.what]}: {incident.title}{how}"
        out.line(one_line(told))
    out.line(f"{plural(done.open_incidents or 0, 'incident')} open; `fsq incidents` lists them")


def print_diagnosis(dx: Diagnosis, out: Output) -> None:
    """Print the verdict, the categories, the features that matter, and the findings."""
    out.line("\n".join(wrap_headline(dx.summary, out.width)))
    if dx.days.height:
        _print_categories(dx, out)
        _print_features(dx, out)
    for finding in dx.findings[:MAX_FINDINGS]:
        out.line("")
        print_finding(finding, out)
    if len(dx.findings) > MAX_FINDINGS:
        hidden = len(dx.findings) - MAX_FINDINGS
        out.line(f"\nand {hidden} more findings; --json lists all of them")
    if lines := wrap_not_evaluated(dx.summary, out.width):
        out.line("\nNot evaluated:\n" + "\n".join(lines))


def print_finding(finding: Finding, out: Output) -> None:
    """Print a finding; a terminal breaks long commands itself, so that they are copied whole."""
    to = out.file
    lines = wrap_finding(finding, out.width, blocks=can_draw(to), whole_commands=to.isatty())
    out.line(clean("\n".join(lines)))


def _print_categories(dx: Diagnosis, out: Output) -> None:
    """Print the mean quality of each category over the rows of all dates."""
    days, width = dx.days, max(len(c) for c in dx.contract.category_names)
    total = float(days["rows"].sum())
    optional = {c.name for c in dx.contract.categories if c.optional}
    out.line("")
    for category in dx.contract.category_names:
        if not dx.contract.in_category(category):
            continue
        value = float((days[f"{category}_quality_pct"] * days["rows"]).sum()) / total
        note = "  optional" if category in optional else ""
        bar = draw_bar(value, max(10, min(_BAR_WIDTH, out.width - width - 18)))
        colours = {} if category in optional else {bar: _choose_colour(value, dx.contract.tiers)}
        out.line(f"{category:<{width}}  {bar} {value:5.1f}{note}", colours)


def _choose_colour(quality: float, tiers: Tiers) -> str:
    """Green for what would make a record silver or better, red for what would make it critical."""
    if quality >= tiers.silver_from:
        return "green"
    return "yellow" if quality >= tiers.poor_from else "red"


def draw_bar(percent: float, width: int = _BAR_WIDTH) -> str:
    """A bar of a fixed width, whose empty part shows, too.

    >>> draw_bar(50)
    '███████████████░░░░░░░░░░░░░░░'
    """
    full = round(max(0.0, min(100.0, percent)) / 100 * width)
    return "█" * full + "░" * (width - full)


def _print_features(dx: Diagnosis, out: Output) -> None:
    """Print the features that findings name, then the required ones that are not even silver."""
    least = dx.contract.tiers.silver_from
    features = _sum_features(dx.features, dx.contract)
    serious = {n for f in dx.findings if f.severity != "info" for n in f.features}
    named = [f for f in features if f["name"] in serious]
    low = [
        f
        for f in features
        if f["name"] not in serious and not f["optional"] and f["quality"] < least
    ]
    shown = sorted(named, key=_rank)[:_MAX_FEATURES]
    shown += sorted(low, key=_rank)[: max(0, _MAX_FEATURES - len(shown))]
    if not shown:
        out.line(f"\nEvery required feature scores {least:g} or more.")
        return
    out.line("")
    rows = [
        (
            f["index"],
            f["name"],
            f"{f['quality']:.1f}",
            f"{100 * f['default']:.0f}%",
            f["sources"],
            f["tiers"],
        )
        for f in sorted(shown, key=lambda f: f["index"])
    ]
    out.table(
        ("#", "feature", "score", "default", "sources %", "main tier %"),
        rows,
        numbers="# score default",
    )
    if told := _explain_sources([f["sources"] for f in shown], dx.contract):
        out.line(told)
    hidden = len(named) + len(low) - len(shown)
    if hidden > 0:
        out.line(f"and {hidden} more; --json lists every feature")


def _explain_sources(shares: list[str], contract: Contract) -> str:
    """What the short names of sources that are shown stand for."""
    used = {word for share in shares for word in share.split()}
    columns = name_source_counts(contract) | {DEFAULT: "default_rows"}
    full = {column: name for name, column in columns.items()}
    brief = _abbreviate_sources(contract)
    told = [f"{b} {full[c]}" for c, b in brief.items() if b in used and b != full[c]]
    return f"sources: {', '.join(told)}" if told else ""


def _rank(feature: dict[str, Any]) -> tuple[float, int]:
    return feature["quality"], feature["index"]


def _sum_features(days: pl.DataFrame, contract: Contract) -> list[dict[str, Any]]:
    """Each feature's quality, default share, sources and tiers over all dates."""
    sources = _abbreviate_sources(contract)
    summed = days.group_by("feature_index").agg(
        *(pl.col(c).sum() for c in ("rows", *sources, *FEATURE_TIERS)),
        ((pl.col("quality_pct") * pl.col("rows")).sum() / pl.col("rows").sum()).alias("quality"),
    )
    features = []
    for row in summed.sort("feature_index").to_dicts():
        feature = contract.features[row["feature_index"]]
        features.append(
            {
                "index": feature.index,
                "name": feature.name,
                "optional": feature.optional,
                "quality": row["quality"],
                "default": row["default_rows"] / row["rows"],
                "sources": _largest_shares(row, sources),
                "tiers": _largest_shares(row, {t: t for t in FEATURE_TIERS}, 1),
            }
        )
    return features


def _abbreviate_sources(contract: Contract) -> dict[str, str]:
    """Short names of the source types by the column that counts them.

    >>> from fsq.contract import load_contract
    >>> list(_abbreviate_sources(load_contract("v2_33features")).values())
    ['p4', 'p3', 'cal', 'def']
    """
    columns = name_source_counts(contract) | {DEFAULT: "default_rows"}
    brief = {t: re.sub(r"(.).*?(\d+)$", r"\1\2", t) if t[-1].isdigit() else t[:3] for t in columns}
    distinct = len({*brief.values()}) == len(brief)
    return {column: brief[t] if distinct else t for t, column in columns.items()}


def _largest_shares(row: dict[str, Any], names: dict[str, str], most: int = 2) -> str:
    """The largest shares of a row's counts, in percent.

    >>> _largest_shares({"rows": 10, "gold": 7, "poor": 3}, {"gold": "gold", "poor": "poor"})
    'gold 70 poor 30'
    """
    shares = sorted(((row[k] / row["rows"], name) for k, name in names.items()), reverse=True)
    return " ".join(f"{name} {s:.0%}".rstrip("%") for s, name in shares[:most] if s >= 0.005)
