"""``fsq schema``: prints the output's schema, brings tables up to it, ends the dual-write."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from fsq.cli._errors import BAD_INPUT, FAILED_CHECK, FINE
from fsq.cli._options import JsonOpt
from fsq.cli._output import Output
from fsq.contract import Contract, load_contract
from fsq.errors import InputError
from fsq.schema.arrow import TABLE_SCHEMA
from fsq.schema.bigquery import output_fields as fields
from fsq.sql import check_view_names, create_views
from fsq.stores import (
    LegacyDropResult,
    Migration,
    SchemaChange,
    drop_legacy,
    find_missing,
    get_capabilities,
)
from fsq.stores import migrate as migrated
from fsq.stores.bigquery import ddl as sql
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.names import TableName

app = typer.Typer(help="Print the schema, add what a table lacks.", rich_markup_mode=None)
StoreArg = Annotated[
    str,
    typer.Argument(metavar="STORE", help="bigquery://project.dataset.table, or a Delta folder."),
]


class Format(StrEnum):
    """How the schema is printed."""

    sql = "sql"
    arrow = "arrow"
    json = "json"


@app.command()
def ddl(
    form: Annotated[
        Format, typer.Option("--format", help="SQL; Arrow types; JSON as `bq mk --schema` reads.")
    ] = Format.sql,
    table: Annotated[
        str | None,
        typer.Option(metavar="bigquery://P.D.T", help="Look at this table: only what it lacks."),
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="P.D.T", help="What the table is called in the statements.")
    ] = "your-project.nba_predictions.ml_feature_store_v2",
    contract: Annotated[
        str, typer.Option(metavar="NAME|PATH", help="Contract that the table's description names.")
    ] = "v2_33features",
    alter: Annotated[
        bool, typer.Option("--alter", help="ALTER TABLE for a table that has upstream's features.")
    ] = False,
    as_json: JsonOpt = False,
) -> None:
    """Print the output's schema: CREATE TABLE, or ALTER TABLE for a table that is there.

    Nothing is run, and no server is asked unless --table names a table.
    """
    out = Output(as_json)
    if form != Format.sql and (table or alter):
        raise InputError(
            ["--format sql alone goes with --table and --alter; drop one of them"],
            "the schema cannot be printed",
        )
    about = load_contract(contract)
    told = (
        f"Quality of the {len(about.features)} features of each player and game; "
        f"contract {about.name}"
    )
    named = TableName.parse(table or name)
    if table:
        if not get_capabilities(table).ddl:
            raise InputError(
                [
                    f"--table {table}: write bigquery://project.dataset.table; --name "
                    "takes a name that is not looked at"
                ],
                "the schema cannot be printed",
            )
        statements = sql.alter_table(named, find_missing(table))
    elif alter:
        statements = sql.alter_table(named)
    else:
        statements = sql.create_table(named, told)
    if form == Format.json:
        out.line(json.dumps(fields(), indent=2))
    elif form == Format.arrow:
        out.line(TABLE_SCHEMA.to_string())
    else:
        out.line(statements)
    out.document({"table": named.dotted, "sql": statements, "fields": fields()})


@app.command()
def migrate(
    store: StoreArg,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what is missing; change nothing.")
    ] = False,
    create: Annotated[
        bool, typer.Option("--create", help="Make the table if there is none.")
    ] = False,
    views: Annotated[
        bool,
        typer.Option(
            "--views", help="Make the views of `fsq sql` beside it, too, or replace them."
        ),
    ] = False,
    contract: Annotated[
        str, typer.Option(metavar="NAME|PATH", help="Contract that the views are made from.")
    ] = "v2_33features",
    as_json: JsonOpt = False,
) -> None:
    """Add the columns, sub-fields and descriptions that a table lacks; change nothing else.

    A name, type or mode that conflicts is an error: all of them are listed, nothing is changed.
    """
    out, about = Output(as_json), load_contract(contract)
    names = _view_names(store) if views else []
    done = migrated(store, dry_run=dry_run, create=create)
    _print(done, out)
    if names and not dry_run:
        _create_views(store, about)
    for name in names:
        out.line(f"{name}: {'would be made' if dry_run else 'made'}")
    out.document(done.to_dict() | ({"views": names} if views else {}))


def _view_names(store: str) -> list[str]:
    """The names of the views, known to be free before anything is changed."""
    if not get_capabilities(store).views:
        raise InputError(
            [f"--views: {store} is not in BigQuery; leave it out"], "the views cannot be created"
        )
    table = TableName.parse(store)
    with open_clients(table.project, table.location) as clients:
        return [name.dotted for name in check_view_names(clients.tables, table)]


def _create_views(store: str, contract: Contract) -> None:
    table = TableName.parse(store)
    with open_clients(table.project, table.location) as clients:
        create_views(clients.tables, table, contract)


def _print(done: Migration, out: Output) -> None:
    rows = [("add", *_row(c)) for c in done.added]
    rows += [("describe", *_row(c)) for c in done.described]
    if rows:
        out.table(("", "column", "type"), rows)
    parts = ["table made"] if done.created else []
    parts += [f"{_count(done.added)} added"] if done.added else []
    parts += [f"{len(done.described):,} described"] if done.described else []
    told = ", ".join(parts) or "nothing is missing"
    if parts and done.dry_run:
        told = f"would be: {told}; nothing was changed"
    out.line(f"{done.table}: {told}")
    for note in done.notes:
        out.note(f"Note: {note}")


def _row(change: SchemaChange) -> tuple[str, str]:
    return change.path, change.type


def _count(changes: tuple[SchemaChange, ...]) -> str:
    deep = sum("." in c.path for c in changes)
    inner = f" and {deep:,} sub-field{'' if deep == 1 else 's'}" if deep else ""
    top = len(changes) - deep
    return f"{top:,} column{'' if top == 1 else 's'}{inner}"


@app.command("drop-legacy")
def drop(
    store: StoreArg,
    yes: Annotated[bool, typer.Option("--yes", help="Really drop them.")] = False,
    consumers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE|NAME",
            help="Who else reads the table: a file or folder of SQL or code, a "
            "project.dataset.view, or a field that is in use. May be given several times.",
        ),
    ] = None,
    input_too: Annotated[
        bool,
        typer.Option(
            "--input-too", help="Drop feature_sources although the table's features need it."
        ),
    ] = False,
    as_json: JsonOpt = False,
) -> int:
    """End the dual-write: drop feature_sources, primary_data_source, matchup_data_status.

    Refused, with exit status 1, while a view or routine of the dataset, a consumer or the table
    itself still names one of them. Without --yes nothing is dropped, and the status is 2.
    """
    out = Output(as_json)
    ending = drop_legacy(store, consumers or (), yes=yes, input_too=input_too)
    status = FAILED_CHECK if ending.references else FINE if yes or not ending.fields else BAD_INPUT
    _tell(ending, out)
    out.document(ending.to_dict() | {"exit_status": status})
    return status


def _tell(ending: LegacyDropResult, out: Output) -> None:
    names = ", ".join(ending.fields)
    if not ending.fields:
        out.line(f"{ending.table}: it has no legacy field")
    elif ending.references:
        count = len(ending.references)
        told = "1 place still names" if count == 1 else f"{count:,} places still name"
        out.line(f"{ending.table}: nothing was dropped, since {told} legacy fields:")
        for place in ending.references:
            out.line(f"  {place}")
    elif ending.dropped:
        out.line(f"{ending.table}: dropped {names}")
    else:
        out.line(f"{ending.table}: would drop {names}; nothing else names them")
        out.note("Nothing was changed. Add --yes to drop them")
