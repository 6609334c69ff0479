"""Scored records and their details as long columns, which everything per feature starts from.

The rows are read in parts. Of each part only what is looked at later is kept, so that a date of
millions of records fits into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.diagnosis.cells import Array, Cells
from fsq.diagnosis.records import Records
from fsq.diagnosis.scored_columns import HEADLINE
from fsq.errors import InputError
from fsq.profile.rows import Mask, Matrix
from fsq.schema.columns import DETAIL
from fsq.utils.frames import read_parts

OLDEST = "upstream_data_freshness_hours"
# Names of what is kept of every record and feature; a check may keep more.
VALUE, IS_DEFAULT, UPDATED, SAMPLE = "feature_value", "is_default", "last_updated", "sample_size"
UNKNOWN = np.iinfo(np.int64).min  # stands for NULL among integers and moments
NEVER = np.iinfo(np.int64).max  # the first moment of none
FIRST = "first stamp"  # of each record
PART_CELLS = 250_000  # records × features that are read at once
# Fields of the detail that are read.
_FIELDS = (
    "feature_index", "feature_value", "expected_value", "value_range_valid", "source_type",
    "last_updated", "quality_score", "feature_quality_tier", "is_default", "sample_size",
    "is_training_quality",
)  # fmt: skip
# What a store need read of the detail before any check asks for more.
DETAIL_PARTS = ("feature_name", *_FIELDS)
# What is kept of a part: arrays of one value per record, or of records × features.
Condense = Callable[["Part"], Mapping[str, Array]]


@dataclass(frozen=True)
class Part:
    """Some records and their details, record by record.

    Attributes:
        contract: of the scoring.
        records: one row per record: all columns that were asked for.
        fields: one row per record and feature: the fields to aggregate, and ``age_hours``.
    """

    contract: Contract
    records: pl.DataFrame
    fields: pl.DataFrame

    def get_cells(self, name: str) -> Array:
        """A field as records × features; NULL is NaN."""
        return self._reshape(self.fields[name].to_numpy())

    @cached_property
    def is_default(self) -> Mask:
        """Records × features: is the value a default?"""
        known = self.fields[IS_DEFAULT].fill_null(True)  # unknown is not trusted
        return self._reshape(known.to_numpy())

    @cached_property
    def values(self) -> Matrix:
        """Records × features: the values that are not default; NaN elsewhere."""
        return np.where(self.is_default, np.nan, self.get_cells(VALUE))

    def get_integers(self, name: str) -> Array:
        """A field of integers or moments as records × features; ``UNKNOWN`` for NULL."""
        numbers = self.fields[name].to_physical().cast(pl.Int64).fill_null(UNKNOWN)
        return self._reshape(numbers.to_numpy())

    def _reshape(self, flat: Array) -> Array:
        return flat.reshape(-1, len(self.contract.features))


@dataclass(frozen=True)
class LongDetail:
    """Scored records and what is kept of their details.

    Attributes:
        records: one row per record: keys, date, time, and what was carried along.
        cells: what is kept of each record and feature.
        marks: what else is kept of each record.
        counts: counts and sums per date and feature; see ``count_features``.
    """

    records: Records
    cells: Cells = field(repr=False)
    marks: Records = field(repr=False)
    counts: pl.DataFrame = field(repr=False)

    def get_values(self, feature: int) -> Matrix:
        """A feature's values that are not default; NaN elsewhere."""
        default = self.cells.get_column(IS_DEFAULT, feature)
        return np.where(default, np.nan, self.cells.get_column(VALUE, feature))


@dataclass(frozen=True)
class Reader:
    """What somebody else takes of the parts while they are read, so that it is done once.

    Attributes:
        columns: of the records that it takes, where the rows have them.
        fields: further fields of the detail.
        take: is given each part, in order.
    """

    columns: tuple[str, ...]
    fields: tuple[str, ...]
    take: Callable[[Part], None]


def read_long_detail(
    scored: pl.LazyFrame,
    contract: Contract,
    count: Callable[[Part], pl.DataFrame],
    carry: Iterable[str] = (),
    fields: Iterable[str] = (),
    raw: Iterable[str] = (),
    condense: Sequence[Condense] = (),
    expected: int | None = None,
    others: Sequence[Reader] = (),
) -> LongDetail:
    """Read the details, part by part, and keep what is looked at later.

    Args:
        scored: scored rows with the contract's date and ``feature_quality_detail``.
        contract: of the scoring.
        count: counts and sums of a part, per date and feature.
        carry: further columns to keep of each record, where the rows have them.
        fields: further fields of the detail that are condensed, where the rows have them.
        raw: further columns that are only condensed.
        condense: what else to keep of each part.
        expected: how many rows there are, if somebody has counted them.
        others: who else reads the same parts.

    Raises:
        InputError: a record has other features than the contract.
        StoreError: the rows cannot be read, or a temporary file cannot be written.
    """
    cells = Cells(len(contract.features))
    kept = [*dict.fromkeys([*contract.table.key, OLDEST, *carry])]
    records: Records | None = None
    marks: Records | None = None
    counts: list[pl.DataFrame] = []
    columns = [*kept, *raw, *(c for reader in others for c in reader.columns)]
    fields = [*fields, *(f for reader in others for f in reader.fields)]
    for part in read_detail_parts(scored, contract, columns, fields, expected):
        for reader in others:
            reader.take(part)
        own = part.records.select(c for c in kept if c in part.records.columns)
        counts.append(count(part))
        marked: dict[str, Array] = {}
        for one in (_keep, *condense):
            found = one(part)
            cells.append({n: a for n, a in found.items() if a.ndim == 2})
            marked |= {n: a for n, a in found.items() if a.ndim == 1}
        known = pl.DataFrame(marked)
        records, marks = records or Records(own.clear()), marks or Records(known.clear())
        records.append(own)
        marks.append(known)
    if records is None or marks is None:
        raise ValueError("no part was read; there is one at least")
    return LongDetail(records, cells, marks, pl.concat(counts))


def read_detail_parts(
    scored: pl.LazyFrame,
    contract: Contract,
    columns: Iterable[str] = (),
    fields: Iterable[str] = (),
    expected: int | None = None,
) -> Iterator[Part]:
    """Read rows with their details part by part; there is one part at least, maybe empty.

    The detail has no field for ages. The record's largest age belongs to its oldest timestamp;
    every other age is smaller by as much as its timestamp is later.

    Args:
        scored: scored rows with the contract's date and ``feature_quality_detail``.
        contract: of the scoring.
        columns: to read of each record, where the rows have them.
        fields: further fields of the detail to read, where the rows have them.
        expected: how many rows there are, if somebody has counted them.

    Raises:
        InputError: a record has other features than the contract.
    """
    schema = scored.collect_schema()
    wanted = dict.fromkeys([contract.table.date, OLDEST, *columns])
    # A store's reader skips the fields that are not selected.
    selected = scored.select(*(c for c in wanted if c in schema), DETAIL)
    for frame in read_parts(selected, max(1, PART_CELLS // len(contract.features)), expected):
        yield _open_part(frame, contract, fields)


def _open_part(frame: pl.DataFrame, contract: Contract, fields: Iterable[str]) -> Part:
    width = len(contract.features)
    lengths = frame[DETAIL].list.len().fill_null(0)
    if frame.height and (lengths.min() != width or lengths.max() != width):
        found = sorted({int(n) for n in lengths.unique()})
        cure = f"name the contract that they were scored with; {contract.name} has {width}"
        raise InputError([f"records have {found} features; {cure}"], HEADLINE)
    # Of several pieces at once, it would be copied whole; a file without a date gives an empty one.
    chunks = [c for c in frame[DETAIL].get_chunks() if len(c)] or [frame[DETAIL]]
    detail = [chunk.explode(empty_as_null=False).struct.unnest() for chunk in chunks]
    names = detail[0]["feature_name"].head(width).to_list()
    if frame.height and names != list(contract.names):
        cure = "name the contract that they were scored with"
        raise InputError([f"records have other features than {contract.name}; {cure}"], HEADLINE)
    existing = detail[0].columns
    further = [n for n in dict.fromkeys(fields) if n in existing and n not in DETAIL_PARTS]
    read = pl.concat([piece[[*_FIELDS, *further]] for piece in detail], rechunk=False)
    records = frame.drop(DETAIL)
    return Part(contract, records, read.with_columns(_recover_ages(records, read, width)))


def _keep(part: Part) -> dict[str, Array]:
    """What is kept of every table: values and defaults, and stamps and samples where known."""
    out: dict[str, Array] = {
        VALUE: part.get_cells(VALUE).astype(np.float64),
        IS_DEFAULT: part.is_default,
    }
    for name in (UPDATED, SAMPLE):
        out[name] = part.get_integers(name)
    out[FIRST] = np.where(out[UPDATED] == UNKNOWN, NEVER, out[UPDATED]).min(axis=1)
    return out


def _recover_ages(records: pl.DataFrame, fields: pl.DataFrame, width: int) -> pl.Series:
    """``age_hours`` of every record and feature."""
    unstamped = fields["last_updated"].null_count() == fields.height
    if not records.height or OLDEST not in records.columns or unstamped:
        return pl.repeat(None, fields.height, dtype=pl.Float64, eager=True).alias("age_hours")
    stamps = fields["last_updated"].to_physical()
    moments = stamps.cast(pl.Float64).to_numpy().reshape(-1, width)  # NULL is NaN
    first, age = np.fmin.reduce(moments, axis=1), records[OLDEST]
    ages = age.cast(pl.Float64).to_numpy()[:, None] - (moments - first[:, None]) / 3.6e9
    ages[ages < 0] = 0.0
    unknown = np.isnan(moments) | age.is_null().to_numpy()[:, None]  # NaN may be an age, too
    known = pl.Series("age_hours", ages.reshape(-1))
    return known.set(pl.Series(unknown.reshape(-1)), None) if unknown.any() else known


def _count_hours(stamps: pl.Series, oldest: pl.Series, age: pl.Series) -> pl.Series:
    """Ages of stamps, of records whose oldest stamp has this age."""
    ages = (age - (stamps - oldest) / 3.6e9).alias("age_hours")
    return ages.set(ages < 0, 0.0)  # as ``clip``, which plans a query for each feature


def get_integers(long: LongDetail, name: str, feature: int) -> pl.Series:
    """A feature's integers, or moments as such, that are kept; NULL where unknown."""
    numbers = long.cells.get_column(name, feature)
    unknown = numbers == UNKNOWN
    known = pl.Series(name, numbers)
    return known.set(pl.Series(unknown), None) if unknown.any() else known


def get_ages(long: LongDetail, feature: int) -> pl.Series:
    """A feature's ``age_hours``."""
    stamps = get_integers(long, UPDATED, feature)
    if OLDEST not in long.records.columns or stamps.null_count() == len(stamps):
        return pl.repeat(None, len(stamps), dtype=pl.Float64, eager=True).alias("age_hours")
    return _count_hours(stamps, long.marks[FIRST], long.records[OLDEST])


def repeat(values: pl.Series, times: int) -> pl.Series:
    """Each value of a record, once for each of its features."""
    return values.gather(np.repeat(np.arange(len(values), dtype=np.uint32), times))
