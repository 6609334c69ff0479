"""Each error's exit status and hint, in one table."""

from __future__ import annotations

from fsq.cli._output import Output
from fsq.errors import (
    ContractError,
    FsqError,
    InputError,
    ModelIncompatibleError,
    StoreError,
    StoreRefusedError,
)

FINE, FAILED_CHECK, BAD_INPUT, STORE_FAILED, INTERRUPTED = 0, 1, 2, 3, 130

# The first class that matches decides the exit status and the hint.
_TABLE: tuple[tuple[type[FsqError], int, str], ...] = (
    (InputError, BAD_INPUT, "nothing was written; correct the input, then run it again"),
    (ContractError, BAD_INPUT, "`fsq contract show` prints a contract that works"),
    (StoreRefusedError, STORE_FAILED, "the store still has what it had before"),
    (StoreError, STORE_FAILED, "the store still has what it had before; run it again"),
    (
        ModelIncompatibleError,
        FAILED_CHECK,
        "score newer data, or choose a model that this data supports",
    ),
    (FsqError, BAD_INPUT, "see --help"),
)


def report_error(error: FsqError, out: Output) -> int:
    """Print an error with all its problems, and return the exit status."""
    status, hint = next((s, h) for kind, s, h in _TABLE if isinstance(error, kind))
    message = str(error)
    out.note(f"Error: {message}" if "Hint:" in message else f"Error: {message}\nHint: {hint}")
    problems = getattr(error, "problems", None)
    out.document(_document(type(error).__name__, message, problems, status))
    return status


def report_usage_error(message: str, help_command: str, out: Output) -> int:
    """Print what is wrong with the arguments, and return the exit status."""
    out.note(f"Error: {message}\nHint: {help_command} --help")
    out.document(_document("UsageError", message, None, BAD_INPUT))
    return BAD_INPUT


def _document(
    kind: str, message: str, problems: list[str] | None, status: int
) -> dict[str, dict[str, object]]:
    return {
        "error": {
            "type": kind,
            "message": message,
            "problems": [message] if problems is None else problems,
            "exit_status": status,
        }
    }
