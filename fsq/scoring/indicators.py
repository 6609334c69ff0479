"""What the rules look at: a source label and a few indicators per feature row.

A rule never needs a value itself, only facts about it: whether there is one, whether it lies in
its range, is stale, rests on a thin sample, or equals what upstream writes when it falls back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.intake.batch_query import MOMENT, NEVER, NUMBER, THIN, Array
from fsq.intake.columnar import ColumnarBatch, FieldColumns, to_matrix
from fsq.utils.timing import stage

_HOUR = 3.6e9  # microseconds

# The bits of a feature row's indicators, lowest first.
INDICATORS = ("missing", "failed", "inside", "changed", "suspect", "stale", "old", "thin")


@dataclass(frozen=True)
class RuleInputs:
    """The rules' inputs for a chunk; matrices have shape (features, records).

    Attributes:
        value: the values as finite floats, NaN where there is none.
        source_codes: each source label's position in the contract's ``sources``.
        indicators: one bit for each of ``INDICATORS``.
        freshness: largest age of a record's features in hours; NaN if none is known.
    """

    value: Array
    source_codes: Array
    indicators: Array
    freshness: Array

    def mask(self, indicator: str) -> Array:
        """Where an indicator is set."""
        return (self.indicators & np.uint8(1 << INDICATORS.index(indicator))).astype(bool)

    def signatures(self) -> Array:
        """Source label and indicators of each feature row as one number.

        A record's signature is its column: records with equal columns score the same.
        """
        return (self.source_codes.astype(np.uint16) << np.uint16(8)) | self.indicators

    def feature_rows(self, records: Array) -> dict[str, Array]:
        """Source labels and indicators of some records, as columns of their feature rows."""
        bits = self.indicators[:, records].T.ravel()
        columns = {n: (bits & np.uint8(1 << i)).astype(bool) for i, n in enumerate(INDICATORS)}
        return {"source": self.source_codes[:, records].T.ravel(), **columns}


@stage("level 1")
def compute_rule_inputs(batch: ColumnarBatch, contract: Contract) -> RuleInputs:
    """Compute the indicators of every feature row."""
    limits, fields = _limits(contract), batch.fields
    value, failed = _drop_non_finite(fields["value"].columns, fields[NUMBER].columns)
    missing = np.isnan(value)
    changed = stale = old = thin = _NOWHERE
    freshness = np.full(value.shape[1], np.nan)
    if original := fields.get("original_value"):
        changed = ~missing & _differs(original, value)
    if moments := fields.get(MOMENT):
        age = _age_in_hours(to_matrix(moments.columns), batch.records["as_of"])
        freshness = np.fmax.reduce(age, axis=0)
        old = _above(age, limits["very_stale"], moments)
        stale = _above(age, limits["stale"], moments) & ~old
    if thin_samples := fields.get(THIN):
        thin = thin_samples.by_feature(to_matrix(thin_samples.columns), False)
    inside = (value >= limits["min"]) & (value <= limits["max"])
    suspect = value == limits["suspect"]
    indicators = np.zeros(value.shape, dtype=np.uint8)
    for flags in (thin, old, stale, suspect, changed, inside, failed, missing):
        indicators += indicators  # shifts by one bit, several times faster than a shift
        indicators |= flags.view(np.uint8)
    return RuleInputs(value, batch.source_codes, indicators, freshness)


_NOWHERE = np.zeros((1, 1), dtype=bool)  # broadcasts over every feature row


@lru_cache(maxsize=8)
def _limits(contract: Contract) -> dict[str, Array]:
    """The contract's numbers that values are compared with, one per feature; NaN equals nothing."""
    suspects = [f.expected if f.suspicious_default else None for f in contract.features]
    return {
        "min": np.array([[f.min] for f in contract.features]),
        "max": np.array([[f.max] for f in contract.features]),
        "suspect": np.array(suspects, dtype=np.float64)[:, None],
        "stale": np.array([[contract.threshold(f, "stale_hours")] for f in contract.features]),
        "very_stale": np.array(
            [[contract.threshold(f, "very_stale_hours")] for f in contract.features]
        ),
    }


def _above(age: Array, limit: Array, moments: FieldColumns) -> Array:
    """Where a feature's age exceeds its limit; features that share a column mostly share it, too.

    Args:
        age: hours, shape (columns, records).
        limit: hours, shape (features, 1).
        moments: which column is each feature's.
    """
    per_column: dict[int, set[float]] = {}
    for column, hours in zip(moments.column_of_feature, limit[:, 0], strict=True):
        per_column.setdefault(column, set()).add(float(hours))
    if all(len(h) == 1 for h in per_column.values()):
        shared = np.array([[min(per_column[c])] for c in range(len(age))])
        return moments.by_feature(age > shared, False)
    return np.asarray(moments.by_feature(age, np.nan) > limit)


def _drop_non_finite(columns: pl.DataFrame, numbers: pl.DataFrame) -> tuple[Array, Array]:
    """The finite values, NaN elsewhere, and where something was given that is not finite.

    Args:
        columns: the values.
        numbers: the same with NaN for NULL, which is several times faster to read.
    """
    value = to_matrix(numbers)
    finite = np.isfinite(value)
    given = value.size - sum(columns.null_count().row(0))
    if np.count_nonzero(finite) == given:
        return value, _NOWHERE
    failed = ~finite & to_matrix(columns.select(pl.all().is_not_null()))
    return np.where(finite, value, np.nan), failed


def _differs(original: FieldColumns, value: Array) -> Array:
    """Where upstream gives an original value that is not the value."""
    given = original.by_feature(to_matrix(original.columns.select(pl.all().is_not_null())), False)
    return np.asarray(given & (original.by_feature(to_matrix(original.columns), np.nan) != value))


def _age_in_hours(moments: Array, as_of: pl.Series) -> Array:
    """Ages in hours, never below 0; NaN where unknown."""
    age = (as_of.cast(pl.Int64).to_numpy() - moments) / _HOUR
    np.maximum(age, 0, out=age)
    age[moments == NEVER] = np.nan
    return np.asarray(age)
