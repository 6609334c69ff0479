"""Each error's exit status and hint, in one table."""

from __future__ import annotations

import traceback
from pathlib import Path

from fsq.cli._output import Output
from fsq.errors import (
    ContractError,
    FsqError,
    InputError,
    MissingExtraError,
    ModelIncompatibleError,
    NoRowsError,
    StoreError,
    StoreRefusedError,
)
from fsq.masking import mask_secrets
from fsq.utils.version import ISSUES

FINE, FAILED_CHECK, BAD_INPUT, STORE_FAILED = 0, 1, 2, 3
INTERNAL, INTERRUPTED, READER_LEFT = 70, 130, 141

# What is shown of an error; the rest is in the JSON document, and comes with --verbose.
_MAX_LINES, _MAX_LINE, _MAX_TEXT = 14, 600, 2_000

_WROTE_NOTHING = "nothing was written; correct the input, then run it again"
_HAS_ALL = "the store still has what it had before"
_HINTS_OF_READERS = {
    _WROTE_NOTHING: "correct it, then run it again",
    _HAS_ALL: "nothing was changed, and trying again does not help",
    f"{_HAS_ALL}; run it again": "see that the store can be read, then run it again",
}

# The first class that matches decides the exit status and the hint.
_TABLE: tuple[tuple[type[FsqError], int, str], ...] = (
    (MissingExtraError, BAD_INPUT, ""),  # it says all in its one line
    (InputError, BAD_INPUT, _WROTE_NOTHING),
    (ContractError, BAD_INPUT, "`fsq contract show` prints a contract that works"),
    (NoRowsError, STORE_FAILED, "name other dates, such as --last 14d --end latest"),
    (StoreRefusedError, STORE_FAILED, _HAS_ALL),
    (StoreError, STORE_FAILED, f"{_HAS_ALL}; run it again"),
    (
        ModelIncompatibleError,
        FAILED_CHECK,
        "score newer data, or choose a model that this data supports",
    ),
    (FsqError, BAD_INPUT, "see --help"),
)


def report_error(
    error: FsqError, out: Output, *, verbose: bool = False, reads_only: bool = False
) -> int:
    """Print an error with its problems, and return the exit status.

    Args:
        error: what went wrong.
        out: where to print it.
        verbose: print it in full, with what caused it.
        reads_only: whether the command writes nothing in any case, so that nobody asks.
    """
    status, hint = next((s, h) for kind, s, h in _TABLE if isinstance(error, kind))
    hint = _HINTS_OF_READERS.get(hint, hint) if reads_only else hint
    message = str(error)
    if verbose and error.__cause__ is not None:
        _print_traceback(error, out)
    shown = message if verbose else shorten(message)
    out.error(shown, None if "Hint:" in message else hint or None)
    problems = getattr(error, "problems", None)
    out.document(_document(type(error).__name__, message, problems, status))
    return status


def report_usage_error(message: str, help_command: str, out: Output) -> int:
    """Print what is wrong with the arguments, and return the exit status."""
    out.error(shorten(message), f"{help_command} --help")
    out.document(_document("UsageError", message, None, BAD_INPUT))
    return BAD_INPUT


def report_bug(error: BaseException, out: Output, *, verbose: bool = False) -> int:
    """Print in one line that fsq itself failed, and where; return the exit status."""
    place = _find_place(error)
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    message = f"fsq itself failed: {' '.join(what[:_MAX_LINE].split())}{place}"
    cure = "this is a bug of fsq; it says nothing about your data"
    if verbose:
        _print_traceback(error, out)
        hint = f"{cure}; please report the lines above at {ISSUES}"
    else:
        hint = f"{cure}; run it again with -v for the details, and report them at {ISSUES}"
    out.error(message, hint)
    out.document(_document("InternalError", message, None, INTERNAL))
    return INTERNAL


def shorten(message: str, most_lines: int = _MAX_LINES) -> str:
    r"""The first lines of a message, each cut if it is long.

    >>> print(shorten("no rows:\n- a\n- b\n- c", 3))
    no rows:
    - a
      and 2 more lines; -v shows all
    """
    lines, shown, size = message.splitlines() or [""], list[str](), 0
    for number, line in enumerate(lines):
        is_last = number == len(lines) - 1
        if shown and (size > _MAX_TEXT or (len(shown) == most_lines - 1 and not is_last)):
            return "\n".join([*shown, f"  and {len(lines) - number} more lines; -v shows all"])
        cut = line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}… (-v shows all)"
        shown.append(cut)
        size += len(cut)
    return "\n".join(shown)


def _find_place(error: BaseException) -> str:
    """The innermost line of fsq that the error passed."""
    home = Path(__file__).parents[1]
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(home)]
    if not ours:
        return ""
    return f" ({Path(ours[-1].filename).relative_to(home)}, line {ours[-1].lineno})"


def _print_traceback(error: BaseException, out: Output) -> None:
    out.log("error", "".join(traceback.format_exception(error)).rstrip())


def _document(
    kind: str, message: str, problems: list[str] | None, status: int
) -> dict[str, dict[str, object]]:
    message = mask_secrets(message)
    return {
        "error": {
            "type": kind,
            "message": message,
            "problems": [message] if problems is None else problems,
            "exit_status": status,
        }
    }
