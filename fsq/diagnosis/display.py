"""A diagnosis in a notebook: a small table, every word escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsq.diagnosis import Diagnosis

_COLOURS = {"red": "#b3261e", "yellow": "#8a6100", "info": "#3a5a8a", "green": "#1b6e3c"}


def html(diagnosis: Diagnosis) -> str:
    """The headline, and a table of the findings."""
    colour = _COLOURS[diagnosis.verdict()]
    rows = "".join(
        f"<tr><td style='color:{_COLOURS[f.severity]}'><b>{f.severity}</b></td>"
        f"<td>{f.dates[0]}{f' to {f.dates[-1]}' if len(f.dates) > 1 else ''}</td>"
        f"<td style='text-align:left'>{escape(f.cause)}<br><small>{escape(f.evidence)}</small></td>"
        f"<td style='text-align:left'><code>{'<br>'.join(escape(s) for s in f.remedy)}</code></td>"
        "</tr>"
        for f in diagnosis.findings
    )
    left = "".join(
        f"<li>{escape(n.check)}: {escape(n.reason)} ({len(n.dates)} dates)</li>"
        for n in diagnosis.not_evaluated
    )
    table = (
        "<table><thead><tr><th>severity</th><th>dates</th><th>cause and evidence</th>"
        f"<th>remedy</th></tr></thead><tbody>{rows}</tbody></table>"
    )
    return (
        f"<div><p style='color:{colour}'><b>{escape(diagnosis.headline)}</b></p>"
        f"{table if rows else ''}{f'<p>Not evaluated:</p><ul>{left}</ul>' if left else ''}</div>"
    )
