"""A diagnosis in a notebook."""

from __future__ import annotations

from html import escape

from fsq.diagnosis.findings import Finding
from fsq.diagnosis.pictures import describe_example, describe_measure, draw_band
from fsq.diagnosis.rendering import (
    Summary,
    describe_cause,
    format_dates,
    list_not_evaluated,
    make_headline,
)
from fsq.utils.display import Column, Display, Markup
from fsq.utils.palette import VERDICT_TEXT

_COLUMNS = (
    Column("", width="7%"),
    Column("finding", width="28%"),
    Column("when", width="13%"),
    Column("cause and remedy", width="52%"),
)


def render_html(shown: Summary) -> str:
    """The findings as a table, and what could not be evaluated under it."""
    skipped = "".join(f"<li>{escape(line)}</li>" for line in list_not_evaluated(shown))
    folded = Markup(f"<details><summary>Not evaluated</summary><ul>{skipped}</ul></details>")
    return Display(
        make_headline(shown),
        _COLUMNS,
        [(_mark(f), f.title, format_dates(f.dates), Markup(_describe(f))) for f in shown.findings],
        below=[folded] if skipped else [],
        colour=VERDICT_TEXT[shown.verdict],
    ).to_html()


def _mark(f: Finding) -> Markup:
    return Markup(f"<strong style='color:{VERDICT_TEXT[f.severity]}'>{f.severity}</strong>")


def _describe(f: Finding) -> str:
    """Cause, evidence and commands; commands are wrapped, too."""
    parts = [escape(describe_cause(f)), *_render_evidence(f)]
    style = "white-space:pre-wrap;overflow-wrap:anywhere"
    parts += [f"<code style='{style}'>{escape(command)}</code>" for command in f.remedy]
    return "<br>".join(parts)


def _render_evidence(f: Finding) -> list[str]:
    """The band as a picture, and a line per record."""
    band, rows = f.evidence.get("band"), f.evidence.get("rows_shown", [])
    lines = (
        []
        if band is None
        else [draw_band(band), f"<small>{escape(describe_measure(band))}</small>"]
    )
    return lines + [f"<small>{escape(describe_example(r))}</small>" for r in rows]
