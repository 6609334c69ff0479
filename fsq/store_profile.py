"""The learned profile of a store: kept beside it, learned from its clean dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import polars as pl

from fsq.diagnosis import learn_profile
from fsq.diagnosis.diagnose import list_detail_fields
from fsq.diagnosis.stored_profile import TABLE, load_profile, load_usable_profile
from fsq.errors import InputError
from fsq.incidents import list_excluded_dates
from fsq.profile import Profile, write_profile
from fsq.stores import LedgerEntry, Store

# A season of dates shows what is normal; more would take memory and reach into other times.
_MOST_DATES, _MOST_ROWS = 200, 250_000
# A profile is learned again once there are so many dates that it does not know.
_NEW_DATES = 14
_HEADLINE = "no profile was learned"


def learn_from_store(
    store: Store, start: date | None = None, end: date | None = None, *, force: bool = False
) -> Profile:
    """Learn what normally holds from a store's clean dates, and keep it beside the store.

    Dates with faults that nobody accepted are left out. Of a long history the newest dates count.

    Args:
        store: the store.
        start: first date to learn from.
        end: last date, included.
        force: replace a pinned profile; the new one is not pinned.

    Raises:
        InputError: the profile is pinned, or the clean dates are too few.
        StoreError: the store cannot be read or written.
    """
    known = load_profile(store)
    if known is not None and known.pinned and not force:
        cure = "--force learns another one, `fsq profile pin --off` lets backfills do so"
        raise InputError([f"the profile of {store.uri} is pinned; {cure}"], _HEADLINE)
    day = store.contract.table.date
    counts = store.read(start, end, [day]).group_by(day).len().sort(day).collect()
    excluded = list_excluded_dates(store)
    counts = counts.filter(~pl.col(day).is_in(excluded)).tail(_MOST_DATES)
    newest_first = pl.col("len").reverse().cum_sum().reverse()
    dates = counts.filter(newest_first <= _MOST_ROWS)[day].to_list()
    profile = None
    if dates:
        read = store.read(dates[0], dates[-1], fields=list_detail_fields())
        rows = read.filter(pl.col(day).is_in(dates))
        profile = learn_profile(rows, store.contract)
    if profile is None:
        problem = f"{store.uri} has {len(dates)} dates without known faults; backfill more of them"
        raise InputError([problem], _HEADLINE)
    store.write_side(TABLE, write_profile(profile))
    return profile


def is_worth_learning(store: Store, ledger: Mapping[date, LedgerEntry]) -> bool:
    """Whether the store has many dates that its profile does not know; never if that is pinned.

    Args:
        store: the store.
        ledger: the store's.
    """
    known = load_usable_profile(store)
    if known is None:
        return len(ledger) >= _NEW_DATES
    new = set(ledger).difference(known.dates)
    return not known.pinned and len(new) >= _NEW_DATES


def pin_profile(store: Store, *, pinned: bool = True) -> Profile:
    """Pin the profile, so that backfills keep it, or unpin it.

    Raises:
        InputError: the store has no profile.
        StoreError: the store cannot be read or written.
    """
    profile = replace(require_profile(store), pinned=pinned)
    store.write_side(TABLE, write_profile(profile))
    return profile


def require_profile(store: Store, headline: str = "there is nothing to show") -> Profile:
    """The profile of a store.

    Raises:
        InputError: it has none.
        StoreError: the store cannot be read.
    """
    profile = load_profile(store)
    if profile is None:
        problem = f"{store.uri} has no profile; `fsq profile learn --store {store.uri}` learns one"
        raise InputError([problem], headline)
    return profile
