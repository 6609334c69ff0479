"""A training set as files and arrays that say where they come from."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from fsq.errors import InputError
from fsq.schema.arrow import to_arrow as plain_arrow
from fsq.utils.files import write_atomically

if TYPE_CHECKING:
    import pandas as pd

    from fsq.training.training_set import TrainingSet

_HEADLINE = "the training set cannot be exported"
_KEY = b"fsq"


def fingerprint(frame: pl.DataFrame, asked: dict[str, Any]) -> str:
    """Sixteen hex digits that follow from records, values and gates alone.

    >>> frame = pl.DataFrame({"player_lookup": ["a"], "pace_score": [1.0]})
    >>> fingerprint(frame, {}) == fingerprint(frame.with_columns(pace_score=pl.lit(1.5)), {})
    False
    """
    digest = hashlib.sha256(json.dumps([asked, frame.columns], sort_keys=True).encode())
    floats = [c for c, kind in frame.schema.items() if kind.is_float()]
    for column in floats:
        values = frame[column].cast(pl.Float64).to_numpy().astype("<f8")
        # NaN and -0.0 can be written in several ways.
        digest.update((np.where(np.isnan(values), np.nan, values) + 0.0).tobytes())
    digest.update(frame.drop(floats).write_ndjson().encode())
    return digest.hexdigest()[:16]


def provenance(made: TrainingSet) -> dict[str, Any]:
    """Where a set comes from, as JSON types."""
    frame, options = made.frame, made.options
    days = frame["game_date"]
    return {
        "fsq": version("fsq"),
        "fingerprint": made.fingerprint,
        "rows": frame.height,
        "dates": [str(days.min()), str(days.max())] if frame.height else [],
        "source": made.origin,
        "contract": {"name": options.contract.name, "version_hash": options.contract.version_hash},
        "filter": options.as_filter(),
        "waterfall": made.waterfall.to_dicts(),
        "late_rows": made.late_rows,
        "findings": [
            f.to_dict() | {"dates": [str(f.dates[0]), str(f.dates[-1])] if f.dates else []}
            for f in made.findings
        ],
    }


def read_provenance(path: str | Path) -> dict[str, Any]:
    """What a written training set says of itself.

    Raises:
        InputError: the file cannot be read, or is no training set of fsq.
    """
    file = Path(path)
    try:
        if file.suffix == ".npz":
            # Opened here, since NumPy leaves open what turns out to be no archive.
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
                text = str(held["provenance"])
        elif file.suffix == ".arrow":
            with pa.ipc.open_file(file) as opened:
                text = (opened.schema.metadata or {})[_KEY].decode()
        else:
            text = (pq.read_schema(file).metadata or {})[_KEY].decode()
        found: dict[str, Any] = json.loads(text)
    except Exception as error:  # a damaged archive raises whatever its reader stumbles over
        problem = f"{file}: says nothing of where it comes from ({error!r}); write it with fsq"
        raise InputError([problem], "the provenance cannot be read") from error
    return found


def to_arrow(made: TrainingSet) -> pa.Table:
    """The frame with plain Arrow types, its provenance as the schema's metadata ``fsq``."""
    return plain_arrow(made.frame).replace_schema_metadata({_KEY: json.dumps(made.provenance)})


def to_numpy(made: TrainingSet) -> tuple[np.ndarray, np.ndarray | None]:
    """Features and label."""
    frame, label = made.frame, made.options.label
    features = frame.select(made.options.features).to_numpy(order="c")
    return features, None if label is None else frame[label].cast(pl.Float64).to_numpy()


def to_pandas(made: TrainingSet) -> pd.DataFrame:
    """The frame for pandas."""
    try:
        import pandas  # noqa: F401 - only to say clearly that it is absent
    except ImportError as error:
        cure = "pip install pandas, or use .frame or .to_arrow()"
        raise InputError([f"pandas is not installed; {cure}"], _HEADLINE) from error
    out = made.frame.to_pandas()
    out.attrs["fsq"] = made.provenance
    return out


def write(made: TrainingSet, path: Path) -> Path:
    """Write a file whose kind its name says."""
    writer = writer_of(path)
    write_atomically(path, writer(made))
    return path


def writer_of(path: Path) -> Callable[[TrainingSet], bytes]:
    """What writes a file of this name.

    Raises:
        InputError: nothing does.
    """
    writers = {".parquet": _parquet, ".arrow": _ipc, ".npz": _npz}
    if path.suffix not in writers:
        raise InputError([f"{path}: end it in one of {list(writers)}"], _HEADLINE)
    return writers[path.suffix]


def _parquet(made: TrainingSet) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(to_arrow(made), sink, compression="zstd")
    return bytes(sink.getvalue())


def _ipc(made: TrainingSet) -> bytes:
    sink, table = pa.BufferOutputStream(), to_arrow(made)
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _npz(made: TrainingSet) -> bytes:
    features, label = to_numpy(made)
    arrays = {
        "features": features,
        "feature_names": np.array(made.options.features),
        "player_lookup": made.frame["player_lookup"].to_numpy().astype(str),
        "game_date": made.frame["game_date"].to_numpy(),
        "provenance": np.array(json.dumps(made.provenance)),
    }
    if label is not None:
        arrays["label"] = label
    sink = io.BytesIO()
    np.savez_compressed(sink, **arrays)  # type: ignore[arg-type]
    return sink.getvalue()
