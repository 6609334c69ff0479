"""Which features of a model each record has, as matrices of records × features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.schema.nested import dotted_name

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FeatureAvailability:
    """Which of a model's features each record has.

    Attributes:
        present: records × needed features: does the record have it under that name?
        default: is it default, or absent?
        weak: is it below the least quality?
        required: per needed feature: must it not be default?
        names: every feature of the data, in their order.
        positions: position in the data of each needed feature that they have.
        reordered: whether the data's order differs from the model's.
    """

    present: Mask
    default: Mask
    weak: Mask
    required: Mask
    names: tuple[str, ...]
    positions: dict[str, int]
    reordered: bool

    @property
    def may_predict(self) -> Mask:
        """Records that have every feature they need."""
        unfit = ~self.present | (self.default & self.required) | self.weak
        return np.asarray(~unfit.any(axis=1))


def read_availability(
    rows: pl.DataFrame,
    needed: tuple[str, ...],
    optional: tuple[str, ...],
    min_quality: dict[str, float],
) -> FeatureAvailability:
    """Compare the features of each record with those that the model needs.

    Args:
        rows: fields of the detail as lists; records may have different features.
        needed: the model's features, in its order.
        optional: those of them that may be default.
        min_quality: least points per feature, 0 to 100.
    """
    count, width = rows.height, len(needed)
    feature_names = rows[dotted_name("feature_name")]
    flat = feature_names.list.explode(empty_as_null=False, keep_nulls=False)
    sizes = feature_names.list.len().fill_null(0).to_numpy()
    record = np.repeat(np.arange(count), sizes)
    position = np.arange(len(flat)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    code = flat.cast(pl.Enum(needed), strict=False).to_physical().fill_null(width).to_numpy()
    is_needed = code < width
    cells = (record[is_needed], code[is_needed].astype(np.int64))

    def flatten(field: str) -> pl.Series:
        return rows[dotted_name(field)].list.explode(empty_as_null=False, keep_nulls=False)

    present = np.zeros((count, width), dtype=np.bool_)
    present[cells] = True
    default = np.ones((count, width), dtype=np.bool_)
    default[cells] = flatten("is_default").fill_null(True).to_numpy()[is_needed]
    weak = np.zeros((count, width), dtype=np.bool_)
    if min_quality:
        points = np.full((count, width), -1.0)
        points[cells] = flatten("quality_score").fill_null(-1.0).to_numpy()[is_needed]
        weak = points < np.array([min_quality.get(n, -np.inf) for n in needed])
    positions = np.full((count, width), -1, dtype=np.int64)
    positions[cells] = position[is_needed]
    last = positions.max(axis=0, initial=-1)
    names = pl.DataFrame({"name": flat, "position": position})
    names = names.group_by("name").agg(pl.col("position").min()).sort("position", "name")
    return FeatureAvailability(
        present,
        default,
        weak,
        np.array([n not in optional for n in needed]),
        tuple(names["name"].drop_nulls()),
        {n: int(p) for n, p in zip(needed, last, strict=True) if p >= 0},
        bool((np.diff(last[last >= 0]) < 0).any()),
    )


def list_names(mask: Mask, names: tuple[str, ...]) -> pl.Series:
    """The names that are TRUE in each row; equal rows share one list.

    >>> list_names(np.array([[True, False], [True, True]]), ("a", "b")).to_list()
    [['a'], ['a', 'b']]
    """
    packed = np.packbits(mask, axis=1)
    if not len(packed):
        return pl.Series([], dtype=pl.List(pl.String))
    patterns, inverse = np.unique(packed, axis=0, return_inverse=True)
    unique_rows = np.unpackbits(patterns, axis=1, count=len(names)).astype(bool)
    lists = pl.Series(
        [[n for n, is_set in zip(names, row, strict=True) if is_set] for row in unique_rows],
        dtype=pl.List(pl.String),
    )
    return lists.gather(inverse.ravel())
