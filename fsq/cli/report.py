"""``fsq report``: one self-contained HTML page about a store's dates."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from fsq.cli import _options as o
from fsq.cli._output import Output
from fsq.contract import load_contract
from fsq.errors import InputError
from fsq.stores import open_store
from fsq.stores.read_errors import store_read_errors


def command(
    store: o.StoreOpt,
    target: Annotated[Path, typer.Option("--out", metavar="FILE", help="The .html file to write.")],
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    contract: o.ContractOpt = "v2_33features",
    as_json: o.JsonOpt = False,
) -> None:
    """Write one HTML page that opens offline: verdict, findings, charts, worst records."""
    if start and end and start > end:
        raise InputError([f"--start {start} is after --end {end}; swap them"])
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError([f"--out {target}: end it in .html"], "the page cannot be written")
    from fsq.report.page import make_report  # altair and jinja2 load for pages only
    from fsq.utils.files import write_atomically

    began = time.perf_counter()
    with store_read_errors(store):
        page = make_report(open_store(store), load_contract(contract), start, end)
    write_atomically(target, page)
    size, seconds = len(page.encode()), time.perf_counter() - began
    out = Output(as_json)
    out.line(f"{target}: {size / 1e6:.1f} MB in {seconds:.1f} s; open it in a browser")
    out.document({"report": str(target), "bytes": size, "seconds": seconds})
