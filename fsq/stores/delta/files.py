"""Parquet files beside a Delta table's own, invisible until a commit adds them to its log."""

from __future__ import annotations

import io
import json
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from fsq.contract.table import Table
from fsq.errors import StoreError
from fsq.schema.polars_types import decode_type, replace_types
from fsq.stores.base import WriterCommitMessage
from fsq.stores.delta.location import locate
from fsq.stores.delta.statistics import FileStatistics
from fsq.stores.objects.bucket import write_object
from fsq.stores.objects.uri import is_object_uri
from fsq.stores.read_errors import first_line
from fsq.utils.frames import scan_batches

# Rows of an old file that are read at once.
_BATCH_ROWS = 5_000
# A reader that skips row groups reads little more than it needs; a writer holds one at a time.
_ROW_GROUP_ROWS = 3_000
_SCHEMA = "ARROW:schema"


@dataclass(frozen=True, slots=True)
class DeltaDataWriter:
    """Writes files into a Delta table's folder, which every process must see at the same path.

    Args:
        folder: of the table, or its URI.
        prefix: begins the names of this run's files.
        types: of the table's columns.
        table: which columns are keys, and which one the date.
    """

    folder: str
    prefix: str
    types: Mapping[str, pl.DataType]
    table: Table

    def write(self, task: int, scored: Iterable[pl.DataFrame]) -> WriterCommitMessage:
        """Write one file, under a name unique to this attempt.

        Args:
            task: its number, for the name.
            scored: the rows, piece by piece; only one piece is in memory at a time.

        Raises:
            StoreError: the folder cannot be written, or the rows do not fit the table.
        """
        name = f"{self.prefix}-{task:05}-{secrets.token_hex(8)}.parquet"
        statistics = FileStatistics(self.table)
        pieces = iter(scored)
        first = self._fit(next(pieces))
        failures: list[BaseException] = []

        def read(needed: set[str], predicate: pl.Expr | None) -> Iterator[pl.DataFrame]:
            # Polars would wrap what fails here into an error of its own.
            try:
                statistics.add(first)
                yield first
                for piece in pieces:
                    rows = self._fit(piece)
                    statistics.add(rows)
                    yield rows
            except Exception as error:
                failures.append(error)
                raise

        try:
            # Polars writes its own columns as they are; through Arrow, each is copied first.
            with self._create(name) as file:
                scan_batches(read, first.schema).sink_parquet(
                    file,
                    compression="zstd",
                    compression_level=1,
                    row_group_size=_ROW_GROUP_ROWS,
                    metadata=_describe_schema(first.schema),
                )
            size = self._files.get_file_info(name).size
        except Exception as error:
            self._delete(name)
            if failures:
                raise failures[0] from None
            if not isinstance(error, OSError | pl.exceptions.PolarsError):
                raise
            problem = f"{self.folder}/{name} cannot be written: {first_line(error)}"
            raise StoreError(problem) from error
        return WriterCommitMessage(name, statistics.rows, size, statistics.to_dict())

    @contextmanager
    def _create(self, name: str) -> Iterator[Any]:
        """What Polars writes a new file to: a path; or, compressed, memory to be uploaded."""
        if not is_object_uri(self.folder):
            yield Path(self.folder) / name
            return
        finished = io.BytesIO()
        yield finished
        write_object(f"{self.folder}/{name}", finished.getbuffer())

    def _fit(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with the types of the table's columns; texts may stay codes."""
        try:
            casts = {
                c: self.types[c]
                for c, dtype in rows.schema.items()
                if replace_types(dtype, decode_type) != self.types[c]
            }
            return rows.with_columns(pl.col(c).cast(dtype) for c, dtype in casts.items())
        except (pl.exceptions.PolarsError, KeyError) as error:
            problem = f"{self.folder} cannot be written: {first_line(error)}"
            raise StoreError(f"{problem}; the rows do not fit the table") from error

    def scan(self, messages: Iterable[WriterCommitMessage]) -> pl.LazyFrame:
        """The rows of files that were written to a folder, lazily."""
        paths = [Path(self.folder) / message.name for message in messages]
        return pl.scan_parquet(paths, glob=False, hive_partitioning=False)

    def delete(self, messages: Iterable[WriterCommitMessage]) -> None:
        """Delete files that are not to be committed."""
        for message in messages:
            self._delete(message.name)

    def delete_files(self, keep: Iterable[str] = ()) -> None:
        """Delete this run's files, except those to keep."""
        kept = set(keep)
        for file in self._files.get_file_info(pafs.FileSelector("", allow_not_found=True)):
            if file.base_name.startswith(f"{self.prefix}-") and file.base_name not in kept:
                self._delete(file.path)

    def _delete(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self._files.delete_file(path)

    @property
    def _files(self) -> pafs.FileSystem:
        return locate(self.folder).open_files()

    def count_rows(self, path: str, days: Sequence[date]) -> tuple[int, int]:
        """How many rows of these dates a file has, and how many in all.

        Raises:
            StoreError: it cannot be read.
        """
        with self._open(path) as file:
            dates = file.read([self.table.date])[self.table.date]
            return pc.sum(pc.is_in(dates, _to_array(days))).as_py() or 0, len(dates)

    def copy_other_dates(self, path: str, days: Sequence[date]) -> WriterCommitMessage:
        """Copy a file's rows of other dates, or without a date, into a new file.

        Raises:
            StoreError: it cannot be read, or the copy not be written.
        """
        dates, statistics = _to_array(days), FileStatistics(self.table)
        copy = f"rest-{self.prefix}-{secrets.token_hex(8)}.parquet"
        with self._open(path) as file:
            counted = statistics.choose_columns(pl.Schema(file.schema_arrow))
            try:
                # Opened here, since Arrow's writer leaves a file open on a full disk.
                with (
                    self._files.open_output_stream(copy) as sink,
                    pq.ParquetWriter(sink, file.schema_arrow, compression="zstd") as writer,
                ):
                    for batch in file.iter_batches(_BATCH_ROWS):
                        rows = pa.Table.from_batches([batch])
                        others = rows.filter(pc.invert(pc.is_in(rows[self.table.date], dates)))
                        writer.write_table(others)
                        statistics.add(pl.DataFrame(others.select(counted)))
                size = self._files.get_file_info(copy).size
            except (OSError, pa.ArrowException) as error:
                self._delete(copy)
                problem = f"{self.folder}/{copy} cannot be written: {first_line(error)}"
                raise StoreError(problem) from error
        return WriterCommitMessage(copy, statistics.rows, size, statistics.to_dict())

    @contextmanager
    def _open(self, path: str) -> Iterator[pq.ParquetFile]:
        try:
            with (
                self._files.open_input_file(path) as data,
                pq.ParquetFile(data, pre_buffer=True) as file,
            ):
                yield file
        except (OSError, pa.ArrowException) as error:
            problem = f"{self.folder}/{path} cannot be read: {first_line(error)}"
            raise StoreError(problem) from error


def _describe_schema(schema: pl.Schema) -> dict[str, str]:
    """The schema as a file's metadata states it, with texts where the rows have codes of them.

    In the file, codes are what any dictionary of texts is; readers need not know of Enums.
    """
    texts = {c: replace_types(dtype, decode_type) for c, dtype in schema.items()}
    file = io.BytesIO()
    pl.DataFrame(schema=texts).write_parquet(file)
    file.seek(0)
    return {_SCHEMA: pl.read_parquet_metadata(file)[_SCHEMA]}


def _to_array(days: Sequence[date]) -> pa.Array:
    return pa.array(days, pa.date32())


def make_add_action(message: WriterCommitMessage) -> AddAction:
    """The file of a task as an entry of Delta's log."""
    now = int(time.time() * 1000)
    return AddAction(message.name, message.size, {}, now, True, json.dumps(message.facts))
