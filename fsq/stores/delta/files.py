"""Parquet files beside a Delta table's own, invisible until a commit adds them to its log."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from fsq.contract.table import Table
from fsq.errors import StoreError
from fsq.schema.arrow import to_arrow
from fsq.stores.base import WriterCommitMessage
from fsq.stores.delta.location import locate
from fsq.stores.read_errors import first_line

# Rows of an old file that are read at once.
_BATCH_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class DeltaDataWriter:
    """Writes files into a Delta table's folder, which every process must see at the same path.

    Args:
        folder: of the table, or its URI.
        prefix: begins the names of this run's files.
        schema: of the table.
        table: which columns are keys, and which one the date.
    """

    folder: str
    prefix: str
    schema: pa.Schema
    table: Table

    def write(self, task: int, scored: Iterable[pl.DataFrame]) -> WriterCommitMessage:
        """Write one file, under a name unique to this attempt.

        Raises:
            StoreError: the folder cannot be written, or the rows do not fit the table.
        """
        return self.write_arrow(f"{task:05}", (to_arrow(frame) for frame in scored))

    def write_arrow(self, label: str, tables: Iterable[pa.Table]) -> WriterCommitMessage:
        """The same for Arrow tables, with only the columns that they have."""
        name = f"{self.prefix}-{label}-{secrets.token_hex(8)}.parquet"
        files, keys = self._files, []
        writer = None
        try:
            with files.open_output_stream(name) as stream:
                for table in tables:
                    rows = self._cast(table)
                    if writer is None:
                        writer = pq.ParquetWriter(stream, rows.schema, compression="zstd")
                    writer.write_table(rows)
                    keys.append(pl.DataFrame(rows.select(self._counted)))
                if writer is not None:
                    writer.close()
            size = files.get_file_info(name).size
        except (OSError, pa.ArrowException) as error:
            problem = f"{self.folder}/{name} cannot be written: {first_line(error)}"
            raise StoreError(problem) from error
        written = pl.concat(keys)
        return WriterCommitMessage(name, written.height, size, _file_statistics(written))

    @property
    def _files(self) -> pafs.FileSystem:
        return locate(self.folder).open_files()

    @property
    def _counted(self) -> list[str]:
        """The columns that a file's statistics describe."""
        return [*self.table.keys, self.table.date]

    def _cast(self, table: pa.Table) -> pa.Table:
        """The rows with the types of the table's columns."""
        return table.cast(pa.schema([self.schema.field(n) for n in table.column_names]))

    def delete_files(self, keep: Iterable[str] = ()) -> None:
        """Delete this run's files, except those to keep."""
        kept = set(keep)
        files = self._files
        for file in files.get_file_info(pafs.FileSelector("")):
            if file.base_name.startswith(f"{self.prefix}-") and file.base_name not in kept:
                with suppress(FileNotFoundError):
                    files.delete_file(file.path)

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
            StoreError: it cannot be read.
        """
        dates = _to_array(days)
        with self._open(path) as file:
            tables = (pa.Table.from_batches([b]) for b in file.iter_batches(_BATCH_ROWS))
            others = (t.filter(pc.invert(pc.is_in(t[self.table.date], dates))) for t in tables)
            return self.write_arrow("rest", (t for t in others if t.num_rows))

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


def _to_array(days: Sequence[date]) -> pa.Array:
    return pa.array(days, pa.date32())


def _file_statistics(keys: pl.DataFrame) -> dict[str, object]:
    """Statistics of the keys and the date, in the form of Delta's log."""
    dates = keys.with_columns(pl.col(pl.Date).cast(pl.String))
    lowest, highest = (dates.select(f).row(0, named=True) for f in (pl.all().min(), pl.all().max()))
    return {
        "numRecords": keys.height,
        "minValues": {c: v for c, v in lowest.items() if v is not None},
        "maxValues": {c: v for c, v in highest.items() if v is not None},
        "nullCount": keys.null_count().row(0, named=True),
    }


def make_add_action(message: WriterCommitMessage) -> AddAction:
    """The file of a task as an entry of Delta's log."""
    now = int(time.time() * 1000)
    return AddAction(message.name, message.size, {}, now, True, json.dumps(message.facts))
