"""Queries and views over a scored table, for people who work in SQL.

The files in ``views`` are GoogleSQL templates; what begins with a dollar sign comes from the
contract.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fsq.contract import Contract, load_contract
from fsq.profile import Profile
from fsq.sql.profile import PROFILE, PROFILE_QUERIES, make_canary_query, make_profile_query
from fsq.sql.queries import (
    VIEWS,
    make_query,
    make_view,
    make_view_name,
    parse_table,
    wrap_view,
)
from fsq.stores.bigquery.names import TableName

__all__ = [
    "PROFILE",
    "PROFILE_QUERIES",
    "VIEWS",
    "check_view_names",
    "create_views",
    "make_canary_query",
    "make_profile_query",
    "make_query",
    "make_view",
    "make_view_name",
    "wrap_view",
]


def create_views(
    client: Any,
    table: TableName | str,
    contract: str | Contract = "v2_33features",
    names: Iterable[str] = tuple(VIEWS),
    profile: Profile | None = None,
) -> list[TableName]:
    """Create or replace a scored table's views, beside it.

    Args:
        client: Google's BigQuery client, such as ``tables`` of ``open_clients(project)``.
        table: the scored table, or its ``bigquery://project.dataset.table``.
        contract: the contract that the table was scored under: itself, its name or its path.
        names: which of ``VIEWS``.
        profile: what normally holds, learned from rows scored under the contract: the canary says
            what it finds, too. None for the canary without one.

    Returns:
        The names of the views, in order.

    Raises:
        InputError: the table lacks quality columns, a view's name is taken by something else, or
            the profile is not of these rows; nothing has changed then.
        GoogleAPIError: BigQuery refused.
    """
    from fsq.sql.create import create  # loads Google's client

    return create(client, parse_table(table), load_contract(contract), tuple(names), profile)


def check_view_names(
    client: Any, table: TableName | str, names: Iterable[str] = tuple(VIEWS)
) -> list[TableName]:
    """Return the names that ``create_views`` would use, without creating anything.

    Raises:
        InputError: a name is taken by something that is not a view.
        GoogleAPIError: BigQuery refused.
    """
    from fsq.sql.create import check_names  # loads Google's client

    return check_names(client, parse_table(table), tuple(names))
