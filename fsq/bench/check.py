"""Is the answer that was timed the right one? What can be told without a second scorer."""

from __future__ import annotations

import polars as pl

from fsq.contract import Contract
from fsq.errors import FsqError
from fsq.schema.columns import COLUMN_NAMES
from fsq.schema.vocabulary import CATEGORIES


def digest(scored: pl.DataFrame) -> int:
    """One number for the content of all quality columns, whatever the order of the rows."""
    hashes = scored.select(pl.struct(COLUMN_NAMES).hash(seed=7)).to_series()
    return int(hashes.reinterpret(signed=True).sum())


def consistent(scored: pl.DataFrame, contract: Contract) -> None:
    """Count the nested detail anew, feature by feature, and hold it against the flat columns.

    Raises:
        FsqError: a column says something else than the detail below it.
    """
    detail = (
        scored.lazy()
        .select(pl.int_range(pl.len()).alias("record"), "feature_quality_detail")
        .explode("feature_quality_detail")
        .unnest("feature_quality_detail")
    )
    default = pl.col("is_default")
    trusted = pl.when(default).then(0.0).otherwise("quality_score")
    counted = {
        "default_feature_count": default.sum(),
        "training_quality_feature_count": pl.col("is_training_quality").sum(),
        **{
            f"{word}_feature_count": (pl.col("source_type") == word).sum()
            for word in ("phase4", "phase3", "calculated")
        },
    }
    for category in CATEGORIES:
        if contract.in_category(category):
            mine = pl.col("feature_category") == category
            counted[f"{category}_quality_pct"] = trusted.filter(mine).mean()
            counted[f"{category}_default_count"] = default.filter(mine).sum()
    found = detail.group_by("record").agg(**counted).sort("record").collect()
    wrong = [
        name
        for name in counted
        if not ((found[name].cast(pl.Float64) - scored[name].cast(pl.Float64)).abs() < 1e-9).all()
    ]
    names = detail.select(pl.col("feature_name").unique(maintain_order=True)).collect()
    if names.to_series().to_list() != list(contract.names):
        wrong.append("feature_name")
    if wrong:
        raise FsqError(f"the answer is wrong: {wrong} do not agree with the nested detail")


def same(found: pl.DataFrame, wanted: pl.DataFrame, name: str) -> None:
    """Hold another way's answer against fsq's: floats may differ by rounding, NULL by nothing.

    Raises:
        FsqError: the answers differ.
    """
    from polars.testing import assert_frame_equal

    detail = "feature_quality_detail"
    try:
        for columns in ([c for c in wanted.columns if c != detail], [detail]):
            left, right = (_flat(f.select(columns)) for f in (found, wanted))
            assert_frame_equal(left, right, rel_tol=1e-12, abs_tol=1e-9)
    except AssertionError as error:
        raise FsqError(f"{name} gives another answer: {error}") from error


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Nested detail as one line per record and feature, which compares many times faster."""
    nested = [c for c, t in frame.schema.items() if t.is_nested() and t != pl.List(pl.String)]
    return frame.explode(nested).unnest(nested) if nested else frame
