"""Rows of two contracts do not mix in a store, unless you ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from fsq.contract import Contract
from fsq.errors import InputError
from fsq.stores import LedgerEntry, Store
from fsq.utils.text import plural


def require_name(store: Store, contract: Contract) -> None:
    """Refuse a contract whose name differs from the one that a store remembers.

    Raises:
        InputError: the store has rows of another contract.
    """
    origin = store.origin()
    if origin is not None and origin.contract.name != contract.name:
        raise _make_error(store, contract, origin.contract.name)


def require_contract(
    store: Store, contract: Contract, ledger: Mapping[date, LedgerEntry], days: set[date]
) -> None:
    """Refuse to write rows of a contract beside those of another one.

    A new version of the store's contract is fine if the run scores every date that has rows of
    the old version. For a table that an older fsq wrote, the ledger decides.

    Args:
        store: where they are to be written.
        contract: of the rows.
        ledger: of the store.
        days: dates that the run covers.

    Raises:
        InputError: the store has rows of another contract.
    """
    origin = store.origin()
    if origin is not None and origin.contract.version_hash == contract.version_hash:
        return
    names = (e.contract for e in ledger.values()) if origin is None else (origin.contract.name,)
    if other := next((n for n in names if n != contract.name), None):
        raise _make_error(store, contract, other)
    old = [d for d, e in ledger.items() if e.version != contract.version_hash and d not in days]
    if old:
        problem = (
            f"{plural(len(old), 'date')} from {min(old)} to {max(old)} would keep rows of an "
            f"older version of {contract.name}; leave out --start and --end to score all dates, "
            "or add --change-contract to leave them as they are"
        )
        raise InputError([problem], f"{store.uri} would hold rows of two versions of its contract")


def _make_error(store: Store, contract: Contract, other: str) -> InputError:
    problem = (
        f"{store.uri} holds rows of the contract {other}; leave out --contract, write "
        f"{contract.name} to another store, or add --change-contract to score these dates "
        "with it and leave the others as they are"
    )
    return InputError([problem], f"{contract.name} is not the contract of the store")
