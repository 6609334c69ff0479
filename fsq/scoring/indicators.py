"""What the rules look at: the signs of each line.

A rule never needs a value itself, only what it shows: whether it is there, lies in its range, is
stale, thin, or equals what upstream writes when it falls back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.intake.columnar import MOMENT, NEVER, THIN, Array, ColumnarBatch, FieldColumns, to_matrix
from fsq.utils.timing import stage

_HOUR = 3.6e9  # microseconds

# The bits of a line's signs, lowest first.
INDICATORS = ("missing", "failed", "inside", "changed", "suspect", "stale", "old", "thin")


@dataclass(frozen=True)
class RuleInputs:
    """The signs of a chunk; matrices have one row per feature and one column per record.

    Attributes:
        value: the normalised values, NaN where there is none.
        words: source words, as positions in the contract's.
        shown: one bit per word of ``INDICATORS``.
        freshness: largest age of a record's features in hours; NaN if none is known.
    """

    value: Array
    words: Array
    shown: Array
    freshness: Array

    def of(self, sign: str) -> Array:
        """Where lines show a sign."""
        return (self.shown & np.uint8(1 << INDICATORS.index(sign))).astype(bool)

    def together(self) -> Array:
        """Source word and signs of each line as one number."""
        return (self.words.astype(np.uint16) << np.uint16(8)) | self.shown

    def lines(self, records: Array) -> dict[str, Array]:
        """The source words and the signs of some records, line by line."""
        shown = self.shown[:, records].T.ravel()
        signs = {s: (shown & np.uint8(1 << i)).astype(bool) for i, s in enumerate(INDICATORS)}
        return {"source": self.words[:, records].T.ravel(), **signs}


@stage("level 1")
def compute_rule_inputs(read: ColumnarBatch, contract: Contract) -> RuleInputs:
    """Read the signs of every line."""
    rules, limits, kinds = contract.feature_rules, _limits(contract), read.kinds
    value, failed = _normalised(kinds["value"].columns)
    missing = np.isnan(value)
    changed = stale = old = thin = _NOWHERE
    freshness = np.full(value.shape[1], np.nan)
    if original := kinds.get("original_value"):
        changed = ~missing & _differs(original, value)
    if updated := kinds.get(MOMENT):
        age = _hours(to_matrix(updated.columns), read.records["as_of"])
        overdue = age > rules.very_stale_hours
        old = updated.spread(overdue, False)
        stale = updated.spread((age > rules.stale_hours) & ~overdue, False)
        freshness = np.fmax.reduce(age, axis=0)
    if few := kinds.get(THIN):
        thin = few.spread(to_matrix(few.columns), False)
    inside = (value >= limits["min"]) & (value <= limits["max"])
    suspect = value == limits["suspect"]
    shown = np.zeros(value.shape, dtype=np.uint8)
    for sign in (thin, old, stale, suspect, changed, inside, failed, missing):
        shown += shown  # shifts by one bit, and is several times faster than a shift
        shown |= sign.view(np.uint8)
    return RuleInputs(value, read.words, shown, freshness)


_NOWHERE = np.zeros((1, 1), dtype=bool)  # spreads over every line


@lru_cache(maxsize=8)
def _limits(contract: Contract) -> dict[str, Array]:
    """The contract's numbers that values are held against, one per feature; NaN equals nothing."""
    suspects = [f.expected if f.suspicious_default else None for f in contract.features]
    return {
        "min": np.array([[f.min] for f in contract.features]),
        "max": np.array([[f.max] for f in contract.features]),
        "suspect": np.array(suspects, dtype=np.float64)[:, None],
    }


def _normalised(columns: pl.DataFrame) -> tuple[Array, Array]:
    """The values, NaN for what is no finite number, and where something was given that is none."""
    value = to_matrix(columns)
    finite = np.isfinite(value)
    given = value.size - sum(columns.null_count().row(0))
    if np.count_nonzero(finite) == given:
        return value, _NOWHERE
    failed = ~finite & to_matrix(columns.select(pl.all().is_not_null()))
    return np.where(finite, value, np.nan), failed


def _differs(original: FieldColumns, value: Array) -> Array:
    """Where upstream gives an original value, and it is not the value."""
    there = original.spread(to_matrix(original.columns.select(pl.all().is_not_null())), False)
    return np.asarray(there & (original.spread(to_matrix(original.columns), np.nan) != value))


def _hours(moments: Array, as_of: pl.Series) -> Array:
    """Ages in hours, never below 0; NaN where unknown."""
    age = (as_of.cast(pl.Int64).to_numpy() - moments) / _HOUR
    np.maximum(age, 0, out=age)
    age[moments == NEVER] = np.nan
    return np.asarray(age)
