"""Reading and changing the ledger, a side table of the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, TypedDict

import polars as pl

from fsq.diagnosis import Diagnosis
from fsq.diagnosis.findings import Accepted
from fsq.errors import InputError, StoreError, short
from fsq.incidents.incident import SCHEMA, Incident
from fsq.incidents.matching import Change, compare_with_findings
from fsq.incidents.notices import owe_notices, settle_notices
from fsq.stores import Store

TABLE = "incidents"


def read_incidents(store: Store) -> list[Incident]:
    """Every incident in the store's ledger, in the order in which they opened; none without one.

    Raises:
        StoreError: the ledger cannot be read.
    """
    return _parse(store.read_side(TABLE), store.uri)


def record_findings(
    store: Store,
    dx: Diagnosis,
    now: datetime | None = None,
    how: str | None = None,
    skipped: Collection[str] = (),
    *,
    only_known: bool = False,
    channels: Collection[str] = (),
) -> list[Change]:
    """Enter what a check found, and what it found gone, into the store's ledger.

    Args:
        store: the store that was checked.
        dx: what was found; its dates are those that were checked.
        now: the clock, UTC; None for the current time.
        how: what made dates healthy again, if something was done; a phrase.
        skipped: kinds of findings that the check did not look for; they are as they were.
        only_known: open no incident; only follow up on the known ones.
        channels: names of those that are to be notified of what changes; the ledger remembers it
            until ``note_notices``.

    Returns:
        What opened, got worse, or was resolved by this check.

    Raises:
        StoreError: the ledger cannot be read or written.
    """
    moment = now or datetime.now(UTC)
    changes: list[Change] = []

    def change(known: list[Incident]) -> list[Incident]:
        incidents, changed = compare_with_findings(
            known, dx, moment, how, skipped, only_known=only_known
        )
        changes[:] = changed
        return owe_notices(incidents, changed, channels)

    _update(store, change)
    return changes


def accept_incident(store: Store, name: str, reason: str, now: datetime | None = None) -> Incident:
    """Accept an incident as normal: its dates are history again, and it is no longer a finding.

    That holds while it lasts, unless it gets worse.

    Args:
        store: whose ledger has it.
        name: its id, or that of its cause for the one that opened last.
        reason: why; it is shown wherever the incident is.
        now: the clock, UTC; None for the current time.

    Raises:
        InputError: there is no such incident, or no reason; nothing is written.
        StoreError: the ledger cannot be read or written.
    """
    if not reason.strip():
        raise InputError(["say why it is normal"], "the incident was not accepted")
    moment = now or datetime.now(UTC)
    accepted: list[Incident] = []

    def change(known: list[Incident]) -> list[Incident]:
        chosen = _choose(known, name, store.uri)
        made = replace(
            chosen, accepted_at=moment, reason=reason.strip(), changed_at=moment, owed={}
        )
        accepted[:] = [made]
        return [made if i is chosen else i for i in known]

    _update(store, change)
    return accepted[0]


def note_repair(store: Store, names: Iterable[str], attempts: Sequence[dict[str, Any]]) -> None:
    """Enter what was run to repair incidents: ``at``, ``command`` and ``exit_status`` each.

    Raises:
        StoreError: the ledger cannot be read or written.
    """
    wanted = set(names)

    def change(known: list[Incident]) -> list[Incident]:
        return [replace(i, repairs=(*i.repairs, *attempts)) if i.id in wanted else i for i in known]

    _update(store, change)


def note_notices(store: Store, channel: str, told: Sequence[Change]) -> None:
    """Enter that a channel was notified.

    Args:
        store: whose ledger has the incidents.
        channel: its name.
        told: what it was notified of.

    Raises:
        StoreError: the ledger cannot be read or written.
    """
    _update(store, lambda known: settle_notices(known, told, channel))


class Recalled(TypedDict):
    """What a ledger says of a store, as arguments of ``fsq.diagnose``."""

    not_history: list[date]
    accepted: list[Accepted]


def recall_incidents(store: Store) -> Recalled:
    """Dates that are no history, and what was accepted: ``diagnose(rows, **recall_incidents(s))``.

    Raises:
        StoreError: the ledger cannot be read.
    """
    incidents = read_incidents(store)
    return {"not_history": exclude_dates(incidents), "accepted": select_accepted(incidents)}


def list_excluded_dates(store: Store) -> list[date]:
    """Dates with faults that nobody accepted, in order: they are no history for other dates.

    Raises:
        StoreError: the ledger cannot be read.
    """
    return exclude_dates(read_incidents(store))


def exclude_dates(incidents: Iterable[Incident]) -> list[date]:
    """The same of incidents that have been read."""
    faults = (i for i in incidents if i.is_fault and i.accepted_at is None)
    return sorted({d for i in faults for d in i.dates})


def list_accepted(store: Store) -> list[Accepted]:
    """What somebody accepted as normal, as ``fsq.diagnose`` takes it.

    Raises:
        StoreError: the ledger cannot be read.
    """
    return select_accepted(read_incidents(store))


def select_accepted(incidents: Iterable[Incident]) -> list[Accepted]:
    """The same of incidents that have been read."""
    return [i.to_accepted() for i in incidents if i.accepted_at is not None]


def _choose(known: list[Incident], name: str, uri: str) -> Incident:
    exact = [i for i in known if i.id == name]
    same = [i for i in known if name in (i.id, i.cause_id)]
    lasting = [i for i in same if i.state == "open"]
    for found in (lasting if not exact or exact[0] in lasting else exact, exact, same):
        if found:
            return found[-1]
    cure = f"`fsq incidents --store {uri}` lists them; `fsq check --record` enters them"
    raise InputError([f"{uri} has no incident {name!r}; {cure}"], "the incident was not accepted")


def _parse(frame: pl.DataFrame | None, uri: str) -> list[Incident]:
    if frame is None:
        return []
    try:
        return [Incident.from_row(row) for row in frame.to_dicts()]
    except (TypeError, ValueError, KeyError) as error:
        cure = "use the version of fsq that wrote it, or drop its table and record anew"
        problem = f"{uri}: its ledger of incidents cannot be read: {short(error)}"
        raise StoreError(f"{problem}; {cure}") from error


def _update(store: Store, change: Callable[[list[Incident]], list[Incident]]) -> None:
    def change_frame(old: pl.DataFrame | None) -> pl.DataFrame:
        rows = [i.to_row() for i in change(_parse(old, store.uri))]
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    store.update_side(TABLE, change_frame)
