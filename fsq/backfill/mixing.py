"""Rows of two contracts do not mix in a store, unless they are told to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from fsq.contract import Contract
from fsq.errors import InputError
from fsq.stores import LedgerEntry, Store
from fsq.utils.text import plural


def require_contract(
    store: Store, contract: Contract, ledger: Mapping[date, LedgerEntry], days: set[date]
) -> None:
    """Refuse to write rows of a contract beside those of another one.

    A new version of the store's contract is no other contract where the run scores every date
    that has rows of the old version.

    Args:
        store: where they are to be written.
        contract: of the rows.
        ledger: of the store.
        days: dates that the run covers.

    Raises:
        InputError: the store has rows of another contract.
    """
    origin = store.origin()
    if origin is None:  # a table of an older fsq: its ledger knows
        name = next((e.contract for e in ledger.values() if e.contract != contract.name), None)
    elif origin.contract.version_hash == contract.version_hash:
        return
    else:
        name = None if origin.contract.name == contract.name else origin.contract.name
    if name is not None:
        problem = (
            f"{store.uri} holds rows of the contract {name}; leave out --contract, write "
            f"{contract.name} to another store, or add --change-contract to score these dates "
            "with it and leave the others as they are"
        )
        raise InputError([problem], f"{contract.name} is not the contract of the store")
    old = [d for d, e in ledger.items() if e.version != contract.version_hash and d not in days]
    if old:
        problem = (
            f"{plural(len(old), 'date')} from {min(old)} to {max(old)} would keep rows of an "
            f"older version of {contract.name}; leave out --start and --end to score all dates, "
            "or add --change-contract to leave them as they are"
        )
        raise InputError([problem], f"{store.uri} would hold rows of two versions of its contract")
