"""Named stages of the work, for profiling; without a watcher they cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Watcher(Protocol):
    """Notified when a stage begins, and of its result when it ends."""

    def begin(self, stage: str) -> None:
        """A stage begins; stages may be nested."""

    def end(self, result: object) -> None:
        """The stage that began last ends."""


_watcher: Watcher | None = None


def stage(name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Mark a function as a stage of the work.

    >>> @stage("level 1")
    ... def is_good(points):
    ...     return points > 85
    >>> is_good(90)
    True
    """

    def decorate(work: Callable[P, T]) -> Callable[P, T]:
        @wraps(work)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            watcher = _watcher
            if watcher is None:
                return work(*args, **kwargs)
            ended_with: object = None
            watcher.begin(name)
            try:
                ended_with = result = work(*args, **kwargs)
            finally:
                watcher.end(ended_with)
            return result

        return call

    return decorate


@contextmanager
def watch_stages(watcher: Watcher) -> Iterator[None]:
    """Notify a watcher of every stage of this process; there is one watcher at a time."""
    global _watcher
    before, _watcher = _watcher, watcher
    try:
        yield
    finally:
        _watcher = before
