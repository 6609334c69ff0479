"""The HTML page: what to do first, then tables and charts, in one file that opens offline."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from fsq.contract import Contract
from fsq.reporting.contents import read_contents
from fsq.reporting.rendering import render_page
from fsq.schema.tables import AnyRows


def make_report(
    scored: AnyRows,
    contract: Contract,
    start: date | None = None,
    end: date | None = None,
    now: datetime | None = None,
    max_age: timedelta | None = None,
) -> str:
    """Make a self-contained HTML page about the dates of scored rows.

    Arguments and errors are those of ``read_contents``.
    """
    return render_page(read_contents(scored, contract, start, end, now, max_age))
