"""``fsq check``: is a date healthy, and if not, why, and which command repairs it?"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fsq.cli import _options as o
from fsq.cli._date_words import DateWord
from fsq.cli._dates import MaxAgeOpt, choose_dates
from fsq.cli._errors import FAILED_CHECK, FINE
from fsq.cli._output import Output
from fsq.cli._store import open_for_reading, read_calendar, shorten_path
from fsq.utils.text import defuse

if TYPE_CHECKING:
    import polars as pl

    from fsq.checking import StoreCheck
    from fsq.contract import Contract

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
    last: o.LastOpt = None,
    contract: o.StoreContractOpt = None,
    run_context: o.RunContextOpt = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="Exit with status 1 on this verdict or worse.")
    ] = FailOn.red,
    max_age: MaxAgeOpt = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The scheduled events: a missing one is red, a rest day green.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="S",
            help="Check that the stored quality still matches this source's rows, and name it in "
            "remedies; by default, remedies name the store's source.",
        ),
    ] = None,
    record: Annotated[
        bool,
        typer.Option("--record", help="Record the findings in the ledger of incidents."),
    ] = False,
    notify_urls: Annotated[
        list[str] | None,
        typer.Option(
            "--notify",
            metavar="URL",
            help="Apprise URL, such as slack://..., to notify of incidents that open, get worse or "
            "are resolved, and of nothing else; implies --record.",
        ),
    ] = None,
    form: Annotated[
        Format,
        typer.Option("--format", help="For a terminal, GitHub, CI, or the monitoring of jobs."),
    ] = Format.text,
    hook: Annotated[
        str | None,
        typer.Option("--webhook", metavar="URL", help="POST the JSON document to this URL, too."),
    ] = None,
    as_json: o.JsonOpt = False,
) -> int:
    """Check whether dates are healthy; print cause and remedy.

    Without a date, the newest one is checked, and its age is printed first. Each date is compared
    with the store's profile and with the healthy dates before it.
    """
    from fsq.checking import CheckOptions, check_store
    from fsq.checking.notify import notify, open_channels

    out = Output(as_json)
    if isinstance(day, DateWord) and day.word == "latest" and not (start or end or last):
        day = None  # which says how old it is, too
    start, end = choose_dates(day, start, end, _HEADLINE, read_calendar(store, contract), last)
    if hook is not None:
        _require_url(hook)
    channels = open_channels(notify_urls or [])
    run = o.read_run_context(run_context)
    with open_for_reading(store, contract) as opened:
        options = CheckOptions(
            start=start,
            end=end,
            run=run,
            source=source or shorten_path(opened.source or "SOURCE"),
            compare=source is not None,
            schedule=None if schedule is None else _read_schedule(schedule, opened.contract),
            max_age=max_age,
            record=record or bool(channels),
            channels=tuple(name for name, _ in channels),
        )
        done = check_store(opened, options)
    status = FAILED_CHECK if done.has_failed(fail_on.value) else FINE
    document = {"store": store, "fail_on": fail_on.value, "exit_status": status} | done.to_dict()
    _print(done, form, fail_on, out)
    out.document(document)
    if hook is not None:
        _post(hook, document, out)
    for problem in notify(channels, done, opened):
        out.warn(problem)
    return status


def _read_schedule(path: str, contract: Contract) -> pl.DataFrame:
    """The events of a file."""
    from fsq.backfilling.source import scan_source

    return scan_source(path, contract).collect()


def _require_url(hook: str) -> None:
    from fsq.utils import webhook  # loads what speaks HTTP

    if problem := webhook.find_url_problem(hook):
        raise typer.BadParameter(f"--webhook: {problem}")


def _post(hook: str, document: dict[str, Any], out: Output) -> None:
    from fsq.utils import webhook

    if problem := webhook.post(hook, document):
        out.warn(f"the webhook did not accept the result: {problem}")


def _print(done: StoreCheck, form: Format, fail_on: FailOn, out: Output) -> None:
    """Print the result for people, or for the tool whose format was asked for."""
    if form is Format.text:
        from fsq.cli._diagnosis import print_check

        print_check(done, out)
        return
    from fsq.checking.formats import RENDERERS

    text = RENDERERS[form.value](done, fail_on.value).rstrip("\n")
    if form is Format.github:  # its commands are meant
        out.file.write(text + "\n")
    elif form is Format.markdown or out.as_json:
        out.line(text)
    else:  # as it is: what people must not see in a terminal is escaped by the format
        sys.stdout.write(defuse(text) + "\n")
