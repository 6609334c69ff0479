"""Creating the views in BigQuery."""

from __future__ import annotations

from typing import Any

from google.api_core.exceptions import NotFound

from fsq.contract import Contract
from fsq.errors import InputError
from fsq.schema import COLUMN_NAMES, LEGACY_FIELDS
from fsq.sql import view, view_name
from fsq.stores.bigquery.jobs import run
from fsq.stores.bigquery.names import TableName


def created(client: Any, table: TableName, contract: Contract, names: list[str]) -> list[TableName]:
    """See ``fsq.sql.create_views``."""
    have = {f.name.lower() for f in client.get_table(table.dotted).schema}
    needed = {"player_lookup", "game_date", *COLUMN_NAMES} - set(LEGACY_FIELDS)
    problems = [f"{table.dotted} has no column {c}; run fsq schema migrate first"
                for c in sorted(needed - have)]  # fmt: skip
    statements = [view(n, table, contract, game_id="game_id" in have) for n in names]
    places = [view_name(n, table) for n in names]
    for place in places:
        kind = _kind(client, place)
        if kind not in (None, "VIEW"):
            problems.append(f"{place.dotted} is a {kind}, no view; rename or drop it")
    if problems:
        raise InputError(problems, "the views cannot be created")
    for statement in statements:
        run(client, statement)
    return places


def _kind(client: Any, place: TableName) -> str | None:
    try:
        return str(client.get_table(place.dotted).table_type)
    except NotFound:
        return None
