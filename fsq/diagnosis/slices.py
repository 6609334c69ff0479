"""Where the records are that a finding names, in the words of the columns that came along."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fsq.diagnosis.context import Context
from fsq.diagnosis.findings import Slice
from fsq.diagnosis.scored_columns import list_plain_columns
from fsq.profile.rows import Codes, Mask

_MOST_OF_NAMED = 0.95  # of the named records that one value holds
_MOST_OF_SLICE = 0.6  # of the value's records that are named
_MOST_VALUES = 0.5  # share of a date's records that a column's values may number
_MOST_KEPT = 200_000  # records whose hashes are kept for the next finding


@dataclass(frozen=True)
class Slicer:
    """Finds slices of one date, whatever records are named.

    Attributes:
        ctx: the dates.
        at: position of the date.
    """

    ctx: Context
    at: int
    _known: dict[str, npt.NDArray[np.uint64]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def here(self) -> Codes:
        """Positions of the records of the date."""
        return self.ctx.find_records(self.at)

    @cached_property
    def columns(self) -> list[str]:
        """The columns whose values hold several records each."""
        contract, schema = self.ctx.contract, self.ctx.long.records.schema
        skipped = {*contract.names, *contract.output.legacy}  # what no reader takes for a place
        plain = (c for c in list_plain_columns(schema, contract) if c not in skipped)
        return [c for c in plain if not schema[c].is_float() and self._repeats(c)]

    def _repeats(self, column: str) -> bool:
        ordered = np.sort(self._hash(column))
        distinct = 1 + int((ordered[1:] != ordered[:-1]).sum())
        return 1 < distinct <= max(2, _MOST_VALUES * len(self.here))

    def _hash(self, column: str) -> npt.NDArray[np.uint64]:
        """Texts are compared by their hashes, since those of a large date take too much."""
        records = self.ctx.long.records
        if records.height <= _MOST_KEPT:  # those of all dates, for the findings of others
            every = self.ctx.remember(f"hashes of {column}", lambda: records.hash_all(column))
            return np.asarray(every[self.here])
        if column not in self._known:
            found = records.hash(self.here, column)
            if len(found) > _MOST_KEPT:
                return found
            self._known[column] = found
        return self._known[column]

    def find(self, named: Mask) -> Slice | None:
        """The slice that holds the named records; None if no slice does.

        The one that has the fewest other records is chosen.
        """
        hit = named[self.here]
        count = int(hit.sum())
        if count < 2 or count > 0.9 * len(hit):
            return None
        best: Slice | None = None
        for column in self.columns:
            hashes = self._hash(column)
            # If most of them have one value, it stands in the middle of them in order.
            middle = np.partition(hashes[hit], count // 2)[count // 2]
            same = hashes == middle
            inside, rows = int((same & hit).sum()), int(same.sum())
            if inside < _MOST_OF_NAMED * count or inside < _MOST_OF_SLICE * rows:
                continue
            value = self.ctx.long.records.take(self.here[same][:1], [column]).item()
            if value is None:
                continue
            if best is None or inside / rows > best.named / best.rows:
                best = Slice(column, value, inside, rows)
        return best
