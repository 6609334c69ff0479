"""``fsq sql``: views and queries over a scored table, as SQL for BigQuery."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fsq import sql
from fsq.cli import _options as o
from fsq.cli._output import Output
from fsq.contract import load_contract
from fsq.errors import InputError
from fsq.stores.bigquery.names import TableName


def command(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Query to print; without it, all are listed."),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(metavar="bigquery://P.D.T", help="The scored table."),
    ] = None,
    contract: o.ContractOpt = o.CONTRACT,
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

    Nothing is run.
    """
    out = Output(as_json)
    if name is None:
        out.table(("name", "gives"), list(sql.VIEWS.items()))
        out.document({"views": sql.VIEWS})
        return
    if table is None:
        cure = "name the scored table: --table bigquery://project.dataset.table"
        raise InputError([f"--table is missing; {cure}"], "no SQL was made")
    place, loaded = TableName.parse(table), load_contract(contract)
    make = sql.make_view if create_view else sql.make_query
    text = make(name, place, loaded, start, end, not no_group)
    if not as_json:
        sys.stdout.write(text)  # unwrapped, so that it can be pasted
    out.document(
        {
            "name": name,
            "gives": sql.VIEWS[name],
            "table": place.dotted,
            "view": sql.make_view_name(name, place).dotted if create_view else None,
            "contract": {"name": loaded.name, "version_hash": loaded.version_hash},
            "start": start,
            "end": end,
            "sql": text,
        }
    )
