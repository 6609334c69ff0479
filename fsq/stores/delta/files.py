"""Parquet files beside a Delta table's own: invisible until a commit names them."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from fsq.errors import StoreError
from fsq.schema.arrow import to_arrow
from fsq.schema.columns import KEYS
from fsq.stores.base import WriterCommitMessage

# Rows that are read of an old file at once.
_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class DeltaDataWriter:
    """A Delta table's folder, which every process must see under the same path.

    Args:
        folder: of the table.
        token: begins the names of this run's files.
        schema: of the table.
    """

    folder: str
    token: str
    schema: pa.Schema

    def write(self, task: int, scored: Iterable[pl.DataFrame]) -> WriterCommitMessage:
        """Write one file, of a name that no other attempt has.

        Raises:
            StoreError: the folder cannot be written, or the rows do not fit the table.
        """
        return self.write_arrow(f"{task:05}", (to_arrow(frame) for frame in scored))

    def write_arrow(self, label: str, tables: Iterable[pa.Table]) -> WriterCommitMessage:
        """The same, of Arrow tables; only the columns that they have."""
        name = f"{self.token}-{label}-{secrets.token_hex(8)}.parquet"
        path = Path(self.folder) / name
        keys = []
        writer = None
        try:
            for table in tables:
                fitting = self._fitting(table)
                if writer is None:
                    writer = pq.ParquetWriter(path, fitting.schema, compression="zstd")
                writer.write_table(fitting)
                keys.append(pl.DataFrame(fitting.select(KEYS)))
        except (OSError, pa.ArrowException) as error:
            raise StoreError(f"{path} cannot be written: {error}") from error
        finally:
            if writer is not None:
                writer.close()
        known = pl.concat(keys)
        return WriterCommitMessage(name, known.height, path.stat().st_size, _stats(known))

    def _fitting(self, table: pa.Table) -> pa.Table:
        """The table's rows with the types that its columns have in the store."""
        return table.cast(pa.schema([self.schema.field(n) for n in table.column_names]))

    def discard(self, but: Iterable[str] = ()) -> None:
        """Remove this run's files, except those."""
        kept = set(but)
        for path in Path(self.folder).glob(f"{self.token}-*.parquet"):
            if path.name not in kept:
                path.unlink(missing_ok=True)

    def count(self, path: str, days: Sequence[date]) -> tuple[int, int]:
        """How many rows of these dates a file has, and how many rows in all.

        Raises:
            StoreError: it cannot be read.
        """
        with self._opened(path) as file:
            dates = file.read(["game_date"])["game_date"]
            return pc.sum(pc.is_in(dates, _dates(days))).as_py() or 0, len(dates)

    def rest(self, path: str, days: Sequence[date]) -> WriterCommitMessage:
        """Write the rows that a file has of other dates, or of none, into a new file.

        Raises:
            StoreError: it cannot be read.
        """
        with self._opened(path) as file:
            tables = (pa.Table.from_batches([b]) for b in file.iter_batches(_BATCH))
            kept = (t.filter(pc.invert(pc.is_in(t["game_date"], _dates(days)))) for t in tables)
            return self.write_arrow("rest", (t for t in kept if t.num_rows))

    @contextmanager
    def _opened(self, path: str) -> Iterator[pq.ParquetFile]:
        try:
            with pq.ParquetFile(Path(self.folder) / path) as file:
                yield file
        except (OSError, pa.ArrowException) as error:
            raise StoreError(f"{self.folder}/{path} cannot be read: {error}") from error


def _dates(days: Sequence[date]) -> pa.Array:
    return pa.array(days, pa.date32())


def _stats(keys: pl.DataFrame) -> dict[str, object]:
    """Statistics of a file as Delta's log states them, of the two keys."""
    known = keys.select(
        *(pl.col(c).min().cast(pl.String).alias(f"min_{c}") for c in KEYS),
        *(pl.col(c).max().cast(pl.String).alias(f"max_{c}") for c in KEYS),
        *(pl.col(c).null_count().alias(f"null_{c}") for c in KEYS),
    ).row(0, named=True)
    return {
        "numRecords": keys.height,
        "minValues": {c: known[f"min_{c}"] for c in KEYS if known[f"min_{c}"] is not None},
        "maxValues": {c: known[f"max_{c}"] for c in KEYS if known[f"max_{c}"] is not None},
        "nullCount": {c: known[f"null_{c}"] for c in KEYS},
    }


def added(part: WriterCommitMessage) -> AddAction:
    """The part as an entry of Delta's log."""
    now = int(time.time() * 1000)
    return AddAction(part.name, part.size, {}, now, True, json.dumps(part.facts))
