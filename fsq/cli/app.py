"""The ``fsq`` command, and the one place that handles errors."""

from __future__ import annotations

import errno
import gc
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated

import typer

from fsq.cli import _errors, _settings, _storage, _talk
from fsq.cli._commands import CommandsByModule
from fsq.cli._output import Output
from fsq.cli._streams import OutputError, ReaderLeft, guarded_streams
from fsq.errors import FsqError, InputError, StoreError
from fsq.utils.version import VERSION

# No markup and no decorated tracebacks: all errors look alike.
app = typer.Typer(
    name="fsq",
    help="Score every feature of a feature store, diagnose dates, and choose training data.",
    epilog="Begin with `fsq contract init DATA`, or without data, with `fsq demo DIR`.",
    cls=CommandsByModule,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"fsq {VERSION}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            *_talk.VERBOSE[::-1], help="Print more, with errors in full; also after the command."
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            *_talk.QUIET[::-1],
            help="Beside the result, print errors only; also after the command.",
        ),
    ] = False,
    log_format: Annotated[
        str,
        typer.Option(
            _talk.FORMAT,
            metavar="|".join(_talk.FORMATS),
            help="What stderr gets: lines for people, or JSON objects; also after the command.",
        ),
    ] = _talk.FORMATS[0],
    storage_option: Annotated[
        list[str] | None,
        typer.Option(
            _storage.OPTION,
            metavar="NAME=VALUE",
            help="For s3://, gs:// and az://, such as aws_region=eu-west-1; also after the "
            "command, and several times. Secrets belong in the environment.",
        ),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(
            _settings.OPTION,
            metavar="NAME",
            help="The environment of fsq.toml to use, such as prod; also after the command.",
        ),
    ] = None,
) -> None:
    pass


class _LogHandler(logging.Handler):
    """Prints what the library logs on stderr."""

    def __init__(self, out: Output, level: int) -> None:
        super().__init__(level)
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        name = record.levelname
        self._out.log(name.lower(), record.getMessage(), f"{name.capitalize()}: ")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what follows ``fsq`` on the command line; None for the process's own.

    Returns:
        The exit status: 0 fine, 1 a check failed, 2 wrong usage or bad input, 3 the store, the
        network or stdout failed, 70 fsq itself failed, 130 interrupted, 141 the reader of stdout
        left.

    >>> main(["contract", "diff", "v2_33features", "v2_33features"])
    0 differences
    0
    """
    if arguments is not None:
        return _main(list(arguments))
    # Looking for plugins of pydantic reads the metadata of every installed distribution.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        return _main(sys.argv[1:])
    finally:
        # Python looks for garbage once more as it ends, among everything that was imported. The
        # system takes all of it back anyway: of a check that took a tenth of the time.
        gc.freeze()


def _main(words: list[str]) -> int:
    """Run one command, and give its exit status."""
    out = Output(as_json="--json" in words)
    unreadable = next((w for w in words if not _is_text(w)), None)
    try:
        words, talk = _talk.take_talk(words)
    except InputError as error:
        with guarded_streams():
            return _errors.report_error(error, out)
    if not talk.verbose:
        os.environ["RUST_BACKTRACE"] = "0"  # a panic is one line, like any other error
    with guarded_streams(), _talk.talking(talk):
        try:
            with _logging_to(out, verbose=talk.verbose):
                if unreadable is None:
                    status = _run(words, out, verbose=talk.verbose)
                else:
                    cure = "rename it, or set PYTHONUTF8=1 where the locale is not UTF-8"
                    problem = f"{unreadable!a} is not UTF-8; {cure}"
                    status = _errors.report_usage_error(problem, "fsq", out)
            sys.stdout.flush()
        except ReaderLeft:
            return _errors.READER_LEFT
        except OutputError as error:
            out.error(str(error))
            return _errors.STORE_FAILED
        except KeyboardInterrupt:
            status = _errors.INTERRUPTED
        if status == _errors.INTERRUPTED:
            out.note("Interrupted")
        return status


def _asks_for_help(words: list[str]) -> bool:
    end = words.index("--") if "--" in words else len(words)
    return not words or any(w in ("-h", "--help", "--version") for w in words[:end])


_WRITING = {"--record", "--notify", "--store-summary"}


def _reads_only(words: Sequence[str]) -> bool:
    """Whether a command writes nothing that could be lost or left half done."""
    readers = ("check", "explain", "trend", "sql", "model", "config")
    return bool(words) and words[0] in readers and not {*words} & _WRITING


def _is_text(word: str) -> bool:
    """Whether the system could decode a word; Polars and Delta Lake take only text."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def _logging_to(out: Output, *, verbose: bool) -> Iterator[None]:
    """Print the library's warnings, and with ``verbose`` the rest of its log."""
    log, level = logging.getLogger("fsq"), logging.INFO if verbose else logging.WARNING
    handler, before = _LogHandler(out, level), log.level
    log.addHandler(handler)
    log.setLevel(min(level, before or logging.WARNING))
    try:
        yield
    finally:
        log.setLevel(before)
        log.removeHandler(handler)


def _run(words: Sequence[str], out: Output, *, verbose: bool) -> int:
    """Run a command, and turn whatever it raises into a message and an exit status."""
    try:
        words, options = _storage.take_storage_options(list(words))
        words, environment = _settings.take_environment(words)
        settings = _settings.Settings()
        # Help and completion are given whatever the settings are.
        if "_FSQ_COMPLETE" in os.environ:
            with suppress(InputError):
                settings = _settings.read_settings(environment)
        elif not _asks_for_help(words):
            settings = _settings.read_settings(environment)
        with _storage.storage_options(options):
            status = app(words or ["--help"], prog_name="fsq", standalone_mode=False, obj=settings)
    except (ReaderLeft, OutputError, KeyboardInterrupt):
        raise
    except FsqError as error:
        if "_FSQ_COMPLETE" in os.environ:
            return _errors.FINE  # a shell that completes shows no errors
        return _errors.report_error(error, out, verbose=verbose, reads_only=_reads_only(words))
    except OSError as error:  # a file of the store disappeared, or a disk failed
        told = _connection_error(error)
        return _errors.report_error(told, out, verbose=verbose, reads_only=_reads_only(words))
    except typer.TyperException as error:
        path = getattr(getattr(error, "ctx", None), "command_path", "fsq")
        return _errors.report_usage_error(error.format_message(), path, out)
    except typer.Abort:
        return _errors.INTERRUPTED
    except SystemExit as error:
        cause = error.__context__
        if isinstance(cause, OSError) and cause.errno == errno.EPIPE:  # Typer exits with 1 for it
            return _errors.report_error(_connection_error(cause), out, verbose=verbose)
        if "_FSQ_COMPLETE" in os.environ:  # Typer answers the shell
            raise
        return _errors.report_bug(error, out, verbose=verbose)
    except BaseException as error:  # a panic of Polars is no Exception
        return _errors.report_bug(error, out, verbose=verbose)
    return status if isinstance(status, int) else _errors.FINE


def _connection_error(error: OSError) -> StoreError:
    from fsq.stores.read_errors import first_line

    return StoreError(f"a file or a connection failed: {first_line(error)}")
