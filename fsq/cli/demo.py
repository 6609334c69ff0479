"""``fsq demo``: a simulated season as input files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fsq.cli._options import JsonOpt
from fsq.cli._output import Output
from fsq.demo import write_demo


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go.")],
    season: Annotated[str, typer.Option(metavar="2025-26")] = "2025-26",
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 0,
    as_json: JsonOpt = False,
) -> None:
    """Simulate a season as input files, incidents included."""
    out = Output(as_json)
    write_demo(folder, season=season, seed=seed)
