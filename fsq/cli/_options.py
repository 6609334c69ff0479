"""Arguments and options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from fsq.cli._completion import complete_contract, complete_date
from fsq.cli._date_words import DATE_WORDS, DateWord
from fsq.errors import InputError

if TYPE_CHECKING:
    from fsq.intake.run_context import RunContext

Moment = TypeVar("Moment", date, datetime)

CONTRACT = "v2_33features"
PICTURES = ("svg", "png", "html")
SOURCES = (
    "Files, a folder, glob or Delta table, on disk or s3://, gs://, az://; a file at https://; or "
    "bigquery://p.d.t"
)
STORES = "Delta folder, s3://, gs:// or az:// path, or bigquery://p.d.t"


class OnUnknown(StrEnum):
    """What to do about source labels that the contract does not know."""

    error = "error"
    default = "default"


def _parse_iso(kind: type[Moment], text: str, example: str) -> Moment:
    try:
        return kind.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not {example}") from None


def parse_date(text: str) -> date:
    """An ISO date, or one of ``DATE_WORDS``, whose date depends on the table.

    Raises:
        BadParameter: the text is none; the message shows how to write one.
    """
    if text in DATE_WORDS:
        return DateWord.of(text)
    return _parse_iso(date, text, "a date such as 2026-02-06; or say today, yesterday or latest")


def _parse_moment(text: str) -> datetime:
    return _parse_iso(datetime, text, "a moment such as 2026-02-06T23:00:00Z")


def read_run_context(path: Path | None) -> RunContext | None:
    """The run context of a file; None without one."""
    from fsq.intake.run_context import RunContext

    return None if path is None else RunContext.from_json(path)


def split_names(text: str | None) -> list[str] | None:
    """The names of a comma-separated list; None without one.

    >>> split_names("pace_score, fatigue_score,")
    ['pace_score', 'fatigue_score']
    """
    return None if text is None else [n.strip() for n in text.split(",") if n.strip()]


def picture_kind(option: str, path: Path | None, kinds: tuple[str, ...] = PICTURES) -> str | None:
    """The kind of picture that a file's name asks for; None without a file.

    Raises:
        InputError: the name ends in something else.
        MissingExtraError: pictures cannot be drawn here.

    >>> picture_kind("--out", Path("trend.SVG"))
    'svg'
    """
    if path is None:
        return None
    kind = path.suffix.removeprefix(".").lower()
    if kind not in kinds:
        endings = ", ".join(f".{k}" for k in kinds)
        problem = f"{option} {path}: the name must end in one of {endings}"
        raise InputError([problem], "the picture cannot be drawn")
    if kind in PICTURES:
        from fsq.utils.extras import require_packages

        require_packages("report", "the picture cannot be drawn", "altair", "vl_convert")
    return kind


@contextmanager
def limit_bytes(text: str | None) -> Iterator[None]:
    """Limit what a single job may be billed, for the block.

    Raises:
        BadParameter: it is not a number of bytes.
    """
    from fsq.stores.bigquery.options import MAX_BYTES_VARIABLE, parse_bytes

    if text is None:
        yield
        return
    try:
        parse_bytes(text)
    except ValueError as error:
        raise typer.BadParameter(f"--max-bytes: {error}") from None
    before = os.environ.get(MAX_BYTES_VARIABLE)
    os.environ[MAX_BYTES_VARIABLE] = text
    try:
        yield
    finally:
        if before is None:
            del os.environ[MAX_BYTES_VARIABLE]
        else:
            os.environ[MAX_BYTES_VARIABLE] = before


StoreOpt = Annotated[str, typer.Option(metavar="D", help=f"{STORES}.")]
DateOpt = Annotated[
    date | None,
    typer.Option(
        "--date",
        parser=parse_date,
        autocompletion=complete_date,
        metavar="DATE",
        help="One date, such as 2026-02-06 or latest.",
    ),
]
StartOpt = Annotated[
    date | None,
    typer.Option(
        parser=parse_date,
        autocompletion=complete_date,
        metavar="DATE",
        help="First date; by default the earliest.",
    ),
]
EndOpt = Annotated[
    date | None,
    typer.Option(
        parser=parse_date,
        autocompletion=complete_date,
        metavar="DATE",
        help="Last date, included; by default the latest.",
    ),
]
LastOpt = Annotated[
    str | None,
    typer.Option("--last", metavar="7d", help="The last days, up to --end, or else today."),
]
ContractOpt = Annotated[
    str,
    typer.Option(
        metavar="NAME|PATH",
        autocompletion=complete_contract,
        help="A shipped contract, or your own TOML file.",
    ),
]
StoreContractOpt = Annotated[
    str | None,
    typer.Option(
        "--contract",
        metavar="NAME|PATH",
        autocompletion=complete_contract,
        help="Contract of the rows; by default the one that the store remembers.",
    ),
]
UntrustedOpt = Annotated[
    bool,
    typer.Option(
        "--untrusted",
        help="Read the input's files in a process of their own: damaged ones may end it.",
    ),
]
ChangeContractOpt = Annotated[
    bool,
    typer.Option(
        "--change-contract",
        help="Write with another contract than the store's; other dates keep their rows.",
    ),
]
AsOfOpt = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        parser=_parse_moment,
        metavar="ISO",
        help="Judge freshness at this moment, UTC unless it has a zone; by default at each "
        "row's time, or the end of its date.",
    ),
]
RunContextOpt = Annotated[
    Path | None,
    typer.Option(
        "--run-context",
        metavar="FILE.json",
        help="The upstream run: its ID, and the processors that completed.",
    ),
]
OnUnknownOpt = Annotated[
    OnUnknown, typer.Option(help="Refuse unknown source labels, or count them as defaults.")
]
MaxBytesOpt = Annotated[
    str | None,
    typer.Option(
        "--max-bytes",
        metavar="500GB",
        help="BigQuery: the most that a single job may be billed; a larger one fails, unbilled.",
    ),
]
CommitRowsOpt = Annotated[
    int,
    typer.Option(
        "--commit-rows",
        min=1,
        metavar="N",
        help="Score and commit about this many rows at once; dates are never split.",
    ),
]
WorkersOpt = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Threads that score and write; by default as many as there are cores, up to 8.",
    ),
]
JsonOpt = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
