"""The ledger of a Delta table: metadata of the commits that replaced its dates."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from fsq.errors import StoreError
from fsq.stores.base import LedgerEntry
from fsq.stores.origin import Origin, parse_origin
from fsq.stores.read_errors import describe_damage

# These operations change no row, so the entries stay true.
_HARMLESS = {
    "ADD COLUMN",
    "ADD FEATURE",
    "CREATE TABLE",
    "FSCK",
    "OPTIMIZE",
    "SET TBLPROPERTIES",
    "VACUUM END",
    "VACUUM START",
}
_KEY, _ORIGIN = "fsq", "fsq_origin"
# Commits of other tools are rare, so the last of fsq's is mostly among these.
_RECENT = 5


def read_ledger(table: DeltaTable) -> dict[date, LedgerEntry]:
    """The entry of each date, from the table's history.

    A change of rows by another tool invalidates every date that was written before it.
    """
    out: dict[date, LedgerEntry] = {}
    seen: set[date] = set()
    for commit in read_history(table):
        entries = _parse(commit.get(_KEY))
        if entries is None:
            if _changes_no_row(commit):
                continue
            break
        for day, entry in entries.items():
            if day not in seen and entry is not None:
                out[day] = entry
            seen.add(day)
    return out


def read_origin(table: DeltaTable, uri: str) -> Origin | None:
    """What the last commit that stated it says of the rows' contract and source.

    Raises:
        StoreError: this version of fsq cannot read it.
    """
    for limit in (_RECENT, None):
        for commit in read_history(table, limit):
            if text := commit.get(_ORIGIN):
                return parse_origin(text, uri)
    return None


def read_history(table: DeltaTable, limit: int | None = None) -> list[dict[str, Any]]:
    """The table's commits, newest first.

    Raises:
        StoreError: its log is damaged or gone.
    """
    try:
        return table.history(limit)
    except (DeltaError, OSError) as error:
        damage = describe_damage(error, "restore it, or backfill into another folder")
        raise StoreError(f"{table.table_uri}: its log cannot be read: {damage}") from error


def make_commit_metadata(
    days: Iterable[date], ledger: Mapping[date, LedgerEntry], origin: Origin
) -> dict[str, str]:
    """Metadata for a commit that replaces these dates.

    They are the entry of each date, or that it has none, and where the rows come from.

    >>> from fsq.contract import load_contract
    >>> made = make_commit_metadata([date(2026, 2, 6)], {}, Origin(load_contract(), None))
    >>> made["fsq"]
    '{"2026-02-06": null}'
    """
    entries = {d.isoformat(): _to_json(ledger[d]) if d in ledger else None for d in days}
    return {_KEY: json.dumps(entries), _ORIGIN: origin.to_packed()}


def _to_json(entry: LedgerEntry) -> list[str | int]:
    return [entry.contract, entry.version, entry.fingerprint, entry.rows]


def _parse(text: Any) -> dict[date, LedgerEntry | None] | None:
    """The entries in a commit's metadata; None if fsq did not write it."""
    try:
        days = {date.fromisoformat(day): values for day, values in json.loads(text).items()}
        return {day: values and LedgerEntry(*values) for day, values in days.items()}
    except (TypeError, ValueError, AttributeError):
        return None


def _changes_no_row(commit: Mapping[str, Any]) -> bool:
    metrics = commit.get("operationMetrics") or {}
    # Overwriting rows with nothing adds no row either, but removes files.
    no_files = (metrics.get("num_added_files"), metrics.get("num_removed_files")) == (0, 0)
    return no_files or commit.get("operation") in _HARMLESS
