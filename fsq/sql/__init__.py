"""SQL for people who live in SQL: queries and views over a scored table, made from the contract.

The files in ``views`` are GoogleSQL; what begins with a dollar sign comes from the contract.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from fsq.contract import Contract, load_contract
from fsq.diagnosis.trend import LOOKBACK
from fsq.errors import InputError
from fsq.sql.parts import parts
from fsq.sql.quote import comment, text
from fsq.stores.bigquery.names import TableName, literal
from fsq.utils.dates import validate_date_range

__all__ = ["VIEWS", "create_views", "free_names", "query", "view", "view_name"]

VIEWS = {
    "features": "one row per record and feature: the keys and the 23 fields",
    "wide": "one row per record, one column per feature: its value",
    "canary": "one row per date: its verdict, and the categories behind it",
    "findings": "one row per date and finding: kind, severity, rows, table, job",
    "diagnosis": "one row per date and upstream table: its defaults, its job",
    "trend": "one row per date against the median of the dates before it",
    "training_set": "one row per record that passes the gates, one column per feature",
}
_HISTORY_NOTE = """\
Each date needs the dates before it, so a filter on a view of this does not reach the partitions:
-- give a first and a last date when it is made, and it reads these and the few before the first."""
_COMPARING = ("canary", "findings", "diagnosis")  # with the dates before, as `fsq check` does


def query(
    name: str,
    table: TableName | str,
    contract: str | Contract = "v2_33features",
    start: date | None = None,
    end: date | None = None,
    game_id: bool = True,
) -> str:
    """One of ``VIEWS`` as a query.

    Args:
        name: which one.
        table: the scored table, or its ``bigquery://project.dataset.table``.
        contract: name, path or contract of the scoring.
        start: first date; None for the table's first.
        end: last date, included; None for the table's last.
        game_id: the table has a column ``game_id``, so that rows are counted per game.

    Raises:
        InputError: there is no such view, a name is no identifier, or the dates are in the
            wrong order.
        ContractError: the contract cannot be used.

    >>> print(query("features", "bigquery://p.nba.scored").splitlines()[1])
    -- One row per record and feature: the keys and the fields of feature_quality_detail.
    """
    if name not in VIEWS:
        raise InputError([f"no view {name!r}; use one of {', '.join(VIEWS)}"], "no SQL was made")
    validate_date_range(start, end, "no SQL was made")
    place, loaded = _table(table), load_contract(contract)
    first = start or date.min
    values = parts(loaded) | {
        "table": place.sql,
        "start": literal(first),
        "end": literal(end or date.max),
        "game_id": "t.`game_id`,\n  " if game_id else "",
        "game_id_read": "t.`game_id`,\n    " if game_id else "",
        "games": "COUNT(DISTINCT t.`game_id`)" if game_id else "CAST(NULL AS INT64)",
    }
    reach = _reach(name, loaded)
    since = first if first - date.min < reach else first - reach
    values["since"] = literal(since)
    values["history_note"] = _HISTORY_NOTE
    values["only_history"] = _only_history(loaded, values) if start else ""
    head = f"-- fsq {name} by the contract {comment(loaded.name)}, version {loaded.version_hash}\n"
    return head + Template(_template(name)).substitute(values)


def view(
    name: str,
    table: TableName | str,
    contract: str | Contract = "v2_33features",
    start: date | None = None,
    end: date | None = None,
    game_id: bool = True,
) -> str:
    """The same as a statement that creates or replaces a view beside the table; see ``query``.

    >>> print(view("trend", "bigquery://p.nba.scored").splitlines()[0])
    CREATE OR REPLACE VIEW `p.nba.scored_trend`
    """
    asked = query(name, table, contract, start, end, game_id)
    head = f"CREATE OR REPLACE VIEW {view_name(name, table).sql}"
    return f"{head}\nOPTIONS (description = {text(VIEWS[name])})\nAS\n{asked}"


def view_name(name: str, table: TableName | str) -> TableName:
    """The name of a table's view.

    >>> view_name("canary", "bigquery://p.nba.scored").dotted
    'p.nba.scored_canary'
    """
    place = _table(table)
    return TableName(place.project, place.dataset, f"{place.table}_{name}", place.location)


def create_views(
    client: Any,
    table: TableName | str,
    contract: str | Contract = "v2_33features",
    names: Iterable[str] = tuple(VIEWS),
) -> list[TableName]:
    """Create or replace a scored table's views, beside it.

    Args:
        client: Google's BigQuery client, as ``connected(project)`` gives in ``tables``.
        table: the scored table, or its ``bigquery://project.dataset.table``.
        contract: name, path or contract of the scoring.
        names: which of ``VIEWS``.

    Returns:
        The names of the views, in order.

    Raises:
        InputError: the table lacks quality columns, or something that is no view bears a view's
            name; nothing has been changed then.
        GoogleAPIError: the service refused.
    """
    from fsq.sql.create import created  # loads Google's client

    return created(client, _table(table), load_contract(contract), tuple(names))


def free_names(
    client: Any, table: TableName | str, names: Iterable[str] = tuple(VIEWS)
) -> list[TableName]:
    """The names that ``create_views`` would use; nothing is changed.

    Raises:
        InputError: something that is no view bears one of them.
        GoogleAPIError: the service refused.
    """
    from fsq.sql.create import free  # loads Google's client

    return free(client, _table(table), tuple(names))


def _table(table: TableName | str) -> TableName:
    return table if isinstance(table, TableName) else TableName.parse(table)


def _reach(name: str, contract: Contract) -> timedelta:
    """How far before the first date a view reads, to compare with."""
    if name in _COMPARING:
        return timedelta(days=contract.diagnosis.history_max_age_days)
    return LOOKBACK if name == "trend" else timedelta()


def _only_history(contract: Contract, values: dict[str, str]) -> str:
    """Of the dates before the first one, only the last few, as `fsq check` reads them."""
    return Template("""
    AND (t.`game_date` >= $start OR t.`game_date` IN (
      SELECT h.`game_date` FROM $table AS h
      WHERE h.`game_date` >= $since AND h.`game_date` < $start
        AND ARRAY_LENGTH(h.`feature_quality_detail`) = $width
      GROUP BY h.`game_date` ORDER BY h.`game_date` DESC LIMIT $history_days
    ))""").substitute(values)


@cache
def _template(name: str) -> str:
    """A view's file, with the files whose names begin with an underscore put into it."""
    whole = _file(name)
    for part in ("days", "judged"):
        whole = whole.replace(f"${part}", _file(f"_{part}").rstrip("\n"))
    return whole


def _file(name: str) -> str:
    return (files("fsq.sql") / "views" / f"{name}.sql").read_text(encoding="utf-8")
