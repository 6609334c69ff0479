"""The summary as text: a table by family, and what else was measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_WIDTH = 24


def render_summary(summary: dict[str, Any]) -> str:
    """Render a summary as lines of text.

    >>> print(render_summary({"clean_dates": 0, "contract": "mine", "detectors": {}}))
    mine: shares of damaged dates seen, of them red; 0 clean dates
    """
    head = f"{summary['contract']}: shares of damaged dates seen, of them red; "
    lines = [f"{head}{summary['clean_dates']} clean dates"]
    if summary["detectors"]:
        lines += _render_families(summary["detectors"])
        for name, figures in summary["detectors"].items():
            lines += ["", *_render_detector(name, figures)]
    return "\n".join(lines)


def render_templates(summary: dict[str, Any]) -> str:
    """Render a line per template: the share of its dates that each detector saw, of them red.

    >>> render_templates({"detectors": {}})
    ''
    """
    lines: dict[str, str] = {}
    for figures in summary["detectors"].values():
        for t in figures["templates"]:
            start = lines.get(t["template"], f"{t['template']:<52}")
            lines[t["template"]] = f"{start}{_percent(t['seen'])} ({_percent(t['red'])})".ljust(
                len(start) + 12
            )
    return "\n".join(line.rstrip() for line in lines.values())


def _render_families(detectors: dict[str, Any]) -> Iterator[str]:
    yield " " * _WIDTH + f"{'templates':>10}{'dates':>7}" + "".join(f"{n:>16}" for n in detectors)
    first = next(iter(detectors.values()))
    for family, measured in first["families"].items():
        cells = (d["families"][family] for d in detectors.values())
        shown = "".join(
            f"{_percent(c['seen']) + ' (' + _percent(c['red']) + ')':>16}" for c in cells
        )
        yield f"{family:<{_WIDTH}}{measured['templates']:>10}{measured['dates']:>7}{shown}"


def _render_detector(name: str, figures: dict[str, Any]) -> Iterator[str]:
    false, naming, harm = figures["false_alarms"], figures["naming"], figures["harm"]
    every = figures["families"]["all"]
    if every.get("interval"):
        low, high = every["interval"]
        yield f"{name}: {_percent(every['seen'])} seen (95 %: {_percent(low)} to {_percent(high)})"
        yield f"  blind on {every['blind']} of {every['templates']} templates"
    if false["per_100"] is not None:
        yield (
            f"  false alarms: {false['per_100']:.1f} in 100 clean dates, {false['red']} red"
            f" {false['kinds'] or ''}"
        )
    yield (
        f"  of the dates with a new alarm, {_percent(naming['feature'])} name a damaged feature; "
        f"of those seen, {_percent(naming['table'])} its table, {_percent(naming['kind'])} the kind"
    )
    if harm["stopped"] is not None:
        yield f"  harm that is red or kept out by a gate: {_percent(harm['stopped'])}"
    for fault, shares in figures["lasting"].items():
        yield f"  {fault}: " + " ".join(_percent(s) for s in shares)
    for control, share in figures["controls"].items():
        yield f"  {control}: {_percent(share)} alarmed"
    if seconds := figures["seconds"]:
        yield f"  learning {seconds['learn_s']:.1f} s, a date {seconds['date_s']:.2f} s"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f}"
