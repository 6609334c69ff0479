"""How a training set looks: as text of at most 80 columns, and as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from fsq.diagnosis.rendering import finding_lines

if TYPE_CHECKING:
    from fsq.training.training_set import TrainingSet

_COLOURS = {"red": "#b3261e", "yellow": "#8a6100", "info": "#1f5fa8"}
_BAR = 20
_COMBINATIONS = 5


def headline(made: TrainingSet) -> str:
    """One line: how much of how much is kept."""
    total, left = int(made.waterfall["left"][0]), int(made.waterfall["left"][-1])
    share = f" ({100 * left / total:.1f} %)" if total else ""
    return f"Training set: {left:,} of {total:,} records kept{share}"


def terms(made: TrainingSet) -> str:
    """One line: what was asked for."""
    o = made.options
    label = f"label {o.label}" if o.label else "no label"
    return f"{len(o.features)} features of {o.contract.name}, {label}, on_default {o.on_default}"


def identity(made: TrainingSet) -> str:
    """One line: what is the same for the same set."""
    return f"fingerprint {made.fingerprint}"


def text(made: TrainingSet) -> str:
    """For a terminal."""
    lines = [headline(made), terms(made), identity(made), "", *waterfall_lines(made)]
    lines += overlap_lines(made)
    for finding in made.findings:
        lines += ["", *finding_lines(finding)]
    return "\n".join(lines)


def waterfall_lines(made: TrainingSet) -> list[str]:
    """The waterfall with a bar of what each gate leaves."""
    lines = made.waterfall.to_dicts()
    asks = [_short(w["asks"]) for w in lines]
    width = max(len(a) for a in [*asks, "gate"])
    out = [f"{'gate':<{width}} {'dropped':>8} {'left':>8}"]
    for asked, w in zip(asks, lines, strict=True):
        dropped = "" if w["gate"] == "all" else f"{w['dropped']:,}"
        out.append(f"{asked:<{width}} {dropped:>8} {w['left']:>8,}  {_bar(made, w)}".rstrip())
    return out


def _short(words: str, most: int = 40) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


def _bar(made: TrainingSet, line: dict[str, Any]) -> str:
    total = int(made.waterfall["left"][0])
    return "█" * round(_BAR * line["left"] / total) if total else ""


def overlap_lines(made: TrainingSet) -> list[str]:
    """The gates that the most records fail together."""
    several = made.overlaps.filter(made.overlaps["gates"].list.len() > 1).head(_COMBINATIONS)
    if several.is_empty():
        return []
    told = [f"  {rows:>7,}  {_short(', '.join(gates), 68)}" for gates, rows in several.iter_rows()]
    return ["", "Failed together:", *told]


def html(made: TrainingSet) -> str:
    """For a notebook; every word escaped."""
    total = int(made.waterfall["left"][0]) or 1
    parts = [
        f"<div><p><strong>{escape(headline(made))}</strong><br>{escape(terms(made))}, "
        f"{escape(identity(made))}</p>"
    ]
    heads = ("gate", "dropped", "left", "", "failed", "failed only this")
    parts.append(
        "<table><thead><tr>" + "".join(f"<th>{h}</th>" for h in heads) + "</tr></thead><tbody>"
    )
    for w in made.waterfall.to_dicts():
        bar = (
            f"<div style='width:{120 * w['left'] / total:.0f}px;height:0.8em;"
            "background:#0072b2'></div>"
        )
        asked = f"<td style='text-align:left'>{escape(w['asks'])}</td>"
        cells = [f"{w['dropped']:,}", f"{w['left']:,}", bar, f"{w['failed']:,}", f"{w['alone']:,}"]
        parts.append(f"<tr>{asked}{''.join(f'<td>{c}</td>' for c in cells)}</tr>")
    parts.append("</tbody></table>")
    for f in made.findings:
        parts.append(
            f"<p><strong style='color:{_COLOURS[f.severity]}'>{f.severity}</strong> "
            f"{escape(f.title)}<br>{escape(f.cause)}<br>{escape('; '.join(f.remedy))}</p>"
        )
    return "".join(parts) + "</div>"
