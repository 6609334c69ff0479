"""What a Delta table demands of its readers and writers, and how much of that fsq supports."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from datetime import date

from deltalake import DeltaTable
from deltalake.table import ProtocolVersions

from fsq.errors import StoreRefusedError

# Features that concern the log or old files only, which no reader of rows meets.
LOG_ONLY = frozenset({"v2Checkpoint", "vacuumProtocolCheck"})
# Older files hold narrower types; Polars casts them, or names the column that it cannot cast.
WIDENED = frozenset({"typeWidening", "typeWidening-preview"})
_MAPPED, _DELETED = "columnMapping", "deletionVectors"
# What delta-rs reads without Polars, by its own engine.
_ENGINE = frozenset({_MAPPED, _DELETED, "timestampNtz", "v2Checkpoint", "variantType"}) | {
    "variantType-preview"
}
# What fsq writes. delta-rs refuses any other feature, and cannot add columns to a table with
# column mapping, as each change of a contract would have to.
WRITABLE = (_ENGINE - {_MAPPED}) | {
    "appendOnly",
    "changeDataFeed",
    "checkConstraints",
    "generatedColumns",
    "invariants",
}
# The features that a table has by its old versions, without naming them.
_MAPPED_READER, _IDENTITY_WRITER = 2, 6


def needs_engine(protocol: ProtocolVersions) -> bool:
    """Whether only delta-rs's own engine can read the rows: columns have other names in files."""
    return protocol.min_reader_version == _MAPPED_READER or _MAPPED in (
        protocol.reader_features or ()
    )


def require_readable(protocol: ProtocolVersions, uri: str) -> None:
    """Refuse a table that neither Polars nor delta-rs's engine can read.

    Polars asks that engine which rows are deleted, too.

    Raises:
        StoreRefusedError: with the features that it combines.
    """
    features = set(protocol.reader_features or ())
    asked_for = _MAPPED if needs_engine(protocol) else _DELETED if _DELETED in features else None
    beyond = sorted(features - _ENGINE)
    if asked_for is not None and beyond:
        raise StoreRefusedError(
            f"{uri} cannot be read: it combines the Delta features {asked_for} and "
            f"{', '.join(beyond)}; copy it into a table without one of them"
        )


def read_unknown_feature(error: Exception, uri: str) -> StoreRefusedError | None:
    """The error for a table that delta-rs cannot open, for good; None if it is another one."""
    found = re.search(r"Unsupported: (.*)|(?i:catalog.managed)", str(error))
    if found is None:
        return None
    reason = found[1] or "Feature 'catalogManaged' is not supported"
    return StoreRefusedError(
        f"{uri} cannot be read: {reason.strip()}; drop the feature from the table, or copy its "
        "rows into a table without it"
    )


def require_store(protocol: ProtocolVersions, uri: str) -> None:
    """Refuse a table that can be a source but no store.

    Raises:
        StoreRefusedError: it has column mapping.
    """
    if needs_engine(protocol):
        raise StoreRefusedError(
            f"{uri} cannot be a store: it uses the Delta feature {_MAPPED}, and delta-rs adds no "
            "columns to such tables; backfill it as a source into another folder"
        )


def require_writable(protocol: ProtocolVersions, uri: str) -> None:
    """Refuse a table with features that fsq does not write.

    Raises:
        StoreRefusedError: it has one.
    """
    require_store(protocol, uri)
    features = {*(protocol.writer_features or ()), *(protocol.reader_features or ())}
    if protocol.min_writer_version == _IDENTITY_WRITER:
        features.add("identityColumns")
    if beyond := sorted(features - WRITABLE):
        raise StoreRefusedError(
            f"{uri} cannot be written: its Delta features {', '.join(beyond)} are not supported; "
            "drop them from the table, or write to another folder"
        )


def is_append_only(table: DeltaTable) -> bool:
    """Whether rows can be added to the table, but not replaced or removed."""
    return table.metadata().configuration.get("delta.appendOnly", "").lower() == "true"


def append_only_error(uri: str, days: Collection[date]) -> StoreRefusedError:
    """The error for dates that an append-only table holds already."""
    listed = ", ".join(map(str, sorted(days)[:3])) + (", …" if len(days) > 3 else "")
    return StoreRefusedError(
        f"{uri} is append-only and already has rows of {listed}, which cannot be replaced; "
        "set its property delta.appendOnly to false, or write to another folder"
    )


def list_rules(table: DeltaTable) -> list[str]:
    """The rules that the table's rows must keep: constraints, invariants, generated columns."""
    rules = [
        f"CHECK {name.removeprefix('delta.constraints.')} ({text})"
        for name, text in table.metadata().configuration.items()
        if name.startswith("delta.constraints.")
    ]
    for field in table.schema().fields:
        if not field.nullable:
            rules.append(f"{field.name} NOT NULL")
        if text := field.metadata.get("delta.invariants"):
            rules.append(f"{field.name} must satisfy {_read_invariant(str(text))}")
        if text := field.metadata.get("delta.generationExpression"):
            rules.append(f"{field.name} = {text}")
    return rules


def _read_invariant(text: str) -> str:
    try:
        return str(json.loads(text)["expression"]["expression"])
    except (ValueError, KeyError, TypeError):
        return text
