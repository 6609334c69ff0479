"""Records that show the same signs fare the same, so each pattern of signs is judged once.

Thousands of records share a few patterns, and the next chunk or day shows most of them again.
Patterns that were judged are remembered, per contract; what is remembered is never changed, only
replaced, so that threads may share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.intake.columnar import Array
from fsq.scoring import feature_rules as detail
from fsq.scoring import lineage
from fsq.scoring import record_rules as record
from fsq.scoring.indicators import RuleInputs
from fsq.utils.timing import stage

# More patterns than this are judged, but not remembered: their gathers would leave the cache.
_MOST = 2_000


@dataclass(frozen=True)
class ScoredSignatures:
    """What follows from the patterns of signs.

    Attributes:
        lines: fields of level 1 in words, one line per pattern and feature.
        records: the columns of levels 2 and 3 that signs decide, one row per pattern.
        at: each record's pattern, as a row of ``records``.
    """

    lines: pl.DataFrame
    records: pl.DataFrame
    at: Array

    def places(self) -> pl.Series:
        """Each line of all records, as a row of ``lines``."""
        width = self.lines.height // self.records.height
        starts = self.at.astype(np.uint32) * np.uint32(width)
        return pl.Series((starts[:, None] + np.arange(width, dtype=np.uint32)).ravel())


@dataclass(frozen=True)
class _Known:
    at: dict[bytes, int]
    lines: pl.DataFrame
    records: pl.DataFrame


_known: dict[str, _Known] = {}


@stage("level 1")
def score_signatures(signs: RuleInputs, contract: Contract) -> ScoredSignatures:
    """Judge the patterns of a chunk, or look up those that were met before."""
    first, which = group_identical_columns(signs.together())
    if len(first) > _MOST:
        return ScoredSignatures(*_judged(signs, first, contract), which)
    patterns = [row.tobytes() for row in signs.together()[:, first].T]
    known = _known.get(contract.version_hash)
    if known is None or len(known.at) + len(patterns) > _MOST:
        known = None
    met = known.at if known else {}
    new = [i for i, pattern in enumerate(patterns) if pattern not in met]
    if new or known is None:
        known = _with(known, signs, [patterns[i] for i in new], first[new], contract)
        if len(_known) > 4:
            _known.clear()
        _known[contract.version_hash] = known
    rows = np.array([known.at[pattern] for pattern in patterns], dtype=np.uint32)
    return ScoredSignatures(known.lines, known.records, rows[which])


def _with(
    known: _Known | None, signs: RuleInputs, patterns: list[bytes], first: Array, contract: Contract
) -> _Known:
    lines, records = _judged(signs, first, contract)
    at = {pattern: i for i, pattern in enumerate(patterns)}
    if known is None:
        return _Known(at, lines, records)
    start = known.records.height
    at = known.at | {pattern: start + i for pattern, i in at.items()}
    return _Known(at, _joined(known.lines, lines), _joined(known.records, records))


def _joined(*frames: pl.DataFrame) -> pl.DataFrame:
    """One frame in one piece: gathering words from two pieces takes ten times as long."""
    return pl.concat(frames).rechunk()


def _judged(
    signs: RuleInputs, first: Array, contract: Contract
) -> tuple[pl.DataFrame, pl.DataFrame]:
    lines = detail.apply_feature_rules(signs.lines(first), contract)
    records = _decided(lines, contract)
    spelt = lines.with_columns(pl.col(detail.TEXT_FIELDS).cast(pl.String))
    return _joined(spelt), _joined(records)


@stage("level 3")
def _decided(lines: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The columns of levels 2 and 3 that signs decide."""
    made = record.aggregate_features(lines, contract).select(
        e.alias(n) for n, e in record.columns(contract).items()
    )
    names = lineage.available_names(lines, len(contract.features))
    sources = lineage.sources_json(lines, contract)
    return made.with_columns(
        names.alias("available_feature_names"), sources.alias("feature_sources")
    )


def group_identical_columns(signs: Array) -> tuple[Array, Array]:
    """Group equal columns of a matrix: the first column of each group, and each column's group.

    >>> group_identical_columns(np.array([[1, 3, 1], [2, 4, 2]], dtype=np.uint16))
    (array([0, 1]), array([0, 1, 0]))
    """
    numbers = np.einsum("ij,i->j", signs.astype(np.uint64), _factors(len(signs)))
    _, first, which = np.unique(numbers, return_index=True, return_inverse=True)
    if not np.array_equal(signs[:, first][:, which], signs):  # unlike columns, the same number
        rows = np.ascontiguousarray(signs.T).view(f"V{len(signs) * signs.itemsize}").ravel()
        _, first, which = np.unique(rows, return_index=True, return_inverse=True)
    return first, which


@lru_cache(maxsize=8)
def _factors(width: int) -> Array:
    """Odd random factors: their products with unlike columns hardly ever have the same sum."""
    random = np.random.default_rng(33).integers(0, 2**63, width, dtype=np.uint64)
    return random * np.uint64(2) + np.uint64(1)
