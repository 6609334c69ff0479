"""Records against the features that a model reads, as matrices of records × features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.schema.nested import dotted_name

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FeatureAvailability:
    """What records have of the features that a model reads.

    Attributes:
        present: records × needed features: is it there under that name?
        default: is it default, or absent?
        weak: is it under the quality that was asked for?
        required: per needed feature: must it not be default?
        names: every feature of the data, in their order.
        place: position in the data of each needed feature that they have.
        moved: whether the data's order is not the model's.
    """

    present: Mask
    default: Mask
    weak: Mask
    required: Mask
    names: tuple[str, ...]
    place: dict[str, int]
    moved: bool

    @property
    def may_predict(self) -> Mask:
        """Records that have all they need."""
        bad = ~self.present | (self.default & self.required) | self.weak
        return np.asarray(~bad.any(axis=1))


def read_availability(
    rows: pl.DataFrame,
    needed: tuple[str, ...],
    optional: tuple[str, ...],
    least: dict[str, float],
) -> FeatureAvailability:
    """Hold the features of each record against those that are needed.

    Args:
        rows: fields of the detail as lists; records may differ in the features that they have.
        needed: in the model's order.
        optional: those of them that may be default.
        least: points that values must have.
    """
    count, width = rows.height, len(needed)
    said = rows[dotted_name("feature_name")]
    flat = said.list.explode(empty_as_null=False, keep_nulls=False)
    sizes = said.list.len().fill_null(0).to_numpy()
    record = np.repeat(np.arange(count), sizes)
    place = np.arange(len(flat)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    code = flat.cast(pl.Enum(needed), strict=False).to_physical().fill_null(width).to_numpy()
    hit = code < width
    at = (record[hit], code[hit].astype(np.int64))

    def lines(field: str) -> pl.Series:
        return rows[dotted_name(field)].list.explode(empty_as_null=False, keep_nulls=False)

    present = np.zeros((count, width), dtype=np.bool_)
    present[at] = True
    default = np.ones((count, width), dtype=np.bool_)
    default[at] = lines("is_default").fill_null(True).to_numpy()[hit]
    weak = np.zeros((count, width), dtype=np.bool_)
    if least:
        points = np.full((count, width), -1.0)
        points[at] = lines("quality_score").fill_null(-1.0).to_numpy()[hit]
        weak = points < np.array([least.get(n, -np.inf) for n in needed])
    places = np.full((count, width), -1, dtype=np.int64)
    places[at] = place[hit]
    usual = places.max(axis=0, initial=-1)
    seen = usual[usual >= 0]
    names = pl.DataFrame({"name": flat, "place": place}).group_by("name").agg(pl.col("place").min())
    return FeatureAvailability(
        present,
        default,
        weak,
        np.array([n not in optional for n in needed]),
        tuple(names.sort("place", "name")["name"].drop_nulls()),
        {n: int(p) for n, p in zip(needed, usual, strict=True) if p >= 0},
        bool((np.diff(seen) < 0).any()),
    )


def lists(mask: Mask, names: tuple[str, ...]) -> pl.Series:
    """The names that are TRUE in each row; rows that are alike share one list.

    >>> lists(np.array([[True, False], [True, True]]), ("a", "b")).to_list()
    [['a'], ['a', 'b']]
    """
    packed = np.packbits(mask, axis=1)
    if not len(packed):
        return pl.Series([], dtype=pl.List(pl.String))
    patterns, of = np.unique(packed, axis=0, return_inverse=True)
    rows = np.unpackbits(patterns, axis=1, count=len(names)).astype(bool)
    few = pl.Series(
        [[n for n, is_on in zip(names, row, strict=True) if is_on] for row in rows],
        dtype=pl.List(pl.String),
    )
    return few.gather(of.ravel())
