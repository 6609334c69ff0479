"""What the targets share: sound rows, the command, and what holds of every answer."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import polars as pl
import pyarrow.parquet as pq

from fsq.cli import main
from fsq.intake.validation import OnUnknown
from fsq.schema.arrow import to_arrow
from tests.support.frames import FORMS as IN_FORM
from tests.support.frames import wide
from tests.support.v2 import POLARS_SCHEMA


class WrongError(Exception):
    """An answer that is not the right one."""


@dataclass(frozen=True)
class Target:
    """A part of fsq, and how many inputs it usually gets."""

    run: Callable[[Random, Path], bool]
    usual: int


def command(*words: object) -> tuple[int, str, str]:
    """Run fsq in this process: status, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([str(w) for w in words])
    said = out.getvalue() + err.getvalue()
    if "Traceback" in said or "panicked" in said:
        raise WrongError(f"said {said[:200]!r}")
    # Words that reach a terminal hold no control character but tab and newline.
    if bad := re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", said):
        raise WrongError(f"printed {bad[0]!r}")
    if status not in (0, 1, 2, 3):
        raise WrongError(f"status {status}")
    return status, out.getvalue(), err.getvalue()


@cache
def rows_of(form: str) -> pl.DataFrame:
    """A few sound rows in one of the forms."""
    return IN_FORM[form](wide(6, 2))


UNKNOWN: tuple[OnUnknown, ...] = ("error", "default")
FORMS = tuple(IN_FORM)


@cache
def file_of(form: str, variety: int) -> bytes:
    """The same rows as a Parquet file."""
    sink = io.BytesIO()
    if variety == 0:
        rows_of(form).write_parquet(sink)
    else:
        kinds = ("NONE", "SNAPPY", "ZSTD", "GZIP", "LZ4")
        pq.write_table(
            to_arrow(rows_of(form)),
            sink,
            compression=kinds[variety],
            row_group_size=3,
            use_dictionary=variety % 2 == 0,
            data_page_version="2.0",
        )
    return sink.getvalue()


def sane(scored: pl.DataFrame, rows: int, types: Mapping[str, pl.DataType] = POLARS_SCHEMA) -> None:
    """What holds of every answer, whatever went in; of a contract's own columns, if given."""
    if scored.height != rows:
        raise WrongError(f"{scored.height} rows out of {rows}")
    for name, dtype in types.items():
        if scored.schema.get(name) != dtype:
            raise WrongError(f"{name} is {scored.schema.get(name)}")
    points = [c for c in scored.columns if c.endswith("_quality_pct")]
    for name in [*points, "feature_quality_score"]:
        found = scored[name]
        if found.has_nulls() or not found.is_between(0, 100).all():
            raise WrongError(f"{name} is not between 0 and 100")
    for name in ("is_training_ready", "is_production_ready", "critical_features_training_quality"):
        if scored[name].has_nulls():
            raise WrongError(f"{name} is NULL, a gate that did not close")
    ages = scored["upstream_data_freshness_hours"].drop_nulls()
    if not (ages >= 0).all() or not ages.is_finite().all():
        raise WrongError("an age is negative or not finite")
