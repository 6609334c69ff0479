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

    Args:
        scored: the rows, in a store or as a table of any library.
        contract: the contract that the rows were scored under.
        start: first date; None for the store's first.
        end: last date, included; None for the store's last.
        now: the clock; the current time by default.
        max_age: how long ago the newest date of a store may have ended.

    Raises:
        StoreError: the rows cannot be read, or there are none of these dates.
        InputError: the rows were scored under another contract, or are not scored.
    """
    return render_page(read_contents(scored, contract, start, end, now, max_age))
