"""``fsq check``: is a date healthy, and if not, why, and which command repairs it?"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

import polars as pl
import typer

from fsq.cli import _options as o
from fsq.cli import _render
from fsq.cli._errors import FAILED_CHECK, FINE
from fsq.cli._output import Output, clean
from fsq.contract import Contract, load_contract
from fsq.diagnosis import Diagnosis, diagnose, rendering
from fsq.errors import InputError
from fsq.intake.run_context import RunContext
from fsq.stores import open_store
from fsq.stores.read_errors import store_read_errors
from fsq.utils import webhook


class FailOn(StrEnum):
    """The verdict from which on the check fails."""

    red = "red"
    yellow = "yellow"


class Format(StrEnum):
    """How the result is written for people."""

    text = "text"
    markdown = "markdown"


def command(
    store: o.StoreOpt,
    day: o.DateOpt = None,
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    contract: o.ContractOpt = "v2_33features",
    run_context: o.RunContextOpt = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="The verdict that gives exit status 1.")
    ] = FailOn.red,
    form: Annotated[
        Format, typer.Option("--format", help="Text for a terminal, or GitHub's Markdown.")
    ] = Format.text,
    source: Annotated[
        str, typer.Option(metavar="S", help="What the repairing commands name as the source.")
    ] = "SOURCE",
    hook: Annotated[
        str | None,
        typer.Option("--webhook", metavar="URL", help="Post the JSON document there, too."),
    ] = None,
    as_json: o.JsonOpt = False,
) -> int:
    """Say whether dates are healthy: per category, per feature, with cause and remedy.

    Without a date, the store's last one is checked. Every date is compared with the seven before.
    """
    out, loaded = Output(as_json), load_contract(contract)
    first, last = _range(day, start, end)
    if hook is not None and (problem := webhook.problem_of(hook)):
        raise typer.BadParameter(f"--webhook: {problem}")
    run = o.run_context(run_context)
    with store_read_errors(store):
        dx = _check_dates(store, first, last, loaded, run, source)
    failed = dx.verdict == "red" or (dx.verdict == "yellow" and fail_on == FailOn.yellow)
    status = FAILED_CHECK if failed else FINE
    document = {"store": store, "fail_on": fail_on.value, "exit_status": status} | dx.to_dict()
    if form == Format.markdown:
        out.line(rendering.markdown(dx.summary).rstrip("\n"))
    else:
        _print(dx, out)
    out.document(document)
    if hook is not None and (trouble := webhook.post(hook, document)):
        out.note(f"Warning: the webhook did not take the result: {trouble}")
    return status


def _range(
    day: date | None, start: date | None, end: date | None
) -> tuple[date | None, date | None]:
    if day and (start or end):
        raise InputError(
            ["--date excludes --start and --end; use one of them"], "the dates cannot be checked"
        )
    if start and end and start > end:
        raise InputError(
            [f"--start {start} is after --end {end}; swap them"], "the dates cannot be checked"
        )
    return (day, day) if day else (start, end)


def _check_dates(
    uri: str,
    first: date | None,
    last: date | None,
    contract: Contract,
    run: RunContext | None,
    source: str,
) -> Diagnosis:
    """Read the dates and their history, nothing else, and diagnose them."""
    store = open_store(uri)
    reach = timedelta(days=contract.diagnosis.history_max_age_days)
    since = None if first is None else first - reach
    days = store.read(since, last, ["game_date"]).unique().collect()["game_date"].sort().to_list()
    if not days and (first is None or first != last):
        raise InputError(["the store has no rows there; see fsq backfill"], f"{uri} has no dates")
    if first is None and last is None:
        first = last = days[-1]
    wanted = [d for d in days if (first is None or d >= first) and (last is None or d <= last)]
    if not wanted and first is not None and first != last:
        raise InputError(
            [f"no rows from {first} on; name dates that the store has"], f"{uri} cannot be checked"
        )
    checked = wanted or [d for d in (first,) if d is not None]
    before = [d for d in days if d < checked[0]][-contract.diagnosis.history_days :]
    rows = store.read(min([*before, *checked]), checked[-1])
    if before:
        # A gap between history and dates holds rows that neither needs.
        rows = rows.filter((pl.col("game_date") >= checked[0]) | pl.col("game_date").is_in(before))
    return diagnose(rows, contract, run=run, dates=checked, source=source, store=uri)


def _print(dx: Diagnosis, out: Output) -> None:
    out.line("\n".join(rendering.wrap_headline(dx.summary)))
    if dx.days.height:
        _render.categories(dx, out)
        _render.features(dx, out)
    for finding in dx.findings[: rendering.MAX_FINDINGS]:
        out.line("")
        out.line(clean("\n".join(rendering.wrap_finding(finding))))
    if (more := len(dx.findings) - rendering.MAX_FINDINGS) > 0:
        out.line(f"\nand {more} more findings; --json lists all of them")
    if lines := rendering.wrap_not_evaluated(dx.summary):
        out.line("\nNot evaluated:\n" + "\n".join(lines))
