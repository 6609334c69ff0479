"""From an error to what a person reads and what the shell gets: one table, one handler."""

from __future__ import annotations

from fsq.cli._output import Output
from fsq.errors import ContractError, FsqError, InputError, ModelIncompatibleError, StoreError

FINE, FAILED_CHECK, BAD_INPUT, STORE_FAILED, INTERRUPTED = 0, 1, 2, 3, 130

# The first class that fits decides: exit status, and what to do next.
_TABLE: tuple[tuple[type[FsqError], int, str], ...] = (
    (InputError, BAD_INPUT, "nothing was written; correct the input and run the command again"),
    (ContractError, BAD_INPUT, "`fsq contract show` prints a contract that works"),
    (StoreError, STORE_FAILED, "what the store held before is still there; try again"),
    (ModelIncompatibleError, FAILED_CHECK, "score newer data, or choose a model that it supports"),
    (FsqError, BAD_INPUT, "see --help"),
)


def report(error: FsqError, out: Output) -> int:
    """Print the error with all its problems, and return the exit status."""
    status, hint = next((s, h) for kind, s, h in _TABLE if isinstance(error, kind))
    message = str(error)
    out.note(f"Error: {message}" if "Hint:" in message else f"Error: {message}\nHint: {hint}")
    problems = getattr(error, "problems", None)
    out.document(_document(type(error).__name__, message, problems, status))
    return status


def report_usage(message: str, help_command: str, out: Output) -> int:
    """Print what is wrong with the command's words, and return the exit status."""
    out.note(f"Error: {message}\nHint: {help_command} --help")
    out.document(_document("UsageError", message, None, BAD_INPUT))
    return BAD_INPUT


def _document(
    kind: str, message: str, problems: list[str] | None, status: int
) -> dict[str, dict[str, object]]:
    listed = [message] if problems is None else problems
    return {"error": {"type": kind, "message": message, "problems": listed, "exit_status": status}}
