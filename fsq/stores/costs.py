"""What a backfill would cost on a store that bills bytes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from fsq.contract import Contract


@dataclass(frozen=True, slots=True)
class Workload:
    """What a backfill would read and write.

    Attributes:
        rows: the source's rows, lazily.
        count: number of rows that would be scored.
        contract: the contract they would be scored with.
        source: URI of the source.
        carried: columns that are copied to the store unchanged; none in place.
        commits: number of transactions.
    """

    rows: pl.LazyFrame
    count: int
    contract: Contract
    source: str
    carried: Collection[str]
    commits: int


@dataclass(frozen=True, slots=True)
class Price:
    """A public list price.

    Attributes:
        usd: dollars for ``unit`` bytes.
        unit: bytes that ``usd`` buys.
        free: bytes per month that are free for a billing account, as far as they count here.
        note: what the price is for.
    """

    usd: float
    unit: int
    free: int
    note: str

    def of(self, size: float) -> float:
        """Dollars for this many bytes, none of them free.

        >>> Price(6.25, 2**40, 0, "queries").of(2**39)
        3.125
        """
        return size / self.unit * self.usd

    def beyond_free(self, size: float) -> float:
        """Dollars for this many bytes in a month whose free bytes are unused."""
        return self.of(max(0.0, size - self.free))


@dataclass(frozen=True, slots=True)
class CostItem:
    """One billed operation.

    Attributes:
        name: the operation.
        price: key of its price in ``CostEstimate.prices``.
        size: logical bytes that it moves.
        billed: bytes that are billed for it.
        usd: dollars at the list price.
    """

    name: str
    price: str
    size: int
    billed: int
    usd: float


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What a run would move and cost, and what its rows cost to keep.

    Attributes:
        service: who bills for it.
        rows: rows to score and write.
        commits: number of transactions.
        row_bytes: logical bytes of one stored row.
        items: the billed operations.
        rows_a_day: rows per day, for the cost of a year.
        days: days with rows, for the cost of a year.
        prices: by name; ``active`` and ``long_term`` are those of storage per month.
        assumptions: what the estimate rests on, one sentence each.
    """

    service: str
    rows: int
    commits: int
    row_bytes: int
    items: tuple[CostItem, ...]
    rows_a_day: int
    days: int
    prices: Mapping[str, Price]
    assumptions: tuple[str, ...]

    @property
    def usd(self) -> float:
        """Dollars for the run at list prices."""
        return sum(i.usd for i in self.items)

    @property
    def usd_beyond_free(self) -> float:
        """Dollars for the run if nothing else uses the month's free bytes."""
        billed = {p: sum(i.billed for i in self.items if i.price == p) for p in self.prices}
        return sum(self.prices[p].beyond_free(size) for p, size in billed.items())

    @property
    def year_bytes(self) -> int:
        """Logical bytes of a year's rows."""
        return self.rows_a_day * self.days * self.row_bytes

    @property
    def year_usd(self) -> float:
        """Dollars to keep a year's rows for twelve months, all of it as active storage."""
        return 12 * self.prices["active"].of(self.year_bytes)

    @property
    def year_usd_long_term(self) -> float:
        """The same if no row changes again: long-term storage after three months."""
        long = 9 * self.prices["long_term"].of(self.year_bytes)
        return 3 * self.prices["active"].of(self.year_bytes) + long

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, for JSON."""
        return {
            "rows": self.rows,
            "commits": self.commits,
            "row_bytes": self.row_bytes,
            "bytes": {i.name: i.size for i in self.items},
            "items": [asdict(i) for i in self.items],
            "usd": self.usd,
            "usd_beyond_free": self.usd_beyond_free,
            "year": {
                "rows_a_day": self.rows_a_day,
                "days": self.days,
                "bytes": self.year_bytes,
                "usd": self.year_usd,
                "usd_long_term": self.year_usd_long_term,
            },
            "prices": {name: asdict(p) for name, p in self.prices.items()},
            "assumptions": [*self.assumptions],
        }
