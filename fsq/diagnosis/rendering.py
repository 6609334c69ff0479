"""How a diagnosis looks: as data, as text and as HTML."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import polars as pl

from fsq.diagnosis.findings import Finding

if TYPE_CHECKING:
    from fsq.diagnosis.diagnose import Diagnosis

_COLOURS = {
    "red": "#b3261e",
    "yellow": "#8a6100",
    "info": "#1f5fa8",
    "green": "#1b6e3c",
    "unknown": "#5f6368",
}
_MOST = 12  # findings that a text shows


def frame(findings: Iterable[Finding]) -> pl.DataFrame:
    """One line per finding."""
    lines = [
        f.to_dict() | {"dates": list(f.dates), "evidence": json.dumps(f.evidence, default=str)}
        for f in findings
    ]
    strings = pl.List(pl.String)
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "kind": pl.String,
        "severity": pl.String,
        "title": pl.String,
        "dates": pl.List(pl.Date),
        "features": strings,
        "rows_affected": pl.Int64,
        "rows": pl.Int64,
        "upstream_table": pl.String,
        "processor": pl.String,
        "cause": pl.String,
        "evidence": pl.String,
        "remedy": strings,
    }
    return pl.DataFrame(lines, schema=schema)


def document(dx: Diagnosis) -> dict[str, Any]:
    """The diagnosis as JSON types; see docs/check-json.md."""
    from fsq.diagnosis.diagnose import SCHEMA_VERSION

    per_day: dict[date, list[dict[str, Any]]] = {}
    for f in dx.features.to_dicts():
        day = f.pop("game_date")
        per_day.setdefault(day, []).append(_finite(f))
    dates = []
    for r in dx.days.to_dicts():
        day = r.pop("game_date")
        dates.append(
            {"date": day.isoformat(), "verdict": dx.dates[day]}
            | _finite(r)
            | {"features": per_day.get(day, [])}
        )
    there = {d["date"] for d in dates}
    dates += [
        {"date": d.isoformat(), "verdict": v, "rows": 0, "features": []}
        for d, v in dx.dates.items()
        if d.isoformat() not in there
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "contract": {"name": dx.contract.name, "version_hash": dx.contract.version_hash},
        "verdict": dx.verdict,
        "dates": sorted(dates, key=lambda d: d["date"]),
        "findings": [f.to_dict() for f in dx.findings],
        "not_evaluated": [
            n | {"dates": [d.isoformat() for d in n["dates"]]} for n in dx.not_evaluated
        ],
    }


def _finite(line: dict[str, Any]) -> dict[str, Any]:
    """NaN and infinity, which JSON does not know, as null."""
    return {k: None if isinstance(v, float) and v - v != 0 else v for k, v in line.items()}


def headline(dx: Diagnosis) -> str:
    """The verdict in one line.

    It counts dates and findings, and says so where something could not be judged.
    """
    days = sorted(dx.dates)
    counts = {s: sum(f.severity == s for f in dx.findings) for s in ("red", "yellow", "info")}
    told = ", ".join(f"{n} {s}" for s, n in counts.items() if n) or "none"
    rows = int(dx.days["rows"].sum())
    if len(days) > 1:
        bad = sum(v == dx.verdict for v in dx.dates.values())
        when = f"{bad} of {len(days)} dates, {days[0]} to {days[-1]}"
    else:
        when = str(days[0]) if days else "no dates"
    return f"{dx.verdict.upper()}  {when}, {rows:,} rows. Findings: {told}"


def headline_lines(dx: Diagnosis) -> list[str]:
    """The same on lines of at most 80 columns."""
    return wrap(headline(dx), 80, subsequent_indent="  ", break_on_hyphens=False)


def told_dates(days: Iterable[date]) -> str:
    """Dates in words.

    >>> told_dates([date(2026, 2, 6)])
    '2026-02-06'
    >>> told_dates([date(2026, 2, 6), date(2026, 2, 7), date(2026, 2, 9)])
    '3 dates from 2026-02-06 to 2026-02-09'
    """
    ordered = sorted(days)
    if not ordered:
        return "no date"
    if len(ordered) == 1:
        return ordered[0].isoformat()
    return f"{len(ordered)} dates from {ordered[0]} to {ordered[-1]}"


def unevaluated(dx: Diagnosis) -> list[str]:
    """What could not be judged, one line per check and reason."""
    lines = []
    for n in dx.not_evaluated:
        scope = _scope(n["features"])
        lines.append(f"{n['check']}{scope}: {n['reason']} ({told_dates(n['dates'])})")
    return lines


def _scope(features: list[str]) -> str:
    if not features:
        return ""
    return f" of {features[0]}" if len(features) == 1 else f" of {len(features)} features"


def wrapped_unevaluated(dx: Diagnosis) -> list[str]:
    """The same on lines of at most 80 columns."""
    return [
        part
        for line in unevaluated(dx)
        for part in wrap(line, 80, initial_indent="  ", subsequent_indent="    ")
    ]


def text(dx: Diagnosis, most: int = _MOST) -> str:
    """At most 80 columns, for a terminal."""
    lines = headline_lines(dx)
    for f in dx.findings[:most]:
        lines += ["", *finding_lines(f)]
    if len(dx.findings) > most:
        lines += ["", f"and {len(dx.findings) - most} more findings; .frame has all of them"]
    if open_ones := wrapped_unevaluated(dx):
        lines += ["", "Not evaluated:", *open_ones]
    return "\n".join(lines)


def finding_lines(f: Finding, width: int = 80) -> list[str]:
    """One finding: severity, title, dates, cause and remedy; commands are never broken."""
    head = f"{f.severity.upper()}  {f.title}  [{f.kind}]"
    lines = wrap(head, width, subsequent_indent="     ", break_on_hyphens=False)
    lines.append(f"     when    {told_dates(f.dates)}")
    lines += wrap(
        f.cause,
        width,
        initial_indent="     cause   ",
        subsequent_indent="             ",
        break_on_hyphens=False,
    )
    for i, command in enumerate(f.remedy):
        lines += _command("     remedy  " if i == 0 else "             ", command, width)
    return lines


def _command(indent: str, command: str, width: int) -> list[str]:
    """A command on as many lines as it needs, continued as a shell reads it."""
    lines = wrap(command, width - len(indent) - 2, break_on_hyphens=False, break_long_words=False)
    joined = [line + " \\" for line in lines[:-1]] + lines[-1:]
    return [
        (indent if i == 0 else " " * len(indent) + "  ") + line for i, line in enumerate(joined)
    ]


def markdown(dx: Diagnosis) -> str:
    """The summary for a pull request or a job's page."""
    mark = {"red": "🔴", "yellow": "🟡", "green": "🟢", "unknown": "⚪", "info": "🔵"}
    lines = [f"## {mark[dx.verdict]} fsq check: {dx.verdict}", "", _md(headline(dx)), ""]
    if dx.findings:
        lines += ["| | finding | when | rows | cause |", "|---|---|---|---|---|"]
        lines += [
            f"| {mark[f.severity]} {f.severity} | {_md(f.title)} | {told_dates(f.dates)} "
            f"| {f.rows_affected:,} | {_md(f.cause)} |"
            for f in dx.findings
        ]
        commands = list(dict.fromkeys(c for f in dx.findings for c in f.remedy))
        if commands:
            fence = "`" * max(3, 1 + max(len(c) - len(c.replace("`", "")) for c in commands))
            body = [c.replace("\n", " ") for c in commands]
            lines += [
                "",
                "<details><summary>Commands that repair it</summary>",
                "",
                f"{fence}console",
                *body,
                fence,
                "",
                "</details>",
            ]
    open_ones = unevaluated(dx)
    if open_ones:
        lines += ["", "**Not evaluated**", "", *(f"- {_md(line)}" for line in open_ones)]
    return "\n".join(lines) + "\n"


def _md(words: str) -> str:
    """Text that Markdown and a browser take literally."""
    safe = escape(words, quote=False).replace("\n", " ")
    for sign in "\\|`*_[]":
        safe = safe.replace(sign, "\\" + sign)
    return safe.replace("@", "@\u200b")


def html(dx: Diagnosis) -> str:
    """For a notebook; every word escaped."""
    parts = [
        f"<div><p><strong style='color:{_COLOURS[dx.verdict]}'>{escape(headline(dx))}</strong></p>"
    ]
    if dx.findings:
        parts.append(
            "<table><thead><tr><th>severity</th><th>finding</th><th>when</th>"
            "<th>cause and remedy</th></tr></thead><tbody>"
        )
        for f in dx.findings:
            commands = "<br>".join(f"<code>{escape(c)}</code>" for c in f.remedy)
            parts.append(
                f"<tr><td style='color:{_COLOURS[f.severity]}'><strong>{f.severity}</strong></td>"
                f"<td style='text-align:left'>{escape(f.title)}</td>"
                f"<td>{escape(told_dates(f.dates))}</td>"
                f"<td style='text-align:left'>{escape(f.cause)}<br>{commands}</td></tr>"
            )
        parts.append("</tbody></table>")
    open_ones = unevaluated(dx)
    if open_ones:
        listed = "".join(f"<li>{escape(line)}</li>" for line in open_ones)
        parts.append(f"<details><summary>Not evaluated</summary><ul>{listed}</ul></details>")
    return "".join(parts) + "</div>"
