"""What a migration did, and the errors that migrations share."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from fsq.errors import InputError, StoreError
from fsq.stores.attempts import ATTEMPTS
from fsq.stores.schema_diff import SchemaChange, SchemaDiff


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration did, or would do.

    Attributes:
        table: the store's URI.
        created: there was no table, and one was created.
        added: columns and sub-fields that were missing.
        described: those that had no description.
        notes: what else is worth knowing about the table; none of it was changed.
        dry_run: nothing was done.
    """

    table: str
    created: bool = False
    added: tuple[SchemaChange, ...] = ()
    described: tuple[SchemaChange, ...] = ()
    notes: tuple[str, ...] = ()
    dry_run: bool = False

    @property
    def empty(self) -> bool:
        """Nothing was missing."""
        return not (self.created or self.added or self.described)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, for JSON."""
        return {
            "store": self.table,
            "dry_run": self.dry_run,
            "created": self.created,
            "added": [asdict(c) for c in self.added],
            "described": [asdict(c) for c in self.described],
            "nothing_missing": self.empty,
            "notes": [*self.notes],
        }


@dataclass(frozen=True, slots=True)
class LegacyReference:
    """One place that names a legacy field.

    Attributes:
        where: a view, a file, or whatever else names it.
        line: line number there, from 1; None where there are no lines.
        field: the legacy field; None where it may be any of them.
        text: the line.
    """

    where: str
    line: int | None
    field: str | None
    text: str

    def __str__(self) -> str:
        at = "" if self.line is None else f":{self.line}"
        return f"{self.where}{at}: {self.text}"

    def to_dict(self) -> dict[str, str | int | None]:
        """All of it as plain data, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class LegacyDropResult:
    """Which legacy fields a table has, and what was done about them.

    Attributes:
        table: the store's URI.
        fields: the legacy fields that the table had.
        references: what still names one of them; while there are any, nothing is dropped.
        dropped: the fields were dropped.
        losses: what dropping them cannot give back.
        snapshot: a copy of the table as it was before; None if none was asked for.
    """

    table: str
    fields: tuple[str, ...] = ()
    references: tuple[LegacyReference, ...] = ()
    dropped: bool = False
    losses: tuple[str, ...] = ()
    snapshot: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, for JSON."""
        return {
            "store": self.table,
            "fields": [*self.fields],
            "losses": [*self.losses],
            "snapshot": self.snapshot,
            "dropped": self.dropped,
            "refused": bool(self.references),
            "places": [r.to_dict() for r in self.references],
        }


def require_compatible(plan: SchemaDiff, uri: str) -> SchemaDiff:
    """The plan, unless the table's schema conflicts with it.

    Raises:
        InputError: with every conflict.
    """
    if plan.conflicts:
        raise InputError(plan.conflicts, f"{uri} was not changed, since its schema conflicts")
    return plan


def table_not_found(uri: str) -> StoreError:
    """The error for a table that does not exist."""
    cure = "create it with `fsq schema migrate --create`, or let a backfill create it"
    return StoreError(f"there is no table {uri}; {cure}")


def schema_conflict(uri: str) -> StoreError:
    """The error for a table that others changed at every attempt."""
    return StoreError(f"{uri}: others changed its schema {ATTEMPTS} times; run it again")
