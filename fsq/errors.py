"""The errors that fsq raises on purpose. Any other exception is a bug."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fsq.masking import mask_secrets


class FsqError(Exception):
    """Base class of fsq's errors; each says what is wrong, where, and what to do.

    Their texts name files and URLs that people gave; what may be a secret in them is masked.

    >>> import pickle
    >>> pickle.loads(pickle.dumps(ContractError("mine.toml", ["name: missing"]))).problems
    ['name: missing']
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(mask_secrets(message))

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker process sends what it raises; by default, it would be made from its message.
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[FsqError], arguments: tuple[Any, ...], state: dict[str, Any]) -> FsqError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class ContractError(FsqError):
    """A contract that cannot be used.

    Attributes:
        problems: every problem found, one sentence each, with its place and cure.

    >>> ContractError("mine.toml", ["feature[3].min: 9 is above max 5; swap them"]).problems
    ['feature[3].min: 9 is above max 5; swap them']
    """

    def __init__(self, place: str, problems: Iterable[str]) -> None:
        self.place = place
        self.problems = _mask(problems)
        super().__init__(_list_problems(f"contract {place} cannot be used", self.problems))


class InputError(FsqError):
    """Input that is refused before any work; nothing was written.

    Attributes:
        problems: every problem found, one sentence each, with its cure.

    >>> print(InputError(["no column flight_date; add it as a date"]))
    the input cannot be scored (1 problem):
      - no column flight_date; add it as a date
    """

    def __init__(
        self, problems: Iterable[str], headline: str = "the input cannot be scored"
    ) -> None:
        self.problems = _mask(problems)
        super().__init__(_list_problems(headline, self.problems))


class MissingExtraError(InputError):
    """An optional package that is not installed; the message is a single line.

    >>> print(MissingExtraError("no report can be written", "jinja2 is missing", "pip install x"))
    no report can be written: jinja2 is missing; pip install x
    """

    def __init__(self, headline: str, problem: str, cure: str) -> None:
        FsqError.__init__(self, f"{headline}: {problem}; {cure}")
        self.problems = [str(self)]


class StoreError(FsqError):
    """A store that cannot be read or written; it still has what it had before."""


class NoRowsError(StoreError):
    """A store that has no rows of the dates that are asked for."""


class StoreRefusedError(StoreError):
    """A store that does not take these rows, or this version of fsq: running again never helps."""


class ModelIncompatibleError(FsqError):
    """Data that a model must not predict on.

    Attributes:
        problems: every problem found, one sentence each.
        needed: features that the model reads.
        available: features that the data has.

    >>> print(ModelIncompatibleError("m", ["no pace_score"], ["pace_score"], ["fatigue_score"]))
    model m must not predict on this data (1 problem):
      - no pace_score
    it needs: pace_score
    the data has: fatigue_score
    """

    def __init__(
        self, model: str, problems: Iterable[str], needed: Iterable[str], available: Iterable[str]
    ) -> None:
        self.problems, self.needed = _mask(problems), list(needed)
        self.available = list(available)
        headline = _list_problems(f"model {model} must not predict on this data", self.problems)
        features = [
            f"it needs: {', '.join(self.needed) or 'nothing'}",
            f"the data has: {', '.join(self.available) or 'nothing'}",
        ]
        super().__init__("\n".join([headline, *features]))


def short(words: object, most: int = 80) -> str:
    r"""Text from the data as part of a message: one line, cut if it is long.

    A cell may hold megabytes, or a line that a CI log would take for a command.

    >>> short("a" * 100, 10), short("james\n::error::x")
    ('aaaaaaaaa…', 'james ::error::x')
    """
    text = " ".join(str(words)[: 4 * most].splitlines())
    return text if len(text) <= most else text[: most - 1] + "…"


def _mask(problems: Iterable[str]) -> list[str]:
    return [mask_secrets(p) for p in problems]


def _list_problems(headline: str, problems: list[str]) -> str:
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    return "\n".join([f"{headline} ({count}):", *(f"  - {p}" for p in problems)])
