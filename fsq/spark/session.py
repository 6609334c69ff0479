"""A Spark session for the command line, and the checks that it can start."""

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

HEADLINE = "Spark cannot be used"
# The oldest Java that Spark 4 runs on.
_JAVA_VERSION = 17
# These say where Spark is: spark-submit sets the first, users of Spark Connect the second.
_MASTER_VARIABLES = ("PYSPARK_GATEWAY_PORT", "SPARK_REMOTE")
# On this machine Java only schedules; it starts faster without its optimizing compiler.
_FAST_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def require_pyspark() -> None:
    """Refuse to go on without the extra.

    Raises:
        InputError: pyspark is not installed.
    """
    with require_extra("spark", HEADLINE):
        import pyspark  # noqa: F401


@contextmanager
def session(master: str | None) -> Iterator[Any]:
    """A Spark session, which is stopped at the end of the block.

    Args:
        master: URL of the master, such as ``local[*]``, or ``sc://host`` for Spark Connect; None
            for the one that the environment names, or else this machine.

    Raises:
        InputError: the extra or Java is not installed, or the session does not start.
    """
    require_pyspark()
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("fsq backfill")
    if master is not None and master.startswith("sc://"):
        builder = builder.remote(master)
    elif master is not None or not any(name in os.environ for name in _MASTER_VARIABLES):
        builder = _configure(builder, master or "local[*]")
    try:
        spark = builder.getOrCreate()
    except (PySparkException, RuntimeError, ValueError, OSError, ImportError) as error:
        problem = f"{master or 'Spark'} did not start: {error}; check the master's URL"
        raise InputError([problem], HEADLINE) from error
    try:
        yield spark
    finally:
        spark.stop()


def _configure(builder: Any, master: str) -> Any:
    _check_java()
    if master.startswith("local"):
        # By default, the workers would run the first python3 on the path.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        log_settings = Path(__file__).with_name("log4j2.properties").as_uri()
        driver_options = f"{_FAST_START} -Dlog4j2.configurationFile={log_settings}"
        builder = builder.config("spark.driver.extraJavaOptions", driver_options)
        builder = builder.config("spark.executor.extraJavaOptions", _FAST_START)
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }.items():
        builder = builder.config(name, value)
    return builder.master(master)


def _check_java() -> None:
    """Refuse to go on without a Java that Spark runs on."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    cure = f"install Java {_JAVA_VERSION} or newer, or set JAVA_HOME"
    try:
        output = subprocess.run(  # noqa: S603 - Java as the environment names it
            [java or "java", "-version"], capture_output=True, text=True, check=True, timeout=60
        ).stderr
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError([f"Java is not installed; {cure}"], HEADLINE) from error
    match = re.search(r'version "(?:1\.)?(\d+)', output)
    if match and int(match[1]) < _JAVA_VERSION:
        raise InputError([f"Java {match[1]} is too old; {cure}"], HEADLINE)
