"""Texts and numbers as GoogleSQL literals that no content can break out of."""

from __future__ import annotations

from collections.abc import Iterable

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def quote_text(value: str | None) -> str:
    r"""Quote a text as a string literal; NULL for None.

    >>> print(quote_text("it's `a` \\ b\n-- c"))
    'it\'s `a` \\ b\n-- c'
    """
    if value is None:
        return "CAST(NULL AS STRING)"
    escaped = value.translate(_ESCAPES)
    return "'" + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + "'"


def quote_texts(values: Iterable[str]) -> str:
    """Quote texts as an array of strings, which may be empty.

    >>> quote_texts(["a", "b"]), quote_texts([])
    ("ARRAY<STRING>['a', 'b']", 'ARRAY<STRING>[]')
    """
    return f"ARRAY<STRING>[{', '.join(quote_text(v) for v in values)}]"


def format_number(value: float | None) -> str:
    """Format a number without loss; NULL for None.

    >>> format_number(24.0), format_number(0.95), format_number(1e-7)
    ('24', '0.95', '1e-07')
    """
    if value is None:
        return "NULL"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))


def format_boolean(value: bool) -> str:
    """Format a Boolean as TRUE or FALSE."""
    return "TRUE" if value else "FALSE"


def escape_comment(value: str) -> str:
    r"""Escape text for a comment line, so that nothing can end the line.

    >>> escape_comment("v2\nDROP TABLE t")
    'v2\\nDROP TABLE t'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
