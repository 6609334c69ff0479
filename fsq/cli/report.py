"""``fsq report``: one self-contained HTML page about a store."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from fsq.cli import _options as o
from fsq.cli._dates import choose_dates
from fsq.cli._output import Output
from fsq.cli._store import find_latest, open_for_reading


def command(
    store: o.StoreOpt,
    target: Annotated[Path, typer.Option("--out", metavar="FILE", help="The .html file to write.")],
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    last: o.LastOpt = None,
    contract: o.StoreContractOpt = None,
    as_json: o.JsonOpt = False,
) -> None:
    """Write a report: one HTML page that opens offline.

    It has the verdict, findings, charts and worst records of the dates.
    """
    from fsq.reporting import report
    from fsq.reporting.headline import HEADLINE

    start, end = choose_dates(
        None, start, end, HEADLINE, lambda: find_latest(store, contract), last
    )
    started = time.perf_counter()
    with open_for_reading(store, contract) as opened:
        page = report(opened, target, start=start, end=end)
    size, seconds = len(page.encode()), time.perf_counter() - started
    out = Output(as_json)
    out.line(f"{target}: {size / 1e6:.1f} MB in {seconds:.1f} s; open it in a browser")
    out.document({"report": str(target), "bytes": size, "seconds": seconds})
