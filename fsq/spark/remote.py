"""What is sent to Spark's Python workers as it stands here: nothing of fsq is needed to load it.

So it can tell that fsq is not there, and set the environment before Polars is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def look(names: list[str], distributions: dict[str, str]) -> Callable[[int], str]:
    """A function that tells as JSON which packages a worker has, in which versions.

    Args:
        names: of the packages.
        distributions: what those are called on PyPI that have another name there.
    """

    def told(_: int) -> str:
        import importlib.metadata
        import importlib.util
        import json
        import platform
        import socket

        found: dict[str, str | None] = {}
        for name in names:
            try:
                found[name] = importlib.metadata.version(distributions.get(name, name))
            except importlib.metadata.PackageNotFoundError:
                # A bare folder or zip file of a package has no version.
                found[name] = "?" if importlib.util.find_spec(name) else None
        python = ".".join(platform.python_version_tuple()[:2])
        return json.dumps({"host": socket.gethostname(), "python": python, "packages": found})

    return told


def runner(work: bytes, environment: dict[str, str]) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """A function for ``mapInArrow``: each id is a task of the work."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        import os

        for name, value in environment.items():
            os.environ.setdefault(name, value)
        from fsq.spark.tasks import done

        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield done(work, number)

    return run
