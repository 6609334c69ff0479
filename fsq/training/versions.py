"""The definition versions of the values in a training set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Versions:
    """The versions of some records' values.

    Attributes:
        labels: the versions.
        codes: records × features: the position of each value's among them; None if there is one.
        records: how many.
    """

    labels: list[str]
    codes: Codes | None
    records: int


def find_versions(
    parts: Sequence[Versions], records: Codes, features: Sequence[str]
) -> dict[str, list[str]]:
    """The definition versions among some records, per feature that has several.

    >>> old = Versions(["v1", "v2"], np.array([[0, 1], [1, 1]], dtype=np.uint32), 2)
    >>> find_versions([old], np.array([0, 1], dtype=np.uint32), ["pace_score", "fatigue_score"])
    {'pace_score': ['v1', 'v2']}
    """
    labels = sorted({label for part in parts for label in part.labels})
    if len(labels) < 2 or not len(records):
        return {}
    place = {label: at for at, label in enumerate(labels)}
    codes = np.concatenate([_translate(part, place, len(features)) for part in parts])[records]
    mixed = np.flatnonzero((codes != codes[0]).any(axis=0))
    return {features[int(i)]: [labels[c] for c in np.unique(codes[:, i])] for i in mixed}


def _translate(part: Versions, place: dict[str, int], width: int) -> Codes:
    """The positions among all versions."""
    here = np.array([place[label] for label in part.labels], dtype=np.uint32)
    if part.codes is None:
        return np.full((part.records, width), here[0] if len(here) else 0, dtype=np.uint32)
    return here[part.codes]
