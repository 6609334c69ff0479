"""The tables of ``docs/check-json.md`` that derive from the checks.

``python -m fsq.diagnosis.documentation docs/check-json.md`` writes them anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fsq.contract.thresholds import describe_thresholds
from fsq.diagnosis.checks import list_checks, list_kinds


def make_kinds_table() -> str:
    """Every kind of finding as a Markdown table: its severities, its meaning, what it needs."""
    rows = (
        (
            f"`{kind.name}`",
            ", ".join(kind.severities),
            kind.meaning,
            ", ".join(need.what for need in kind.needs) or "nothing",
        )
        for kind in list_kinds().values()
    )
    return _make_table(("kind", "severity", "meaning", "needs"), rows)


def make_thresholds_table() -> str:
    """Every threshold of ``[diagnosis]`` that a check declares, as a Markdown table."""
    rows = (
        (f"`{name}`", _format(field.default), described.get(name, ""))
        for check in list_checks()
        if check.thresholds is not None
        for described in [describe_thresholds(check.thresholds)]
        for name, field in check.thresholds.model_fields.items()
    )
    return _make_table(("threshold", "default", "meaning"), rows)


def update_page(page: str) -> str:
    r"""A page whose marked tables are written anew.

    Raises:
        ValueError: the page lacks a table's marks.

    >>> update_page("<!-- kinds -->old<!-- /kinds --> <!-- thresholds --><!-- /thresholds -->")[:22]
    '<!-- kinds -->\n\n| kind'
    """
    for name, table in (("kinds", make_kinds_table()), ("thresholds", make_thresholds_table())):
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if start not in page or end not in page:
            raise ValueError(f"the page lacks the marks {start} and {end}; put them back")
        before, rest = page.split(start, 1)
        page = f"{before}{start}\n\n{table}\n\n{end}{rest.split(end, 1)[1]}"
    return page


def _make_table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _format(value: Any) -> str:
    return " to ".join(f"{v:g}" for v in value) if isinstance(value, tuple) else f"{value:g}"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(update_page(target.read_text(encoding="utf-8")), encoding="utf-8")
