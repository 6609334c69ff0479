"""``fsq report``: one self-contained HTML page about a store."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from fsq.cli import _options as o
from fsq.cli._output import Output
from fsq.cli._store import open_for_reading
from fsq.errors import InputError
from fsq.utils.dates import validate_date_range
from fsq.utils.extras import require_extra
from fsq.utils.files import write_atomically

_HEADLINE = "the report cannot be written"


def command(
    store: o.StoreOpt,
    target: Annotated[Path, typer.Option("--out", metavar="FILE", help="The .html file to write.")],
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    contract: o.StoreContractOpt = None,
    as_json: o.JsonOpt = False,
) -> None:
    """Write a report: one HTML page that opens offline.

    It has the verdict, findings, charts and worst records of the dates.
    """
    validate_date_range(start, end, _HEADLINE)
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError([f"--out {target}: the name must end in .html"], _HEADLINE)
    with require_extra("report", _HEADLINE):
        from fsq.reporting.page import make_report  # loads altair and jinja2

    started = time.perf_counter()
    with open_for_reading(store, contract) as opened:
        page = make_report(opened, opened.contract, start, end)
    write_atomically(target, page)
    size, seconds = len(page.encode()), time.perf_counter() - started
    out = Output(as_json)
    out.line(f"{target}: {size / 1e6:.1f} MB in {seconds:.1f} s; open it in a browser")
    out.document({"report": str(target), "bytes": size, "seconds": seconds})
