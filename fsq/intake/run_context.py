"""What upstream says about its own run: the run's id, and which processors finished."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

from fsq.errors import InputError
from fsq.utils.arguments import read_date, read_names
from fsq.utils.files import read_text

_MAX_BYTES = 64 << 20
_HEADLINE = "the run context cannot be read"


@dataclass(frozen=True, slots=True)
class RunContext:
    """The run that produced the rows. A row's own columns win over it, per row.

    Args:
        pipeline_run_id: correlation id of the upstream run; None if unknown.
        processors_completed: names of the processors that finished; None if unknown. An
            empty list means that none finished.
        by_date: contexts of single dates; where one of their values is None, the value above
            applies.

    >>> run = RunContext("run-7", ["A"], by_date={date(2026, 2, 6): RunContext(None, [])})
    >>> run.on(date(2026, 2, 6))
    ('run-7', [])
    """

    pipeline_run_id: str | None = None
    processors_completed: Sequence[str] | None = None
    by_date: Mapping[date, RunContext] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.by_date, Mapping):
            cure = "pass a mapping of dates to contexts"
            raise InputError([f"by_date is a {type(self.by_date).__name__}; {cure}"], _HEADLINE)
        done = read_names(self.processors_completed, "processors_completed", _HEADLINE)
        by_date = {
            day: RunContext.of(run) or RunContext()
            for key, run in self.by_date.items()
            if (day := read_date(key, "by_date", _HEADLINE)) is not None
        }
        object.__setattr__(self, "processors_completed", done if done is None else list(done))
        object.__setattr__(self, "by_date", by_date)

    @classmethod
    def of(cls, run: RunLike | None) -> RunContext | None:
        """A context from one, or from a mapping with the same keys; None stays None.

        Raises:
            InputError: it is something else, or has unknown keys.

        >>> RunContext.of({"pipeline_run_id": "run-7"}).on(date(2026, 2, 6))
        ('run-7', None)
        """
        if run is None or isinstance(run, cls):
            return run
        if not isinstance(run, Mapping):
            cure = "pass a RunContext, or RunContext.from_json(path)"
            raise InputError([f"run is a {type(run).__name__}; {cure}"], _HEADLINE)
        known = [f.name for f in fields(cls)]
        if unknown := sorted(str(k) for k in run if k not in known):
            raise InputError([f"run: unknown keys {unknown}; use {known}"], _HEADLINE)
        return cls(**run)

    def on(self, day: date) -> tuple[str | None, list[str] | None]:
        """The run id and the completed processors of one date."""
        own = self.by_date.get(day, self)
        run_id = own.pipeline_run_id if own.pipeline_run_id is not None else self.pipeline_run_id
        done = own.processors_completed
        if done is None:
            done = self.processors_completed
        return run_id, None if done is None else list(done)

    @classmethod
    def from_json(cls, path: str | Path) -> RunContext:
        """Read a context from a JSON file with the same three keys; dates are ISO texts.

        Raises:
            InputError: the file is missing, is not JSON, or has unknown keys or wrong types.
        """
        try:
            data = json.loads(read_text(Path(path), _MAX_BYTES))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError([f"{path}: {error}"], _HEADLINE) from error
        problems: list[str] = []
        context = _parse(data, "", problems)
        if problems:
            raise InputError([f"{path}: {p}" for p in problems], _HEADLINE)
        return context


RunLike: TypeAlias = RunContext | Mapping[str, Any]


def _parse(data: Any, place: str, problems: list[str]) -> RunContext:
    if not isinstance(data, dict):
        problems.append(f"{place or 'the document'} must be an object")
        return RunContext()
    known = {"pipeline_run_id", "processors_completed"} | (set() if place else {"by_date"})
    problems.extend(f"{place}{k}: unknown key; use {sorted(known)}" for k in data.keys() - known)
    run_id, done = data.get("pipeline_run_id"), data.get("processors_completed")
    if run_id is not None and not _is_text(run_id):
        problems.append(f"{place}pipeline_run_id must be text")
    if done is not None and not (isinstance(done, list) and all(map(_is_text, done))):
        problems.append(f"{place}processors_completed must be a list of names")
    days: dict[date, RunContext] = {}
    by_date = data.get("by_date", {}) if not place else {}
    if not isinstance(by_date, dict):
        problems.append("by_date must be an object of dates")
        by_date = {}
    for text, entry in by_date.items():
        try:
            days[date.fromisoformat(text)] = _parse(entry, f"by_date.{text}.", problems)
        except ValueError:
            problems.append(f"by_date.{text}: not a date; write 2026-02-06")
    return RunContext(run_id, done, days)


def _is_text(value: object) -> bool:
    """Whether a value is text that can be stored: JSON may contain half a surrogate pair."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False
