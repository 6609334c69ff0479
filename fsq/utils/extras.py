"""Optional dependencies: one way to say which extra to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from fsq.errors import MissingExtraError
from fsq.utils.version import DISTRIBUTION


@contextmanager
def require_extra(extra: str, headline: str) -> Iterator[None]:
    """Turn a failed import into the command that installs the extra.

    Args:
        extra: name of the extra, as in ``pip install 'feature-store-quality[extra]'``.
        headline: what cannot be done without it.

    Raises:
        MissingExtraError: an import in the block failed.

    >>> try:
    ...     with require_extra("spark", "Spark cannot be used"):
    ...         import nothing
    ... except MissingExtraError as error:
    ...     print(error)  # doctest: +NORMALIZE_WHITESPACE
    Spark cannot be used: No module named 'nothing'; install it with: pip install
    'feature-store-quality[spark]'
    """
    try:
        yield
    except ImportError as error:
        raise _missing(extra, headline, str(error)) from error


def require_packages(extra: str, headline: str, *packages: str) -> None:
    """Refuse work whose last step needs an extra that is not installed; nothing is imported.

    Args:
        extra: its name.
        headline: what cannot be done without it.
        packages: what it brings.

    Raises:
        MissingExtraError: one of the packages is not installed.
    """
    for package in packages:
        if find_spec(package) is None:
            raise _missing(extra, headline, f"No module named {package!r}")


def _missing(extra: str, headline: str, problem: str) -> MissingExtraError:
    cure = f"install it with: pip install '{DISTRIBUTION}[{extra}]'"
    return MissingExtraError(headline, problem, cure)
