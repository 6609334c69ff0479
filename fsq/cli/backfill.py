"""``fsq backfill``: score date ranges of a source into a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from fsq.cli import _options as o
from fsq.cli._dates import Calendar, choose_range
from fsq.cli._output import Output
from fsq.cli._store import open_for_reading
from fsq.errors import InputError
from fsq.utils.sizes import COMMIT_ROWS
from fsq.utils.text import plural

if TYPE_CHECKING:
    from fsq.backfilling import BackfillResult
    from fsq.backfilling.plan import Step
    from fsq.contract import Contract
    from fsq.profile import Profile


class Engine(StrEnum):
    """Where the work is done."""

    polars = "polars"
    spark = "spark"


def command(
    source: Annotated[str, typer.Option(metavar="S", help=f"{o.SOURCES}.")],
    store: Annotated[str, typer.Option(metavar="D", help=f"Store to write: {o.STORES}.")],
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    last: o.LastOpt = None,
    season: Annotated[
        str | None,
        typer.Option(metavar="2025-26", help="One season, by the contract's season_start."),
    ] = None,
    contract: o.StoreContractOpt = None,
    change_contract: o.ChangeContractOpt = False,
    as_of: o.AsOfOpt = None,
    run_context: o.RunContextOpt = None,
    on_unknown_source: o.OnUnknownOpt = o.OnUnknown.error,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan; write nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Rescore dates that are up to date, too.")
    ] = False,
    commit_rows: o.CommitRowsOpt = COMMIT_ROWS,
    workers: o.WorkersOpt = None,
    max_bytes: o.MaxBytesOpt = None,
    engine: Annotated[
        Engine, typer.Option(help="Score on this machine, or on the executors of Spark.")
    ] = Engine.polars,
    spark_master: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Spark master, or sc://host; by default this machine."),
    ] = None,
    run_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="With Spark: commit the run with this ID only once."),
    ] = None,
    untrusted: o.UntrustedOpt = False,
    as_json: o.JsonOpt = False,
) -> None:
    """Score date ranges into a store.

    Dates that are up to date are skipped. If a run was stopped, run it again to resume.
    """
    from fsq.backfilling import BackfillOptions
    from fsq.backfilling.untrusted import read_apart
    from fsq.cli._progress import progress_bar
    from fsq.stores import open_store

    out = Output(as_json)

    def find_contract() -> Contract:
        return open_store(store, contract).contract

    def find_latest() -> date:
        with read_apart(wanted=untrusted):
            return _find_latest(source, find_contract())

    calendar = Calendar(find_latest, lambda: find_contract().table.timezone)
    start, end = choose_range(start, end, last, season, find_contract, calendar)
    spark_only = [n for n, v in (("--spark-master", spark_master), ("--run-id", run_id)) if v]
    if spark_only and engine is not Engine.spark:
        problems = [f"{name} needs --engine spark" for name in spark_only]
        raise InputError(problems, "the backfill cannot start")
    if untrusted and engine is Engine.spark:
        problem = "--untrusted reads on this machine; leave it out with --engine spark"
        raise InputError([problem], "the backfill cannot start")
    options = BackfillOptions(
        start=start,
        end=end,
        contract=contract,
        change_contract=change_contract,
        run=o.read_run_context(run_context),
        as_of=as_of,
        on_unknown_source=on_unknown_source.value,
        force=force,
        dry_run=dry_run,
        chunk_rows=commit_rows,
        workers=workers,
    )
    with (
        o.limit_bytes(max_bytes),
        read_apart(wanted=untrusted),
        _start_engine(engine, spark_master, run_id) as run,
        progress_bar(out) as progress,
    ):
        result = run(source, store, options, progress=progress)
    if dry_run:
        _print_plan(result, out)
    else:
        _print_result(result, store, out)
    profile = None if dry_run or not result.dates else _learn_profile(store, out)
    out.document(
        {
            "store": store,
            "dry_run": dry_run,
            "rows": result.rows,
            "dates": result.dates,
            "skipped": result.skipped,
            "seconds": result.seconds,
            "rows_per_second": result.rows_per_second,
            "tiers": result.tiers,
            "unknown_sources": result.unknown_sources,
            "costs": result.costs and result.costs.to_dict(),
            "profile": profile and {"clean_dates": len(profile.clean_dates)},
            "plan": [{"date": s.day, "rows": s.rows, "reason": s.reason} for s in result.plan],
        }
    )


def _find_latest(source: str, contract: Contract) -> date:
    """The newest date that a source has rows of."""
    import polars as pl

    from fsq.backfilling.source import scan_source, source_read_errors

    with source_read_errors(source):
        day = pl.col(contract.table.date).max()
        newest: date | None = scan_source(source, contract).select(day).collect().item()
    if newest is None:
        raise InputError(["it has no rows; name a date"], f"{source} has no latest date")
    return newest


def _learn_profile(store: str, out: Output) -> Profile | None:
    """Learn what normally holds, if there are enough new dates and reading them costs nothing."""
    from fsq.store_profile import is_worth_learning, learn_from_store
    from fsq.stores import get_capabilities

    if get_capabilities(store).bills_bytes:
        return None
    with open_for_reading(store) as opened:
        if not is_worth_learning(opened, opened.ledger()):
            return None
        try:
            profile = learn_from_store(opened)
        except InputError:  # most of its dates have faults
            return None
    out.note(f"Learned what normally holds: {profile.headline}")
    return profile


@contextmanager
def _start_engine(
    engine: Engine, master: str | None, run_id: str | None
) -> Iterator[Callable[..., BackfillResult]]:
    """The backfill function of an engine, for as long as the engine runs."""
    from fsq.backfilling import backfill

    if engine is Engine.polars:
        yield backfill
        return
    from fsq import spark

    with spark.session(master) as session:
        yield partial(spark.backfill, session, run_id=run_id)


def _print_result(result: BackfillResult, store: str, out: Output) -> None:
    from fsq.cli._scoring import print_tiers, summarize

    written = summarize(result.rows, result.dates, result.seconds)
    out.line(f"{store}: {written}, {result.skipped:,} up to date")
    if result.plan:
        out.line(f"In the store from {result.plan[0].day} to {result.plan[-1].day}:")
        print_tiers(_count_tiers(store, result.plan), out)


def _count_tiers(store: str, plan: list[Step]) -> dict[str, int]:
    """Rows per quality tier that the store has for the plan's dates, skipped ones included."""
    with open_for_reading(store) as opened:
        rows = opened.read(plan[0].day, plan[-1].day, ["quality_tier"])
        return dict(rows.group_by("quality_tier").len().collect().iter_rows())


def _print_plan(result: BackfillResult, out: Output) -> None:
    """Print the plan; neighbouring dates of which the same is said are one line."""
    from fsq.backfilling.plan import pending_steps
    from fsq.cli._costs import print_costs

    rows = []
    for reason, steps in groupby(result.plan, lambda step: step.reason):
        group = list(steps)
        days = f"{group[0].day}" + (f" to {group[-1].day}" if len(group) > 1 else "")
        action = "skip" if reason is None else "score"
        count = sum(step.rows for step in group)
        rows.append((days, len(group), count, action, reason or "up to date"))
    out.table(("dates", "count", "rows", "action", "reason"), rows, numbers="count rows")
    pending = pending_steps(result.plan)
    count = sum(step.rows for step in pending)
    dates = plural(len(pending), "date")
    out.line(f"{dates} with {plural(count, 'row')} to score; nothing was written")
    if result.costs:
        print_costs(result.costs, out)
