"""What is the same in every record: the contract's constants, one line per feature, repeated.

The repetition is built once for the longest chunk seen; a shorter chunk takes a prefix of it,
which is a slice without a copy, since the pattern repeats with every record.
"""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from fsq.contract import Contract
from fsq.schema.columns import UTC_MICROS

ABSENT: dict[str, pl.DataType] = {
    "upstream_data_hash": pl.String(),
    "last_updated": UTC_MICROS,
    "sample_size": pl.Int64(),
    "original_value": pl.Float64(),
    "computation_duration_ms": pl.Int64(),
}
_repeated: dict[str, pl.DataFrame] = {}


def constants(contract: Contract, records: int) -> pl.DataFrame:
    """The contract's constants for so many records, record-major."""
    width = len(contract.features)
    have = _repeated.get(contract.version_hash)
    if have is None or have.height < records * width:
        if len(_repeated) > 4:
            _repeated.clear()
        pattern = one_record(contract)
        lines = pl.int_range(records * width, dtype=pl.UInt32, eager=True) % width
        have = pattern.select(pl.all().gather(lines))
        _repeated[contract.version_hash] = have
    return have.head(records * width)


@lru_cache(maxsize=8)
def one_record(contract: Contract) -> pl.DataFrame:
    """The contract's constants, one line per feature in index order."""
    features = contract.features
    return pl.DataFrame(
        {
            "feature_index": pl.Series([f.index for f in features], dtype=pl.Int64),
            "feature_name": [f.name for f in features],
            "feature_category": [f.category for f in features],
            "expected_value": pl.Series([f.expected for f in features], dtype=pl.Float64),
            "upstream_table": [f.upstream_table for f in features],
            "reason": [f.fallback_reason for f in features],
            "feature_definition_version": [f.definition_version for f in features],
            "clamps": [f.on_violation == "clamp" for f in features],
            # What an input may have nowhere; its own lines stand in their place.
            **{
                field: pl.Series([None] * len(features), dtype=dtype)
                for field, dtype in ABSENT.items()
            },
            "contributing_game_ids": pl.Series([[]] * len(features), dtype=pl.List(pl.String)),
        }
    )
