"""Words and numbers of a contract as they stand in GoogleSQL, so that none can end its literal."""

from __future__ import annotations

import json
from collections.abc import Iterable

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPES |= {chr(c): f"\\u{c:04x}" for c in (*range(32), 127) if chr(c) not in _ESCAPES}
_TABLE = str.maketrans(_ESCAPES)


def text(value: str | None) -> str:
    r"""A string literal; NULL for None.

    >>> print(text("it's `a` \\ b\n-- c"))
    'it\'s `a` \\ b\n-- c'
    """
    return "CAST(NULL AS STRING)" if value is None else f"'{value.translate(_TABLE)}'"


def texts(values: Iterable[str]) -> str:
    """An array of strings, which may be empty.

    >>> texts(["a", "b"]), texts([])
    ("['a', 'b']", 'CAST([] AS ARRAY<STRING>)')
    """
    listed = ", ".join(text(v) for v in values)
    return f"[{listed}]" if listed else "CAST([] AS ARRAY<STRING>)"


def number(value: float | None) -> str:
    """A number, without a loss; NULL for None.

    >>> number(24.0), number(0.95), number(1e-7), number(None)
    ('24', '0.95', '1e-07', 'NULL')
    """
    if value is None:
        return "NULL"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))


def boolean(value: bool) -> str:
    """TRUE or FALSE."""
    return "TRUE" if value else "FALSE"


def comment(value: str) -> str:
    r"""Words for a comment line: whatever could end the line is escaped.

    >>> comment("v2\nDROP TABLE t")
    'v2\\nDROP TABLE t'
    """
    return json.dumps(value)[1:-1]
