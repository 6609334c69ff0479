"""A training set as text of at most 80 columns, and as HTML."""

from __future__ import annotations

from html import escape
from typing import Any

from fsq.diagnosis.rendering import wrap_finding
from fsq.training.result import Summary
from fsq.utils.display import Column, Display, Markup
from fsq.utils.palette import ACCENT, VERDICT_TEXT

_BAR = 20
_MAX_OVERLAPS = 5


def render_text(summary: Summary) -> str:
    """The whole summary, for a terminal."""
    lines = [*render_header(summary), "", *render_waterfall(summary), *render_overlaps(summary)]
    for finding in summary.findings:
        lines += ["", *wrap_finding(finding)]
    return "\n".join(lines)


def render_header(summary: Summary) -> list[str]:
    """Three lines: how many records are kept, the options, and the fingerprint."""
    return [_headline(summary), _option_line(summary), _fingerprint_line(summary)]


def _headline(summary: Summary) -> str:
    total, kept = summary.total, summary.kept
    share = f" ({100 * kept / total:.1f} %)" if total else ""
    return f"Training set: {kept:,} of {total:,} records kept{share}"


def _option_line(summary: Summary) -> str:
    o = summary.options
    label = f"label {o.label}" if o.label else "no label"
    return f"{len(o.features)} features of {o.contract.name}, {label}, on_default {o.on_default}"


def _fingerprint_line(summary: Summary) -> str:
    return f"fingerprint {summary.fingerprint}"


def render_waterfall(summary: Summary) -> list[str]:
    """The waterfall, with a bar for what each gate leaves."""
    gates = summary.waterfall.to_dicts()
    descriptions = [_shorten(gate["asks"]) for gate in gates]
    width = max(len(d) for d in [*descriptions, "gate"])
    lines = [f"{'gate':<{width}} {'dropped':>8} {'left':>8}"]
    for description, gate in zip(descriptions, gates, strict=True):
        dropped = "" if gate["gate"] == "all" else f"{gate['dropped']:,}"
        bar = "█" * round(_BAR * gate["left"] / summary.total) if summary.total else ""
        lines.append(f"{description:<{width}} {dropped:>8} {gate['left']:>8,}  {bar}".rstrip())
    return lines


def _shorten(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def render_overlaps(summary: Summary) -> list[str]:
    """The gates that most records fail together."""
    overlaps = summary.overlaps
    several = overlaps.filter(overlaps["gates"].list.len() > 1).head(_MAX_OVERLAPS)
    if several.is_empty():
        return []
    lines = [
        f"  {rows:>7,}  {_shorten(', '.join(gates), 68)}" for gates, rows in several.iter_rows()
    ]
    return ["", "Failed together:", *lines]


def render_html(summary: Summary) -> str:
    """The summary for a notebook, with all text escaped."""
    columns = (
        Column("gate"),
        Column("dropped", "right"),
        Column("left", "right"),
        Column(""),
        Column("failed", "right"),
        Column("failed only this", "right"),
    )
    return Display(
        _headline(summary),
        columns,
        [_make_row(gate, summary.total or 1) for gate in summary.waterfall.to_dicts()],
        [_option_line(summary), _fingerprint_line(summary)],
        [
            Markup(
                f"<strong style='color:{VERDICT_TEXT[f.severity]}'>{f.severity}</strong> "
                f"{escape(f.title)}<br>{escape(f.cause)}<br>{escape('; '.join(f.remedy))}"
            )
            for f in summary.findings
        ],
    ).to_html()


def _make_row(gate: dict[str, Any], total: int) -> tuple[str | Markup, ...]:
    width = 120 * gate["left"] / total
    bar = f"<div style='width:{width:.0f}px;height:0.8em;background:{ACCENT}'></div>"
    counts = {name: f"{gate[name]:,}" for name in ("dropped", "left", "failed", "alone")}
    return (
        gate["asks"],
        counts["dropped"],
        counts["left"],
        Markup(bar),
        counts["failed"],
        counts["alone"],
    )
