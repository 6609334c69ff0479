"""``fsq demo``: simulated input files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fsq.cli._options import JsonOpt
from fsq.cli._output import Output


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write to.")],
    season: Annotated[str, typer.Option(metavar="2025-26", help="The season to simulate.")] = (
        "2025-26"
    ),
    contract: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH", help="Simulate the table of this contract, not a season."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed simulates the same rows.")] = 7,
    as_json: JsonOpt = False,
) -> None:
    """Simulate a season, or any contract's table, as input files with incidents to find."""
    from fsq.demo import write_demo  # no other command needs it

    out = Output(as_json)
    made = write_demo(folder, season=season, seed=seed, contract=contract)
    out.line(f"{made.rows_path}: {made.rows:,} rows of {made.dates:,} dates")
    out.line(f"{made.incidents_path}: the {made.incidents:,} incidents hidden in them")
    out.document(
        {
            "rows_path": str(made.rows_path),
            "rows": made.rows,
            "dates": made.dates,
            "incidents_path": str(made.incidents_path),
            "incidents": made.incidents,
        }
    )
