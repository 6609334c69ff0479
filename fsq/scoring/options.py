"""How to score: the contract, the clock and the run, fixed once for a run of many chunks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from fsq.contract import Contract, load_contract
from fsq.errors import InputError
from fsq.intake.run_context import RunContext, RunLike
from fsq.intake.validation import OnUnknown
from fsq.utils.arguments import MomentLike, read_moment
from fsq.utils.cores import choose_workers

HEADLINE = "the input cannot be scored"


@dataclass(frozen=True)
class ScoringOptions:
    """How to score; one reading of the clock serves the whole run.

    ``workers`` threads score at once; while one is in a step that uses one core, others go on.
    """

    contract: Contract
    as_of: datetime | None
    run: RunContext | None
    now: datetime
    on_unknown: OnUnknown
    workers: int = field(default_factory=choose_workers)


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
