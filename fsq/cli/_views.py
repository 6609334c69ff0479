"""Create the views of ``fsq schema migrate --views``, the canary among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsq.errors import InputError
from fsq.utils.text import plural

if TYPE_CHECKING:
    from fsq.contract import Contract
    from fsq.profile import Profile


def find_view_names(store: str) -> list[str]:
    """The names of the views, once they are known not to be taken; nothing is changed yet."""
    from fsq.sql import check_view_names
    from fsq.stores import get_capabilities
    from fsq.stores.bigquery.client import open_clients
    from fsq.stores.bigquery.names import TableName

    if not get_capabilities(store).views:
        raise InputError(
            [f"--views: {store} is not in BigQuery; drop the option"], "the views cannot be created"
        )
    table = TableName.parse(store)
    with open_clients(table.project, table.location, table.options) as clients:
        return [name.dotted for name in check_view_names(clients.tables, table)]


def find_profile(store: str, contract: Contract) -> Profile | None:
    """What was learned of the store's rows; None where it has no rows yet, too."""
    from fsq.diagnosis.stored_profile import load_usable_profile
    from fsq.stores import open_store

    opened = open_store(store, contract)
    return None if opened.version() is None else load_usable_profile(opened)


def create_views(store: str, contract: Contract, profile: Profile | None) -> None:
    """Create or replace the views beside a BigQuery table; the canary knows the profile."""
    from fsq import sql
    from fsq.stores.bigquery.client import open_clients
    from fsq.stores.bigquery.names import TableName

    table = TableName.parse(store)
    with open_clients(table.project, table.location, table.options) as clients:
        sql.create_views(clients.tables, table, contract, profile=profile)


def describe_canary(store: str, profile: Profile | None) -> str:
    """How the canary judges, and what makes it judge better."""
    if profile is None:
        return (
            "Note: the canary judges by the contract alone, since the store has no profile; "
            f"`fsq profile learn --store {store}` learns one, then run this again"
        )
    dates = plural(len(profile.clean_dates), "clean date")
    return (
        f"Note: the canary knows the profile of {dates}; when that is learned anew, run this again"
    )
