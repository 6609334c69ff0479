"""``fsq sql``: views and queries over a scored table, as SQL for BigQuery."""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from fsq.cli import _options as o
from fsq.cli._dates import Calendar, choose_dates
from fsq.cli._output import Output
from fsq.cli._store import find_latest, open_for_reading, read_calendar
from fsq.errors import InputError

if TYPE_CHECKING:
    from fsq.contract import Contract
    from fsq.stores.bigquery.names import TableName

_HEADLINE = "no SQL was made"


def command(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Query to print; without it, all are listed."),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(metavar="bigquery://P.D.T", help="The scored table."),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="D",
            help="For `profile` and `canary`: the store whose profile limits the values; "
            "without --table also the table.",
        ),
    ] = None,
    contract: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="A shipped contract, or your own TOML file; by default the one that --store "
            f"remembers, or {o.CONTRACT}.",
        ),
    ] = None,
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    create_view: Annotated[
        bool, typer.Option("--create-view", help="Print CREATE OR REPLACE VIEW, beside the table.")
    ] = False,
    no_group: Annotated[
        bool,
        typer.Option(
            "--no-group", "--no-game-id", help="The table lacks the contract's group column."
        ),
    ] = False,
    as_json: o.JsonOpt = False,
) -> None:
    """Print a query or view over a scored table, as SQL.

    Nothing is run; only --store is read, for its profile.
    """
    from fsq import sql
    from fsq.contract import load_contract
    from fsq.stores.bigquery.names import TableName

    out = Output(as_json)
    start, end = choose_dates(None, start, end, _HEADLINE, _read_calendar(store, table, contract))
    if name is None:
        listed = sql.VIEWS | {sql.PROFILE: sql.PROFILE_QUERIES[sql.PROFILE] + " (--store)"}
        out.table(("name", "gives"), list(listed.items()))
        out.document({"views": listed})
        return
    if store is None and name == sql.PROFILE:
        cure = "name the store whose profile limits the values: --store bigquery://p.d.t"
        raise InputError([f"--store is missing; {cure}"], _HEADLINE)
    if table is None and (store is None or not store.startswith("bigquery://")):
        cure = "name the scored table: --table bigquery://project.dataset.table"
        raise InputError([f"--table is missing; {cure}"], _HEADLINE)
    place = TableName.parse(table or store or "")
    if store is None:
        loaded = load_contract(contract or o.CONTRACT)
        gives, text = (
            sql.VIEWS.get(name, ""),
            sql.make_query(name, place, loaded, start, end, not no_group),
        )
    else:
        loaded, text = _make_by_profile(name, place, store, contract, start, end, not no_group)
        gives = sql.PROFILE_QUERIES[name]
    if create_view:
        text = sql.wrap_view(name, place, gives, text)
    if not as_json:
        sys.stdout.write(text)  # unwrapped, so that it can be pasted
    out.document(
        {
            "name": name,
            "gives": gives,
            "table": place.dotted,
            "view": sql.make_view_name(name, place).dotted if create_view else None,
            "contract": {"name": loaded.name, "version_hash": loaded.version_hash},
            "start": start,
            "end": end,
            "sql": text,
        }
    )


def _read_calendar(store: str | None, table: str | None, contract: str | None) -> Calendar:
    """What words for dates mean; only for ``latest``, a table is read that is no store."""
    from fsq.contract import load_contract

    def find_newest() -> date:
        if store is None and table is None:
            raise InputError(["latest is a date of --store or --table; name one"], _HEADLINE)
        return find_latest(store or table or "", contract)

    if store is not None:
        return read_calendar(store, contract)
    return Calendar(find_newest, lambda: load_contract(contract or o.CONTRACT).table.timezone)


def _make_by_profile(
    name: str,
    table: TableName,
    store: str,
    contract: str | None,
    start: date | None,
    end: date | None,
    group: bool,
) -> tuple[Contract, str]:
    """A query whose limits are those of a store's profile, and the store's contract."""
    from fsq import sql
    from fsq.store_profile import require_profile

    if name not in sql.PROFILE_QUERIES:
        names = " and ".join(sql.PROFILE_QUERIES)
        raise InputError([f"only {names} take a profile; leave out --store"], _HEADLINE)
    with open_for_reading(store, contract) as opened:
        profile, schema = require_profile(opened, _HEADLINE), opened.read().collect_schema()
    if name == sql.PROFILE:
        return opened.contract, sql.make_profile_query(
            profile, table, opened.contract, schema, start, end
        )
    return opened.contract, sql.make_canary_query(
        profile, table, opened.contract, schema, start, end, group
    )
