"""Rows that are damaged, of odd types, or made to pass for others."""

from __future__ import annotations

import io
import json
from datetime import datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pyarrow as pa

import fsq
from fsq.schema.arrow import to_arrow
from tests.fuzz import mutate
from tests.fuzz.common import FORMS, UNKNOWN, WrongError, command, file_of, rows_of, sane
from tests.support.frames import NAMES


def parquet(rng: Random, place: Path) -> bool:
    """A damaged Parquet file on the command line."""
    data = mutate.damaged(rng, file_of(rng.choice(FORMS), rng.randrange(5)))
    given, made = place / "in.parquet", place / "out.parquet"
    given.write_bytes(data)
    made.unlink(missing_ok=True)
    status, _, _ = command("score", given, "--out", made)
    left = {f.name for f in place.iterdir()} - {"in.parquet", "out.parquet"}
    if left or (status != 0 and made.exists()):
        raise WrongError(f"left {left or made}")
    if status == 0:
        scored = pl.read_parquet(made)
        sane(scored, scored.height)
    return status == 0


def arrow(rng: Random, _: Path) -> bool:
    """A damaged Arrow stream; what Arrow itself finds sound is scored."""
    sink = io.BytesIO()
    table = _arrow_table(rng.choice(FORMS))
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    try:
        with pa.ipc.open_stream(mutate.damaged(rng, sink.getvalue())) as reader:
            read = reader.read_all()
        read.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError, KeyError):
        return False  # not fsq's to answer
    sane(pl.DataFrame(fsq.score(read)), read.num_rows)
    return True


@cache
def _arrow_table(form: str) -> pa.Table:
    return to_arrow(rows_of(form))


def columns(rng: Random, _: Path) -> bool:
    """Columns of odd types; eager and lazy say the same."""
    frame = rows_of(rng.choice(FORMS))
    special = [
        "feature_sources",
        "feature_names",
        "features",
        "processors_completed",
        "as_of",
        "computed_at",
        "pipeline_run_id",
        "player_lookup",
        "game_date",
        "extra",
        "player_daily_cache__last_updated",
        "last_10__sample_size",
        "feature_quality_detail",
        "pace_score",
        "pace_score__game_ids",
        "pace_score__original_value",
        "pace_score__duration_ms",
        "pace_score__source",
        "primary_data_source",
        "source_composite_last_updated",
        "updated_at",
        "last_5__game_ids",
    ]
    names = rng.sample(special, rng.choice((1, 1, 2, 3))) + rng.sample(frame.columns, 1)
    for name in names:
        frame = frame.with_columns(mutate.column(rng, frame.height).alias(name))
    if rng.random() < 0.1:
        frame = frame.drop(rng.choice(frame.columns))
    now, unknown = datetime(2026, 3, 1), rng.choice(UNKNOWN)
    told: list[Any] = []
    for rows in (frame, frame.lazy()):
        try:
            told.append(fsq.score(rows, now=now, on_unknown_source=unknown).lazy().collect())
        except fsq.FsqError as error:
            told.append(error)
    eager, lazy = told
    if isinstance(eager, fsq.FsqError) != isinstance(lazy, fsq.FsqError):
        raise WrongError(f"eager and lazy differ: {str(eager)[:90]!r} and {str(lazy)[:90]!r}")
    if isinstance(eager, fsq.FsqError):
        return False
    sane(eager, frame.height)
    plain = [c for c, t in eager.schema.items() if t != pl.Object]
    if not eager.select(plain).equals(lazy.select(plain)):
        raise WrongError("eager and lazy give different answers")
    return True


def sources(rng: Random, _: Path) -> bool:
    """JSON bombs and odd JSON in ``feature_sources``; a plain parser says what is right."""
    form = rng.choice(("wide", "legacy"))
    frame = rows_of(form)
    if form == "wide":
        frame = frame.drop(f"{n}__source" for n in NAMES[1:]).drop(f"{NAMES[0]}__source")
    texts = [mutate.json_text(rng) if rng.random() < 0.2 else '{"0":"phase4"}' for _ in range(6)]
    frame = frame.with_columns(pl.Series("feature_sources", texts))
    scored = fsq.score(frame, on_unknown_source="default")
    sane(scored, 6)
    for text, detail in zip(texts, scored["feature_quality_detail"].to_list(), strict=True):
        words = json.loads(text) or {}
        for i, fact in enumerate(detail):
            word = words.get(str(i), "missing")
            word = "missing" if word is None else word
            if fact["is_default"] and word in ("default", "missing", "fallback"):
                continue
            known = {
                "phase4": "phase4",
                "vegas": "phase4",
                "phase3": "phase3",
                "minutes_ppm": "phase4",
                "opponent_history": "phase4",
                "calculated": "calculated",
            }
            right = known.get(word, "default") if isinstance(word, str) else "default"
            if fact["source_type"] != (right if fact["feature_value"] is not None else "default"):
                raise WrongError(f"{word!r} at {i} of {text[:80]!r} became {fact['source_type']}")
    return True


def names(rng: Random, place: Path) -> bool:
    """Legacy rows whose ``feature_names`` try to pass for others; each value keeps its name."""
    frame = rows_of("legacy")
    values, named = [], []
    for _ in range(frame.height):
        order: list[str | None] = list(NAMES)
        for _ in range(rng.choice((0, 0, 0, 0, 1, 2))):
            at, other = rng.randrange(len(order)), rng.randrange(len(order))
            kind = rng.randrange(5)
            if kind == 0:
                order[at], order[other] = order[other], order[at]
            elif kind == 1:
                order.insert(at, rng.choice((None, "", "\x00", mutate.text(rng))))
            elif kind == 2 and at + 1 < len(order):
                order[at : at + 2] = [f"{order[at]}\x00{order[at + 1]}"]
            elif kind == 3:
                order[at] = rng.choice((None, order[other], mutate.text(rng)))
            else:
                order.insert(at, order[other] if rng.random() < 0.3 else "more")
        named.append(order)
        # Each feature's value is its place in the contract, so that a mix-up shows.
        values.append([float(NAMES.index(n)) if n in NAMES else -99.0 for n in order])
    frame = frame.with_columns(
        pl.Series("features", values, dtype=pl.List(pl.Float64)),
        pl.Series("feature_names", named, dtype=pl.List(pl.String)),
    )
    scored = fsq.score(frame, on_unknown_source="default")
    for detail in scored["feature_quality_detail"].to_list():
        for i, fact in enumerate(detail):
            value = (
                fact["original_value"]
                if fact["original_value"] is not None
                else (fact["feature_value"])
            )
            if value != float(i):
                raise WrongError(f"{fact['feature_name']} is {value}, not {i}")
    return True
