"""Notices that are owed: a channel hears of a change at least once, whatever ends a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from fsq.incidents.incident import Incident, What
from fsq.incidents.matching import Change


def owe_notices(
    incidents: Iterable[Incident], changes: Sequence[Change], channels: Collection[str]
) -> list[Incident]:
    """The incidents, with what the channels are to hear of these changes and have not heard yet."""
    changed = {c.incident.id: c.what for c in changes}
    return [
        replace(i, owed=i.owed | {c: _merge(i.owed.get(c), changed[i.id]) for c in channels})
        if i.id in changed
        else i
        for i in incidents
    ]


def _merge(owed: What | None, new: What) -> What:
    """What to tell of two changes: whoever has not heard that it opened need not hear it is worse.

    A resolved incident's notice says when it began.
    """
    return "opened" if (owed, new) == ("opened", "worse") else new


def list_owed(incidents: Iterable[Incident], channel: str) -> list[Change]:
    """What a channel is still to be notified of."""
    return [Change(i.owed[channel], i) for i in incidents if channel in i.owed]


def settle_notices(
    incidents: Iterable[Incident], told: Sequence[Change], channel: str
) -> list[Incident]:
    """The incidents, after a channel was told; what has changed again meanwhile is still owed."""
    done = {c.incident.id: c.what for c in told}
    return [
        replace(i, owed={c: w for c, w in i.owed.items() if c != channel})
        if i.id in done and i.owed.get(channel) == done[i.id]
        else i
        for i in incidents
    ]
