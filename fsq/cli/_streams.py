"""stdout and stderr as commands need them: any encoding, and failures that say what failed."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

# What fsq draws with, for terminals that lack it. Bars keep their order: the fuller, the darker.
_PLAIN = str.maketrans(
    dict(zip("▁▂▃▄▅▆▇█░", ".:-=+*%#.", strict=True))
    | dict(zip("─═│−–’·", "-=|--'.", strict=True))
    | {"…": "...", "×": "x", "≥": ">=", "≤": "<=", "±": "+-", "→": "->"}
    | {"🟢": "[green]", "🟡": "[yellow]", "🔴": "[red]", "🔵": "[info]", "⚪": "[unknown]"}
)


class ReaderLeft(Exception):  # noqa: N818 - nothing went wrong
    """Whoever read stdout has closed it, as ``head`` does."""


class OutputError(Exception):
    """stdout cannot be written, because a disk is full, say."""


class _Stream:
    """A text stream whose writes succeed in any encoding, or fail with one of the two above.

    Neither is an ``OSError``: nobody takes them for a failure of the store.
    """

    def __init__(self, stream: TextIO, *, must_arrive: bool) -> None:
        self._stream, self._must_arrive = stream, must_arrive
        self._failure: ReaderLeft | OutputError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text; what the encoding lacks is drawn plainly, or escaped."""
        with self._failures():
            self._stream.write(fit_encoding(text, self._stream.encoding or "utf-8"))
        return len(text)

    def flush(self) -> None:
        """Send what was written."""
        with self._failures():
            self._stream.flush()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        if self._failure is not None:
            raise self._failure  # whoever wrote before may have caught it
        try:
            yield
        except OSError as error:
            _discard_rest(self._stream)
            if not self._must_arrive:
                return  # there is nowhere to say it; the exit status still tells
            why = f"stdout cannot be written: {error.strerror or error}"
            self._failure = ReaderLeft() if error.errno == errno.EPIPE else OutputError(why)
            raise self._failure from error


def fit_encoding(text: str, encoding: str) -> str:
    r"""Text that an encoding can hold; names from the data stay recognizable.

    >>> fit_encoding("pace ▁█ Dončić", "cp1252"), fit_encoding("▁█", "utf-8")
    ('pace .# Don\\u010di\\u0107', '▁█')
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    return text


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Make stdout and stderr fit for commands, for the length of the block."""
    before = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device
        # Python has no stream where the caller closed it: nobody wants to read it.
        sys.stdout = cast(TextIO, _Stream(before[0] or nowhere, must_arrive=True))
        sys.stderr = cast(TextIO, _Stream(before[1] or nowhere, must_arrive=False))
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def _discard_rest(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, or Python would fail on it at its end."""
    with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), stream.fileno())
