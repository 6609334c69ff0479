"""Functions that are sent to Spark's Python workers by value, so that they load without fsq.

They can therefore report that fsq is missing, and set the environment before Polars is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def make_package_lister(names: list[str], coded: list[str]) -> Callable[[int], str]:
    """A function that returns, as JSON, the versions of packages on a worker.

    Args:
        names: of the packages.
        coded: those whose version is what their code says. An installer's note may be missing, as
            of a folder or zip file, or older than the code, as of an editable installation.
    """

    def find_version(name: str) -> str | None:
        import importlib
        import importlib.metadata
        import importlib.util

        try:
            if name in coded:
                return str(getattr(importlib.import_module(name), "__version__", "?"))
            return importlib.metadata.version(name)
        except ImportError:  # as is a missing note
            return "?" if importlib.util.find_spec(name) else None

    def list_packages(_: int) -> str:
        import json
        import platform
        import socket

        versions = {name: find_version(name) for name in names}
        python = ".".join(platform.python_version_tuple()[:2])
        return json.dumps({"host": socket.gethostname(), "python": python, "packages": versions})

    return list_packages


def make_task_runner(
    spec: bytes, environment: dict[str, str]
) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """A function for ``mapInArrow`` that runs one task per id."""

    def run_tasks(batches: Iterator[Any]) -> Iterator[Any]:
        import os

        for name, value in environment.items():
            os.environ.setdefault(name, value)
        from fsq.spark.tasks import run_task

        for batch in batches:
            for task in batch.column(0).to_pylist():
                yield run_task(spec, task)

    return run_tasks
