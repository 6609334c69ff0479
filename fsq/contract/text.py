"""Writing TOML: literals, comments, and lines that say what they were read from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_COMMENT_COLUMN = 34
_MOST = 160  # characters of a comment


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a draft: a key, its value, and what the value was read from."""

    key: str
    value: Any
    comment: str = ""

    def __str__(self) -> str:
        r"""The line as TOML.

        >>> str(Line("min", 0.0, "a share"))
        'min = 0                           # a share'
        """
        text = f"{self.key} = {to_literal(self.value)}"
        return f"{text:<{_COMMENT_COLUMN - 1}} # {clean(self.comment)}" if self.comment else text


def to_literal(value: Any) -> str:
    r"""A value as TOML; tables are inline, and what is None in them is left out.

    >>> to_literal({"name": "a\"b", "keys": ["x", "y"], "min": 0.5, "window": None})
    '{ name = "a\\"b", keys = ["x", "y"], min = 0.5 }'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for DEL, which TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        parts = [f"{to_key(k)} = {to_literal(v)}" for k, v in value.items() if v is not None]
        return "{ " + ", ".join(parts) + " }" if parts else "{}"
    return "[" + ", ".join(to_literal(v) for v in value) + "]"


def to_key(key: str) -> str:
    """A key, quoted where it is not made of letters, digits, ``_`` and ``-``.

    >>> to_key("last_10"), to_key("v1.2")
    ('last_10', '"v1.2"')
    """
    bare = key.isascii() and key.replace("_", "a").replace("-", "a").isalnum()
    return key if bare else to_literal(key)


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("a contract holds finite numbers only")
    negative_zero = value == 0 and math.copysign(1, value) < 0
    if value == int(value) and abs(value) < 1e15 and not negative_zero:
        return str(int(value))
    return repr(float(value))


def clean(text: str) -> str:
    r"""Text for a comment: one line of printable characters, cut if it is long.

    >>> clean("a\nb\x00")
    'a\\u000ab\\u0000'
    """
    escaped = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[: 4 * _MOST])
    return escaped if len(escaped) <= _MOST else escaped[: _MOST - 1] + "…"


def comment(text: str) -> str:
    """A line that holds a comment only."""
    return f"# {clean(text)}"


def section(title: str, lines: Iterable[Line | str]) -> Iterator[str]:
    """A titled section, and nothing where it would be empty."""
    body = [str(line) for line in lines]
    if body:
        yield ""
        yield title
        yield from body
