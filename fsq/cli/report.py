"""``fsq report``: one self-contained HTML page about a store, alone or in a site of several."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from fsq.cli import _options as o
from fsq.cli._dates import MaxAgeOpt, choose_dates
from fsq.cli._output import Output
from fsq.cli._store import open_for_reading, read_calendar


def command(
    store: o.StoreOpt,
    target: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The .html file to write.")
    ] = None,
    site: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write the page into a site of several stores, and its index of them.",
        ),
    ] = None,
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    last: o.LastOpt = None,
    max_age: MaxAgeOpt = None,
    contract: o.StoreContractOpt = None,
    as_json: o.JsonOpt = False,
) -> None:
    """Write a report: one HTML page that opens offline.

    The newest date comes first: its age, its verdict, what opened, and what to run. Findings,
    charts and worst records of all dates follow. With --site, run it once for each store.
    """
    from fsq.errors import InputError
    from fsq.reporting.headline import HEADLINE
    from fsq.utils.files import expand_home

    start, end = choose_dates(None, start, end, HEADLINE, read_calendar(store, contract), last)
    if (target is None) == (site is None):
        raise InputError(["name a file with --out, or a folder with --site"], HEADLINE)
    started = time.perf_counter()
    with open_for_reading(store, contract) as opened:
        if site is not None:
            from fsq.reporting.entry import report_to_site

            page = report_to_site(opened, site, start=start, end=end, max_age=max_age)
        else:
            from fsq.reporting import report

            page = Path(expand_home(str(target)))
            report(opened, page, start=start, end=end, max_age=max_age)
    size, seconds = page.stat().st_size, time.perf_counter() - started
    out = Output(as_json)
    out.line(f"{page}: {size / 1e6:.1f} MB in {seconds:.1f} s; open it in a browser")
    if site is not None:
        out.line(f"{site / 'index.html'} lists the stores")
    out.document({"report": str(page), "bytes": size, "seconds": seconds})
