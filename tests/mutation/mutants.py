"""What could be wrong in a source: each operator, number, method and step, changed by itself."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

SWAPS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
    "+": "-", "-": "+", "*": "/", "/": "*", "//": "/", "%": "*", "&": "|", "|": "&", "~": "",
    "<<": ">>", ">>": "<<", "and": "or", "or": "and", "not": "", "True": "False", "False": "True",
    "break": "continue", "continue": "break",
}  # fmt: skip
METHODS = {
    "is_null": "is_not_null", "is_not_null": "is_null", "any": "all", "all": "any",
    "any_horizontal": "all_horizontal", "all_horizontal": "any_horizontal",
    "min": "max", "max": "min", "min_horizontal": "max_horizontal",
    "max_horizontal": "min_horizontal", "first": "last", "last": "first", "floor": "ceil",
    "ceil": "floor", "head": "tail", "tail": "head", "is_nan": "is_null", "fill_nan": "fill_null",
    "lower": "upper", "upper": "lower", "minimum": "maximum", "maximum": "minimum",
    "logical_and": "logical_or", "logical_or": "logical_and", "flatnonzero": "ravel",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a file: characters from ``start`` to ``end`` become ``new``."""

    file: str
    line: int
    start: int
    end: int
    old: str
    new: str

    def applied(self, source: str) -> str:
        """The source with the change."""
        return source[: self.start] + self.new + source[self.end :]


def mutants(file: str, source: str) -> list[Mutant]:
    """Every change of a source; annotations, imports and decorators stay.

    Some are no program, or the same one; ask ``is_another`` of those that are drawn.

    >>> [(m.old, m.new) for m in mutants("f.py", "def f(x: int | None) -> bool: return x > 5")]
    [('>', '>='), ('5', '6')]
    """
    tree, starts = ast.parse(source), _line_starts(source)
    lines = source.splitlines()

    def at(line: int, byte: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:byte].decode())

    def span(node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)

    kept = [span(node) for node in _kept(tree)]
    found = [
        Mutant(file, line, a, b, source[a:b], new) for line, a, b, new in _of_tokens(source, starts)
    ]
    for step in _steps(tree):
        a, b = span(step)
        found.append(Mutant(file, step.lineno, a, b, source[a:b], "pass"))
    return sorted(
        (m for m in found if not any(a <= m.start < b for a, b in kept)),
        key=lambda m: (m.start, m.new),
    )


def is_another(mutant: Mutant, source: str) -> bool:
    """Whether a change makes another program.

    >>> same, other = Mutant("f.py", 1, 4, 5, "1", "01"), Mutant("f.py", 1, 4, 5, "1", "2")
    >>> is_another(same, "x = 1"), is_another(other, "x = 1")
    (False, True)
    """
    try:
        return ast.dump(ast.parse(mutant.applied(source))) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


def _line_starts(source: str) -> list[int]:
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _of_tokens(source: str, starts: list[int]) -> Iterator[tuple[int, int, int, str]]:
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        new = None
        if token.type == tokenize.NUMBER and token.string.isdigit():
            new = str(int(token.string) + 1)
        elif token.type == tokenize.NAME and before == ".":
            new = METHODS.get(token.string)
        elif token.type in (tokenize.OP, tokenize.NAME):
            bare = token.string in "*/" and before in ("(", ",")  # of a signature, or unpacking
            new = None if bare else SWAPS.get(token.string)
        if new is not None:
            start = starts[token.start[0] - 1] + token.start[1]
            yield token.start[0], start, start + len(token.string), new
        before = token.string


def _kept(tree: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """What no run of the program depends on, or every run."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from node.decorator_list
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            yield node.returns
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            yield node.annotation


def _steps(tree: ast.AST) -> Iterator[ast.stmt]:
    """Statements that could be forgotten: calls, refusals, additions."""
    for node in ast.walk(tree):
        call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        if isinstance(node, ast.stmt) and (call or isinstance(node, ast.Raise | ast.AugAssign)):
            yield node
