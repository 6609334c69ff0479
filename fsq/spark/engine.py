"""Spark as the scheduler: it gives each task a number, and returns the manifest's rows."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from platform import python_version_tuple
from typing import Any

import polars as pl

from fsq.errors import InputError, StoreError
from fsq.spark import remote
from fsq.spark.session import HEADLINE
from fsq.spark.tasks import DDL, MANIFEST, TaskSpec
from fsq.utils.version import VERSION

_REQUIRED = ("fsq", "polars", "pyarrow", "numpy", "pydantic", "deltalake", "pandas")
# These decide the result, so driver and executors must have the same version.
_SAME_VERSION = ("fsq", "polars")
_POLL_SECONDS = 0.5


class Engine:
    """A Spark session, classic or Connect, whose executors have what the tasks need.

    Args:
        spark: the session.
        packages: what the executors need for the stores, besides what fsq itself needs.
        variables: environment variables of the driver that the executors need for the stores.

    Raises:
        InputError: executors are missing packages, or have other versions than the driver.
    """

    def __init__(
        self, spark: Any, packages: Sequence[str] = (), variables: Sequence[str] = ()
    ) -> None:
        from pyspark import cloudpickle

        # By value: the workers need not have fsq to be asked whether they have it.
        cloudpickle.register_pickle_by_value(remote)  # type: ignore[no-untyped-call]
        self._spark = spark
        self._context = getattr(spark, "sparkContext", None) if _is_classic(spark) else None
        self._variables = variables
        self._check_executors([*dict.fromkeys((*_REQUIRED, *packages))])

    def _check_executors(self, names: list[str]) -> None:
        from pyspark.sql.functions import udf

        count = max(2, self._context.defaultParallelism if self._context else 2)
        list_packages = udf(remote.make_package_lister(names, ["fsq"]), "string", useArrow=False)
        tasks = self._spark.range(count, numPartitions=count)
        try:
            answers = tasks.select(list_packages("id").alias("packages")).collect()
        except _spark_errors() as error:
            problem = f"no Python runs on its executors: {_find_cause(error)}"
            raise InputError([problem], HEADLINE) from error
        workers = {row["packages"] for row in answers}
        problems = sorted({p for text in workers for p in _find_problems(json.loads(text))})
        if problems:
            raise InputError(problems, HEADLINE)

    def run(
        self, spec: TaskSpec, advance: Callable[[float], None] = lambda share: None
    ) -> pl.DataFrame:
        """Run all tasks, and return their manifest.

        Args:
            spec: what to do.
            advance: called now and then with the share of tasks that are done.

        Raises:
            InputError: a task reported it.
            StoreError: a task reported it, or Spark gave up a task.
        """
        count = len(spec.groups)
        environment = {
            name: value
            for name, value in os.environ.items()
            if any(fnmatchcase(name, wanted) for wanted in self._variables)
        }
        environment["POLARS_MAX_THREADS"] = self._spark.conf.get("spark.task.cpus", "1")
        tasks = self._spark.range(0, count, 1, count).mapInArrow(
            remote.make_task_runner(spec.to_bytes(), environment), DDL
        )
        try:
            with self._report_progress(count, advance):
                manifest = pl.DataFrame(tasks.toArrow().cast(MANIFEST))
        except _spark_errors() as error:
            problem = "Spark gave up a task; nothing was committed; run it again"
            raise StoreError(f"{problem}. It said: {_find_cause(error)}") from error
        failed = manifest.filter(pl.col("error").is_not_null())
        if failed.height:
            problems = list(dict.fromkeys(failed["problems"].explode().to_list()))
            if (failed["error"] == "InputError").any():
                raise InputError(problems)
            raise StoreError("; ".join(problems[:5]))
        return manifest

    @contextmanager
    def _report_progress(self, count: int, advance: Callable[[float], None]) -> Iterator[None]:
        """Call ``advance`` with the share of tasks that are done, while a job runs."""
        if self._context is None:
            handler = partial(_advance_connect, advance, count)
            self._spark.registerProgressHandler(handler)
            try:
                yield
            finally:
                self._spark.removeProgressHandler(handler)
            return
        done, context = threading.Event(), self._context
        tag = f"fsq-{os.getpid()}-{id(done)}"

        def poll() -> None:
            tracker = context.statusTracker()
            while not done.wait(_POLL_SECONDS):
                stages = [
                    tracker.getStageInfo(s)
                    for j in tracker.getJobIdsForGroup(tag)
                    for s in getattr(tracker.getJobInfo(j), "stageIds", ())
                ]
                advance(min(1.0, sum(s.numCompletedTasks for s in stages if s) / count))

        poller = threading.Thread(target=poll, daemon=True)
        group_before = context.getLocalProperty("spark.jobGroup.id")
        context.setJobGroup(tag, "fsq backfill", interruptOnCancel=True)
        poller.start()
        try:
            yield
        except BaseException:
            context.cancelJobGroup(tag)
            raise
        finally:
            done.set()
            poller.join()
            context.setLocalProperty("spark.jobGroup.id", group_before)


def _advance_connect(
    advance: Callable[[float], None], count: int, *, stages: Any, **_: Any
) -> None:
    """Progress handler of Spark Connect."""
    advance(min(1.0, sum(s.num_completed_tasks for s in stages or ()) / count))


def _is_classic(spark: Any) -> bool:
    return type(spark).__module__.startswith("pyspark.sql.session")


def _spark_errors() -> tuple[type[Exception], ...]:
    """What a failed job raises: Spark's own errors, and those of the bridge to Java."""
    from pyspark.errors import PySparkException

    try:
        from py4j.protocol import Py4JError
    except ImportError:  # a client of Spark Connect alone
        return PySparkException, OSError
    return PySparkException, Py4JError, OSError


def _find_problems(worker: dict[str, Any]) -> Iterator[str]:
    """What a worker is missing, or has in another version than the driver."""
    here = ".".join(python_version_tuple()[:2])
    if worker["python"] != here:
        found = worker["python"]
        yield f"executors run Python {found}, the driver {here}; use one version for both"
    for name, found in worker["packages"].items():
        if found is None:
            yield f"executors lack the Python package {name}; docs/spark.md says how to ship it"
        elif name in _SAME_VERSION and found not in ("?", _version(name)):
            yield (
                f"executors have {name} {found}, the driver {_version(name)}; "
                "use one version for both"
            )


def _version(name: str) -> str:
    if name == "fsq":
        return VERSION
    try:
        return version(name)
    except PackageNotFoundError:
        return "?"


def _find_cause(error: Exception) -> str:
    """The line of a long stack trace that says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if "Error" in line or "Cannot run program" in line]
    return (causes or lines or [type(error).__name__])[-1][:300]
