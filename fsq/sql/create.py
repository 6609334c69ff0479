"""Creating the views in BigQuery; Google's clients load with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.api_core.exceptions import NotFound

from fsq.contract import Contract
from fsq.errors import InputError
from fsq.schema.columns import COLUMN_NAMES, KEYS, LEGACY_FIELDS
from fsq.sql import view, view_name
from fsq.stores.bigquery.jobs import run
from fsq.stores.bigquery.names import TableName

_NEEDED = {*KEYS, *COLUMN_NAMES} - set(LEGACY_FIELDS)
_HEADLINE = "the views cannot be created"


def created(
    client: Any, table: TableName, contract: Contract, names: Sequence[str]
) -> list[TableName]:
    """See ``fsq.sql.create_views``."""
    places = free(client, table, names)
    have = {f.name.lower() for f in client.get_table(table.dotted).schema}
    if lacking := sorted(_NEEDED - have):
        cure = "run fsq schema migrate first"
        raise InputError([f"{table.dotted} has no column {c}; {cure}" for c in lacking], _HEADLINE)
    for name in names:
        run(client, view(name, table, contract, game_id="game_id" in have))
    return places


def free(client: Any, table: TableName, names: Sequence[str]) -> list[TableName]:
    """The views' names, if nothing else bears them.

    Raises:
        InputError: something that is no view does; all of it is listed.
    """
    places = [view_name(n, table) for n in names]
    kinds = [_kind(client, place) for place in places]
    problems = [
        f"{place.dotted} is a {kind}, no view; rename or drop it"
        for place, kind in zip(places, kinds, strict=True)
        if kind not in (None, "VIEW")
    ]
    if problems:
        raise InputError(problems, _HEADLINE)
    return places


def _kind(client: Any, place: TableName) -> str | None:
    try:
        return str(client.get_table(place.dotted).table_type)
    except NotFound:
        return None
