"""How to score: the contract, the clock and the run, fixed once for a run of many chunks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fsq.contract import Contract, load_contract
from fsq.errors import InputError
from fsq.intake.run_context import RunContext, RunLike
from fsq.intake.validation import OnUnknown
from fsq.utils.arguments import MomentLike, read_moment

HEADLINE = "the input cannot be scored"

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
    as_of: MomentLike | None,
    run: RunLike | None,
    now: MomentLike | None,
    on_unknown: OnUnknown,
) -> ScoringOptions:
    """Load the contract and read the clock, once for a run of many chunks.

    Raises:
        InputError: ``on_unknown`` is neither "error" nor "default", a moment is not one, or ``run``
            is not a context.
        ContractError: the contract cannot be used.
    """
    if on_unknown not in ("error", "default"):
        raise InputError([f"on_unknown_source is {on_unknown!r}; use 'error' or 'default'"])
    clock = read_moment(now, "now", HEADLINE) or datetime.now(UTC)
    moment = read_moment(as_of, "as_of", HEADLINE)
    context = RunContext.of(run)
    return ScoringOptions(load_contract(contract), moment, context, clock, on_unknown)
