"""A training set as files and arrays that carry their provenance."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from fsq.errors import InputError
from fsq.schema.arrow import find_inexact
from fsq.schema.arrow import to_arrow as to_plain_arrow
from fsq.schema.polars_types import inner_type, is_text, struct_fields
from fsq.training.records import KeptRecords
from fsq.training.result import Summary
from fsq.utils.arguments import FIRST_YEAR, LAST_YEAR
from fsq.utils.documents import encode_json
from fsq.utils.files import atomic_write
from fsq.utils.version import VERSION

if TYPE_CHECKING:
    import pandas as pd

_HEADLINE = "the training set cannot be exported"
_KEY = b"fsq"
_ROWS_AT_ONCE = 200_000  # that are written as text, or as a row group


@dataclass(frozen=True)
class ExportData:
    """What is exported.

    Attributes:
        records: keys, carried columns, features and label.
        keys: the columns that name a record.
        features: names of the matrix's columns.
        label: name of the label, or None.
        provenance: where the set comes from, as JSON types.
    """

    records: KeptRecords
    keys: tuple[str, ...]
    features: tuple[str, ...]
    label: str | None
    provenance: dict[str, Any]


def compute_fingerprint(records: KeptRecords, filter_options: dict[str, Any]) -> str:
    """Sixteen hex digits that depend only on records, values and gates."""
    digest = hashlib.sha256(json.dumps([filter_options, records.columns], sort_keys=True).encode())
    names, schema = set(records.features), records.rows.schema
    floats = [c for c in records.others if schema[c].is_float()]
    for column in (c for c in records.columns if c in names or c in floats):
        if column in names:
            numbers = records.get_numbers(column)
        else:
            numbers = records.get_other(column).cast(pl.Float64).to_numpy()
        for at in range(0, len(numbers), _ROWS_AT_ONCE):
            some = numbers[at : at + _ROWS_AT_ONCE].astype("<f8")
            # NaN and -0.0 have several representations.
            digest.update((np.where(np.isnan(some), np.nan, some) + 0.0).tobytes())
    rest = [c for c in records.others if c not in floats]
    spelled = [_spell(pl.col(c), schema[c]).alias(c) for c in rest]
    for others in records.iterate_others(rest):
        for part in others.iter_slices(_ROWS_AT_ONCE):
            digest.update(part.select(spelled).write_ndjson().encode())
    return digest.hexdigest()[:16]


def _spell(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Values as JSON can hold them; Polars panics over bytes, and over dates beyond the calendar.

    Bytes become their digits, and dates texts, or numbers of days where no calendar has them.
    """
    if isinstance(dtype, pl.Binary):
        return value.bin.encode("hex")
    if isinstance(dtype, pl.Date):
        known = value.dt.year().is_between(FIRST_YEAR, LAST_YEAR)
        text = pl.when(known).then(value).cast(pl.String)
        return pl.coalesce(text, value.to_physical().cast(pl.String))
    if isinstance(dtype, pl.Array):
        return _spell(value.arr.to_list(), pl.List(inner_type(dtype)))
    if isinstance(dtype, pl.List):
        return value.list.eval(_spell(pl.element(), inner_type(dtype)))
    if isinstance(dtype, pl.Struct) and dtype.fields:
        fields = struct_fields(dtype).items()
        inside = [_spell(value.struct.field(name), kind).alias(name) for name, kind in fields]
        return pl.when(value.is_not_null()).then(pl.struct(inside))
    return value


def make_provenance(
    records: KeptRecords, summary: Summary, late_rows: int, origin: str | None
) -> dict[str, Any]:
    """Where a set comes from, as JSON types."""
    options = summary.options
    days = records.get_other(options.contract.table.date)
    return {
        "fsq": VERSION,
        "fingerprint": summary.fingerprint,
        "rows": records.height,
        "dates": [str(days.min()), str(days.max())] if records.height else [],
        "source": origin,
        "contract": {"name": options.contract.name, "version_hash": options.contract.version_hash},
        "filter": summary.filter,
        "waterfall": summary.waterfall.to_dicts(),
        "late_rows": late_rows,
        "findings": [
            f.to_dict() | {"dates": [str(f.dates[0]), str(f.dates[-1])] if f.dates else []}
            for f in summary.findings
        ],
    }


def read_provenance(path: str | Path) -> dict[str, Any]:
    """Read the provenance of a training set's file.

    Raises:
        InputError: the file cannot be read, or fsq did not write it.
    """
    file = Path(path)
    try:
        if file.suffix == ".npz":
            # NumPy would leave the file open if it is not an archive.
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                text = str(archive["provenance"])
        elif file.suffix == ".arrow":
            with pa.ipc.open_file(file) as reader:
                text = (reader.schema.metadata or {})[_KEY].decode()
        else:
            text = (pq.read_schema(file).metadata or {})[_KEY].decode()
        provenance: dict[str, Any] = json.loads(text)
    except Exception as error:  # readers raise many kinds of errors on damaged files
        problem = f"{file}: holds no provenance ({error!r}); name a file that a training set wrote"
        raise InputError([problem], "the provenance cannot be read") from error
    return provenance


def to_arrow(data: ExportData) -> pa.Table:
    """The frame with plain Arrow types, its provenance as the schema's metadata ``fsq``.

    Columns whose values plain types cannot hold keep their own.
    """
    return _add_provenance(to_plain_arrow(data.records.make_frame(), _find_exact(data)), data)


def _iterate_arrow(data: ExportData) -> Iterator[pa.Table]:
    """The same in parts of some rows; there is one at least."""
    exact = _find_exact(data)
    for frame in data.records.iterate_frames(_ROWS_AT_ONCE):
        yield _add_provenance(to_plain_arrow(frame, exact), data)


def _find_exact(data: ExportData) -> frozenset[str]:
    """Columns whose values plain types cannot hold; no feature's are."""
    schema = data.records.rows.schema
    names = [c for c in data.records.others if not is_text(schema[c])]
    parts = data.records.iterate_others(names)
    return frozenset(c for part in parts for c in find_inexact(part.lazy(), names))


def _add_provenance(table: pa.Table, data: ExportData) -> pa.Table:
    return table.replace_schema_metadata({_KEY: encode_json(data.provenance)})


def to_numpy(records: KeptRecords, label: str | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Features and label."""
    matrix = np.empty((records.height, len(records.features)))
    for at, name in enumerate(records.features):
        matrix[:, at] = records.get_numbers(name)
    return matrix, None if label is None else records.get_other(label).cast(pl.Float64).to_numpy()


def to_pandas(data: ExportData) -> pd.DataFrame:
    """The frame for pandas."""
    try:
        import pandas  # noqa: F401 - only to report clearly that it is missing
    except ImportError as error:
        cure = "pip install pandas, or use .frame or .to_arrow()"
        raise InputError([f"pandas is not installed; {cure}"], _HEADLINE) from error
    frame = data.records.make_frame().to_pandas()
    frame.attrs["fsq"] = data.provenance
    return frame


def choose_writer(path: Path) -> Callable[[ExportData, BinaryIO], None]:
    """The function that writes a file of this name.

    Raises:
        InputError: the name has another ending.
    """
    writers = {".parquet": _write_parquet, ".arrow": _write_ipc, ".npz": _write_npz}
    if path.suffix not in writers:
        problem = f"{path}: unknown file type {path.suffix!r}; use one of {list(writers)}"
        raise InputError([problem], _HEADLINE)
    return writers[path.suffix]


def write(data: ExportData, path: Path) -> Path:
    """Write a file whose type its name tells."""
    writer = choose_writer(path)
    with atomic_write(path) as file:
        writer(data, file)
    return path


def _write_parquet(data: ExportData, file: BinaryIO) -> None:
    parts = _iterate_arrow(data)
    first = next(parts)
    with pq.ParquetWriter(file, first.schema, compression="zstd") as writer:
        for table in chain([first], parts):
            writer.write_table(table)


def _write_ipc(data: ExportData, file: BinaryIO) -> None:
    table = to_arrow(data)
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _write_npz(data: ExportData, file: BinaryIO) -> None:
    features, label = to_numpy(data.records, data.label)
    arrays = {
        "features": features,
        "feature_names": np.array(data.features),
        "provenance": np.array(encode_json(data.provenance)),
    }
    if label is not None:
        arrays["label"] = label
    for key in data.keys:
        # Not a name of the other arrays, nor that of savez's own first argument.
        name = f"key_{key}" if key in {*arrays, "label", "file"} else key
        column = data.records.get_other(key).to_numpy()
        arrays[name] = column.astype(str) if column.dtype == object else column
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
