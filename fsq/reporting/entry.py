"""``report``: the page about scored rows, as a text and a file."""

from __future__ import annotations

from datetime import timedelta
from os import PathLike
from pathlib import Path

from fsq.contract import Contract, choose_contract
from fsq.errors import InputError
from fsq.reporting.headline import HEADLINE
from fsq.schema.tables import AnyRows
from fsq.stores import Store
from fsq.utils.arguments import DateLike
from fsq.utils.dates import read_date_range
from fsq.utils.extras import require_packages
from fsq.utils.files import expand_home, write_atomically


def report(
    scored: AnyRows,
    out: str | PathLike[str] | None = None,
    *,
    start: DateLike | None = None,
    end: DateLike | None = None,
    contract: str | Path | Contract | None = None,
    max_age: timedelta | None = None,
) -> str:
    """Make one HTML page about scored rows, which opens offline.

    Args:
        scored: scored rows: a store, or a frame or table of any library.
        out: the ``.html`` file to write, atomically; None to return the page only.
        start: first date; an ISO text will do. Earlier rows serve for comparison.
        end: last date, included.
        contract: of the scoring; None for the store's, and for ``v2_33features`` where there is
            no store.
        max_age: how long ago the newest date of a store may have ended; older is red.

    Returns:
        The page.

    Raises:
        InputError: an argument is wrong, the rows are not scored, or the extra ``report`` is not
            installed.
        StoreError: the rows cannot be read, there are none of these dates, or the file cannot be
            written.

    >>> import fsq
    >>> from fsq.demo import simulate_season
    >>> page = fsq.report(fsq.score(simulate_season("2025-26").rows.tail(300)))
    >>> page.startswith("<!doctype html>")
    True
    """
    chosen, dates = choose_contract(scored, contract), read_date_range(start, end, HEADLINE)
    if out is not None and Path(out).suffix.lower() not in (".html", ".htm"):
        raise InputError([f"{out}: the name must end in .html"], HEADLINE)
    _require_extra()
    from fsq.reporting.page import make_report  # loads jinja2

    page = make_report(scored, chosen, *dates, max_age=max_age)
    if out is not None:
        write_atomically(Path(out), page)
    return page


def report_to_site(
    store: Store,
    folder: str | PathLike[str],
    *,
    start: DateLike | None = None,
    end: DateLike | None = None,
    max_age: timedelta | None = None,
) -> Path:
    """Write the page of a store into a site of several, and the site's index again.

    The arguments are those of ``report``; the folder is made if it is not there.

    Returns:
        The store's page.

    Raises:
        InputError: as ``report``, or a file in the way was not written by fsq.
        StoreError: as ``report``.
    """
    dates = read_date_range(start, end, HEADLINE)
    _require_extra()
    from fsq.reporting.site import write_site  # loads jinja2

    return write_site(store, Path(expand_home(folder)), *dates, max_age=max_age)


def _require_extra() -> None:
    require_packages("report", HEADLINE, "jinja2", "vl_convert")
