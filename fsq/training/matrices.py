"""Fields of the nested detail as matrices of records × features, and the tests of their values."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.diagnosis.long_detail import Part
from fsq.intake.batch_query import end_of_row
from fsq.schema.columns import UTC_MICROS
from fsq.schema.nested import dotted_name
from fsq.training.gates import FAULTS, list_excusable_features, list_required_features
from fsq.training.options import Options
from fsq.training.result import Mask, Matrix

FRESHNESS_COLUMN = "upstream_data_freshness_hours"
_HOUR = 3.6e9  # microseconds
_NEVER = np.iinfo(np.int64).min


class DetailMatrices:
    """Matrices of the features in the set.

    Args:
        frame: fields of the detail as lists, each with every feature of the contract in order.
        options: which features are in the set, and how their values are tested.
    """

    def __init__(self, frame: pl.DataFrame, options: Options) -> None:
        self._frame, self._options = frame, options
        self._width = len(options.contract.names)
        self._shape = (frame.height, len(options.features))

    @cached_property
    def values(self) -> Matrix:
        """The values; NaN where there is none."""
        return self._numeric_matrix("feature_value")

    def _knows(self, field: str) -> bool:
        return dotted_name(field) in self._frame.columns

    def _flatten(self, field: str) -> pl.Series:
        return self._frame[dotted_name(field)].list.explode(empty_as_null=False, keep_nulls=False)

    def _select_features(self, flat: npt.NDArray[Any]) -> npt.NDArray[Any]:
        matrix = flat.reshape(self._frame.height, self._width)
        selects_all = self._options.features == self._options.contract.names
        return matrix if selects_all else matrix[:, self._options.indices]

    def _numeric_matrix(self, field: str) -> Matrix:
        flat = self._flatten(field).cast(pl.Float64).to_numpy()
        return np.asarray(self._select_features(flat), dtype=np.float64)

    def _all_false(self) -> Mask:
        return np.zeros(self._shape, dtype=np.bool_)

    def find_faults(self) -> dict[str, Mask]:
        """Values per fault; a value has its first fault only, and none if values are kept."""
        if self._options.on_default == "keep":
            return {}
        masks: dict[str, Mask] = {}
        already_faulty = self._all_false()
        for fault in FAULTS:
            matches = self._flatten(fault.field) == fault.value
            is_faulty = self._select_features(matches.fill_null(fault.null).to_numpy())
            masks[fault.name] = is_faulty & ~already_faulty
            already_faulty |= masks[fault.name]
        return masks

    def has_unexcused(self, faulty: Mask) -> Mask:
        """Records with a fault in a required value, unless its open-ended window is empty."""
        return np.asarray((faulty & self._unexcused).any(axis=1))

    @cached_property
    def _unexcused(self) -> Mask:
        names, contract = self._options.features, self._options.contract
        required = np.array([f in list_required_features(contract) for f in names])
        if not self._knows("sample_size"):
            return np.broadcast_to(required, self._shape)
        open_ended = np.array([f in list_excusable_features(contract) for f in names])
        default = self._select_features(self._flatten("is_default").fill_null(False).to_numpy())
        empty = default & (self._numeric_matrix("sample_size") == 0)
        return np.asarray(required & ~(open_ended & empty))

    def below_min_quality(self) -> Mask:
        """Values below the quality that the options ask for."""
        bounds = self._options.min_quality
        if not bounds:
            return self._all_false()
        bound = np.array([bounds.get(f, -np.inf) for f in self._options.features])
        score = np.nan_to_num(self._numeric_matrix("quality_score"), nan=-1.0)
        return np.asarray(score < bound)

    def above_max_age(self) -> Mask:
        """Values older than the options allow, or of unknown age."""
        bounds = self._options.max_age
        if not bounds:
            return self._all_false()
        bound = np.array([bounds.get(f, np.nan) for f in self._options.features])
        updated = self._selected_updates
        with np.errstate(invalid="ignore"):
            age = np.where(updated == _NEVER, np.inf, (self._as_of[:, None] - updated) / _HOUR)
        return np.asarray((age > bound) & ~np.isnan(bound))

    def find_late_records(self) -> Mask:
        """Records with a value that was updated after their ``as_of``."""
        if (self._all_updates == _NEVER).all():
            return np.zeros(self._frame.height, dtype=np.bool_)
        return np.asarray((self._selected_updates > self._as_of[:, None]).any(axis=1))

    @cached_property
    def _all_updates(self) -> npt.NDArray[np.int64]:
        flat = self._flatten("last_updated").to_physical().fill_null(_NEVER).to_numpy()
        return np.asarray(flat.reshape(self._frame.height, self._width))

    @property
    def _selected_updates(self) -> npt.NDArray[np.int64]:
        return np.asarray(self._select_features(self._all_updates.ravel()))

    @cached_property
    def _as_of(self) -> npt.NDArray[np.int64]:
        """The moment that ages count from, per record, in microseconds.

        It is the row's own ``as_of``. Without one, it is the oldest timestamp plus the largest
        age, which gives the ``as_of`` of the scoring; without those, its own time or the end of its
        date.
        """
        frame, updates = self._frame, self._all_updates
        known = np.where(updates == _NEVER, np.iinfo(np.int64).max, updates)
        oldest = known.min(axis=1, initial=np.iinfo(np.int64).max)
        over = end_of_row(dict(frame.schema), self._options.contract.table)
        moments = [_as_utc("as_of", frame.schema["as_of"])] if "as_of" in frame.columns else []
        if FRESHNESS_COLUMN in frame.columns:
            age = (pl.col(FRESHNESS_COLUMN) * _HOUR).round(0).cast(pl.Int64)
            scored_at = pl.when(pl.col(FRESHNESS_COLUMN) > 0).then(pl.Series(oldest) + age)
            moments.append(scored_at.cast(UTC_MICROS))
        as_of = frame.select(pl.coalesce(*moments, over).to_physical()).to_series()
        return as_of.to_numpy()

    def find_versions(self) -> tuple[list[str], npt.NDArray[np.uint32] | None]:
        """The definition versions, and the position of each value's; None if there is only one."""
        flat = self._flatten("feature_definition_version").fill_null("unknown")
        labels = flat.unique().sort().to_list()
        if len(labels) < 2:
            return labels, None
        codes = flat.cast(pl.Enum(labels)).to_physical().cast(pl.UInt32).to_numpy()
        return labels, self._select_features(codes)


class PartMatrices(DetailMatrices):
    """The same of a part whose details are rows already: one per record and feature.

    Args:
        part: as a diagnosis reads it.
        options: which features are in the set, and how their values are tested.
    """

    def __init__(self, part: Part, options: Options) -> None:
        super().__init__(part.records, options)
        self._fields = part.fields

    def _knows(self, field: str) -> bool:
        return field in self._fields.columns

    def _flatten(self, field: str) -> pl.Series:
        return self._fields[field]


def _as_utc(column: str, dtype: pl.DataType) -> pl.Expr:
    """A moment in UTC; one without a time zone is taken as UTC."""
    moment = pl.col(column)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
        moment = moment.dt.replace_time_zone("UTC")
    return moment.cast(UTC_MICROS)
