"""Faults that show only while rows are read, as one clear error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl
import pyarrow as pa

from fsq.errors import FsqError, StoreError

_READ_ERRORS = (
    OSError,
    pa.ArrowException,
    pl.exceptions.ComputeError,
    pl.exceptions.SchemaError,
    pl.exceptions.ColumnNotFoundError,
)


def is_read_error(error: BaseException) -> bool:
    """Whether a file that is damaged or gone is the cause, and not a bug of fsq.

    Readers written in Rust panic over some damaged files; what they raise then has no common
    class, and is no ``Exception``.
    """
    # A damaged schema within a file comes as an operation that is not valid, as many bugs would.
    schema = isinstance(error, pl.exceptions.InvalidOperationError) and "ARROW:schema" in str(error)
    return schema or isinstance(error, _READ_ERRORS) or type(error).__name__ == "PanicException"


@contextmanager
def store_read_errors(uri: str) -> Iterator[None]:
    """Turn what goes wrong while a store's rows are read into a ``StoreError``.

    Raises:
        StoreError: its files are damaged or gone.
    """
    try:
        yield
    except FsqError:
        raise
    except BaseException as error:
        if not is_read_error(error):
            raise
        cure = "restore its files, or backfill it into another folder"
        raise StoreError(f"{uri} cannot be read: {first_line(error)}; {cure}") from error


def first_line(error: BaseException) -> str:
    """The first line of an error, since some carry a whole query plan."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
