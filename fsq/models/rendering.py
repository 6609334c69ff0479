"""How a model check looks: as text of at most 80 columns, and as HTML."""

from __future__ import annotations

from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fsq.models.check import ModelCheck

_MOST = 14


def headline(check: ModelCheck) -> str:
    """One line: may the model predict?"""
    may, every = int(check.records["may_predict"].sum()), check.records.height
    word = "may predict on" if check.supported else "must not predict; complete are"
    return f"Model {check.model} {word} {may:,} of {every:,} records"


def notes(check: ModelCheck) -> list[str]:
    """What stands in the way, and what to know."""
    out = list(check.problems)
    if check.reordered:
        out.append("the data's order is not the model's: select columns by name")
    return out


def text(check: ModelCheck) -> str:
    """For a terminal."""
    lines = [headline(check)]
    for note in notes(check):
        lines += wrap(
            note, 80, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False
        )
    lines += wrap(
        f"it needs: {', '.join(check.needed)}", 80, subsequent_indent="  ", break_on_hyphens=False
    )
    if not check.supported:
        lines += wrap(
            f"the data have: {', '.join(check.available) or 'nothing'}",
            80,
            subsequent_indent="  ",
            break_on_hyphens=False,
        )
    return "\n".join([*lines, *reasons(check)])


def reasons(check: ModelCheck) -> list[str]:
    """Which features keep how many records out."""
    lost = counts(check)
    if not lost:
        return []
    width = max(len(name) for name, *_ in lost)
    told = [f"  {name:<{width}}  {word} in {rows:,} records" for name, word, rows in lost[:_MOST]]
    return ["", "Kept out by:", *told]


def counts(check: ModelCheck) -> list[tuple[str, str, int]]:
    """Feature, what is wrong with it, and in how many records; the most frequent first."""
    out: list[tuple[str, str, int]] = []
    for column in ("missing", "default", "weak"):
        names = check.records[column].list.explode(empty_as_null=False).value_counts()
        out += [(name, column, rows) for name, rows in names.iter_rows() if name is not None]
    return sorted(out, key=lambda line: (-line[2], line[0]))


def html(check: ModelCheck) -> str:
    """For a notebook; every word escaped."""
    colour = "#1b6e3c" if check.supported else "#b3261e"
    parts = [f"<div><p><strong style='color:{colour}'>{escape(headline(check))}</strong></p>"]
    if listed := "".join(f"<li>{escape(n)}</li>" for n in notes(check)):
        parts.append(f"<ul>{listed}</ul>")
    parts.append(f"<p>it needs: {escape(', '.join(check.needed))}</p>")
    if not check.supported:
        parts.append(f"<p>the data have: {escape(', '.join(check.available))}</p>")
    if lost := counts(check)[:_MOST]:
        parts.append("<table><thead><tr><th>feature</th><th>is</th><th>records</th></tr></thead>")
        parts.append("<tbody>" + "".join(_row(line) for line in lost) + "</tbody></table>")
    return "".join(parts) + "</div>"


def _row(cells: tuple[Any, ...]) -> str:
    return "<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in cells) + "</tr>"
