"""The profile that is kept beside a store."""

from __future__ import annotations

import logging

from fsq.errors import InputError
from fsq.profile import Profile, read_profile
from fsq.stores import Store

_log = logging.getLogger(__name__)
TABLE = "profile"


def load_profile(store: Store) -> Profile | None:
    """What was learned of a store; None if nothing was, or under another contract.

    Raises:
        InputError: another version of fsq wrote it.
        StoreError: it cannot be read.
    """
    read = getattr(store, "read_side", None)  # a third-party store may keep nothing beside it
    table = None if read is None else read(TABLE)
    profile = None if table is None else read_profile(table)
    if profile is None or profile.version_hash != store.contract.version_hash:
        return None
    return profile


def load_usable_profile(store: Store) -> Profile | None:
    """The same, but None with a warning where another version of fsq wrote it."""
    try:
        return load_profile(store)
    except InputError as error:
        _log.warning("%s: %s", store.uri, error)
        return None
