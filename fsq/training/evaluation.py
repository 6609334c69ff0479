"""Every record against every gate: matrices of records × features, and what fails where."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.errors import InputError
from fsq.schema.columns import KEYS, UTC_MICROS
from fsq.schema.nested import dotted_name
from fsq.training.gates import FAULTS, excusable, required
from fsq.training.options import HEADLINE, Options
from fsq.training.source import Source

Mask = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.float64]
_HOUR = 3.6e9  # microseconds
_NEVER = np.iinfo(np.int64).min
_FRESHNESS = "upstream_data_freshness_hours"
CONTRACT = "feature_schema_version"


@dataclass(frozen=True)
class GateResults:
    """Records in order of date and player.

    Attributes:
        rows: keys, label, carried columns.
        values: records × features of the set; NaN where there is none, or where it is masked.
        failed: per gate in order, the records that do not pass it.
        asks: what each gate asks, in words.
        late: records with a value from after their ``as_of``.
        versions: per feature of the set, the definition versions of the kept records.
    """

    rows: pl.DataFrame
    values: Matrix
    failed: dict[str, Mask]
    asks: dict[str, str]
    late: Mask
    versions: dict[str, list[str]]

    @property
    def kept(self) -> Mask:
        """Records that pass every gate."""
        fails = [*self.failed.values(), np.zeros(self.rows.height, np.bool_)]
        return np.asarray(~np.any(fails, axis=0))


def columns_read(options: Options, source: Source) -> list[str]:
    """The columns that judging reads; of the detail, single fields."""
    fields = ["feature_name", "feature_value", "feature_definition_version", "last_updated"]
    if options.on_default != "keep":
        fields += [f.field for f in FAULTS]
    if options.on_default == "drop" and set(excusable(options.contract)) & set(options.features):
        fields.append("sample_size")
    if options.min_quality:
        fields.append("quality_score")
    wanted = [options.label, *options.carry, options.group]
    flat = [*KEYS, *(["game_id"] if "game_id" in source.columns else [])]
    flat += [c for c in wanted if c is not None and c not in options.contract.names]
    flat += [c.column for c in options.conditions]
    flat += [c for c in (_FRESHNESS, "as_of", CONTRACT) if c in source.columns]
    return list(dict.fromkeys([*flat, *map(dotted_name, fields)]))


def evaluate_gates(frame: pl.DataFrame, options: Options) -> GateResults:
    """Hold every record against every gate.

    Args:
        frame: what ``columns_read`` names, in any order of rows.
        options: what was asked for.

    Raises:
        InputError: the rows are of another contract, or a key is there twice.
    """
    order = _checked(frame, options)
    lines = _Lines(frame, options)
    failed: dict[str, Mask] = {}
    asks: dict[str, str] = {}

    def gate(name: str, words: str, fails: Mask) -> None:
        failed[name], asks[name] = fails, words

    if options.label is not None:
        there = frame[options.label].cast(pl.Float64).is_finite().fill_null(False)
        gate("label", f"{options.label} is there", ~there.to_numpy())
    if options.excluded is not None:
        out = frame["game_date"].is_in(list(options.excluded)).fill_null(True)
        gate("date", "date not excluded", out.to_numpy())
    late = lines.late()
    if options.drop_late:
        gate("late", "no value from after its as_of", late)
    for condition in options.conditions:
        passed = frame.select(condition.met).to_series().to_numpy()
        gate(condition.name, condition.asks, ~passed)
    faults = lines.faults()
    if options.on_default == "drop":
        for fault in FAULTS:
            gate(fault.name, fault.asks, lines.demanded(faults[fault.name]))
    weak, old = lines.weak(), lines.old()
    if options.on_default != "mask":
        if options.min_quality:
            gate(
                "quality",
                f"points of features {_bounds(options.min_quality, '≥')}",
                np.asarray(weak.any(axis=1)),
            )
        if options.max_age:
            gate(
                "age", f"hours of age {_bounds(options.max_age, '≤')}", np.asarray(old.any(axis=1))
            )
        values = lines.values
    else:
        bad = np.any([weak, old, *faults.values()], axis=0)
        values = np.where(bad, np.nan, lines.values)
    rows = frame.drop([c for c in frame.columns if c.startswith(dotted_name(""))])[order]
    failed = {name: fails[order] for name, fails in failed.items()}
    found = GateResults(rows, values[order], failed, asks, late[order], {})
    return GateResults(
        found.rows, found.values, failed, asks, found.late, lines.versions(order[found.kept])
    )


def _bounds(bounds: dict[str, float], sign: str) -> str:
    """Bounds in words.

    >>> _bounds({"pace_score": 85.0}, "≥"), _bounds({"a": 1.0, "b": 1.0}, "≤")
    ('pace_score ≥ 85', '≤ 1')
    """
    if len(bounds) > 1 and len(set(bounds.values())) == 1:
        return f"{sign} {next(iter(bounds.values())):g}"
    return ", ".join(f"{f} {sign} {v:g}" for f, v in bounds.items())


def _checked(frame: pl.DataFrame, options: Options) -> npt.NDArray[np.uint32]:
    """Where the records stand in order of date and player, once they are known to be sound."""
    names, width = options.contract.names, len(options.contract.names)
    said = frame[dotted_name("feature_name")]
    flat = said.list.explode(empty_as_null=False, keep_nulls=False)
    right = bool((said.list.len().fill_null(0) == width).all())
    if right and frame.height:
        codes = flat.cast(pl.Enum(names), strict=False).to_physical().fill_null(width).to_numpy()
        right = bool((codes.reshape(-1, width) == np.arange(width)).all())
    problems = []
    if not right:
        sizes = sorted({int(n or 0) for n in said.list.len().unique()})
        problems.append(
            f"records have {sizes} features, not in each the {width} of "
            f"{options.contract.name}; name the contract of the scoring"
        )
    keys = frame.select(KEYS)
    if twice := keys.height - keys.n_unique():
        problems.append(f"duplicate keys: {twice} records too many; keep one of each")
    if problems:
        raise InputError(problems, HEADLINE)
    by = [pl.col("game_date"), pl.col("player_lookup")]
    return frame.select(pl.arg_sort_by(by)).to_series().to_numpy()


def _utc(column: str, kind: pl.DataType) -> pl.Expr:
    """A moment; without a zone it is UTC."""
    moment = pl.col(column)
    if isinstance(kind, pl.Datetime) and kind.time_zone is None:
        moment = moment.dt.replace_time_zone("UTC")
    return moment.cast(UTC_MICROS)


class _Lines:
    """Fields of the detail as matrices of records × features of the set."""

    def __init__(self, frame: pl.DataFrame, options: Options) -> None:
        self._frame, self._options = frame, options
        self._width = len(options.contract.names)
        self.values = self._numbers("feature_value")

    def _flat(self, field: str) -> pl.Series:
        return self._frame[dotted_name(field)].list.explode(empty_as_null=False, keep_nulls=False)

    def _chosen(self, flat: npt.NDArray[Any]) -> npt.NDArray[Any]:
        every = flat.reshape(self._frame.height, self._width)
        whole = self._options.features == self._options.contract.names
        return every if whole else every[:, self._options.indices]

    def _numbers(self, field: str) -> Matrix:
        flat = self._flat(field).cast(pl.Float64).to_numpy()
        return np.asarray(self._chosen(flat), dtype=np.float64)

    def _nothing(self) -> Mask:
        return np.zeros(self.values.shape, dtype=np.bool_)

    def faults(self) -> dict[str, Mask]:
        """Which value has which fault; none where values are kept as they are."""
        if self._options.on_default == "keep":
            return {}
        out: dict[str, Mask] = {}
        so_far = self._nothing()
        for fault in FAULTS:
            said = self._flat(fault.field) == fault.value
            met = self._chosen(said.fill_null(fault.null).to_numpy())
            out[fault.name] = met & ~so_far
            so_far |= out[fault.name]
        return out

    def demanded(self, faulty: Mask) -> Mask:
        """Records with a fault in a required value, empty windows of no fixed size excused."""
        return np.asarray((faulty & self._demanded).any(axis=1))

    @cached_property
    def _demanded(self) -> Mask:
        names, contract = self._options.features, self._options.contract
        needed = np.array([f in required(contract) for f in names])
        if dotted_name("sample_size") not in self._frame.columns:
            return np.broadcast_to(needed, self.values.shape)
        open_ended = np.array([f in excusable(contract) for f in names])
        default = self._chosen(self._flat("is_default").fill_null(False).to_numpy())
        empty = default & (self._numbers("sample_size") == 0)
        return np.asarray(needed & ~(open_ended & empty))

    def weak(self) -> Mask:
        """Values below the quality that was asked for."""
        least = self._options.min_quality
        if not least:
            return self._nothing()
        bound = np.array([least.get(f, -np.inf) for f in self._options.features])
        score = np.nan_to_num(self._numbers("quality_score"), nan=-1.0)
        return np.asarray(score < bound)

    def old(self) -> Mask:
        """Values older than asked for, or of unknown age."""
        oldest = self._options.max_age
        if not oldest:
            return self._nothing()
        bound = np.array([oldest.get(f, np.nan) for f in self._options.features])
        stamp = self._stamps
        with np.errstate(invalid="ignore"):
            age = np.where(stamp == _NEVER, np.inf, (self._as_of[:, None] - stamp) / _HOUR)
        return np.asarray((age > bound) & ~np.isnan(bound))

    def late(self) -> Mask:
        """Records with a value that was updated after their ``as_of``."""
        if (self._every_stamp == _NEVER).all():
            return np.zeros(self._frame.height, dtype=np.bool_)
        return np.asarray((self._stamps > self._as_of[:, None]).any(axis=1))

    @cached_property
    def _every_stamp(self) -> npt.NDArray[np.int64]:
        flat = self._flat("last_updated").to_physical().fill_null(_NEVER).to_numpy()
        return np.asarray(flat.reshape(self._frame.height, self._width))

    @property
    def _stamps(self) -> npt.NDArray[np.int64]:
        return np.asarray(self._chosen(self._every_stamp.ravel()))

    @cached_property
    def _as_of(self) -> npt.NDArray[np.int64]:
        """The moment of freshness per record, in microseconds.

        A row's own ``as_of``; else its largest age after its oldest timestamp, which is the
        ``as_of`` of its scoring; else the end of its date.
        """
        frame, stamps = self._frame, self._every_stamp
        known = np.where(stamps == _NEVER, np.iinfo(np.int64).max, stamps)
        first = known.min(axis=1, initial=np.iinfo(np.int64).max)
        midnight = (pl.col("game_date") + pl.duration(days=1)).cast(UTC_MICROS)
        moments = [_utc("as_of", frame.schema["as_of"])] if "as_of" in frame.columns else []
        if _FRESHNESS in frame.columns:
            age = (pl.col(_FRESHNESS) * _HOUR).round(0).cast(pl.Int64)
            since = pl.when(pl.col(_FRESHNESS) > 0).then(pl.Series(first) + age)
            moments.append(since.cast(UTC_MICROS))
        found = frame.select(pl.coalesce(*moments, midnight).to_physical()).to_series()
        return found.to_numpy()

    def versions(self, records: npt.NDArray[np.uint32]) -> dict[str, list[str]]:
        """Definition versions of these records, per feature; only of features with several."""
        flat = self._flat("feature_definition_version").fill_null("unknown")
        if not flat.len() or (flat == flat[0]).all():
            return {}
        words = flat.unique().sort().to_list()
        codes = self._chosen(flat.cast(pl.Enum(words)).to_physical().to_numpy())[records]
        if not len(codes):
            return {}
        mixed = np.flatnonzero((codes != codes[0]).any(axis=0))
        return {
            self._options.features[i]: [words[c] for c in np.unique(codes[:, i])] for i in mixed
        }
