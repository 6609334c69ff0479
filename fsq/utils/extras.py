"""Optional dependencies: one way to say which extra to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fsq.errors import InputError


@contextmanager
def require_extra(extra: str, headline: str) -> Iterator[None]:
    """Turn a failed import into the command that installs the extra.

    Args:
        extra: name of the extra, as in ``pip install 'fsq[extra]'``.
        headline: what cannot be done without it.

    Raises:
        InputError: an import in the block failed.

    >>> with require_extra("spark", "Spark cannot be used"):
    ...     import no_such_package
    Traceback (most recent call last):
    ...
    fsq.errors.InputError: Spark cannot be used (1 problem):
      - No module named 'no_such_package'; install it with: pip install 'fsq[spark]'
    """
    try:
        yield
    except ImportError as error:
        cure = f"install it with: pip install 'fsq[{extra}]'"
        raise InputError([f"{error}; {cure}"], headline) from error
