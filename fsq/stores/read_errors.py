"""Errors that occur only while rows are read, as one clear error."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl
import pyarrow as pa

from fsq.errors import FsqError, StoreError
from fsq.stores.objects.errors import describe_object_error

_READ_ERRORS = (
    OSError,
    pa.ArrowException,
    pl.exceptions.ComputeError,
    pl.exceptions.SchemaError,
    pl.exceptions.ColumnNotFoundError,
)


def is_read_error(error: BaseException) -> bool:
    """Whether the cause is a damaged or missing file, and not a bug of fsq.

    Readers written in Rust panic over some damaged files; these errors have no common class and
    are not an ``Exception``.
    """
    # A damaged schema in a file is reported as an invalid operation, like many bugs.
    invalid = isinstance(error, pl.exceptions.InvalidOperationError)
    damaged = invalid and "ARROW:schema" in str(error)
    # Polars' own names: columns of a damaged file have different lengths.
    uneven = isinstance(error, pl.exceptions.ShapeError) and "_POLARS_TMP" in str(error)
    # Named, not imported: deltalake is slow to import, and most commands do without it.
    names = {kind.__name__ for kind in type(error).__mro__}
    rust = not names.isdisjoint({"PanicException", "DeltaError"})
    return damaged or uneven or rust or isinstance(error, _READ_ERRORS)


@contextmanager
def store_read_errors(uri: str) -> Iterator[None]:
    """Turn errors while a store's rows are read into a ``StoreError``.

    Raises:
        StoreError: its files are damaged or missing, or it lacks a column.
    """
    try:
        yield
    except FsqError:
        raise
    except BaseException as error:
        if not is_read_error(error):
            raise
        if missing := _find_missing_column(error):
            cure = f"`fsq schema migrate {shlex.quote(uri)}` adds those of its contract"
            raise StoreError(f"{uri} has no column {missing}; {cure}") from error
        cure = "restore its files, or backfill it into another folder"
        raise StoreError(f"{uri} cannot be read: {describe_damage(error, cure)}") from error


def _find_missing_column(error: BaseException) -> str | None:
    if not isinstance(error, pl.exceptions.ColumnNotFoundError):
        return None
    found = re.match(r'unable to find column "(.+?)"; valid columns', str(error))
    return found and found[1]


def describe_damage(error: BaseException, cure: str) -> str:
    """What is wrong with a store's files, and a cure; where a bucket failed, the files are fine.

    >>> describe_damage(OSError("it is short"), "restore it")
    'it is short; restore it'
    >>> describe_damage(OSError("Generic S3 error: timed out"), "restore it")
    'S3 cannot be reached; check the network and the endpoint'
    """
    described = describe_object_error(str(error))
    return f"{first_line(error)}; {cure}" if described is None else described


def first_line(error: BaseException) -> str:
    """The first line of an error, without hints for Polars' own API; some carry a whole plan.

    Those of object stores have their reason in the last of many lines; it is told instead.
    """
    if (described := describe_object_error(str(error))) is not None:
        return described
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return re.sub(r",? ?\(?hint: .*", "", line)[:300]
