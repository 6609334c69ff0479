"""Row access policies: rows that you may not see must not count as deleted."""

from __future__ import annotations

import logging
from typing import Any

from google.api_core.exceptions import GoogleAPICallError

from fsq.errors import InputError
from fsq.stores.bigquery.names import TableName

log = logging.getLogger("fsq")


def list_row_policies(client: Any, name: TableName) -> dict[str, str]:
    """The filter of each row access policy of a table; empty if you may not list them.

    Args:
        client: Google's BigQuery client, which has no method for it.
        name: the table.
    """
    path = f"/projects/{name.project}/datasets/{name.dataset}/tables/{name.table}"
    try:
        found = client._connection.api_request("GET", f"{path}/rowAccessPolicies")
    except GoogleAPICallError as error:
        log.debug("row access policies of %s cannot be listed: %s", name.dotted, error.message)
        return {}
    policies = found.get("rowAccessPolicies", [])
    return {p["rowAccessPolicyReference"]["policyId"]: p["filterPredicate"] for p in policies}


def require_every_row(client: Any, name: TableName) -> None:
    """Refuse a table of which nobody can see every row: reads silently skip hidden rows.

    Raises:
        InputError: it has row access policies, and none shows every row.
    """
    policies = list_row_policies(client, name)
    if not policies:
        return
    names = ", ".join(sorted(policies))
    if not any(text.strip().upper() in ("TRUE", "(TRUE)") for text in policies.values()):
        create = (
            f"CREATE ROW ACCESS POLICY every_row ON {name.sql} GRANT TO (…) FILTER USING (TRUE)"
        )
        problem = f"{name.dotted} has the row access policies {names}, and none shows every row"
        cure = f"hidden rows would count as deleted; let fsq see them:\n  {create}"
        raise InputError([f"{problem}; {cure}"], "not all of its rows can be read")
    log.warning(
        "%s has the row access policies %s: make sure that one with FILTER USING (TRUE) is granted "
        "to you, since rows that you may not see count as deleted",
        name.dotted,
        names,
    )
