"""A model check as text of at most 80 columns, and as HTML."""

from __future__ import annotations

from textwrap import wrap

from fsq.models.result import CheckResult
from fsq.utils.display import Column, Display
from fsq.utils.palette import VERDICT_TEXT

_MAX_REASONS = 14


def render_text(check: CheckResult) -> str:
    """For a terminal."""
    lines = [_headline(check)]
    for note in _notes(check):
        lines += _wrap(note, "  - ", "    ")
    lines += _wrap(f"it needs: {', '.join(check.needed)}", "", "  ")
    if not check.supported:
        lines += _wrap(f"the data has: {', '.join(check.available) or 'nothing'}", "", "  ")
    return "\n".join([*lines, *_reason_lines(check)])


def _headline(check: CheckResult) -> str:
    count = f"{int(check.records['may_predict'].sum()):,} of {check.records.height:,} records"
    if check.supported:
        return f"Model {check.model} may predict on {count}"
    return f"Model {check.model} must not predict; {count} are complete"


def _notes(check: CheckResult) -> list[str]:
    notes = list(check.problems)
    if named := int(check.records["named"].sum()):
        notes.append(f"findings name {named:,} records; leave them out, or repair them")
    if check.reordered:
        notes.append("the data's order differs from the model's: select columns by name")
    return notes


def _wrap(text: str, first: str, rest: str) -> list[str]:
    return wrap(text, 80, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _reason_lines(check: CheckResult) -> list[str]:
    reasons = _count_reasons(check)[:_MAX_REASONS]
    if not reasons:
        return []
    width = max(len(name) for name, *_ in reasons)
    lines = [f"  {name:<{width}}  {reason} in {rows:,} records" for name, reason, rows in reasons]
    return ["", "Kept out by:", *lines]


def _count_reasons(check: CheckResult) -> list[tuple[str, str, int]]:
    """Feature, what is wrong with it, and in how many records; the most frequent first."""
    reasons: list[tuple[str, str, int]] = []
    for column in ("missing", "default", "weak"):
        names = check.records[column].list.explode(empty_as_null=False).value_counts()
        reasons += [(name, column, rows) for name, rows in names.iter_rows() if name is not None]
    return sorted(reasons, key=lambda reason: (-reason[2], reason[0]))


def render_html(check: CheckResult) -> str:
    """For a notebook, with all text escaped."""
    notes = [*_notes(check), f"it needs: {', '.join(check.needed)}"]
    if not check.supported:
        notes.append(f"the data has: {', '.join(check.available) or 'nothing'}")
    return Display(
        _headline(check),
        (Column("feature"), Column("is"), Column("records", "right")),
        [(name, is_, f"{rows:,}") for name, is_, rows in _count_reasons(check)[:_MAX_REASONS]],
        notes,
        colour=VERDICT_TEXT["green" if check.supported else "red"],
    ).to_html()
