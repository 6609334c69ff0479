"""Words and numbers of a contract as they stand in GoogleSQL, so that none can end its literal."""

from __future__ import annotations

from collections.abc import Iterable

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def text(value: str | None) -> str:
    r"""A string literal; NULL for None.

    >>> print(text("it's `a` \\ b\n-- c"))
    'it\'s `a` \\ b\n-- c'
    """
    if value is None:
        return "CAST(NULL AS STRING)"
    escaped = value.translate(_ESCAPES)
    return "'" + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + "'"


def texts(values: Iterable[str]) -> str:
    """An array of strings, which may be empty.

    >>> texts(["a", "b"]), texts([])
    ("ARRAY<STRING>['a', 'b']", 'ARRAY<STRING>[]')
    """
    return f"ARRAY<STRING>[{', '.join(text(v) for v in values)}]"


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
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
