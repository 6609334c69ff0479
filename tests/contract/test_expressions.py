"""Expressions of identities: arithmetic as everybody reads it, and nothing else."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsq.contract.expressions import Expression, ExpressionError, parse_expression

NAMES = {"a": Fraction(3), "b_2": Fraction(-5, 7), "line": Fraction(11, 2)}
OPERATIONS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def evaluate(tree: Expression) -> Fraction:
    return tree.build(
        NAMES.__getitem__, Fraction, lambda sign, left, right: OPERATIONS[sign](left, right)
    )


@st.composite
def texts(draw: st.DrawFn, depth: int = 0) -> str:
    """An expression as people write it, with any blanks."""
    blank = draw(st.sampled_from(["", " ", "  ", "\t", "\n"]))
    kind = draw(st.integers(0, 5)) if depth < 5 else 0
    if kind <= 1:
        leaf = draw(st.sampled_from([*NAMES, "2", "0.5", "1e1", "1.5e-1", "3."]))
        return blank + leaf + blank
    if kind == 2:
        return f"({draw(texts(depth + 1))})"
    if kind == 3:
        return f"-{draw(st.sampled_from(['a', '2', '(a)', 'b_2']))}"
    sign = draw(st.sampled_from("+-*/"))
    return f"{draw(texts(depth + 1))}{blank}{sign}{blank}{draw(texts(depth + 1))}"


def evaluate_as_python(text: str) -> Fraction:
    """Python's own parser, with exact numbers."""

    def walk(node: ast.expr) -> Fraction:
        match node:
            case ast.Constant(value=value):
                return Fraction(value)  # type: ignore[arg-type]
            case ast.Name(id=name):
                return NAMES[name]
            case ast.UnaryOp(operand=operand):
                return -walk(operand)
            case ast.BinOp(left=left, op=op, right=right):
                signs = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
                return OPERATIONS[signs[type(op)]](walk(left), walk(right))
        raise AssertionError(node)

    return walk(ast.parse("(" + text + "\n)", mode="eval").body)


@given(text=texts())
def test_it_means_what_python_means(text: str) -> None:
    try:
        expected = evaluate_as_python(text)
    except ZeroDivisionError:
        with pytest.raises(ZeroDivisionError):
            evaluate(parse_expression(text))
        return
    assert evaluate(parse_expression(text)) == expected


@given(text=st.text(max_size=40) | st.text("ab12.+-*/() e_E", max_size=40))
def test_any_other_text_is_refused_in_words(text: str) -> None:
    try:
        tree = parse_expression(text)
    except ExpressionError as error:
        told = str(error)
    else:
        told = ""
        assert set(tree.features()) <= set(text.replace("(", " ").split()) | {*_words(text)}
    assert "Traceback" not in told


def _words(text: str) -> list[str]:
    plain = "".join(c if c.isalnum() or c == "_" else " " for c in text)
    found = plain.split()
    return [w[i:] for w in found for i in range(len(w))] + found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("2 - 3 - 4", -5),  # from left to right
        ("24 / 4 / 3", 2),
        ("2 - -3", 5),
        ("--a", 3),
        ("-a * 2", -6),
        ("2 * -a", -6),
        ("1e3", 1000),
        (".5 * 4", 2),
        ("a\n+\t1", 4),
        ("((((a))))", 3),
    ],
)
def test_arithmetic(text: str, value: int) -> None:
    assert evaluate(parse_expression(text)) == value


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "a b", "a 2", "2 a", "2a", "a(2)", "a.b", "a[0]", "a = b", "a == b", "a < b",
        "a ** 2", "a // 2", "a % 2", "a +", "+ a", "* a", "(", ")", "()", "(a", "a)", "a,b",
        "A", "_a", "é", "a; b", "a'", '"a"', "1 2", "1..2", "1.2.3", "1e", "1e+", "0x10", "1_000",
        "nan()", "inf(", "lambda: 1", "__import__('os')", "a if b else c", "a # b", "a\0b",
        "a\\b", "{a}", "$a", "@a", "~a", "!a", "a & b", "a | b", "a ^ b", "1j", "1e5e5", "1 e5",
    ],
)  # fmt: skip
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_expression(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a $ b", 'unexpected "$" at position 3'),
        ("(a + b", "a parenthesis is not closed"),
        ("a +", "the expression ends too early"),
        ("a b", "unexpected 'b' after the expression"),
        ("a + * b", "unexpected '*'"),
    ],
)
def test_the_message_says_where(text: str, told: str) -> None:
    with pytest.raises(ExpressionError, match="^" + _escape(told)):
        parse_expression(text)


def _escape(text: str) -> str:
    return "".join(f"\\{c}" if not c.isalnum() and c != " " else c for c in text)


@pytest.mark.parametrize(
    "text", ["(" * 100_000, "-" * 100_000, "(" * 60 + "a" + ")" * 60, "-(" * 40]
)
def test_depth_is_limited(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"levels|early"):
        parse_expression(text)


@pytest.mark.parametrize("sign", "+-*/")
def test_length_is_no_depth(sign: str) -> None:
    """A thousand terms in a row, as many as the contract lets a side have."""
    text = sign.join(["a"] * 500)
    tree = parse_expression(text)
    assert list(tree.features()) == ["a"] * 500
    assert evaluate(tree) == evaluate_as_python(text)


@pytest.mark.parametrize("text", ["1e999", "1" * 400, "a * 1e400"])
def test_numbers_that_no_float_holds_are_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="too large"):
        parse_expression(text)
