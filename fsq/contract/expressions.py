"""Expressions of identities: features, numbers, ``+ - * /`` and parentheses; nothing is evaluated.

The grammar is parsed by hand into a tree of four kinds of nodes, so that no text of a contract
ever runs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from fsq.errors import short

Value = TypeVar("Value")
_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|([a-z][a-z0-9_]*)|([-+*/()]))")
_MAX_DEPTH = 50


class ExpressionError(ValueError):
    """The text is not an expression; the message says where."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression.

    Attributes:
        kind: ``number``, ``feature``, or one of ``+ - * /``.
        number: of a number.
        feature: of a feature.
        left: of an operation.
        right: of an operation.
    """

    kind: str
    number: float = 0.0
    feature: str = ""
    left: Expression | None = None
    right: Expression | None = None

    def features(self) -> Iterator[str]:
        """Every feature that it names, in order of appearance."""
        if self.kind == "feature":
            yield self.feature
        for side in (self.left, self.right):
            if side is not None:
                yield from side.features()

    def build(
        self,
        feature: Callable[[str], Value],
        number: Callable[[float], Value],
        operate: Callable[[str, Value, Value], Value],
    ) -> Value:
        """Build something from it, from the leaves up: a Polars expression, SQL, a plain number.

        >>> tree = parse_expression("opening + 2 * move")
        >>> tree.build(str, "{:g}".format, lambda sign, a, b: f"({a} {sign} {b})")
        '(opening + (2 * move))'
        """
        if self.kind == "number":
            return number(self.number)
        if self.kind == "feature":
            return feature(self.feature)
        assert self.left is not None  # noqa: S101 - an operation has both sides
        assert self.right is not None  # noqa: S101
        left = self.left.build(feature, number, operate)
        return operate(self.kind, left, self.right.build(feature, number, operate))


def parse_expression(text: str) -> Expression:
    """Parse an expression; ``*`` and ``/`` bind more closely than ``+`` and ``-``.

    Raises:
        ExpressionError: it is not one.

    >>> list(parse_expression("(minutes_avg * 2 - -1) / points_avg").features())
    ['minutes_avg', 'points_avg']
    >>> parse_expression("__import__('os')")
    Traceback (most recent call last):
    ...
    fsq.contract.expressions.ExpressionError: unexpected "_" at position 1
    """
    parser = _Parser(text)
    tree = parser.parse_sum(0)
    parser.expect_end()
    return tree


class _Parser:
    """Recursive descent over the tokens of a text."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._token: tuple[str, str] | None = None
        self._advance()

    def parse_sum(self, depth: int) -> Expression:
        if depth > _MAX_DEPTH:
            raise ExpressionError(f"more than {_MAX_DEPTH} levels of parentheses")
        tree = self._parse_product(depth)
        while (sign := self._sign("+-")) is not None:
            self._advance()
            tree = Expression(sign, left=tree, right=self._parse_product(depth))
        return tree

    def expect_end(self) -> None:
        if self._token is not None:
            raise ExpressionError(f"unexpected {self._token[1]!r} after the expression")

    def _parse_product(self, depth: int) -> Expression:
        tree = self._parse_factor(depth)
        while (sign := self._sign("*/")) is not None:
            self._advance()
            tree = Expression(sign, left=tree, right=self._parse_factor(depth))
        return tree

    def _parse_factor(self, depth: int) -> Expression:
        if self._token is None:
            raise ExpressionError("the expression ends too early")
        kind, word = self._token
        self._advance()
        if kind == "number":
            return Expression("number", number=_read_number(word))
        if kind == "feature":
            return Expression("feature", feature=word)
        if word == "-":
            if depth > _MAX_DEPTH:
                raise ExpressionError(f"more than {_MAX_DEPTH} levels of signs")
            zero = Expression("number", number=0.0)
            return Expression("-", left=zero, right=self._parse_factor(depth + 1))
        if word == "(":
            tree = self.parse_sum(depth + 1)
            if self._sign(")") is None:
                raise ExpressionError("a parenthesis is not closed")
            self._advance()
            return tree
        raise ExpressionError(f"unexpected {word!r}")

    def _sign(self, signs: str) -> str | None:
        if self._token is not None and self._token[0] == "sign" and self._token[1] in signs:
            return self._token[1]
        return None

    def _advance(self) -> None:
        rest = self._text[self._at :]
        if not rest.strip():
            self._token = None
            return
        found = _TOKEN.match(rest)
        if found is None:
            place = self._at + len(rest) - len(rest.lstrip())
            raise ExpressionError(f'unexpected "{self._text[place]}" at position {place + 1}')
        self._at += found.end()
        kind = {1: "number", 2: "feature", 3: "sign"}[found.lastindex or 3]
        self._token = (kind, found[found.lastindex or 3])


def _read_number(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ExpressionError(f"{short(word, 20)} is too large for a number")
    return number
