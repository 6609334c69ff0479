"""Named stages of the work, for whoever times them; unless somebody watches, they cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Watcher(Protocol):
    """Is told when a stage begins, and what it has made when it ends."""

    def begin(self, stage: str) -> None:
        """A stage begins; stages may lie within one another."""

    def end(self, made: object) -> None:
        """The stage that began last ends."""


_watcher: Watcher | None = None


def stage(name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Mark a function as a stage.

    >>> @stage("level 1")
    ... def judge(points):
    ...     return points > 85
    >>> judge(90)
    True
    """

    def marked(work: Callable[P, T]) -> Callable[P, T]:
        @wraps(work)
        def watched(*args: P.args, **kwargs: P.kwargs) -> T:
            watcher = _watcher
            if watcher is None:
                return work(*args, **kwargs)
            made: object = None
            watcher.begin(name)
            try:
                made = result = work(*args, **kwargs)
            finally:
                watcher.end(made)
            return result

        return watched

    return marked


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Tell a watcher of every stage of this process; one watcher at a time."""
    global _watcher
    before, _watcher = _watcher, watcher
    try:
        yield
    finally:
        _watcher = before
