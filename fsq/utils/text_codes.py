"""Texts as positions in a long list of known ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl


@dataclass(frozen=True)
class TextCodes:
    """Looks up texts among hundreds of thousands, again and again.

    A cast to an Enum goes through all known texts each time.

    Attributes:
        known: distinct texts.

    >>> TextCodes(pl.Series(["b", "a"])).find(pl.Series(["a", None, "c", "b"])).tolist()
    [1, -1, -1, 0]
    """

    known: pl.Series

    @cached_property
    def _hashes(self) -> npt.NDArray[np.uint64]:
        return self.known.hash().to_numpy()

    @cached_property
    def _order(self) -> npt.NDArray[np.int64]:
        return np.argsort(self._hashes)

    @cached_property
    def _ordered(self) -> npt.NDArray[np.uint64]:
        return self._hashes[self._order]

    def find(self, texts: pl.Series) -> npt.NDArray[np.int64]:
        """The position of each text among the known ones; -1 for an unknown one, and for NULL."""
        if not len(self.known):
            return np.full(len(texts), -1, dtype=np.int64)
        places = np.searchsorted(self._ordered, texts.hash().to_numpy())
        found = self._order[np.minimum(places, len(self._order) - 1)]
        same = (self.known.gather(found) == texts).fill_null(False)
        return np.where(same.to_numpy(), found, -1)
