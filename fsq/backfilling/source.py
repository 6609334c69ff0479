"""Sources of records: files, a Delta table, or a BigQuery table."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TypeAlias

import polars as pl

from fsq.backfilling.files import scan_files
from fsq.backfilling.text_files import choose_cure
from fsq.backfilling.untrusted import find_copies
from fsq.backfilling.web import fetched, is_web_uri
from fsq.backfilling.windows import split_rows
from fsq.contract import Contract
from fsq.errors import FsqError, InputError, StoreError
from fsq.intake.preparation import prepare_rows
from fsq.masking import mask_secrets
from fsq.schema.tables import AnyRows, is_stored, read_rows
from fsq.stores import Store, get_backend, get_capabilities, is_store
from fsq.stores.objects.errors import describe_object_error
from fsq.stores.objects.uri import clean_uri, is_object_uri
from fsq.stores.read_errors import first_line, is_read_error
from fsq.utils.files import expand_home
from fsq.utils.forks import require_whole_process

Target: TypeAlias = str | os.PathLike[str] | Store
Source: TypeAlias = AnyRows | str | os.PathLike[str]


def locate(table: object) -> str | None:
    """The URI of a source or store: of a text, a path or a store; None for rows in memory.

    >>> locate(Path("season.parquet"))
    'season.parquet'
    """
    if isinstance(table, str | os.PathLike):
        return os.fspath(table)
    return table.uri if is_stored(table) else None


def scan_source(uri: str, contract: Contract | None = None) -> pl.LazyFrame:
    """Open a source lazily.

    Args:
        uri: a Parquet, CSV, NDJSON or Arrow file, a folder or glob of such files, a Delta
            table's folder, any of these in a bucket, the https address of a file, or
            ``bigquery://project.dataset.table``.
        contract: whose names and dates the columns are to have, as ``prepare_rows`` gives them;
            None to leave them as they are.

    Raises:
        InputError: nothing is there, it cannot be read in the format that its ending names, or a
            date is not one.
        StoreError: the scheme is not supported.
    """
    require_whole_process()
    uri = expand_home(uri)
    scheme, has_scheme, _ = uri.partition("://")
    if is_store(uri):
        rows = get_backend(uri).scan(uri)
        if contract is None:
            return rows
        with source_read_errors(uri):
            return prepare_rows(rows, contract)
    if has_scheme and scheme != "file" and not (is_object_uri(uri) or is_web_uri(uri)):
        raise StoreError(
            f"{scheme}:// sources are not supported; use files, https://, s3://, gs://, az:// or "
            "bigquery://"
        )
    if (copies := find_copies()) is not None:
        return copies.scan(uri, contract)
    if is_web_uri(uri):
        with source_read_errors(mask_secrets(uri)), fetched(uri) as path:
            return scan_files(path, contract)
    with source_read_errors(uri):
        return scan_files(uri, contract)


def scan_rows(rows: object, contract: Contract) -> pl.LazyFrame:
    """Rows in memory as a source.

    Raises:
        InputError: they are not a table of any library.
    """
    frame = read_rows(rows, "source", "the backfill cannot start").lazy()
    return prepare_rows(frame, contract)


def name_source(uri: str) -> str:
    """The URI of a source as it means the same from every folder; stores keep it, so no secrets.

    >>> name_source("bigquery://p.d.t")
    'bigquery://p.d.t'
    """
    # Not resolved: a link may be meant to lead elsewhere tomorrow.
    if is_object_uri(uri):
        return clean_uri(uri)
    return mask_secrets(uri) if "://" in uri else os.path.abspath(expand_home(uri))  # noqa: PTH100


@contextmanager
def source_read_errors(uri: str) -> Iterator[None]:
    """Turn failures that show only when a source's rows are read into one clear error.

    Raises:
        InputError: files are damaged, or differ in their columns.
        StoreError: files disappeared, or a disk or an object store failed: theirs, or the one
            they are copied to.
    """
    try:
        yield
    except FsqError:
        raise
    except BaseException as error:
        if not is_read_error(error):
            raise
        if isinstance(error, OSError) or describe_object_error(str(error)) is not None:
            cure = "run it again to resume"
            raise StoreError(f"{uri} can no longer be read: {first_line(error)}; {cure}") from error
        cure = choose_cure(error, "write the file again, or name files with one schema")
        raise InputError([f"{uri}: cannot be read: {first_line(error)}; {cure}"]) from error


@contextmanager
def spilled_to_disk(rows: pl.LazyFrame, uri: str, columns: Sequence[str]) -> Iterator[pl.LazyFrame]:
    """Copy a remote source's rows to a temporary file; yield a local source's as they are.

    Rows cross the network once, every later step sees the same rows, and no step holds more of
    them in memory than it reads.

    Args:
        rows: the source's rows, lazily.
        uri: the source.
        columns: columns to copy.
    """
    if not get_capabilities(uri).remote:
        yield rows
        return
    with _temporary_path() as file:
        with source_read_errors(uri):
            rows.select(list(dict.fromkeys(columns))).sink_ipc(file)
        yield pl.scan_ipc(file)


@contextmanager
def _temporary_path() -> Iterator[Path]:
    """Path of a temporary file; on Linux it has no name, so that it ends with the process."""
    if not Path("/proc/self/fd").is_dir():
        with TemporaryDirectory(prefix="fsq-") as folder:
            yield Path(folder) / "rows.arrow"
        return
    with TemporaryFile() as file:
        yield Path(f"/proc/self/fd/{file.fileno()}")


def fingerprint_dates(rows: pl.LazyFrame, date_column: str, columns: list[str]) -> pl.DataFrame:
    """Count the rows of each date and hash their content, whatever their order.

    Args:
        rows: feature rows.
        date_column: their column of dates.
        columns: columns whose content counts.

    Returns:
        ``day``, ``rows`` and ``fingerprint``, in order of date. The hash depends on the
        Polars version: after an upgrade, every date counts as changed.
    """
    schema = rows.collect_schema()
    columns = sorted(set(columns))
    text = [
        pl.col(c).cast(pl.String) if isinstance(schema[c], pl.Categorical | pl.Enum) else pl.col(c)
        for c in columns
    ]
    salt = hashlib.sha256(repr([pl.__version__, [(c, str(schema[c])) for c in columns]]).encode())
    hashed = [
        part.select(pl.col(date_column).alias("day"), pl.struct(text).hash(seed=7).alias("hash"))
        .group_by("day")
        .agg(pl.len().alias("rows"), pl.col("hash").reinterpret(signed=True).sum())
        .collect(engine="streaming")
        for part in split_rows(rows)
    ]
    return (
        pl.concat(hashed)
        .lazy()
        .group_by("day")
        .agg(pl.col("rows").sum(), pl.col("hash").sum())
        .sort("day")
        .select(
            "day",
            pl.col("rows").cast(pl.Int64),
            (pl.lit(salt.hexdigest()[:12] + ":") + pl.col("hash").cast(pl.String)).alias(
                "fingerprint"
            ),
        )
        .collect(engine="streaming")
    )
