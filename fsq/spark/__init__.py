"""Backfill on a Spark cluster: Spark schedules, every task scores and writes whole dates.

Needs the extra ``spark``; see docs/spark.md.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Unpack

from fsq.backfilling.job import open_job
from fsq.backfilling.options import BackfillKeywords, BackfillOptions
from fsq.backfilling.plan import estimate_costs, pending_steps, validate_fit
from fsq.backfilling.run import BackfillResult
from fsq.backfilling.source import Target, locate
from fsq.errors import InputError
from fsq.spark.distributed import DistributedJob
from fsq.spark.session import require_pyspark, session
from fsq.stores import Store, get_capabilities, open_batch_write

__all__ = ["backfill", "session"]

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_HEADLINE = "the backfill cannot start"
_RUN_ID = re.compile(r"[A-Za-z0-9_.:+-]{1,200}")


def backfill(
    spark: SparkSession,
    source: str | PathLike[str] | Store,
    store: Target,
    options: BackfillOptions | None = None,
    *,
    run_id: str | None = None,
    **changes: Unpack[BackfillKeywords],
) -> BackfillResult:
    """Score a source's dates into a store, on the executors of a Spark session.

    Plan, ledger and rows are those of ``fsq.backfill``. All dates become visible in one
    commit at the end; a run that is killed before it changes nothing.

    Args:
        spark: a session, classic or Connect. Its executors need fsq and its dependencies.
        source: as for ``fsq.backfill``, but not in memory; every executor must be able to read it.
        store: as there; the driver and all executors must share the folder of a Delta table.
        options: what to backfill, and how; None for the defaults. ``chunk_rows`` is the target
            number of rows per task; ``progress`` gets the share of tasks that are done, as rows
            and dates.
        run_id: name of this run, which is committed once however often it is started; None for a
            new name.
        changes: fields of ``BackfillOptions``, in place of those of ``options``.

    Raises:
        InputError: rows are invalid, the extra is not installed, or the executors are missing
            packages; nothing is written.
        ContractError: the contract cannot be used.
        StoreError: the store or the source failed, or Spark gave up a task; nothing is visible.
    """
    require_pyspark()
    from fsq.spark.engine import Engine

    options = replace(options or BackfillOptions(), **changes)
    uri = locate(source)
    if uri is None:
        cure = "write the rows to a file that the executors can read, and name it"
        raise InputError([f"source is a {type(source).__name__}; {cure}"], _HEADLINE)
    started = time.perf_counter()
    run_id = secrets.token_hex(8) if run_id is None else _validate_run_id(run_id)
    job = open_job(uri, store, options)
    capabilities = [get_capabilities(place) for place in (uri, job.store.uri)]
    engine = Engine(
        spark,
        [package for c in capabilities for package in c.executor_packages],
        [variable for c in capabilities for variable in c.executor_environment],
    )
    write = open_batch_write(job.store, job.base_version)
    distributed = DistributedJob(engine, job, options.chunk_rows)
    plan = distributed.plan(options)
    if write.committed(run_id):
        plan = [replace(step, reason=None) for step in plan]
    pending = pending_steps(plan)
    unknown = distributed.validate(pending)
    validate_fit(job, job.rows, pending)
    if options.dry_run:
        costs = estimate_costs(job, job.rows, pending, commits=1)
        return BackfillResult(plan, unknown_sources=unknown, costs=costs)
    if not pending:
        seconds = time.perf_counter() - started
        return BackfillResult(plan, seconds=seconds, unknown_sources=unknown)
    try:
        messages, tiers = distributed.score(write, pending, options.progress)
        result = write.commit(messages, {step.day: step.entry for step in pending}, run_id)
    except BaseException:
        write.abort()
        raise
    seconds = time.perf_counter() - started
    if result is None:  # another driver committed this run first
        write.abort()
        plan = [replace(step, reason=None) for step in plan]
        return BackfillResult(plan, seconds=seconds, unknown_sources=unknown)
    return BackfillResult(plan, result.rows, result.dates, seconds, tiers, unknown)


def _validate_run_id(run_id: str) -> str:
    if not _RUN_ID.fullmatch(run_id):
        raise InputError([f"run id {run_id!r}: use up to 200 letters, digits and any of _.:+-"])
    return run_id
