"""``fsq check``: is a date healthy, and if not, why, and what repairs it?"""

from __future__ import annotations

import shlex
from datetime import date
from enum import StrEnum
from typing import Annotated

import typer

from fsq.cli import _options as o
from fsq.cli._check import as_document, as_markdown, show
from fsq.cli._output import Output
from fsq.cli._webhook import checked, post
from fsq.diagnosis.stored import diagnose_stored
from fsq.errors import InputError
from fsq.stores import open_store


class FailOn(StrEnum):
    """The mildest verdict that is a failure."""

    red = "red"
    yellow = "yellow"


class Format(StrEnum):
    """How a person reads it."""

    text = "text"
    markdown = "markdown"


def command(
    store: Annotated[str, typer.Option(metavar="D", help="Store of scored rows.")],
    day: Annotated[
        date | None, typer.Option("--date", parser=o.day, metavar="DATE", help="The date to judge.")
    ] = None,
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    contract: o.ContractOpt = "v2_33features",
    fail_on: Annotated[FailOn, typer.Option(help="Exit with status 1 from here on.")] = FailOn.red,
    form: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.text,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="Post the JSON document there too.")
    ] = None,
    as_json: o.JsonOpt = False,
) -> None:
    """Is this date healthy? Root causes, and the commands that repair them.

    Exit status 1 says that the data failed the check.
    """
    first, last = _range(day, start, end)
    if webhook is not None:
        checked(webhook)
    out = Output(as_json)
    found = diagnose_stored(open_store(store), first, last, contract)
    steps = {"STORE": shlex.quote(store)}
    document = as_document(found, store, steps)
    if form is Format.markdown:
        out.line(as_markdown(found, steps))
    else:
        show(found, out, steps)
    if webhook is not None:
        post(webhook, document, out)
    out.document(document)
    bad = ("red",) if fail_on is FailOn.red else ("red", "yellow")
    if found.verdict() in bad:
        raise typer.Exit(1)


def _range(day: date | None, start: date | None, end: date | None) -> tuple[date, date]:
    if day is not None and (start or end):
        raise InputError(["--date and --start/--end exclude each other; use one"], "wrong dates")
    first, last = day or start, day or end
    if first is None or last is None:
        raise InputError(["name --date, or both --start and --end"], "wrong dates")
    if first > last:
        raise InputError([f"--start {first} is after --end {last}; swap them"], "wrong dates")
    return first, last
