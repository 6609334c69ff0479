"""Bring a table up to the output's schema: only what is missing, at once or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fsq.errors import InputError, StoreError
from fsq.stores.schema_diff import SchemaChange, SchemaDiff

# Tries on a fresh look at a table that others change at the same time.
ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration did, or would do.

    Attributes:
        table: the store's URI.
        created: there was no table, and one was made.
        added: columns and sub-fields that were missing.
        described: those that had no description.
        notes: what else is worth knowing of the table; nothing of it was changed.
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
        listed = {
            word: [{"path": c.path, "type": c.type, "description": c.description} for c in changes]
            for word, changes in (("added", self.added), ("described", self.described))
        }
        return {
            "store": self.table,
            "dry_run": self.dry_run,
            "created": self.created,
            **listed,
            "nothing_missing": self.empty,
            "notes": [*self.notes],
        }


def migrate(uri: str, *, dry_run: bool = False, create: bool = False) -> Migration:
    """Add the columns and sub-fields that a table lacks, and descriptions where it has none.

    Nothing that is there is changed otherwise, and a table that lacks nothing is not touched.
    All of it is one change of the table, so a killed run has done all or nothing. If others
    change the table at the same time, it is looked at anew.

    Args:
        uri: a folder for a Delta table, or ``bigquery://project.dataset.table``.
        dry_run: only say what would be done.
        create: make the table if there is none.

    Raises:
        InputError: names, types or modes conflict; all of them are listed, nothing is changed.
        StoreError: there is no table and ``create`` was not given, or it cannot be changed.
    """
    if uri.startswith("bigquery://"):
        with needing_clients():
            from fsq.stores.bigquery.migrate import migrate
        return migrate(uri, dry_run=dry_run, create=create)
    from fsq.stores import open_store
    from fsq.stores.delta import migrate as delta_schema

    store = open_store(uri)
    return delta_schema.migrate(store.uri, dry_run=dry_run, create=create)


def find_missing(uri: str) -> SchemaDiff:
    """What a table of BigQuery lacks; nothing is changed.

    Raises:
        InputError: names, types or modes conflict; all of them are listed.
        StoreError: there is no such table, or it cannot be looked at.
    """
    with needing_clients():
        from fsq.stores.bigquery.migrate import find_missing
    return find_missing(uri)


@contextmanager
def needing_clients() -> Iterator[None]:
    """Around imports of modules that need Google's clients.

    Raises:
        InputError: they are not installed.
    """
    try:
        yield
    except ImportError as error:
        problem = f"{error}; install it with: pip install 'fsq[bigquery]'"
        raise InputError([problem], "BigQuery cannot be used") from error


def require_compatible(plan: SchemaDiff, uri: str) -> SchemaDiff:
    """The plan, if nothing stands in its way.

    Raises:
        InputError: with every conflict.
    """
    if plan.conflicts:
        raise InputError(plan.conflicts, f"{uri} was not changed, since its schema conflicts")
    return plan


def table_not_found(uri: str) -> StoreError:
    """The error for a table that is not there."""
    cure = "make it with `fsq schema migrate --create`, or let a backfill make it"
    return StoreError(f"there is no table {uri}; {cure}")


def schema_conflict(uri: str) -> StoreError:
    """The error for a table that others changed at every try."""
    return StoreError(f"{uri}: others changed its schema {ATTEMPTS} times meanwhile; run it again")
