"""How a diagnosis looks: as a table, as text and as Markdown."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from html import escape
from textwrap import wrap
from typing import Any

import polars as pl

from fsq.diagnosis.findings import Finding, Verdict, find_worst
from fsq.diagnosis.pictures import (
    can_draw,
    describe_example,
    describe_measure,
    draw_line,
)
from fsq.utils.documents import encode_json

MAX_FINDINGS = 12  # that a text shows
_SHELL_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|\S)+""")
_MARKS = {"red": "🔴", "yellow": "🟡", "green": "🟢", "unknown": "⚪", "info": "🔵"}
_FRAME: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.String,
    "kind": pl.String,
    "severity": pl.String,
    "title": pl.String,
    "dates": pl.List(pl.Date),
    "features": pl.List(pl.String),
    "rows_affected": pl.Int64,
    "rows": pl.Int64,
    "upstream_table": pl.String,
    "processor": pl.String,
    "cause": pl.String,
    "evidence": pl.String,
    "remedy": pl.List(pl.String),
    "accepted": pl.String,
}


@dataclass(frozen=True)
class Summary:
    """What is shown of a diagnosis.

    Args:
        dates: verdict per date.
        rows: of all dates.
        findings: in the order in which to show them.
        not_evaluated: check, reason, dates and features of what could not be evaluated.
    """

    dates: Mapping[date, Verdict]
    rows: int
    findings: tuple[Finding, ...]
    not_evaluated: tuple[dict[str, Any], ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of the dates' verdicts."""
        return find_worst(self.dates.values())


def make_frame(findings: Iterable[Finding]) -> pl.DataFrame:
    """One row per finding."""
    rows = [
        f.to_dict() | {"dates": list(f.dates), "evidence": encode_json(f.evidence)}
        for f in findings
    ]
    return pl.DataFrame(rows, schema=_FRAME)


def make_headline(shown: Summary) -> str:
    """The verdict, the dates, and how many findings there are, in one line."""
    dates = sorted(shown.dates)
    counts = {s: sum(f.severity == s for f in shown.findings) for s in ("red", "yellow", "info")}
    counted = ", ".join(f"{n} {s}" for s, n in counts.items() if n) or "none"
    if len(dates) > 1:
        worst = sum(v == shown.verdict for v in shown.dates.values())
        when = f"{worst} of {len(dates)} dates, {dates[0]} to {dates[-1]}"
    else:
        when = str(dates[0]) if dates else "no dates"
    return f"{shown.verdict.upper()}  {when}, {shown.rows:,} rows. Findings: {counted}"


def wrap_headline(shown: Summary, width: int = 80) -> list[str]:
    """The headline in lines of at most so many columns."""
    return wrap(make_headline(shown), width, subsequent_indent="  ", break_on_hyphens=False)


def format_dates(dates: Iterable[date]) -> str:
    """Dates in words.

    >>> format_dates([date(2026, 2, 6)])
    '2026-02-06'
    >>> format_dates([date(2026, 2, 6), date(2026, 2, 7), date(2026, 2, 9)])
    '3 dates from 2026-02-06 to 2026-02-09'
    """
    ordered = sorted(dates)
    if not ordered:
        return "no date"
    if len(ordered) == 1:
        return ordered[0].isoformat()
    return f"{len(ordered)} dates from {ordered[0]} to {ordered[-1]}"


def list_not_evaluated(shown: Summary) -> list[str]:
    """What could not be evaluated, one line per reason; with its dates, unless it is every one."""
    checks: dict[tuple[str, tuple[date, ...]], list[str]] = {}
    for n in shown.not_evaluated:
        check = f"{n['check']}{_describe_scope(n['features'])}"
        checks.setdefault((n["reason"], tuple(sorted(n["dates"]))), []).append(check)
    every = tuple(sorted(shown.dates))
    return [
        f"{', '.join(names)}: {reason}{'' if dates == every else f' ({format_dates(dates)})'}"
        for (reason, dates), names in checks.items()
    ]


def _describe_scope(features: list[str]) -> str:
    if not features:
        return ""
    return f" of {features[0]}" if len(features) == 1 else f" of {len(features)} features"


def wrap_not_evaluated(shown: Summary, width: int = 80) -> list[str]:
    """The same in lines of at most so many columns."""
    return [
        part
        for line in list_not_evaluated(shown)
        for part in wrap(line, width, initial_indent="  ", subsequent_indent="    ")
    ]


def render_text(shown: Summary) -> str:
    """At most 80 columns, for a terminal."""
    lines = wrap_headline(shown)
    for f in shown.findings[:MAX_FINDINGS]:
        lines += ["", *wrap_finding(f, blocks=can_draw(sys.stdout))]
    if len(shown.findings) > MAX_FINDINGS:
        more = len(shown.findings) - MAX_FINDINGS
        lines += ["", f"and {more} more findings; .frame has all of them"]
    if skipped := wrap_not_evaluated(shown):
        lines += ["", "Not evaluated:", *skipped]
    return "\n".join(lines)


def wrap_finding(
    f: Finding, width: int = 80, *, blocks: bool = True, whole_commands: bool = False
) -> list[str]:
    """One finding: severity, title, dates, cause, evidence and remedy; commands are never broken.

    Args:
        f: the finding.
        width: of the lines.
        blocks: whether the reader can show block characters; else the line of the last dates is
            plain ASCII.
        whole_commands: whether commands stay on one line, however long.
    """
    head = f"{f.severity.upper()}  {f.title}  [{f.kind}]"
    lines = wrap(head, width, subsequent_indent="     ", break_on_hyphens=False)
    lines.append(f"     when    {format_dates(f.dates)}")
    lines += wrap(
        f.cause,
        width,
        initial_indent="     cause   ",
        subsequent_indent="             ",
        break_on_hyphens=False,
    )
    for i, line in enumerate(list_evidence(f, blocks=blocks)):
        lines += wrap(
            line,
            width,
            initial_indent="     shows   " if i == 0 else "             ",
            subsequent_indent="               ",
            break_on_hyphens=False,
        )
    if f.accepted is not None:
        lines += wrap(
            one_paragraph(f.accepted),
            width,
            initial_indent="     accepted  ",
            subsequent_indent="               ",
        )
    for i, command in enumerate(f.remedy):
        indent = "     remedy  " if i == 0 else "             "
        lines += [indent + command] if whole_commands else _wrap_command(indent, command, width)
    return lines


def list_evidence(f: Finding, *, blocks: bool = True) -> list[str]:
    """What shows a finding: its band and the last dates, and records with what they should be."""
    band = f.evidence.get("band")
    lines = []
    if band is not None:
        drawn = draw_line([d["value"] for d in band["dates"]], blocks=blocks)
        lines.append(f"{drawn} {describe_measure(band)}")
    return lines + [one_paragraph(describe_example(r)) for r in f.evidence.get("rows_shown", [])]


def one_paragraph(text: str) -> str:
    r"""A text of people without line breaks.

    >>> one_paragraph("lines are gone\nfor good")
    'lines are gone for good'
    """
    return " ".join(text.split())


def describe_cause(f: Finding) -> str:
    """The cause, and why somebody accepted it."""
    if f.accepted is None:
        return f.cause
    return f"{f.cause} Accepted: {one_paragraph(f.accepted)}"


def _wrap_command(indent: str, command: str, width: int) -> list[str]:
    r"""A command in as many lines as it needs, continued as a shell reads it.

    What is quoted stays in one piece. Its comment gets a line of its own: a shell would run what
    continues one.

    >>> for line in _wrap_command("$ ", "run --in '/a b/c d' --date 2026-02-06  # and more", 24):
    ...     print(line)
    $ run --in '/a b/c d' \
        --date 2026-02-06
      # and more
    """
    command, sign, comment = command.partition("  # ")
    first, *words = _SHELL_WORD.findall(command)
    lines = [first]
    for word in words:
        room = width - len(indent) - (2 if len(lines) == 1 else 4)
        if len(f"{lines[-1]} {word}") > room:
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    continued = [line + " \\" for line in lines[:-1]] + lines[-1:]
    blanks = " " * len(indent)
    shown = [(indent if i == 0 else blanks + "  ") + line for i, line in enumerate(continued)]
    return [*shown, f"{blanks}# {comment}"] if sign else shown


def render_markdown(shown: Summary) -> str:
    """The summary for a pull request or a job's page."""
    lines = [
        f"## {_MARKS[shown.verdict]} fsq check: {shown.verdict}",
        "",
        _escape(make_headline(shown)),
        "",
    ]
    if shown.findings:
        lines += ["| | finding | when | rows | cause |", "|---|---|---|---|---|"]
        lines += [
            f"| {_MARKS[f.severity]} {f.severity} | {_escape(f.title)} | {format_dates(f.dates)} "
            f"| {f.rows_affected:,} | {_describe_in_cell(f)} |"
            for f in shown.findings
        ]
        commands = list(dict.fromkeys(c for f in shown.findings for c in f.remedy))
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
    if skipped := list_not_evaluated(shown):
        lines += ["", "**Not evaluated**", "", *(f"- {_escape(line)}" for line in skipped)]
    return "\n".join(lines) + "\n"


def _describe_in_cell(f: Finding) -> str:
    """Cause and evidence, as Markdown."""
    return "<br>".join(_escape(line) for line in (describe_cause(f), *list_evidence(f)))


def _escape(line: str) -> str:
    """Text that Markdown and a browser take literally."""
    safe = escape(line, quote=False).replace("\n", " ")
    for character in "\\|`*_[]":
        safe = safe.replace(character, "\\" + character)
    return safe.replace("@", "@\u200b")
