"""A Spark session for the command line, and what must be there for one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fsq.errors import InputError
from fsq.utils.extras import require_extra

_HEADLINE = "Spark cannot be used"
# The oldest that Spark 4 runs on.
_JAVA = 17
# Who set these has said already where Spark is: spark-submit, or Spark Connect's own setting.
_ELSEWHERE = ("PYSPARK_GATEWAY_PORT", "SPARK_REMOTE")
# On this machine Java only schedules; without its slow compiler it starts sooner.
_QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def require() -> None:
    """Refuse to go on without the extra.

    Raises:
        InputError: pyspark is not installed.
    """
    with require_extra("spark", _HEADLINE):
        import pyspark  # noqa: F401


@contextmanager
def session(master: str | None) -> Iterator[Any]:
    """A session of a master, stopped afterwards.

    Args:
        master: URL of the master, such as ``local[*]``, or ``sc://host`` for Spark Connect; None
            for what the environment says, and this machine alone where it says nothing.

    Raises:
        InputError: the extra or Java is not there, or the master does not answer.
    """
    require()
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("fsq backfill")
    if master is not None and master.startswith("sc://"):
        builder = builder.remote(master)
    elif master is not None or not any(name in os.environ for name in _ELSEWHERE):
        builder = _started_here(builder, master or "local[*]")
    try:
        spark = builder.getOrCreate()
    except (PySparkException, RuntimeError, ValueError, OSError, ImportError) as error:
        raise InputError([f"{master or 'Spark'} did not start: {error}"], _HEADLINE) from error
    try:
        yield spark
    finally:
        spark.stop()


def _started_here(builder: Any, master: str) -> Any:
    _java()
    if master.startswith("local"):
        # Else the workers would be whatever python3 is first on the path.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        quiet = (
            f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties').as_uri()}"
        )
        builder = builder.config("spark.driver.extraJavaOptions", f"{_QUICK} {quiet}")
        builder = builder.config("spark.executor.extraJavaOptions", _QUICK)
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }.items():
        builder = builder.config(name, value)
    return builder.master(master)


def _java() -> None:
    """Refuse to go on without a Java that Spark runs on."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    cure = f"install Java {_JAVA} or newer, or set JAVA_HOME to one"
    try:
        told = subprocess.run(  # noqa: S603 - Java as the environment names it
            [java or "java", "-version"], capture_output=True, text=True, check=True, timeout=60
        ).stderr
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError([f"no Java is found here; {cure}"], _HEADLINE) from error
    match = re.search(r'version "(?:1\.)?(\d+)', told)
    if match and int(match[1]) < _JAVA:
        raise InputError([f"Java {match[1]} is too old; {cure}"], _HEADLINE)
