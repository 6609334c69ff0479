"""``fsq check``: is a date healthy, and if not, why, and which command repairs it?"""

from __future__ import annotations

import sys
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import polars as pl
import typer

from fsq.backfilling.source import scan_source
from fsq.checking import CheckOptions, StoreCheck, check_store
from fsq.checking.formats import RENDERERS
from fsq.checking.notify import notify, open_channels
from fsq.cli import _options as o
from fsq.cli._dates import choose_dates, parse_duration
from fsq.cli._diagnosis import print_check
from fsq.cli._errors import FAILED_CHECK, FINE
from fsq.cli._output import Output
from fsq.cli._store import open_for_reading, shorten_path
from fsq.contract import Contract
from fsq.utils import webhook

_HEADLINE = "the dates cannot be checked"


class FailOn(StrEnum):
    """The mildest verdict that fails the check."""

    red = "red"
    yellow = "yellow"


class Format(StrEnum):
    """How the result is printed."""

    text = "text"
    markdown = "markdown"
    github = "github"
    junit = "junit"
    prometheus = "prometheus"
    openlineage = "openlineage"


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
    max_age: Annotated[
        timedelta | None,
        typer.Option(
            parser=parse_duration,
            metavar="36h",
            help="Red if the newest date ended longer ago than this.",
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The events that were to take place: a missing one is seen, a rest day is green.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="S",
            help="Compare with this source: is the stored quality still that of its rows? The "
            "commands that repair name it; by default the store's.",
        ),
    ] = None,
    record: Annotated[
        bool,
        typer.Option("--record", help="Enter what is found into the ledger of incidents."),
    ] = False,
    notify_urls: Annotated[
        list[str] | None,
        typer.Option(
            "--notify",
            metavar="URL",
            help="Tell this URL of apprise, such as slack://..., what opened, got worse or was "
            "resolved, and nothing else; implies --record.",
        ),
    ] = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format", help="For a terminal, for GitHub, for CI, or for what monitors jobs."
        ),
    ] = Format.text,
    hook: Annotated[
        str | None,
        typer.Option("--webhook", metavar="URL", help="POST the JSON document to this URL, too."),
    ] = None,
    as_json: o.JsonOpt = False,
) -> int:
    """Check whether dates are healthy; print cause and remedy.

    Without a date, the newest one is checked, and its age is said first. Each date is compared
    with the seven healthy ones before it, per category and per feature.
    """
    out = Output(as_json)
    start, end = choose_dates(day, start, end, _HEADLINE)
    if hook is not None and (problem := webhook.find_url_problem(hook)):
        raise typer.BadParameter(f"--webhook: {problem}")
    channels = open_channels(notify_urls or [])
    run = o.read_run_context(run_context)
    with open_for_reading(store, contract) as opened:
        options = CheckOptions(
            start=start,
            end=end,
            run=run,
            source=source or shorten_path(opened.source or "SOURCE"),
            compare=source is not None,
            schedule=_read_schedule(schedule, opened.contract),
            max_age=max_age,
            record=record or bool(channels),
        )
        done = check_store(opened, options)
    status = FAILED_CHECK if done.has_failed(fail_on.value) else FINE
    document = {"store": store, "fail_on": fail_on.value, "exit_status": status} | done.to_dict()
    _print(done, form, fail_on, out)
    out.document(document)
    if hook is not None and (problem := webhook.post(hook, document)):
        out.note(f"Warning: the webhook did not accept the result: {problem}")
    for problem in notify(channels, done):
        out.note(f"Warning: {problem}")
    return status


def _read_schedule(path: str | None, contract: Contract) -> pl.DataFrame | None:
    """The events of a file."""
    if path is None:
        return None
    return scan_source(path, contract).collect()


def _print(done: StoreCheck, form: Format, fail_on: FailOn, out: Output) -> None:
    """Print the result for people, or for the tool whose format was asked for."""
    if form is Format.text:
        print_check(done, out)
        return
    text = RENDERERS[form.value](done, fail_on.value).rstrip("\n")
    if form is Format.markdown or out.as_json:
        out.line(text)
    else:  # as it is: what people must not see in a terminal is escaped by the format
        sys.stdout.write(text + "\n")
