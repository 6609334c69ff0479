"""The ``fsq`` command and its one error handler."""

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
    model,
    report,
    schema,
    score,
    sql,
    training_set,
    trend,
)
from fsq.cli._output import Output
from fsq.errors import FsqError, StoreError

# No markup and no pretty tracebacks: errors for people have one look, and bugs keep theirs.
app = typer.Typer(
    name="fsq",
    help="Score the quality of every feature that a model eats, and say where it came from.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("score")(score.command)
app.command("backfill")(backfill.command)
app.command("trend")(trend.command)
app.command("report")(report.command)
app.command("check")(check.command)
app.command("explain")(explain.command)
app.command("training-set")(training_set.command)
app.command("bench")(bench.command)
app.command("demo")(demo.command)
app.command("emulator")(emulator.command)
app.command("sql")(sql.command)
app.add_typer(contract.app, name="contract")
app.add_typer(model.app, name="model")
app.add_typer(schema.app, name="schema")


def _version(wanted: bool) -> None:
    if wanted:
        Output().line(f"fsq {fsq.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


class _Talk(logging.Handler):
    """Warnings of the library, on stderr like everything else that is not a result."""

    def __init__(self, out: Output) -> None:
        super().__init__(logging.WARNING)
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        """Print one warning."""
        self._out.note(f"{record.levelname.capitalize()}: {record.getMessage()}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after ``fsq``; None for those of the process.

    Returns:
        The exit status: 0 fine, 1 a check failed, 2 wrong usage or bad input, 3 the store or
        the network failed, 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    out = Output(as_json="--json" in words)
    talk = _Talk(out)
    logging.getLogger("fsq").addHandler(talk)
    try:
        status = app(words, prog_name="fsq", standalone_mode=False)
    except FsqError as error:
        return _errors.report(error, out)
    except BrokenPipeError:
        raise  # whoever read the output has had enough
    except OSError as error:  # a store's file is gone while it is read, a disk fails
        told = StoreError(f"a file or a connection failed: {error}")
        return _errors.report(told, out)
    except typer.TyperException as error:
        path = getattr(getattr(error, "ctx", None), "command_path", "fsq")
        return _errors.report_usage(error.format_message(), path, out)
    except typer.Abort:
        status = _errors.INTERRUPTED
    finally:
        logging.getLogger("fsq").removeHandler(talk)
    if status == _errors.INTERRUPTED:
        out.note("Interrupted")
    return status if isinstance(status, int) else _errors.FINE
