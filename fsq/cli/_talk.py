"""How much a command says on stderr, and how: options that may stand anywhere in a command."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from fsq.errors import InputError

VERBOSE, QUIET = ("-v", "--verbose"), ("-q", "--quiet")
FORMAT, FORMAT_VARIABLE = "--log-format", "FSQ_LOG_FORMAT"
FORMATS = ("text", "json")


@dataclass(frozen=True)
class Talk:
    """What is said beside the result.

    Attributes:
        verbose: errors in full, and the whole log.
        quiet: errors only.
        as_json: one JSON object per line.
    """

    verbose: bool = False
    quiet: bool = False
    as_json: bool = False

    @property
    def has_progress(self) -> bool:
        """Whether progress may be drawn."""
        return not (self.quiet or self.as_json)


_current = Talk()


def get_talk() -> Talk:
    """What holds for the command that runs."""
    return _current


@contextmanager
def talking(talk: Talk) -> Iterator[None]:
    """Let it hold for the block."""
    global _current
    before, _current = _current, talk
    try:
        yield
    finally:
        _current = before


def take_talk(words: list[str]) -> tuple[list[str], Talk]:
    """The words without these options, and what they ask for.

    Raises:
        InputError: the format is none, or both less and more are asked for.

    >>> take_talk(["check", "--store", "d", "-v"])
    (['check', '--store', 'd'], Talk(verbose=True, quiet=False, as_json=False))
    """
    end = words.index("--") if "--" in words else len(words)
    kept, form = list[str](), os.environ.get(FORMAT_VARIABLE) or "text"
    given = iter(words[:end])
    for word in given:
        if word == FORMAT:
            form = next(given, "")
        elif word.startswith(f"{FORMAT}="):
            form = word.removeprefix(f"{FORMAT}=")
        elif word not in (*VERBOSE, *QUIET):
            kept.append(word)
    verbose, quiet = (any(w in names for w in words[:end]) for names in (VERBOSE, QUIET))
    problems = []
    if form not in FORMATS:
        problems.append(f"{FORMAT} {form!r}: write one of {', '.join(FORMATS)}")
    if verbose and quiet:
        problems.append("-v says more and -q says less; use one of them")
    if problems:
        raise InputError(problems, "the command cannot start")
    return [*kept, *words[end:]], Talk(verbose, quiet, form == "json")


def format_record(level: str, message: str, hint: str | None = None) -> str:
    """One line of the log as JSON, with the moment in UTC."""
    record = {"time": datetime.now(UTC).isoformat(), "level": level, "message": message}
    return json.dumps(record if hint is None else record | {"hint": hint})
