"""Arrow files and streams, with the types that Polars' own reader does not know."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from io import BytesIO

import polars as pl
import pyarrow as pa

from fsq.errors import InputError
from fsq.schema.arrow import find_unreadable, from_arrow, has_wide_decimals
from fsq.stores.objects.bucket import read_object
from fsq.stores.objects.files import open_file
from fsq.stores.objects.uri import is_object_uri


def scan_arrow(file: str, numbers: Collection[str]) -> pl.LazyFrame:
    """Open an Arrow file lazily; an Arrow stream has no footer and is read at once.

    Args:
        file: its path or URI.
        numbers: lower-case names of columns that are read as floats, whatever their decimals.

    Raises:
        InputError: a column has a type that cannot be read.
    """
    with open_file(file) as data:
        reader = _open_reader(data)
        if reader is not None and (problems := find_unreadable(reader.schema)):
            raise InputError([f"{file}: {problem}" for problem in problems])
        if reader is not None and has_wide_decimals(reader.schema):
            return from_arrow(reader.read_all(), numbers).lazy()
    try:
        rows = pl.scan_ipc([file], glob=False, credential_provider=None)
        rows.collect_schema()
    except pl.exceptions.ComputeError:
        rows = pl.read_ipc_stream(_read_whole(file)).lazy()
    return rows


def _open_reader(
    data: pa.NativeFile,
) -> pa.RecordBatchFileReader | pa.RecordBatchStreamReader | None:
    """A reader that tells the types; None if only Polars may know them, as large integers."""
    for open_reader in (pa.ipc.open_file, pa.ipc.open_stream):
        data.seek(0)
        with suppress(pa.ArrowException):
            return open_reader(data)
    return None


def _read_whole(file: str) -> str | BytesIO:
    return BytesIO(read_object(file)) if is_object_uri(file) else file
