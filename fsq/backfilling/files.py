"""Files as sources: Parquet, CSV, NDJSON and Arrow, compressed or not, in folders or alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from glob import glob, has_magic
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from fsq.errors import InputError

Scan = Callable[[Sequence[str]], pl.LazyFrame]

# What a lake table keeps beside its files; which of these are current, only its log knows.
_LAKE_LOGS = {"_delta_log": "Delta", ".hoodie": "Hudi", "metadata": "Iceberg"}
_COMPRESSED = (".gz", ".zst")


def _scan_streams(files: Sequence[str]) -> pl.LazyFrame:
    """Arrow files, or Arrow streams, which have no footer and are read at once."""
    try:
        rows = pl.scan_ipc(list(files), glob=False)
        rows.collect_schema()
    except pl.exceptions.ComputeError:
        rows = pl.concat([pl.read_ipc_stream(f) for f in files]).lazy()
    return rows


_FORMATS: dict[str, tuple[tuple[str, ...], Scan]] = {
    "Parquet": ((".parquet", ".pq"), partial(pl.scan_parquet, glob=False, hive_partitioning=False)),
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


def scan_files(uri: str) -> pl.LazyFrame:
    """Open a file, a folder or a glob of files lazily.

    The ending tells the format; CSV and NDJSON may be compressed with gzip or zstd. In folders,
    what begins with ``_`` or ``.`` is no data, and ``name=value`` folders give a column.

    Raises:
        InputError: nothing is there, formats are mixed, or a lake table lies there.
        PolarsError: a file is damaged.
    """
    files = _find_files(uri)
    formats = {_format_of(f) for f in files}
    if None in formats:
        if len(files) > 1:
            raise InputError([f"{uri}: the format of some files is unknown; name {_endings()}"])
        formats = {"Parquet"}  # a single file of any name, as before
    if len(formats) > 1:
        raise InputError([f"{uri}: holds {sorted(map(str, formats))} files; name one format"])
    (found,) = formats
    _, scan = _FORMATS[str(found)]
    partitions: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for file in files:
        partitions.setdefault(_hive_values(file), []).append(str(file))
    if set(partitions) == {()}:
        return scan([str(f) for f in files])
    parts = [_add_hive_columns(scan(group), values) for values, group in partitions.items()]
    return pl.concat(parts, how="diagonal_relaxed")


def _find_files(uri: str) -> list[Path]:
    path = Path(uri.removeprefix("file://"))
    if path.is_file():
        return [path]
    if path.is_dir():
        _refuse_lake_tables(path, uri)
        inside = (f for f in path.rglob("*") if _is_data(f.relative_to(path)))
        files = [f for f in inside if f.is_file() and _format_of(f) is not None]
    else:
        names = glob(str(path), recursive=True) if has_magic(str(path)) else []  # noqa: PTH207
        files = [f for f in map(Path, names) if f.is_file() and not f.name.startswith((".", "_"))]
    if not files:
        raise InputError([f"{uri}: no data files found there; name {_endings()}"])
    return sorted(files)


def _refuse_lake_tables(folder: Path, uri: str) -> None:
    for name, kind in _LAKE_LOGS.items():
        for log in folder.rglob(name):
            if log.is_dir() and (name != "metadata" or any(log.glob("*.metadata.json"))):
                cure = "name the table itself" if kind == "Delta" else "export it as Parquet"
                problem = f"{log.parent} is a {kind} table; its files are not read one by one"
                raise InputError([f"{uri}: {problem}; {cure}"])


def _is_data(inside: Path) -> bool:
    return not any(part.startswith(("_", ".")) for part in inside.parts)


def _format_of(file: Path) -> str | None:
    name = file.name.lower()
    for ending in _COMPRESSED:
        name = name.removesuffix(ending)
    return next((f for f, (endings, _) in _FORMATS.items() if name.endswith(endings)), None)


def _endings() -> str:
    return ", ".join(e for endings, _ in _FORMATS.values() for e in endings)


def _hive_values(file: Path) -> tuple[tuple[str, str], ...]:
    """The ``name=value`` folders right above a file, outermost first."""
    pairs: list[tuple[str, str]] = []
    for folder in file.absolute().parents:
        name, equals, value = folder.name.partition("=")
        if not (name and equals):
            break
        pairs.append((name, value))
    return tuple(reversed(pairs))


def _add_hive_columns(rows: pl.LazyFrame, values: tuple[tuple[str, str], ...]) -> pl.LazyFrame:
    """Add the folders' values as columns; a column of the file's own wins."""
    present = rows.collect_schema()
    return rows.with_columns(
        _hive_literal(value).alias(name) for name, value in values if name not in present
    )


def _hive_literal(value: str) -> pl.Expr:
    text = unquote(value)
    if text == "__HIVE_DEFAULT_PARTITION__":
        return pl.lit(None)
    day = pl.Series([text]).str.to_date("%Y-%m-%d", strict=False)
    if day[0] is not None:
        return pl.lit(day[0], pl.Date)
    if text.isascii() and text.isdigit() and (text == "0" or not text.startswith("0")):
        return pl.lit(int(text), pl.Int64)
    return pl.lit(text)
