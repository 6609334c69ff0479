"""The records that findings name: a bit for each, and their keys once somebody asks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.diagnosis.records import Records
from fsq.profile.rows import Mask

FINDING = "finding"


@dataclass(frozen=True)
class NamedRows:
    """Which records are named; a finding may name all of a large date.

    Attributes:
        records: their keys, date and time.
        bits: per finding, by its position: a bit for each record.

    >>> keys = pl.DataFrame({"player": ["james", "curry"]})
    >>> NamedRows.of(Records.of(keys), {3: np.array([False, True])}).frame.rows()
    [('curry', 3)]
    """

    records: Records
    bits: tuple[tuple[int, npt.NDArray[np.uint8]], ...]

    @classmethod
    def of(cls, records: Records, masks: dict[int, Mask]) -> NamedRows:
        """Those of these masks."""
        return cls(records, tuple((at, np.packbits(mask)) for at, mask in masks.items()))

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The keys of the records, finding by finding, and ``finding``, its position."""
        empty = self.records.take(np.zeros(0, dtype=np.int64), self.records.columns)
        parts = [empty.with_columns(pl.lit(0, pl.Int64).alias(FINDING))]
        for at, bits in self.bits:
            named = self.take(self._unpack(bits))
            parts.append(named.with_columns(pl.lit(at, pl.Int64).alias(FINDING)))
        return pl.concat(parts)

    def find(self, findings: Collection[int]) -> dict[int, Mask]:
        """The records that some findings name, finding by finding; none without any."""
        return {at: self._unpack(bits) for at, bits in self.bits if at in findings and bits.any()}

    def take(self, mask: Mask) -> pl.DataFrame:
        """The keys of the records in a mask."""
        return self.records.take(np.flatnonzero(mask), self.records.columns)

    def move(self, place: int) -> NamedRows:
        """The same once another finding stands at this position, before those that follow."""
        return replace(self, bits=tuple((at + (at >= place), bits) for at, bits in self.bits))

    def _unpack(self, bits: npt.NDArray[np.uint8]) -> Mask:
        return np.unpackbits(bits, count=self.records.height).view(np.bool_)
