"""The ``fsq`` command, and the one place that handles errors."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

import fsq
from fsq.cli import (
    _errors,
    backfill,
    bench,
    check,
    contract,
    demo,
    emulator,
    explain,
    incidents,
    model,
    repair,
    report,
    schema,
    score,
    sql,
    training_set,
    trend,
)
from fsq.cli._output import Output
from fsq.errors import FsqError, StoreError

# No markup and no decorated tracebacks: errors for people look alike, and bugs keep theirs.
app = typer.Typer(
    name="fsq",
    help="Score every feature of a feature store, diagnose dates, and choose training data.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("score")(score.command)
app.command("backfill")(backfill.command)
app.command("check")(check.command)
app.add_typer(incidents.app, name="incidents")
app.command("repair")(repair.command)
app.command("explain")(explain.command)
app.command("trend")(trend.command)
app.command("report")(report.command)
app.command("training-set")(training_set.command)
app.add_typer(model.app, name="model")
app.add_typer(contract.app, name="contract")
app.add_typer(schema.app, name="schema")
app.command("sql")(sql.command)
app.command("demo")(demo.command)
app.command("emulator")(emulator.command)
app.command("bench")(bench.command)


def _print_version(wanted: bool) -> None:
    if wanted:
        Output().line(f"fsq {fsq.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


class _WarningHandler(logging.Handler):
    """Prints the library's warnings on stderr."""

    def __init__(self, out: Output) -> None:
        super().__init__(logging.WARNING)
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        """Print one warning."""
        self._out.note(f"{record.levelname.capitalize()}: {record.getMessage()}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what follows ``fsq`` on the command line; None for the process's own.

    Returns:
        The exit status: 0 fine, 1 a check failed, 2 wrong usage or bad input, 3 the store or
        the network failed, 130 interrupted.

    >>> main(["contract", "diff", "v2_33features", "v2_33features"])
    0 differences
    0
    """
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    out = Output(as_json="--json" in words)
    handler = _WarningHandler(out)
    logging.getLogger("fsq").addHandler(handler)
    try:
        status = app(words, prog_name="fsq", standalone_mode=False)
    except FsqError as error:
        return _errors.report_error(error, out)
    except BrokenPipeError:
        raise  # the reader of the output has closed it
    except OSError as error:  # a file of the store disappeared, or a disk failed
        return _errors.report_error(StoreError(f"a file or a connection failed: {error}"), out)
    except typer.TyperException as error:
        path = getattr(getattr(error, "ctx", None), "command_path", "fsq")
        return _errors.report_usage_error(error.format_message(), path, out)
    except typer.Abort:
        status = _errors.INTERRUPTED
    finally:
        logging.getLogger("fsq").removeHandler(handler)
    if status == _errors.INTERRUPTED:
        out.note("Interrupted")
    return status if isinstance(status, int) else _errors.FINE
