"""Spark as the scheduler: its tasks get a number each, and hand back lines of a manifest."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from platform import python_version_tuple
from typing import Any

import polars as pl

from fsq.errors import InputError, StoreError
from fsq.spark import remote
from fsq.spark.tasks import DDL, MANIFEST, Work
from fsq.utils.version import DISTRIBUTION, VERSION

_HEADLINE = "Spark cannot be used"
_NEEDED = ("fsq", "polars", "pyarrow", "numpy", "pydantic", "deltalake", "pandas")
# These decide the result, so the driver's and the executors' must be the same.
_SAME = ("fsq", "polars")
# Seconds between two looks at how far a job has come.
_LOOK = 0.5


class Engine:
    """A Spark session, classic or Connect, whose executors have been found fit.

    Args:
        spark: the session.
        packages: what the executors need for the stores, beside what fsq itself needs.
        variables: environment variables that they need for the stores, where they are set.

    Raises:
        InputError: executors lack packages, or have others than the driver; nothing was done.
    """

    def __init__(
        self, spark: Any, packages: Sequence[str] = (), variables: Sequence[str] = ()
    ) -> None:
        from pyspark import cloudpickle

        # By value: the workers need not have fsq to be asked whether they have.
        cloudpickle.register_pickle_by_value(remote)  # type: ignore[no-untyped-call]
        self._spark = spark
        self._context = getattr(spark, "sparkContext", None) if _classic(spark) else None
        self._variables = variables
        self._examine([*dict.fromkeys((*_NEEDED, *packages))])

    def _examine(self, names: list[str]) -> None:
        from pyspark.sql.functions import udf

        count = max(2, self._context.defaultParallelism if self._context else 2)
        look = udf(remote.look(names, {"fsq": DISTRIBUTION}), "string", useArrow=False)
        asked = self._spark.range(count, numPartitions=count)
        try:
            answers = asked.select(look("id").alias("told")).collect()
        except _faults() as error:
            raise InputError(
                [f"no Python runs on its executors: {_cause(error)}"], _HEADLINE
            ) from error
        told = {row["told"] for row in answers}
        problems = sorted({p for text in told for p in _unfit(json.loads(text))})
        if problems:
            raise InputError(problems, _HEADLINE)

    def run(
        self, work: Work, advance: Callable[[float], None] = lambda share: None
    ) -> pl.DataFrame:
        """The manifest of all tasks, once the last one is done.

        Args:
            work: what to do.
            advance: called now and then with the share of the tasks that are done.

        Raises:
            InputError: as a task has told.
            StoreError: as a task has told, or Spark gave a task up.
        """
        count = len(work.chunks)
        environment = {n: os.environ[n] for n in self._variables if n in os.environ}
        environment["POLARS_MAX_THREADS"] = self._spark.conf.get("spark.task.cpus", "1")
        asked = self._spark.range(0, count, 1, count).mapInArrow(
            remote.runner(work.packed(), environment), DDL
        )
        try:
            with self._watched(count, advance):
                lines = pl.DataFrame(asked.toArrow().cast(MANIFEST))
        except _faults() as error:
            told = "Spark gave up a task, and nothing was committed; run it again"
            raise StoreError(f"{told}. It said: {_cause(error)}") from error
        failed = lines.filter(pl.col("error").is_not_null())
        if failed.height:
            problems = list(dict.fromkeys(failed["problems"].explode().to_list()))
            if (failed["error"] == "InputError").any():
                raise InputError(problems)
            raise StoreError("; ".join(problems[:5]))
        return lines

    @contextmanager
    def _watched(self, count: int, advance: Callable[[float], None]) -> Iterator[None]:
        """Tell how far the tasks of a job have come, while it runs."""
        if self._context is None:
            told = partial(_advance, advance, count)
            self._spark.registerProgressHandler(told)
            try:
                yield
            finally:
                self._spark.removeProgressHandler(told)
            return
        over, context = threading.Event(), self._context
        tag = f"fsq-{os.getpid()}-{id(over)}"

        def watch() -> None:
            tracker = context.statusTracker()
            while not over.wait(_LOOK):
                stages = [
                    tracker.getStageInfo(s)
                    for j in tracker.getJobIdsForGroup(tag)
                    for s in getattr(tracker.getJobInfo(j), "stageIds", ())
                ]
                advance(min(1.0, sum(s.numCompletedTasks for s in stages if s) / count))

        watcher = threading.Thread(target=watch, daemon=True)
        before = context.getLocalProperty("spark.jobGroup.id")
        context.setJobGroup(tag, "fsq backfill", interruptOnCancel=True)
        watcher.start()
        try:
            yield
        except BaseException:
            context.cancelJobGroup(tag)
            raise
        finally:
            over.set()
            watcher.join()
            context.setLocalProperty("spark.jobGroup.id", before)


def _advance(advance: Callable[[float], None], count: int, *, stages: Any, **_: Any) -> None:
    """What Spark Connect tells now and then."""
    advance(min(1.0, sum(s.num_completed_tasks for s in stages or ()) / count))


def _classic(spark: Any) -> bool:
    return type(spark).__module__.startswith("pyspark.sql.session")


def _faults() -> tuple[type[Exception], ...]:
    """What Spark raises when a job fails, by its own name or by that of the bridge to Java."""
    from pyspark.errors import PySparkException

    try:
        from py4j.protocol import Py4JError
    except ImportError:  # a client of Spark Connect alone
        return PySparkException, OSError
    return PySparkException, Py4JError, OSError


def _unfit(told: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one worker."""
    here = ".".join(python_version_tuple()[:2])
    if told["python"] != here:
        yield f"executors run Python {told['python']}, the driver {here}; use one version for both"
    for name, there in told["packages"].items():
        if there is None:
            yield f"executors lack the Python package {name}; ship it as docs/spark.md tells"
        elif name in _SAME and there not in ("?", _version(name)):
            yield f"executors have {name} {there}, the driver {_version(name)}; use one for both"


def _version(name: str) -> str:
    if name == "fsq":
        return VERSION
    try:
        return version(name)
    except PackageNotFoundError:
        return "?"


def _cause(error: Exception) -> str:
    """The line of a long trace that tells what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "Error" in line or "Cannot run program" in line]
    return (told or lines or [type(error).__name__])[-1][:300]
