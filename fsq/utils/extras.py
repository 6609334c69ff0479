"""Optional dependencies: one way to say which extra to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fsq.errors import InputError
from fsq.utils.version import DISTRIBUTION


@contextmanager
def require_extra(extra: str, headline: str) -> Iterator[None]:
    """Turn a failed import into the command that installs the extra.

    Args:
        extra: name of the extra, as in ``pip install 'feature-store-quality[extra]'``.
        headline: what cannot be done without it.

    Raises:
        InputError: an import in the block failed.

    >>> with require_extra("spark", "Spark cannot be used"):
    ...     import nothing
    Traceback (most recent call last):
    ...
    fsq.errors.InputError: Spark cannot be used (1 problem):
      - No module named 'nothing'; install it with: pip install 'feature-store-quality[spark]'
    """
    try:
        yield
    except ImportError as error:
        cure = f"install it with: pip install '{DISTRIBUTION}[{extra}]'"
        raise InputError([f"{error}; {cure}"], headline) from error
