"""Running the checks so that dates on which they find a fault are no history for later ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from fsq.contract import Contract
from fsq.diagnosis.checks import list_kinds
from fsq.diagnosis.checks.base import Check
from fsq.diagnosis.context import Context
from fsq.diagnosis.findings import Accepted, Signal

# So many times the dates that a date is compared with are judged before it, so that faults among
# them are no history.
_LOOKBACK = 4
# Each pass finds a fault that lasts for weeks on a few more dates.
_MOST_PASSES = 40


def list_lookback(days: Sequence[date], first: date, contract: Contract) -> list[date]:
    """The earlier dates to judge, so that faults among them are no history of a date.

    Args:
        days: dates that have rows, in order.
        first: the first date to check.
        contract: says with how many dates a date is compared.

    >>> from fsq.contract import load_contract
    >>> days = [date(2026, 1, 1), date(2026, 2, 5), date(2026, 2, 6)]
    >>> [str(d) for d in list_lookback(days, date(2026, 2, 6), load_contract())]
    ['2026-01-01', '2026-02-05']
    """
    before = [d for d in days if d < first]
    return before[-_LOOKBACK * contract.diagnosis.history_days :]


def run_checks(
    ctx: Context,
    checks: Sequence[Check],
    not_history: Iterable[date] = (),
    accepted: Sequence[Accepted] = (),
) -> None:
    """Run the checks in order, and again on dates whose history turns out to hold faults.

    Findings of a date depend on faults of earlier dates only. So each pass makes the results of at
    least one more date final, and only dates whose history has changed are checked again.

    Args:
        ctx: collects what they report of its dates to check; of earlier dates, which are judged
            too, nothing is kept.
        checks: in the order in which they run.
        not_history: dates that are known to be no history.
        accepted: causes that are normal: their signals become information, and their dates stay in
            the history.
    """
    wanted, excluded = ctx.checked_dates, frozenset(not_history)
    if not wanted:
        return
    earlier = list_lookback(ctx.dates, wanted[0], ctx.contract)
    judged = sorted({*earlier, *wanted, *(d for d in ctx.dates if wanted[0] <= d <= wanted[-1])})
    place = {d: at for at, d in enumerate(ctx.dates)}
    ctx.judged_dates = frozenset(judged).difference(wanted)
    ctx.leave_out(excluded)
    ctx.known_faulty = excluded
    pending = judged
    for _ in range(_MOST_PASSES):
        if not pending:
            break
        _forget(ctx, pending)
        ctx.checked_dates = pending
        for check in checks:
            check.find(ctx)
        ctx.signals[:] = [_accept(signal, accepted) for signal in ctx.signals]
        ctx.faulty_features = ctx.list_explained()
        before = ctx.list_histories()
        ctx.leave_out(excluded | _find_faulty_dates(ctx))
        changed = (ctx.list_histories() != before).any(axis=1)
        pending = [d for d in judged if d in place and changed[place[d]]]
    ctx.checked_dates = wanted
    _forget(ctx, set(judged) - set(wanted))


def _find_faulty_dates(ctx: Context) -> set[date]:
    """The dates with a red or yellow fault."""
    kinds = list_kinds()
    return {s.day for s in ctx.signals if s.severity != "info" and kinds[s.kind].is_fault}


def _accept(signal: Signal, accepted: Sequence[Accepted]) -> Signal:
    reason = next((a for a in accepted if a.covers(signal)), None)
    return signal if reason is None or signal.severity == "info" else reason.accept(signal)


def _forget(ctx: Context, dates: Iterable[date]) -> None:
    """Drop what was reported for these dates."""
    gone = set(dates)
    ctx.signals[:] = [s for s in ctx.signals if s.day not in gone]
    ctx.not_evaluated[:] = [n for n in ctx.not_evaluated if n.day not in gone]
