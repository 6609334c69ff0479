"""Scores each signature once: records with the same signature score the same.

A record's signature is the source labels and indicators of its features. Thousands of records
share a few signatures, and the next chunk or day shows most of them again. Their scores are
cached per contract. A cache entry is never changed, only replaced, so that threads may share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl
import polars.selectors as cs

from fsq.contract import Contract
from fsq.intake.batch_query import Array
from fsq.scoring import lineage
from fsq.scoring.constants import enum_of_reasons
from fsq.scoring.feature_rules import apply_feature_rules
from fsq.scoring.indicators import RuleInputs
from fsq.scoring.record_rules import aggregate_features, make_record_columns
from fsq.utils.timing import stage

# More signatures than this are scored but not cached: their gathers would leave the CPU's cache.
_MAX_SIGNATURES = 2_000
_MAX_CONTRACTS = 4


@dataclass(frozen=True)
class ScoredSignatures:
    """What follows from the signatures of a chunk.

    Attributes:
        feature_rows: fields of level 1, one row per signature and feature.
        codes: those of them that are texts, as codes of an Enum.
        records: columns of levels 2 and 3, one row per signature.
        signature_of_record: each record's signature, as a row of ``records``.
    """

    feature_rows: pl.DataFrame
    codes: pl.DataFrame
    records: pl.DataFrame
    signature_of_record: Array

    def feature_row_numbers(self) -> pl.Series:
        """For each feature row of the chunk, its row of ``feature_rows``."""
        width = self.feature_rows.height // self.records.height
        starts = self.signature_of_record.astype(np.uint32) * np.uint32(width)
        return pl.Series((starts[:, None] + np.arange(width, dtype=np.uint32)).ravel())


@dataclass(frozen=True)
class _Entry:
    """The scored signatures of one contract."""

    row_of_signature: dict[bytes, int]
    feature_rows: pl.DataFrame
    codes: pl.DataFrame
    records: pl.DataFrame


_cache: dict[str, _Entry] = {}


@stage("level 1")
def score_signatures(inputs: RuleInputs, contract: Contract) -> ScoredSignatures:
    """Score the signatures of a chunk, or look up those that were scored before."""
    matrix = inputs.signatures()
    first, group = group_identical_columns(matrix)
    if len(first) > _MAX_SIGNATURES:
        return ScoredSignatures(*_apply_rules(inputs, first, contract), group)
    signatures = [column.tobytes() for column in matrix[:, first].T]
    entry = _cache.get(contract.version_hash)
    if entry and len(entry.row_of_signature) + len(signatures) > _MAX_SIGNATURES:
        entry = None
    new = [i for i, s in enumerate(signatures) if not entry or s not in entry.row_of_signature]
    if new or entry is None:
        entry = _extend(entry, inputs, [signatures[i] for i in new], first[new], contract)
        if len(_cache) > _MAX_CONTRACTS:
            _cache.clear()
        _cache[contract.version_hash] = entry
    rows = np.array([entry.row_of_signature[s] for s in signatures], dtype=np.uint32)
    return ScoredSignatures(entry.feature_rows, entry.codes, entry.records, rows[group])


def _extend(
    entry: _Entry | None,
    inputs: RuleInputs,
    signatures: list[bytes],
    first: Array,
    contract: Contract,
) -> _Entry:
    """A new cache entry: the old one and the signatures that it lacks."""
    feature_rows, codes, records = _apply_rules(inputs, first, contract)
    start = entry.records.height if entry else 0
    rows = {signature: start + i for i, signature in enumerate(signatures)}
    if entry is None:
        return _Entry(rows, feature_rows, codes, records)
    return _Entry(
        entry.row_of_signature | rows,
        _concat(entry.feature_rows, feature_rows),
        _concat(entry.codes, codes),
        _concat(entry.records, records),
    )


def _concat(*frames: pl.DataFrame) -> pl.DataFrame:
    """One frame in one piece: gathering strings from two pieces takes ten times as long."""
    return pl.concat(frames).rechunk()


def _apply_rules(
    inputs: RuleInputs, records: Array, contract: Contract
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Levels 1 to 3 for some records of the chunk; texts of level 1 also as codes."""
    feature_rows = apply_feature_rules(inputs.feature_rows(records), contract)
    scored = _score_records(feature_rows, contract)
    texts = feature_rows.with_columns(cs.enum().cast(pl.String))
    codes = feature_rows.select(
        cs.enum(), pl.col("fallback_reason").cast(enum_of_reasons(contract))
    )
    return _concat(texts), _concat(codes), _concat(scored)


@stage("level 3")
def _score_records(feature_rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The columns of levels 2 and 3 that follow from signatures."""
    columns = aggregate_features(feature_rows, contract).select(
        e.alias(n) for n, e in make_record_columns(contract).items()
    )
    names = lineage.list_available_features(feature_rows, len(contract.features))
    columns = columns.with_columns(names.alias("available_feature_names"))
    if contract.legacy is None:
        return columns
    sources = lineage.encode_sources(feature_rows, contract)
    return columns.with_columns(sources.alias(contract.legacy.fields[0]))


def group_identical_columns(matrix: Array) -> tuple[Array, Array]:
    """Group equal columns of a matrix: the first column of each group, and each column's group.

    >>> group_identical_columns(np.array([[1, 3, 1], [2, 4, 2]], dtype=np.uint16))
    (array([0, 1]), array([0, 1, 0]))
    """
    hashes = np.einsum("ij,i->j", matrix.astype(np.uint64), _factors(len(matrix)))
    first, group = _group_hashes(hashes)
    if not np.array_equal(np.take(matrix[:, first], group, axis=1), matrix):
        # Two columns share a hash.
        rows = np.ascontiguousarray(matrix.T).view(f"V{len(matrix) * matrix.itemsize}").ravel()
        _, first, group = np.unique(rows, return_index=True, return_inverse=True)
    return first, group


def _group_hashes(hashes: Array) -> tuple[Array, Array]:
    """Where each hash is first, and which of them each is.

    Numbers sort many times faster than their positions, so each position takes its hash's last
    bits.
    """
    bits = np.uint64(len(hashes).bit_length())
    ordered = (hashes >> bits << bits) | np.arange(len(hashes), dtype=np.uint64)
    ordered.sort()
    position = (ordered & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.intp)
    high = ordered >> bits
    starts = np.append(True, high[1:] != high[:-1])[: len(high)]
    group = np.empty(len(hashes), dtype=np.intp)
    group[position] = starts.cumsum() - 1
    return position[starts], group


@lru_cache(maxsize=8)
def _factors(width: int) -> Array:
    """Random odd factors: their products with different columns hardly ever have the same sum."""
    random = np.random.default_rng(33).integers(0, 2**63, width, dtype=np.uint64)
    return random * np.uint64(2) + np.uint64(1)
