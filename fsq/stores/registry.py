"""The registry of backends: the only place that knows which kinds of stores exist.

Register a backend of your own like those of fsq::

    class MemoryBackend(Backend[MemoryStore]):
        name, schemes, uri_form = "Memory", ("memory",), "memory://name"

        def open(self, uri, contract=None, source=None) -> MemoryStore:
            return MemoryStore(uri, contract, source)

    register_backend(MemoryBackend())
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from fsq.contract import Contract, load_contract
from fsq.errors import InputError, StoreError
from fsq.schema.output import OutputSchema
from fsq.stores.backend import Backend, Capabilities
from fsq.stores.base import BatchWrite, GroupWrite, Store
from fsq.stores.bigquery.backend import BigQueryBackend
from fsq.stores.delta.backend import DeltaBackend, ObjectStoreBackend
from fsq.stores.migration import LegacyDropResult, Migration
from fsq.stores.schema_diff import SchemaDiff
from fsq.utils.forks import require_whole_process

_backends: dict[str, Backend[Any]] = {}
ContractName: TypeAlias = str | Path | Contract


def register_backend(backend: Backend[Any]) -> None:
    """Add a kind of store.

    Args:
        backend: answers to URIs of its schemes from now on, in every function and command.

    Raises:
        ValueError: another backend has one of its schemes.
    """
    if taken := [s for s in backend.schemes if s in _backends]:
        raise ValueError(f"{backend.name}: other backends have the schemes {taken}")
    _backends.update(dict.fromkeys(backend.schemes, backend))


def unregister_backend(backend: Backend[Any]) -> None:
    """Remove a kind of store; does nothing if it is not registered."""
    for scheme in [s for s, b in _backends.items() if b is backend]:
        del _backends[scheme]


def find_backend(uri: str) -> Backend[Any] | None:
    """The backend of a URI; None if its scheme has none.

    >>> find_backend("bigquery://p.d.t").name, find_backend("ftp://host/table")
    ('BigQuery', None)
    """
    scheme, has_scheme, _ = uri.partition("://")
    return _backends.get(scheme if has_scheme else "")


def get_backend(uri: str) -> Backend[Any]:
    """The backend of a URI.

    Raises:
        StoreError: its scheme has none.
    """
    backend = find_backend(uri)
    if backend is None:
        scheme = uri.partition("://")[0]
        raise StoreError(f"{scheme}:// stores are not supported; use {' or '.join(_forms())}")
    return backend


def get_capabilities(uri: str) -> Capabilities:
    """What the store that a URI names can do; plain files and unknown schemes can do nothing.

    >>> get_capabilities("bigquery://p.d.t").remote, get_capabilities("warehouse/table").remote
    (True, False)
    """
    backend = find_backend(uri)
    return Capabilities() if backend is None else backend.capabilities


def open_store(
    uri: str | PathLike[str], contract: ContractName | None = None, source: str | None = None
) -> Store:
    """Open a store by its URI; its table need not exist yet.

    Args:
        uri: a folder for a Delta table, ``~`` being the home; or one in a bucket, such as
            ``s3://bucket/path``, ``gs://…`` or ``az://…``; or
            ``bigquery://project.dataset.table``.
        contract: of the rows to read and write: a name, a path or a contract. None for the one
            that the table remembers, or ``v2_33features`` for a table that remembers none.
        source: URI of the source of the rows to write, for the table to remember; None for the
            one that it remembers.

    Raises:
        InputError: a malformed BigQuery URI, or the extra for it is not installed.
        ContractError: the contract cannot be used.
        StoreError: the URI names something that is not a Delta table, or no backend has its
            scheme.

    >>> open_store("ftp://host/table")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    fsq.errors.StoreError: ftp:// stores are not supported; use a folder or s3://, ...
    """
    loaded = None if contract is None else load_contract(contract)
    require_whole_process()
    text = _read_uri(uri)
    store: Store = get_backend(text).open(text, loaded, source)
    return store


def _read_uri(uri: object) -> str:
    if isinstance(uri, str | PathLike):
        return os.fspath(uri)
    kind = type(uri).__name__
    problem = f"a {kind} is not a store; name its folder, or bigquery://project.dataset.table"
    raise InputError([problem], "the store cannot be opened")


def is_store(uri: str) -> bool:
    """Whether a source is a store, and not plain files.

    >>> is_store("bigquery://p.d.t"), is_store("season.parquet")
    (True, False)
    """
    backend = find_backend(uri)
    return backend is not None and backend.is_store(uri)


def identify_table(uri: str) -> str:
    """The same name for every URI of one table or path.

    >>> identify_table("bigquery://p.d.t?location=EU") == identify_table("bigquery://p.d.t")
    True
    """
    backend = find_backend(uri)
    return uri if backend is None else backend.identify_table(uri)


def open_group_write(
    store: Store, empty: pl.DataFrame, since: int | None = None
) -> GroupWrite[Any]:
    """Begin a write by several threads of this process, in groups of whole dates.

    Args:
        store: the store.
        empty: no rows, with the columns to write.
        since: in place, the version that the rows are computed from, as for ``Store.replace``.

    Raises:
        StoreError: it cannot be written, or others have changed it.
    """
    return get_backend(store.uri).open_group_write(store, empty, since)


def open_batch_write(store: Store, since: int | None = None) -> BatchWrite:
    """Begin a write by many processes, committed by one.

    Args:
        store: the store.
        since: in place, the version that the rows are computed from, as for ``Store.replace``.

    Raises:
        InputError: the store does not support it.
    """
    return get_backend(store.uri).open_batch_write(store, since)


def migrate(
    uri: str,
    contract: ContractName | None = None,
    *,
    dry_run: bool = False,
    create: bool = False,
    integer_keys: Sequence[str] = (),
) -> Migration:
    """Add the columns and sub-fields that a table lacks, and descriptions where it has none.

    Nothing else changes, and a table that lacks nothing is not touched. All of it is one change
    of the table, so a killed run has done everything or nothing. If others change the table at
    the same time, the missing columns are determined again.

    Args:
        uri: a folder for a Delta table, or ``bigquery://project.dataset.table``.
        contract: whose columns the table is to have; None for the table's own contract.
        dry_run: report what would be done; change nothing.
        create: create the table if there is none.
        integer_keys: keys that are integers in a new table; the others are strings.

    Raises:
        InputError: names, types or modes conflict; all conflicts are listed, nothing is changed.
        ContractError: the contract cannot be used.
        StoreError: there is no table and ``create`` was not given, or it cannot be changed.
    """
    output = _find_output(uri, contract, integer_keys)
    return get_backend(uri).migrate(uri, output, dry_run=dry_run, create=create)


def find_missing(uri: str, contract: ContractName | None = None) -> SchemaDiff:
    """What a table lacks of its contract's columns, or of another's; nothing is changed.

    Raises:
        InputError: names, types or modes conflict; all conflicts are listed. Or the store has no
            schema in SQL.
        StoreError: there is no such table, or it cannot be read.
    """
    return get_backend(uri).find_missing(uri, _find_output(uri, contract))


def _find_output(
    uri: str, contract: ContractName | None = None, integer_keys: Sequence[str] = ()
) -> OutputSchema:
    """The columns of a table under its own contract, or under another.

    Raises:
        InputError: an integer key is not a key of the contract.
        ContractError: the contract cannot be used.
        StoreError: the table cannot be read.
    """
    return open_store(uri, contract).contract.output.with_integer_keys(integer_keys)


def drop_legacy(
    uri: str,
    consumers: Sequence[str] = (),
    contract: ContractName | None = None,
    *,
    yes: bool = False,
    input_too: bool = False,
    snapshot: bool = False,
) -> LegacyDropResult:
    """Drop the legacy fields from a BigQuery table, unless something still names them.

    The search covers the views, materialized views and routines of the table's dataset, the
    ``consumers``, and the table itself: while it has feature arrays or rows that are not scored
    yet, their sources are in ``feature_sources`` alone.

    Args:
        uri: ``bigquery://project.dataset.table``.
        consumers: files, folders, views and fields; see
            ``fsq.stores.bigquery.references.find_references``.
        contract: which fields they are; None for the table's own contract.
        yes: drop them; without it, report what stands in the way.
        input_too: drop ``feature_sources`` although the table itself needs it.
        snapshot: keep a snapshot of the table as it was, for 90 days.

    Raises:
        InputError: the store is not a BigQuery table, its contract has no legacy fields, or a
            consumer cannot be found.
        StoreError: there is no table, or the service refused.
    """
    chosen, backend = open_store(uri, contract).contract, get_backend(uri)
    if not chosen.output.legacy:
        problem = f"the contract {chosen.name} of {uri} has no legacy fields"
        raise InputError([problem], "there is nothing to drop")
    return backend.drop_legacy(
        uri, consumers, chosen, yes=yes, input_too=input_too, snapshot=snapshot
    )


def _forms() -> list[str]:
    return list(dict.fromkeys(backend.uri_form for backend in _backends.values()))


for _backend in (DeltaBackend(), ObjectStoreBackend(), BigQueryBackend()):
    register_backend(_backend)
