"""``fsq backfill``: date ranges of a source into a store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from fsq.backfill import run as job
from fsq.backfill.plan import Step
from fsq.cli import _options as o
from fsq.cli._costs import costs
from fsq.cli._output import Output
from fsq.cli._scoring import figures, tier_table
from fsq.errors import InputError
from fsq.stores import open_store
from fsq.stores.read_errors import store_read_errors


class Engine(StrEnum):
    """Who schedules the work."""

    polars = "polars"
    spark = "spark"


def command(
    source: Annotated[str, typer.Option(metavar="S", help=f"{o.SOURCES}.")],
    store: Annotated[
        str, typer.Option(metavar="D", help="Delta folder or bigquery://p.d.t to write.")
    ],
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    last: Annotated[
        str | None, typer.Option(metavar="7d", help="The last days, today (UTC) included.")
    ] = None,
    season: Annotated[
        str | None, typer.Option(metavar="2025-26", help="July of one year to June of the next.")
    ] = None,
    contract: o.ContractOpt = "v2_33features",
    as_of: o.AsOfOpt = None,
    run_context: o.RunContextOpt = None,
    on_unknown_source: o.OnUnknownOpt = o.OnUnknown.error,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan; write nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Redo dates that are up to date too.")
    ] = False,
    commit_rows: o.CommitRowsOpt = job.COMMIT_ROWS,
    engine: Annotated[
        Engine, typer.Option(help="Score on this machine, or on the executors of Spark.")
    ] = Engine.polars,
    spark_master: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Spark's master, or sc://host; else this machine."),
    ] = None,
    run_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="With Spark: commit a run of this name only once."),
    ] = None,
    as_json: o.JsonOpt = False,
) -> None:
    """Score date ranges into a store.

    Dates that are up to date are skipped, so a run that was stopped goes on where it was.
    """
    out = Output(as_json)
    first, final = _range(start, end, last, season)
    run = o.run_context(run_context)
    given = [n for n, v in (("--spark-master", spark_master), ("--run-id", run_id)) if v]
    if given and engine is not Engine.spark:
        raise InputError([f"{n} goes with --engine spark" for n in given])
    with _engine(engine, spark_master, run_id) as backfill, _bar(out) as progress:
        result = backfill(
            source,
            store,
            start=first,
            end=final,
            contract=contract,
            run=run,
            as_of=as_of,
            on_unknown_source=on_unknown_source.value,
            force=force,
            dry_run=dry_run,
            chunk_rows=commit_rows,
            progress=progress,
        )
    if dry_run:
        _print_plan(result, out)
    else:
        told = figures(result.rows, result.dates, result.seconds)
        out.line(f"{store}: {told}, {result.skipped:,} up to date")
        if result.plan:
            held = _held(store, result.plan)
            first, final = result.plan[0].day, result.plan[-1].day
            out.line(f"In the store from {first} to {final}:")
            tier_table(held, out)
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
            "plan": [{"date": s.day, "rows": s.rows, "reason": s.reason} for s in result.plan],
        }
    )


@contextmanager
def _engine(
    engine: Engine, master: str | None, run_id: str | None
) -> Iterator[Callable[..., job.BackfillResult]]:
    """The function that does the work, for as long as its engine runs."""
    if engine is Engine.polars:
        yield job.backfill
        return
    from fsq import spark

    with spark.session(master) as session:
        yield partial(spark.backfill, session, run_id=run_id)


def _range(
    start: date | None, end: date | None, last: str | None, season: str | None
) -> tuple[date | None, date | None]:
    """First and last date of whichever way of saying it was used."""
    ways = [bool(start or end), last is not None, season is not None]
    if sum(ways) > 1:
        raise InputError(["--start/--end, --last and --season exclude each other; use one"])
    if last is not None:
        return job.parse_last(last, datetime.now(UTC).date())
    if season is not None:
        return job.parse_season(season)
    if start and end and start > end:
        raise InputError([f"--start {start} is after --end {end}; swap them"])
    return start, end


def _held(store: str, plan: list[Step]) -> dict[str, int]:
    """Tiers of the plan's dates as the store has them, those that were skipped included."""
    rows = open_store(store).read(plan[0].day, plan[-1].day, ["quality_tier"])
    with store_read_errors(store):
        return dict(rows.group_by("quality_tier").len().collect().iter_rows())


def _print_plan(result: job.BackfillResult, out: Output) -> None:
    rows = [
        (s.day, s.rows, "skip" if s.reason is None else "score", s.reason or "up to date")
        for s in result.plan
    ]
    out.table(("date", "rows", "action", "reason"), rows, numbers="rows")
    todo = [s for s in result.plan if s.reason is not None]
    count = sum(s.rows for s in todo)
    out.line(f"{len(todo):,} dates with {count:,} rows to score; nothing was written")
    if result.costs:
        costs(result.costs, out)


class _Speed(ProgressColumn):
    """Rows per second so far."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} rows/s" if task.speed else "")


@contextmanager
def _bar(out: Output) -> Iterator[Callable[[job.Progress], None] | None]:
    """A progress bar on stderr; None where stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} rows"),
        _Speed(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=out.talk, transient=True) as bar:
        task = bar.add_task("backfill", total=None, visible=False)

        def advance(now: job.Progress) -> None:
            bar.update(task, completed=now.rows, total=now.total_rows, visible=True)

        yield advance
