"""``fsq emulator``: a local BigQuery, until interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fsq.cli._output import Output

_Port = typer.Option(min=0, max=65535, metavar="PORT", help="Port; 0 for a free one.")


def command(
    rest_port: Annotated[int, _Port] = 9050,
    grpc_port: Annotated[int, _Port] = 9060,
    data_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep tables in this folder; by default in memory."),
    ] = None,
    project: Annotated[
        str, typer.Option(metavar="ID", help="Project of requests that do not name one.")
    ] = "test-project",
) -> None:
    """Run a local BigQuery until interrupted.

    It speaks the real protocol. Once ready, it prints two lines to run in your shell, so that
    fsq and Google's clients use it.
    """
    from fsq.emulator import serve

    out = Output()

    def ready(rest: str, grpc: str) -> None:
        out.line(f"export BIGQUERY_EMULATOR_HOST={rest}")
        out.line(f"export BIGQUERY_STORAGE_EMULATOR_HOST={grpc}")

    serve(rest_port, grpc_port, data_dir, project, ready)
