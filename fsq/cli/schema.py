"""``fsq schema``: print the output schema, migrate tables to it, drop legacy fields."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from fsq.cli._errors import BAD_INPUT, FAILED_CHECK, FINE
from fsq.cli._options import CONTRACT, JsonOpt, StoreContractOpt
from fsq.cli._output import Output
from fsq.errors import InputError
from fsq.utils.text import plural

if TYPE_CHECKING:
    from fsq.stores import LegacyDropResult, Migration, SchemaChange

app = typer.Typer(help="Print the output schema, and migrate tables to it.", rich_markup_mode=None)
StoreArg = Annotated[
    str,
    typer.Argument(metavar="STORE", help="bigquery://project.dataset.table, or a Delta folder."),
]
IntegerKeysOpt = Annotated[
    list[str] | None,
    typer.Option(
        "--integer-key",
        metavar="KEY",
        help="A key that is an integer in a new table. Repeat it for several.",
    ),
]


class Format(StrEnum):
    """How the schema is printed."""

    sql = "sql"
    arrow = "arrow"
    json = "json"


@app.command()
def ddl(
    form: Annotated[
        Format, typer.Option("--format", help="SQL, Arrow types, or JSON for `bq mk --schema`.")
    ] = Format.sql,
    table: Annotated[
        str | None,
        typer.Option(
            metavar="bigquery://P.D.T", help="Read this table, and print only what it is missing."
        ),
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="P.D.T", help="Name of the table in the statements.")
    ] = "your-project.nba_predictions.ml_feature_store_v2",
    contract: StoreContractOpt = None,
    integer_keys: IntegerKeysOpt = None,
    partition_days: Annotated[
        int | None,
        typer.Option(
            "--partition-expiration-days", min=1, metavar="N", help="Let BigQuery delete old dates."
        ),
    ] = None,
    require_filter: Annotated[
        bool,
        typer.Option("--require-partition-filter", help="Refuse queries that name no dates."),
    ] = False,
    alter: Annotated[
        bool, typer.Option("--alter", help="Print ALTER TABLE, for the table of upstream features.")
    ] = False,
    as_json: JsonOpt = False,
) -> None:
    """Print the output schema.

    As SQL it is CREATE TABLE, or ALTER TABLE for an existing table. Nothing is run, and no
    server is contacted without --table.
    """
    from fsq.contract import load_contract
    from fsq.schema.bigquery import output_fields
    from fsq.stores import find_missing, get_capabilities, open_store
    from fsq.stores.bigquery.ddl import alter_table, create_table
    from fsq.stores.bigquery.names import TableName

    out = Output(as_json)
    if form != Format.sql and (table or alter):
        raise InputError(
            ["--table and --alter need --format sql; drop one of them"],
            "the schema cannot be printed",
        )
    table_name = TableName.parse(table or name)
    if table:
        if not get_capabilities(table).ddl:
            raise InputError(
                [
                    f"--table {table}: write bigquery://project.dataset.table, or use --name "
                    "for a table that is not read"
                ],
                "the schema cannot be printed",
            )
        loaded = open_store(table, contract).contract
        output = loaded.output.with_integer_keys(integer_keys or ())
        statements = alter_table(table_name, output, find_missing(table, loaded))
    else:
        loaded = load_contract(contract or CONTRACT)
        output = loaded.output.with_integer_keys(integer_keys or ())
        description = (
            f"Quality of the {len(loaded.features)} features of each {loaded.table.entity} and "
            f"date; contract {loaded.name}"
        )
        if alter:
            statements = alter_table(table_name, output)
        else:
            statements = create_table(
                table_name,
                output,
                description,
                partition_days=partition_days,
                require_filter=require_filter,
            )
    if form == Format.json:
        out.line(json.dumps(output_fields(output), indent=2))
    elif form == Format.arrow:
        out.line(output.table.to_string())
    else:
        out.line(statements)
    out.document({"table": table_name.dotted, "sql": statements, "fields": output_fields(output)})


@app.command()
def migrate(
    store: StoreArg,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what is missing; change nothing.")
    ] = False,
    create: Annotated[
        bool, typer.Option("--create", help="Create the table if it does not exist.")
    ] = False,
    views: Annotated[
        bool,
        typer.Option("--views", help="Create or replace the views of `fsq sql` beside it, too."),
    ] = False,
    contract: StoreContractOpt = None,
    integer_keys: IntegerKeysOpt = None,
    as_json: JsonOpt = False,
) -> None:
    """Add the columns that a table is missing.

    Only columns, sub-fields and descriptions are added. If a name, type or mode conflicts, all
    conflicts are listed and nothing is changed.
    """
    from fsq.cli._views import create_views, describe_canary, find_profile, find_view_names
    from fsq.stores import migrate as migrate_store
    from fsq.stores import open_store

    out, loaded = Output(as_json), open_store(store, contract).contract
    names = find_view_names(store) if views else []
    migration = migrate_store(
        store, loaded, dry_run=dry_run, create=create, integer_keys=integer_keys or ()
    )
    _print_migration(migration, out)
    profile = find_profile(store, loaded) if names else None
    if names and not dry_run:
        create_views(store, loaded, profile)
    for name in names:
        out.line(f"{name}: {'would be created' if dry_run else 'created'}")
    if names:
        out.note(describe_canary(store, profile))
    seen = {"views": names, "profile": profile is not None} if views else {}
    out.document(migration.to_dict() | seen)


def _print_migration(migration: Migration, out: Output) -> None:
    rows = [("add", c.path, c.type) for c in migration.added]
    rows += [("describe", c.path, c.type) for c in migration.described]
    if rows:
        out.table(("", "column", "type"), rows)
    parts = ["table created"] if migration.created else []
    parts += [f"{_count_columns(migration.added)} added"] if migration.added else []
    parts += [f"{len(migration.described):,} described"] if migration.described else []
    summary = ", ".join(parts) or "nothing is missing"
    if parts and migration.dry_run:
        summary = f"would be: {summary}; nothing was changed"
    out.line(f"{migration.table}: {summary}")
    for note in migration.notes:
        out.note(f"Note: {note}")


def _count_columns(changes: tuple[SchemaChange, ...]) -> str:
    nested = sum("." in c.path for c in changes)
    columns = plural(len(changes) - nested, "column")
    return f"{columns} and {plural(nested, 'sub-field')}" if nested else columns


@app.command("drop-legacy")
def drop(
    store: StoreArg,
    yes: Annotated[
        bool, typer.Option("--yes", help="Drop them; without it, nothing is changed.")
    ] = False,
    consumers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE|NAME",
            help="Another reader of the table: a file or folder of SQL or code, a "
            "project.dataset.view, or a field in use. Repeat it for several.",
        ),
    ] = None,
    input_too: Annotated[
        bool,
        typer.Option(
            "--input-too", help="Drop feature_sources even if the table's own features need it."
        ),
    ] = False,
    snapshot: Annotated[
        bool, typer.Option("--snapshot", help="Keep a snapshot of the table before, for 90 days.")
    ] = False,
    contract: StoreContractOpt = None,
    as_json: JsonOpt = False,
) -> int:
    """Drop the legacy fields, unless something uses them.

    The contract says which they are. While a view or routine of the dataset, a consumer or the
    table itself still names one of them, nothing is dropped and the exit status is 1. Without
    --yes, the exit status is 2.
    """
    from fsq.stores import drop_legacy

    out = Output(as_json)
    result = drop_legacy(
        store, consumers or (), contract, yes=yes, input_too=input_too, snapshot=snapshot
    )
    status = FAILED_CHECK if result.references else FINE if yes or not result.fields else BAD_INPUT
    _print_drop(result, out)
    out.document(result.to_dict() | {"exit_status": status})
    return status


def _print_drop(result: LegacyDropResult, out: Output) -> None:
    names = ", ".join(result.fields)
    if not result.fields:
        out.line(f"{result.table}: no legacy fields")
    elif result.references:
        count = len(result.references)
        places = "1 place still names" if count == 1 else f"{count:,} places still name"
        out.line(f"{result.table}: nothing was dropped, because {places} legacy fields:")
        for reference in result.references:
            out.line(f"  {reference}")
    elif result.dropped:
        out.line(f"{result.table}: dropped {names}")
        if result.snapshot is not None:
            out.line(f"As it was before, for 90 days: {result.snapshot}")
    else:
        out.line(f"{result.table}: would drop {names}; nothing else uses them")
        out.line("You lose:")
        for loss in result.losses:
            out.wrapped(loss, "  - ")
        out.note("Nothing was changed; add --yes to drop them, --snapshot to keep a copy before")
