"""Functions that are sent to Spark's Python workers by value, so that they load without fsq.

They can therefore report that fsq is missing, and set the environment before Polars is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def make_package_lister(names: list[str], distributions: dict[str, str]) -> Callable[[int], str]:
    """A function that returns, as JSON, the versions of packages on a worker.

    Args:
        names: of the packages.
        distributions: names on PyPI of those that have another one there.
    """

    def list_packages(_: int) -> str:
        import importlib.metadata
        import importlib.util
        import json
        import platform
        import socket

        versions: dict[str, str | None] = {}
        for name in names:
            try:
                versions[name] = importlib.metadata.version(distributions.get(name, name))
            except importlib.metadata.PackageNotFoundError:
                # A package that is a mere folder or zip file has no version.
                versions[name] = "?" if importlib.util.find_spec(name) else None
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
