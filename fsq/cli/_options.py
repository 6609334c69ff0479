"""Arguments and options that several commands share."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from fsq.intake.run_context import RunContext

Parsed = TypeVar("Parsed", date, datetime)


class OnUnknown(StrEnum):
    """What to do about a source word that the contract does not know."""

    error = "error"
    default = "default"


def _iso(kind: type[Parsed], text: str, example: str) -> Parsed:
    try:
        return kind.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not {example}") from None


def day(text: str) -> date:
    """A date, or an error that shows how one is written."""
    return _iso(date, text, "a date such as 2026-02-06")


def _moment(text: str) -> datetime:
    return _iso(datetime, text, "a moment such as 2026-02-06T23:00:00Z")


def run_context(path: Path | None) -> RunContext | None:
    """The run context of a file, if one was named."""
    return None if path is None else RunContext.from_json(path)


StartOpt = Annotated[
    date | None,
    typer.Option(parser=day, metavar="DATE", help="First date; else the source's first."),
]
EndOpt = Annotated[
    date | None,
    typer.Option(parser=day, metavar="DATE", help="Last date, included; else the source's last."),
]
ContractOpt = Annotated[
    str, typer.Option(metavar="NAME|PATH", help="A shipped contract, or your own TOML file.")
]
AsOfOpt = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        parser=_moment,
        metavar="ISO",
        help="Judge freshness at this moment (UTC if it has no zone); else each date's end.",
    ),
]
RunContextOpt = Annotated[
    Path | None,
    typer.Option("--run-context", metavar="FILE.json", help="What upstream says of its run."),
]
OnUnknownOpt = Annotated[
    OnUnknown, typer.Option(help="Refuse unknown source words, or count them as defaults.")
]
CommitRowsOpt = Annotated[
    int,
    typer.Option(
        "--commit-rows",
        min=1,
        metavar="N",
        help="About so many rows, of whole dates, are held in memory and committed at once.",
    ),
]
JsonOpt = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
SOURCES = "Parquet file, folder or glob, Delta table, or bigquery://p.d.t"
StoreOpt = Annotated[str, typer.Option(metavar="D", help="Delta folder, or bigquery://p.d.t.")]
DateOpt = Annotated[
    date | None,
    typer.Option("--date", parser=day, metavar="DATE", help="One date, such as 2026-02-06."),
]
