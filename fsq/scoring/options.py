"""How to score: the contract, the clock and the run, fixed once for a run of many chunks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fsq.contract import Contract, load_contract
from fsq.errors import InputError
from fsq.intake.run_context import RunContext
from fsq.intake.validation import OnUnknown

# While one chunk is in a single-threaded step, the other keeps the second core busy.
WORKERS = 2


@dataclass(frozen=True)
class ScoringOptions:
    """How to score; one reading of the clock serves the whole run."""

    contract: Contract
    as_of: datetime | None
    run: RunContext | None
    now: datetime
    on_unknown: OnUnknown
    workers: int = WORKERS


def make_scoring_options(
    contract: str | Path | Contract,
    as_of: datetime | None,
    run: RunContext | None,
    now: datetime | None,
    on_unknown: OnUnknown,
) -> ScoringOptions:
    """Load the contract and read the clock, once for a run of many chunks.

    Raises:
        InputError: ``on_unknown`` is neither "error" nor "default".
        ContractError: the contract cannot be used.
    """
    if on_unknown not in ("error", "default"):
        raise InputError([f"on_unknown_source is {on_unknown!r}; use 'error' or 'default'"])
    clock = _utc(now) if now is not None else datetime.now(UTC)
    moment = None if as_of is None else _utc(as_of)
    return ScoringOptions(load_contract(contract), moment, run, clock, on_unknown)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
