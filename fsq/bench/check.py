"""Checks that a timed answer is right, without a second scorer."""

from __future__ import annotations

import polars as pl

from fsq.contract import Contract
from fsq.errors import FsqError


def compute_digest(scored: pl.DataFrame, contract: Contract) -> int:
    """Hash the content of all quality columns into one number, whatever the order of the rows."""
    hashes = scored.select(pl.struct(contract.output.names).hash(seed=7)).to_series()
    return int(hashes.reinterpret(signed=True).sum())


def validate_consistency(scored: pl.DataFrame, contract: Contract) -> None:
    """Recount the nested detail and compare it with the flat columns.

    Raises:
        FsqError: a column disagrees with the detail.
    """
    detail = (
        scored.lazy()
        .select(pl.int_range(pl.len()).alias("record"), "feature_quality_detail")
        .explode("feature_quality_detail")
        .unnest("feature_quality_detail")
    )
    default = pl.col("is_default")
    trusted_score = pl.when(default).then(0.0).otherwise("quality_score")
    expected = {
        "default_feature_count": default.sum(),
        "training_quality_feature_count": pl.col("is_training_quality").sum(),
        **{
            f"{source}_feature_count": (pl.col("source_type") == source).sum()
            for source in contract.source_type_names
        },
    }
    for category in contract.category_names:
        if contract.in_category(category):
            in_category = pl.col("feature_category") == category
            expected[f"{category}_quality_pct"] = trusted_score.filter(in_category).mean()
            expected[f"{category}_default_count"] = default.filter(in_category).sum()
    recounted = detail.group_by("record").agg(**expected).sort("record").collect()
    wrong = [
        name
        for name in expected
        if not (
            (recounted[name].cast(pl.Float64) - scored[name].cast(pl.Float64)).abs() < 1e-9
        ).all()
    ]
    names = detail.select(pl.col("feature_name").unique(maintain_order=True)).collect()
    if names.to_series().to_list() != list(contract.names):
        wrong.append("feature_name")
    if wrong:
        raise FsqError(f"the answer is wrong: {wrong} disagree with the nested detail")


def validate_same_answer(actual: pl.DataFrame, expected: pl.DataFrame, name: str) -> None:
    """Compare another implementation's answer with fsq's; floats may differ by rounding.

    Raises:
        FsqError: the answers differ.
    """
    from polars.testing import assert_frame_equal

    detail = "feature_quality_detail"
    try:
        for columns in ([c for c in expected.columns if c != detail], [detail]):
            left, right = (_flatten(f.select(columns)) for f in (actual, expected))
            assert_frame_equal(left, right, rel_tol=1e-12, abs_tol=1e-9)
    except AssertionError as error:
        raise FsqError(f"{name} gives a different answer: {error}") from error


def _flatten(frame: pl.DataFrame) -> pl.DataFrame:
    """Flatten the nested detail, which compares many times faster."""
    nested = [c for c, t in frame.schema.items() if t.is_nested() and t != pl.List(pl.String)]
    return frame.explode(nested).unnest(nested) if nested else frame
