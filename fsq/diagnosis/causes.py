"""From signals to findings: what happened, why, and which commands repair it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from fsq.contract import Contract, Feature
from fsq.diagnosis.checks import list_kinds
from fsq.diagnosis.findings import SEVERITIES, Finding, Signal
from fsq.diagnosis.messages import Facts
from fsq.masking import mask_secrets

SCORE_AGAIN = "fsq backfill"  # how every such command begins
_COMMAND_DATES = 3  # more dates than this are given as a range
_LEANING = 4.0  # how much more a feature weighs that goes fully with the label
_ROW_WEIGHT = 10.0  # of a row that is affected as a whole


def make_findings(
    signals: list[Signal],
    dates: list[date],
    contract: Contract,
    source: str,
    store: str,
    leaning: Mapping[str, float] | None = None,
) -> list[tuple[Finding, list[Signal]]]:
    """One finding per cause, the most harmful first, each with its signals.

    Args:
        signals: what the checks reported.
        dates: all dates that were read or asked for, in order.
        contract: of the scoring.
        source: what the repairing commands name as the source.
        store: what they name as the store.
        leaning: how closely features go with the label, from 0 to 1; faults of those that do harm
            more. None where that is unknown.
    """
    groups = _merge_subjects(_group_dates(signals, dates))
    made = [(_make_finding(g, contract, source, store), g) for g in groups]
    harm = {id(g): _measure_harm(g, contract, leaning or {}) for g in groups}

    def rank(item: tuple[Finding, list[Signal]]) -> tuple[Any, ...]:
        finding, group = item
        severity = SEVERITIES.index(finding.severity)
        return severity, -harm[id(group)], finding.dates, finding.title

    return sorted(made, key=rank)


def _group_dates(signals: Iterable[Signal], dates: list[date]) -> list[list[Signal]]:
    """Group signals of one kind, subject and severity on consecutive dates.

    Args:
        signals: of any dates.
        dates: all dates, in order; a gap of one of them separates two groups.
    """
    place = {d: i for i, d in enumerate(dates)}
    out: list[list[Signal]] = []
    current: dict[tuple[str | None, ...], list[Signal]] = {}
    for s in sorted(signals, key=lambda s: place[s.day]):
        key = (s.kind, s.subject, s.severity, s.accepted)
        group = current.get(key)
        if group is None or place[s.day] - place[group[-1].day] > 1:
            group = []
            out.append(group)
            current[key] = group
        group.append(s)
    return out


def _merge_subjects(groups: list[list[Signal]]) -> list[list[Signal]]:
    """Merge groups of one kind and table on the same dates: they are one cause."""
    out: dict[tuple[object, ...], list[Signal]] = {}
    for g in groups:
        days = tuple(sorted({s.day for s in g}))
        first = g[0]
        key = (first.kind, first.severity, first.accepted, first.place, days)
        out.setdefault(key, []).extend(g)
    return list(out.values())


def _measure_harm(group: list[Signal], contract: Contract, leaning: Mapping[str, float]) -> float:
    """Affected rows times the weight of their features, or of a row if no feature is named."""
    weight = {
        f.name: _weigh(f) * (1 + _LEANING * leaning.get(f.name, 0)) for f in contract.features
    }
    return sum(s.rows_affected * (sum(weight[f] for f in s.features) or _ROW_WEIGHT) for s in group)


def _weigh(f: Feature) -> float:
    return 0.25 if f.optional else 3.0 if f.critical else 1.0


def _make_finding(group: list[Signal], contract: Contract, source: str, store: str) -> Finding:
    worst = max(group, key=lambda s: s.rows_affected)
    kind = list_kinds()[worst.kind]
    names = {f for s in group for f in s.features}
    features = tuple(n for n in contract.names if n in names)
    by_day: dict[date, tuple[int, int]] = {}
    for s in group:
        most = max(s.rows_affected, by_day.get(s.day, (0, 0))[0])
        by_day[s.day] = (most, s.rows)
    days = tuple(sorted(by_day))
    writer = contract.writer(worst.table) if worst.table else None
    facts = Facts(worst, features, contract)
    text = kind.describe(facts)
    return Finding(
        worst.kind,
        worst.severity,
        text.title + _tell_place(text.title, group, worst),
        days,
        features,
        sum(n for n, _ in by_day.values()),
        sum(n for _, n in by_day.values()),
        worst.table,
        writer.name if writer else None,
        text.cause + facts.rarity,
        worst.evidence,
        _list_commands(days, writer.rerun if writer else None, source, store)
        if kind.repairable and worst.accepted is None
        else (),
        worst.place,
        worst.accepted,
        kind.is_fault,
    )


def _tell_place(title: str, group: list[Signal], worst: Signal) -> str:
    """Where the records of the worst date are, after a comma; empty if that differs or is said."""
    places = {s.where for s in group if s.day == worst.day and s.named is not None}
    where = places.pop() if len(places) == 1 else None
    return "" if where is None or str(where.value) in title else f", {where}"


def _list_commands(
    days: tuple[date, ...], rerun: str | None, source: str, store: str
) -> tuple[str, ...]:
    """Run the job again, then score these dates again."""
    commands: list[str] = []
    if rerun:
        commands += [rerun.format(date=d) for d in days[:_COMMAND_DATES]]
        if len(days) > _COMMAND_DATES:
            commands[-1] = f"{rerun.format(date=days[-1])}  # and the dates between"
    return (*commands, make_backfill_command(source, store, days[0], days[-1]))


def make_backfill_command(source: str, store: str, start: date, end: date) -> str:
    """The command that scores these dates again; it is shown, sent and kept, so without secrets.

    >>> make_backfill_command("rows.parquet", "my store", date(2026, 2, 6), date(2026, 2, 7))
    "fsq backfill --source rows.parquet --store 'my store' --start 2026-02-06 --end 2026-02-07"
    """
    read, written = shlex.quote(mask_secrets(source)), shlex.quote(mask_secrets(store))
    return f"{SCORE_AGAIN} --source {read} --store {written} --start {start} --end {end}"
