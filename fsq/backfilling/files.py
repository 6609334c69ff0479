"""Files as sources: Parquet, CSV, NDJSON and Arrow, compressed or not, in folders or alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from glob import glob, has_magic
from itertools import groupby
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from fsq.backfilling.file_schemas import Part, combine_parts, prepare_parts
from fsq.backfilling.hive import infer_value_types, parse_value, read_folder_values
from fsq.contract import Contract
from fsq.errors import FsqError, InputError
from fsq.intake.expected_types import list_number_columns
from fsq.intake.preparation import prepare_rows
from fsq.schema.arrow import from_arrow
from fsq.stores.read_errors import first_line, is_read_error

Scan = Callable[[Sequence[str]], pl.LazyFrame]

# Where lake tables keep their logs; only the log knows which files are current.
_LAKE_LOGS = {"_delta_log": "Delta", ".hoodie": "Hudi", "metadata": "Iceberg"}
_COMPRESSED = (".gz", ".zst")
_TEXTS = ("CSV", "TSV", "NDJSON")
_DIGITS = 38  # of a decimal, with which Polars computes


def _scan_parquet(files: Sequence[str]) -> pl.LazyFrame:
    return pl.scan_parquet(list(files), glob=False, hive_partitioning=False)


def _scan_streams(files: Sequence[str]) -> pl.LazyFrame:
    """Arrow files, or Arrow streams, which have no footer and are read at once."""
    try:
        rows = pl.scan_ipc(list(files), glob=False)
        rows.collect_schema()
    except pl.exceptions.ComputeError:
        rows = pl.concat([pl.read_ipc_stream(f) for f in files]).lazy()
    return rows


_FORMATS: dict[str, tuple[tuple[str, ...], Scan]] = {
    "Parquet": ((".parquet", ".pq"), _scan_parquet),
    "CSV": (
        (".csv",),
        partial(pl.scan_csv, glob=False, infer_schema_length=None, try_parse_dates=True),
    ),
    "TSV": (
        (".tsv", ".tab"),
        partial(
            pl.scan_csv, glob=False, separator="\t", infer_schema_length=None, try_parse_dates=True
        ),
    ),
    "NDJSON": ((".ndjson", ".jsonl"), partial(pl.scan_ndjson, infer_schema_length=None)),
    "Arrow": ((".arrow", ".ipc", ".feather", ".arrows"), _scan_streams),
}


def scan_files(uri: str, contract: Contract | None = None) -> pl.LazyFrame:
    """Open a file, a folder or a glob of files lazily.

    The ending tells the format; CSV and NDJSON may be compressed with gzip or zstd. In folders,
    names that begin with ``_`` or ``.`` are skipped, and ``name=value`` folders give a column.
    Files whose types drifted harmlessly are read as one table.

    Args:
        uri: the file, folder or glob.
        contract: whose names and dates the columns are to have; None to leave them as they are.

    Raises:
        InputError: nothing is there, formats are mixed, a file cannot be read, files differ in
            their columns, or they are those of a lake table.
    """
    files = _find_files(uri)
    _refuse_lake_tables(files, uri)
    formats = {_format_of(f) for f in files}
    if None in formats:
        if len(files) > 1:
            raise InputError([f"{uri}: the format of some files is unknown; name {_endings()}"])
        formats = {"Parquet"}  # a single file may have any name
    if len(formats) > 1:
        raise InputError([f"{uri}: holds {sorted(map(str, formats))} files; name one format"])
    (found,) = formats
    parts = _open_parts(_drop_empty(files, str(found)), str(found), contract)
    if contract is not None:
        parts = prepare_parts(parts, lambda rows: prepare_rows(rows, contract))
    return combine_parts(parts, contract)


def _drop_empty(files: list[Path], name: str) -> list[Path]:
    """The files without those of zero bytes, which Spark leaves where a text file has no rows.

    Raises:
        InputError: a file has zero bytes, which its format does not allow.
    """
    empty = [f for f in files if f.stat().st_size == 0]
    kept = [f for f in files if f not in empty]
    if empty and (not kept or name not in _TEXTS):
        raise InputError([f"{f} is empty; write it again or remove it" for f in empty[:20]])
    return kept


def _open_parts(files: list[Path], name: str, contract: Contract | None) -> list[Part]:
    """The files in their order; neighbours with the same columns are one part.

    Raises:
        InputError: a file cannot be read.
    """
    numbers = list_number_columns(contract) if contract is not None else frozenset[str]()
    hive = [read_folder_values(file) for file in files]
    kinds = infer_value_types(hive)
    opened = [_open_file(file, name, numbers) for file in files]
    parts = []
    keys = [(tuple(r.collect_schema().items()), h) for r, h in zip(opened, hive, strict=True)]
    for (schema, values), group in groupby(range(len(files)), key=lambda i: keys[i]):
        members = list(group)
        rows = opened[members[0]]
        if len(members) > 1:
            plain = name == "Parquet" and not _has_wide_decimals(dict(schema))
            rows = (
                _scan_parquet([str(files[i]) for i in members])
                if plain
                else pl.concat([opened[i] for i in members])
            )
        present = dict(schema)
        columns = [parse_value(v, kinds[c]).alias(c) for c, v in values if c not in present]
        parts.append(Part(str(files[members[0]]), rows.with_columns(columns)))
    return parts


def _open_file(file: Path, name: str, numbers: Iterable[str]) -> pl.LazyFrame:
    """One file's rows, lazily, once its columns are known.

    Raises:
        InputError: it cannot be read.
    """
    try:
        rows = _FORMATS[name][1]([str(file)])
        if _has_wide_decimals(rows.collect_schema()):
            return from_arrow(pq.read_table(file), frozenset(numbers)).lazy()
        return _untype_empty_columns(rows) if name in _TEXTS else rows
    except FsqError:
        raise
    except BaseException as error:
        if not isinstance(error, pl.exceptions.PolarsError) and not is_read_error(error):
            raise
        cure = "check that its ending names its format, or write it again"
        raise InputError([f"{file} cannot be read: {first_line(error)}; {cure}"]) from error


def _untype_empty_columns(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of a text file; a column without any value has no type."""
    texts = [c for c, dtype in rows.collect_schema().items() if isinstance(dtype, pl.String)]
    if not texts:
        return rows
    counts = rows.select(pl.col(texts).null_count(), pl.len().alias("#rows")).collect()
    count = counts["#rows"][0]
    empty = [c for c in texts if count and counts[c][0] == count]
    return rows.with_columns(pl.lit(None).alias(c) for c in empty)


def _has_wide_decimals(schema: Mapping[str, pl.DataType]) -> bool:
    """Whether a column has decimals of more digits than Polars computes with."""
    return any(
        isinstance(d, pl.Decimal) and (d.precision or 0) > _DIGITS
        for dtype in schema.values()
        for d in (dtype, getattr(dtype, "inner", None))
    )


def _find_files(uri: str) -> list[Path]:
    path = Path(uri.removeprefix("file://"))
    if path.is_file():
        return [path]
    files = _walk(path) if path.is_dir() else _match(path)
    if not files:
        raise InputError([f"{uri}: no data files found there; name {_endings()}"])
    return files


def _walk(folder: Path) -> list[Path]:
    """The data files below a folder, at any depth."""
    inside = (f for f in folder.rglob("*") if _is_data(f.relative_to(folder)))
    return sorted(f for f in inside if f.is_file() and _format_of(f) is not None)


def _match(pattern: Path) -> list[Path]:
    """The data files that a glob names, and those in the folders that it names."""
    if not has_magic(str(pattern)):
        return []
    fixed = next(i for i, part in enumerate(pattern.parts) if has_magic(part))
    hidden = any(part.startswith(("_", ".")) for part in pattern.parts[fixed:])
    found: set[Path] = set()
    for path in map(Path, glob(str(pattern), recursive=True)):  # noqa: PTH207
        if hidden or _is_data(Path(*path.parts[fixed:])):
            found.update(_walk(path) if path.is_dir() else [path] if path.is_file() else [])
    return sorted(found)


def _refuse_lake_tables(files: Iterable[Path], uri: str) -> None:
    """Refuse files of a lake table: only its log knows which of them are current."""
    for folder in dict.fromkeys(p for file in files for p in file.absolute().parents):
        if (kind := _find_lake(folder)) is not None:
            cure = "name the table itself" if kind == "Delta" else "export it as Parquet"
            problem = f"{folder} is a {kind} table; its files cannot be read one by one"
            raise InputError([f"{uri}: {problem}; {cure}"])


def _find_lake(folder: Path) -> str | None:
    """The kind of lake table that a folder is; None if it is not one."""
    for name, kind in _LAKE_LOGS.items():
        log = folder / name
        if log.is_dir() and (name != "metadata" or any(log.glob("*.metadata.json"))):
            return kind
    return None


def _is_data(inside: Path) -> bool:
    return not any(part.startswith(("_", ".")) for part in inside.parts)


def _format_of(file: Path) -> str | None:
    name = file.name.lower()
    for ending in _COMPRESSED:
        name = name.removesuffix(ending)
    return next((f for f, (endings, _) in _FORMATS.items() if name.endswith(endings)), None)


def _endings() -> str:
    return ", ".join(e for endings, _ in _FORMATS.values() for e in endings)
