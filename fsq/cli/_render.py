"""How a checked date is shown: categories as bars, and a table of the features that matter."""

from __future__ import annotations

from typing import Any

import polars as pl

from fsq.cli._output import Output
from fsq.contract import Contract
from fsq.diagnosis import Diagnosis
from fsq.schema.vocabulary import CATEGORIES, FEATURE_TIERS

_BAR, _MOST = 30, 12


def categories(dx: Diagnosis, out: Output) -> None:
    """Mean quality per category over the rows of all dates."""
    days, width = dx.days, max(len(c) for c in CATEGORIES)
    total = float(days["rows"].sum())
    optional = {c.name for c in dx.contract.categories if c.optional}
    out.line("")
    for c in CATEGORIES:
        if not dx.contract.in_category(c):
            continue
        value = float((days[f"{c}_quality_pct"] * days["rows"]).sum()) / total
        note = "  optional" if c in optional else ""
        out.line(f"{c:<{width}}  {bar(value)} {value:5.1f}{note}")


def bar(percent: float) -> str:
    """A bar of fixed width; an empty part is there to be seen.

    >>> bar(50)
    '███████████████░░░░░░░░░░░░░░░'
    """
    full = round(max(0.0, min(100.0, percent)) / 100 * _BAR)
    return "█" * full + "░" * (_BAR - full)


def features(dx: Diagnosis, out: Output) -> None:
    """The features that findings name, then the required ones with the lowest quality."""
    lines = _summed(dx.features, dx.contract)
    serious = {n for f in dx.findings if f.severity != "info" for n in f.features}
    named = [f for f in lines if f["name"] in serious]
    rest = [
        f for f in lines if f["name"] not in serious and not f["optional"] and f["quality"] < 90
    ]
    shown = sorted(named, key=_worst)[:_MOST]
    shown += sorted(rest, key=_worst)[: max(0, _MOST - len(shown))]
    if not shown:
        out.line("\nEvery required feature scores 90 or more.")
        return
    out.line("")
    rows = [
        (
            f["index"],
            f["name"],
            f"{f['quality']:.1f}",
            f"{100 * f['default']:.0f}",
            f["sources"],
            f["tiers"],
        )
        for f in sorted(shown, key=lambda f: f["index"])
    ]
    out.table(
        ("#", "feature", "score", "def%", "sources %", "tiers %"), rows, numbers="# score def%"
    )
    hidden = len(named) + len(rest) - len(shown)
    if hidden > 0:
        out.line(f"and {hidden} more; --json lists every feature")


def _worst(feature: dict[str, Any]) -> tuple[float, int]:
    return feature["quality"], feature["index"]


def _summed(days: pl.DataFrame, contract: Contract) -> list[dict[str, Any]]:
    """One line per feature over all dates."""
    counts = [
        "rows",
        "default_rows",
        "phase4",
        "phase3",
        "calculated",
        *FEATURE_TIERS,
    ]
    summed = days.group_by("feature_index").agg(
        *(pl.col(c).sum() for c in counts),
        ((pl.col("quality_pct") * pl.col("rows")).sum() / pl.col("rows").sum()).alias("quality"),
    )
    out = []
    for line in summed.sort("feature_index").to_dicts():
        f = contract.features[line["feature_index"]]
        words = {"phase4": "p4", "phase3": "p3", "calculated": "cal", "default_rows": "def"}
        tiers = {t: t for t in FEATURE_TIERS}
        out.append(
            {
                "index": f.index,
                "name": f.name,
                "optional": f.optional,
                "quality": line["quality"],
                "default": line["default_rows"] / line["rows"],
                "sources": _mix(line, words),
                "tiers": _mix(line, tiers),
            }
        )
    return out


def _mix(line: dict[str, Any], words: dict[str, str]) -> str:
    """The two largest shares in words.

    >>> _mix({"rows": 10, "gold": 7, "poor": 3}, {"gold": "gold", "poor": "poor"})
    'gold 70 poor 30'
    """
    shares = sorted(((line[k] / line["rows"], w) for k, w in words.items()), reverse=True)
    return " ".join(f"{w} {s:.0%}".rstrip("%") for s, w in shares[:2] if s >= 0.005)
