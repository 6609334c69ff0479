"""A third kind of store, in one file: tables in memory, for ``memory://name``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from fsq.contract import Contract
from fsq.schema.nested import select_columns
from fsq.schema.tables import AnyRows
from fsq.stores import Backend, LedgerEntry, WriteResult, store_not_found, write_conflict
from fsq.stores.origin import Origin, OriginOfRows, list_contract_names
from fsq.stores.side import SideConflictError, SideTable, SideTables
from fsq.stores.validation import CANNOT_READ, read_scored, require_columns, validate_keys
from fsq.utils.arguments import DateLike, Names, read_names
from fsq.utils.frames import filter_dates


@dataclass
class Table:
    """What one table holds; each write makes a new version."""

    rows: pl.DataFrame
    version: int = 0
    ledger: dict[date, LedgerEntry] = field(default_factory=dict)
    origin: Origin | None = None
    side: dict[str, SideTable] = field(default_factory=dict)


TABLES: dict[str, Table] = {}


class MemoryStore(OriginOfRows, SideTables):
    """A table that lives as long as the process."""

    def read(
        self,
        start: DateLike | None = None,
        end: DateLike | None = None,
        columns: Names | None = None,
        fields: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        table = TABLES.get(self.uri)
        if table is None:
            raise store_not_found(self.uri)
        rows = filter_dates(table.rows.lazy(), self.contract.table.date, start, end)
        if columns is None:
            return rows
        columns = read_names(columns, "columns", CANNOT_READ) or ()
        require_columns(columns, table.rows.schema, self.uri)
        return rows.select(select_columns(columns))

    def replace(
        self,
        scored: AnyRows,
        ledger: Mapping[date, LedgerEntry] | None = None,
        since: int | None = None,
    ) -> WriteResult:
        new = pl.DataFrame(read_scored(scored))
        arrow = new.to_arrow()
        origin = self.adopt_contract(list_contract_names(arrow))
        table = origin.contract.table
        dates = validate_keys(arrow, table)
        old = TABLES.get(self.uri, Table(new.clear()))
        if since not in (None, old.version):
            raise write_conflict(self.uri)
        others = old.rows.filter(~pl.col(table.date).is_in(dates))
        kept = {d: e for d, e in old.ledger.items() if d not in dates} | dict(ledger or {})
        rows = pl.concat([others, new], how="diagonal").sort(table.date, *table.keys)
        TABLES[self.uri] = Table(rows, old.version + 1, kept, origin, old.side)
        return WriteResult(new.height, len(dates), old.version + 1)

    def version(self) -> int | None:
        return TABLES[self.uri].version if self.uri in TABLES else None

    def origin(self) -> Origin | None:
        return TABLES[self.uri].origin if self.uri in TABLES else None

    def ledger(self) -> dict[date, LedgerEntry]:
        return dict(TABLES[self.uri].ledger) if self.uri in TABLES else {}

    def load_side(self, name: str) -> SideTable | None:
        return TABLES[self.uri].side.get(name) if self.uri in TABLES else None

    def save_side(self, name: str, frame: pl.DataFrame, since: int | None) -> None:
        if self.uri not in TABLES:
            raise store_not_found(self.uri)
        side = TABLES[self.uri].side
        if since != (side[name].version if name in side else None):
            raise SideConflictError(self.uri, name)
        side[name] = SideTable(frame, (since or 0) + 1)


class MemoryBackend(Backend[MemoryStore]):
    """Answers to ``memory://name``."""

    name = "Memory"
    schemes = ("memory",)
    uri_form = "memory://name"

    def open(
        self, uri: str, contract: Contract | None = None, source: str | None = None
    ) -> MemoryStore:
        return MemoryStore(uri, contract, source)
