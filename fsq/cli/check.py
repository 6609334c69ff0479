"""``fsq check``: is a date healthy, and if not, why, and which command repairs it?"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

import polars as pl
import typer

from fsq.cli import _options as o
from fsq.cli._dates import choose_dates
from fsq.cli._diagnosis import print_diagnosis
from fsq.cli._errors import FAILED_CHECK, FINE
from fsq.cli._output import Output
from fsq.cli._store import open_for_reading, shorten_path
from fsq.diagnosis import Diagnosis, diagnose
from fsq.diagnosis.long_detail import DETAIL_PARTS
from fsq.diagnosis.rendering import render_markdown
from fsq.errors import InputError
from fsq.intake.run_context import RunContext
from fsq.stores import Store
from fsq.utils import webhook

_HEADLINE = "the dates cannot be checked"


class FailOn(StrEnum):
    """The mildest verdict that fails the check."""

    red = "red"
    yellow = "yellow"


class Format(StrEnum):
    """How the result is printed for people."""

    text = "text"
    markdown = "markdown"


def command(
    store: o.StoreOpt,
    day: o.DateOpt = None,
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    contract: o.StoreContractOpt = None,
    run_context: o.RunContextOpt = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="Exit with status 1 on this verdict or worse.")
    ] = FailOn.red,
    form: Annotated[
        Format, typer.Option("--format", help="Text for a terminal, or Markdown for GitHub.")
    ] = Format.text,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="S",
            help="Source to name in the commands that repair; by default the store's.",
        ),
    ] = None,
    hook: Annotated[
        str | None,
        typer.Option("--webhook", metavar="URL", help="POST the JSON document to this URL, too."),
    ] = None,
    as_json: o.JsonOpt = False,
) -> int:
    """Check whether dates are healthy; print cause and remedy.

    Without a date, the latest one is checked. Each date is compared with the seven before it,
    per category and per feature.
    """
    out = Output(as_json)
    start, end = choose_dates(day, start, end, _HEADLINE)
    if hook is not None and (problem := webhook.find_url_problem(hook)):
        raise typer.BadParameter(f"--webhook: {problem}")
    run = o.read_run_context(run_context)
    with open_for_reading(store, contract) as opened:
        named = source or shorten_path(opened.source or "SOURCE")
        dx = _diagnose_dates(opened, start, end, run, named, store)
    failed = dx.verdict == "red" or (dx.verdict == "yellow" and fail_on == FailOn.yellow)
    status = FAILED_CHECK if failed else FINE
    document = {"store": store, "fail_on": fail_on.value, "exit_status": status} | dx.to_dict()
    if form == Format.markdown:
        out.line(render_markdown(dx.summary).rstrip("\n"))
    else:
        print_diagnosis(dx, out)
    out.document(document)
    if hook is not None and (problem := webhook.post(hook, document)):
        out.note(f"Warning: the webhook did not accept the result: {problem}")
    return status


def _diagnose_dates(
    store: Store,
    start: date | None,
    end: date | None,
    run: RunContext | None,
    source: str,
    uri: str,
) -> Diagnosis:
    """Diagnose the dates; their rows and those of their history are read, and no others."""
    contract = store.contract
    day = contract.table.date
    history = timedelta(days=contract.diagnosis.history_max_age_days)
    since = None if start is None else start - history
    days = store.read(since, end, [day]).unique().collect()[day].sort().to_list()
    if days and start is None and end is None:
        start = end = days[-1]
    dates = [d for d in days if (start is None or d >= start) and (end is None or d <= end)]
    if not dates and (start is None or start != end):
        problem = "it has no rows of these dates; name others, or backfill them"
        raise InputError([problem], f"{uri} cannot be checked")
    if not dates and start is not None:
        dates = [start]  # one date without rows is a finding, no error
    before = [d for d in days if d < dates[0]][-contract.diagnosis.history_days :]
    rows = store.read(min([*before, *dates]), dates[-1], fields=DETAIL_PARTS)
    if before:
        # Rows in a gap between the history and the dates are not needed.
        rows = rows.filter((pl.col(day) >= dates[0]) | pl.col(day).is_in(before))
    return diagnose(rows, contract, run=run, dates=dates, source=source, store=uri)
