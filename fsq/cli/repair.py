"""``fsq repair``: run the remedies of a date's findings, score again, check again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from fsq.cli import _options as o
from fsq.cli._dates import choose_dates
from fsq.cli._errors import FAILED_CHECK, FINE
from fsq.cli._output import Output
from fsq.cli._store import open_for_reading, read_calendar, shorten_path
from fsq.errors import InputError
from fsq.utils.text import plural

if TYPE_CHECKING:
    from fsq.checking import StoreCheck
    from fsq.checking.repair import Repair

_HEADLINE = "nothing was repaired"


def command(
    store: o.StoreOpt,
    day: o.DateOpt = None,
    contract: o.StoreContractOpt = None,
    run_context: o.RunContextOpt = None,
    source: Annotated[
        str | None,
        typer.Option(metavar="S", help="Source to score again from; by default the store's."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Run the commands without asking.")] = False,
    as_json: o.JsonOpt = False,
) -> int:
    """Run a date's remedies, and check it again.

    Remedies are the commands that `fsq check` prints: the contract's jobs, then `fsq backfill`.
    Each runs once, without a shell, in at most three rounds, and is recorded in the ledger of
    incidents. What is still wrong is printed last. Without a date, the newest one is repaired.
    With --yes, jobs must be those of your own --contract or of a shipped one: who writes the
    store could have changed the contract that it remembers.
    """
    from fsq.checking import CheckOptions
    from fsq.checking.repair import list_foreign_jobs, repair_store

    out = Output(as_json)
    start, end = choose_dates(day, None, None, _HEADLINE, read_calendar(store, contract))
    run = o.read_run_context(run_context)

    def confirm(commands: Sequence[str], done: StoreCheck) -> bool:
        found = [f for f in done.dx.findings if f.remedy and f.severity != "info"]
        for finding in found:
            out.line(f"{finding.severity.upper()}  {finding.title}")
        for text in commands:
            out.line(f"  $ {text}")
        if yes and contract is None:
            _refuse_foreign_jobs(list_foreign_jobs(commands, done.dx, opened.contract), store)
        return yes or _ask(f"Run {plural(len(commands), 'command')}?")

    with open_for_reading(store, contract) as opened:
        remembered = opened.source and shorten_path(opened.source)
        options = CheckOptions(start=start, end=end, run=run, source=source or remembered)
        done = repair_store(opened, options, confirm, out.line)
    status = FAILED_CHECK if done.after.has_failed("red") else FINE
    _print(done, out)
    out.document(
        {
            "store": store,
            "exit_status": status,
            "before": done.before.dx.verdict,
            "attempts": [a.to_dict() for a in done.attempts],
        }
        | done.after.to_dict()
    )
    return status


def _refuse_foreign_jobs(jobs: Sequence[str], store: str) -> None:
    """Run nothing unasked that only the store names: its writers could have changed it."""
    if jobs:
        cure = "name your own with --contract, or leave out --yes to be asked"
        problem = f"only the contract that {store} remembers names `{jobs[0]}`; {cure}"
        raise InputError([problem], _HEADLINE)


def _ask(question: str) -> bool:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        problem = "nobody answers; say --yes to run the commands"
        raise InputError([problem], _HEADLINE) from None


def _print(done: Repair, out: Output) -> None:
    """Print the date as it is now, and what no command has repaired."""
    from fsq.cli._diagnosis import print_diagnosis

    serious = [f for f in done.after.dx.findings if f.severity != "info"]
    if not done.attempts:
        out.line("Nothing was run" if serious else "Nothing to repair")
        if serious:
            print_diagnosis(done.after.dx, out)
        return
    out.line("")
    print_diagnosis(done.after.dx, out)
    out.line("")
    failed = [a for a in done.attempts if a.exit_status]
    for attempt in failed:
        out.line(f"Failed with exit status {attempt.exit_status}: {attempt.command}")
    if serious:
        out.line(f"Still wrong: {plural(len(serious), 'finding')}; no remedy is run twice")
    else:
        out.line(f"Repaired by {plural(len(done.attempts), 'command')}")
