"""How to backfill: every option, documented once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

from fsq.contract import Contract, load_contract
from fsq.errors import InputError
from fsq.intake.run_context import RunLike
from fsq.intake.validation import OnUnknown
from fsq.scoring.options import ScoringOptions, make_scoring_options
from fsq.utils.arguments import DateLike, MomentLike, read_number
from fsq.utils.dates import read_date_range
from fsq.utils.sizes import COMMIT_ROWS

_HEADLINE = "these dates cannot be backfilled"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a backfill has come: what is committed, of what there is to do."""

    rows: int
    total_rows: int
    dates: int
    total_dates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillOptions:
    """What to backfill, and how.

    Attributes:
        start: first date, as a date or an ISO text; None for the source's first.
        end: last date, included; None for the source's last.
        contract: name of a shipped contract, a path ending in ``.toml``, or a contract; None for
            the one that the store remembers, or ``v2_33features`` for a new store.
        change_contract: write under ``contract`` although the store has rows of another one;
            dates that the run does not score keep those.
        run: the upstream run's context, or a mapping with its keys, for rows that do not carry it.
        as_of: moment at which freshness is judged, for rows that do not carry it; None for the
            row's own time, or the end of its date.
        now: the clock, UTC; None for the current time.
        on_unknown_source: ``"error"`` to refuse source labels that the contract does not know,
            ``"default"`` to count them as defaults.
        force: also rescore dates that are up to date.
        dry_run: return the plan; write nothing.
        chunk_rows: target number of rows to score and commit at once; dates are never split.
        workers: number of threads that score and write; None for as many as the machine allows.
        progress: called after every commit.

    Raises:
        InputError: start is after end, or an argument is not a date or a number.

    >>> BackfillOptions(start="2026-02-01").chunk_rows
    20000
    """

    start: DateLike | None = None
    end: DateLike | None = None
    contract: str | Path | Contract | None = None
    change_contract: bool = False
    run: RunLike | None = None
    as_of: MomentLike | None = None
    now: MomentLike | None = None
    on_unknown_source: OnUnknown = "error"
    force: bool = False
    dry_run: bool = False
    chunk_rows: int = COMMIT_ROWS
    workers: int | None = None
    progress: Callable[[Progress], None] | None = None

    def __post_init__(self) -> None:
        dates = read_date_range(self.start, self.end, _HEADLINE)
        rows = read_number(self.chunk_rows, "chunk_rows", _HEADLINE)
        if rows is None or not 1 <= rows < float("inf"):
            raise InputError([f"chunk_rows is {self.chunk_rows}; use 1 or more"], _HEADLINE)
        workers = read_number(self.workers, "workers", _HEADLINE)
        if workers is not None and not (workers >= 1 and workers.is_integer()):
            raise InputError([f"workers is {self.workers}; use 1 or more"], _HEADLINE)
        object.__setattr__(self, "chunk_rows", int(rows))
        for name, day in zip(("start", "end"), dates, strict=True):
            object.__setattr__(self, name, day)

    def scoring(self, contract: Contract | None = None) -> ScoringOptions:
        """The options of the scoring: contract loaded, clock read.

        Args:
            contract: the one to score with where these options name none.

        Raises:
            ContractError: the contract cannot be used.
            InputError: ``on_unknown_source`` is neither ``"error"`` nor ``"default"``.
        """
        options = make_scoring_options(
            self.contract or contract or load_contract(),
            self.as_of,
            self.run,
            self.now,
            self.on_unknown_source,
        )
        return options if self.workers is None else replace(options, workers=int(self.workers))


class BackfillKeywords(TypedDict, total=False):
    """The fields of ``BackfillOptions`` as keyword arguments, for type checkers."""

    start: DateLike | None
    end: DateLike | None
    contract: str | Path | Contract | None
    change_contract: bool
    run: RunLike | None
    as_of: MomentLike | None
    now: MomentLike | None
    on_unknown_source: OnUnknown
    force: bool
    dry_run: bool
    chunk_rows: int
    workers: int | None
    progress: Callable[[Progress], None] | None
