"""The errors that fsq raises on purpose; everything else is a bug and keeps its traceback."""

from __future__ import annotations

from collections.abc import Iterable


class FsqError(Exception):
    """Base of every error that a person can act on."""


class ContractError(FsqError):
    """A contract that cannot be used.

    Attributes:
        problems: every fault found, one sentence each, with its place and cure.

    >>> ContractError("mine.toml", ["feature[3].min: 9 is above max 5; swap them"]).problems
    ['feature[3].min: 9 is above max 5; swap them']
    """

    def __init__(self, place: str, problems: Iterable[str]) -> None:
        self.place = place
        self.problems = list(problems)
        super().__init__(_listing(f"contract {place} cannot be used", self.problems))


class InputError(FsqError):
    """Input that is refused before any work; nothing has been written.

    Attributes:
        problems: every problem found, one sentence each, with its cure.

    >>> print(InputError(["no column game_date; add it as a date"]))
    the input cannot be scored (1 problem):
      - no column game_date; add it as a date
    """

    def __init__(
        self, problems: Iterable[str], headline: str = "the input cannot be scored"
    ) -> None:
        self.problems = list(problems)
        super().__init__(_listing(headline, self.problems))


class StoreError(FsqError):
    """A store that could not be read or written; what was there before is still there."""


class ModelIncompatibleError(FsqError):
    """Data that a model must not predict on.

    Attributes:
        problems: everything that stands in the way, one sentence each.
        needed: the features that the model reads.
        available: the features that the data has.

    >>> print(ModelIncompatibleError("m", ["no pace_score"], ["pace_score"], ["fatigue_score"]))
    model m must not predict on these data (1 problem):
      - no pace_score
    it needs: pace_score
    the data have: fatigue_score
    """

    def __init__(
        self, model: str, problems: Iterable[str], needed: Iterable[str], available: Iterable[str]
    ) -> None:
        self.problems, self.needed = list(problems), list(needed)
        self.available = list(available)
        told = _listing(f"model {model} must not predict on these data", self.problems)
        lists = [
            f"it needs: {', '.join(self.needed) or 'nothing'}",
            f"the data have: {', '.join(self.available) or 'nothing'}",
        ]
        super().__init__("\n".join([told, *lists]))


def short(words: object, most: int = 80) -> str:
    r"""The words on one line, cut where they would fill a screen.

    A cell of the input may hold megabytes, or a line that a job's log would take for a command.

    >>> short("a" * 100, 10), short("james\n::error::x")
    ('aaaaaaaaa…', 'james ::error::x')
    """
    text = " ".join(str(words)[: 4 * most].splitlines())
    return text if len(text) <= most else text[: most - 1] + "…"


def _listing(headline: str, problems: list[str]) -> str:
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    return "\n".join([f"{headline} ({count}):", *(f"  - {p}" for p in problems)])
