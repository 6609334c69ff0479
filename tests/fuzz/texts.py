"""Text files, Arrow files, folders and settings made by an enemy, on the command line."""

from __future__ import annotations

import gzip
import io
import shutil
from functools import cache
from pathlib import Path
from random import Random
from urllib.parse import quote

import polars as pl
import pyarrow as pa

from fsq.schema.arrow import to_arrow
from tests.fuzz import mutate
from tests.fuzz.common import WrongError, command, file_of, rows_of, sane

_ENDINGS = (".csv", ".csv", ".tsv", ".ndjson", ".ndjson", ".csv.gz", ".csv.zst", ".ndjson.gz")
_KEYS = ("--key", "player_lookup", "--date", "game_date")
_SETTINGS = """\
store = "warehouse"
contract = "v2_33features"
false-alarms = 2
storage-option = ["a=b"]

[env.prod]
store = "s3://bucket/table"
notify = ["json://localhost"]

[check]
fail-on = "red"
"""


def texts(rng: Random, place: Path) -> bool:
    """A damaged CSV, TSV or NDJSON file, compressed or not, to each command that reads files."""
    ending = rng.choice(_ENDINGS)
    text = _text_of(rng.choice(("wide", "hybrid")), ending.split(".")[1])
    if rng.random() < 0.5:
        text = _replace_values(rng, text)
    if rng.random() < 0.7:
        text = mutate.damaged(rng, text)
    data = text
    if ending.endswith(".gz"):
        data = gzip.compress(text, 1)
    elif ending.endswith(".zst"):
        data = pa.compress(text, "zstd", asbytes=True)
    if data is not text and rng.random() < 0.4:
        data = mutate.damaged(rng, data)
    given = place / f"in{ending}"
    given.write_bytes(data)
    try:
        return _read_by_a_command(rng, given, place)
    finally:
        given.unlink()


@cache
def _text_of(form: str, ending: str) -> bytes:
    # No JSON texts of sources: the fuzzer of sources makes those.
    plain = rows_of(form).with_columns(game=pl.lit("0022500001"), seen=pl.lit("2026-01-01T00:00Z"))
    if ending == "ndjson":
        return plain.write_ndjson().encode()
    nested = [c for c, dtype in plain.schema.items() if dtype.is_nested()]
    flat = plain.drop(nested)
    return flat.write_csv(separator="\t" if ending == "tsv" else ",").encode()


def _replace_values(rng: Random, text: bytes) -> bytes:
    """The text with some words of an enemy in place of its values."""
    words = text.decode().replace("\n", ",\n").split(",")
    for _ in range(rng.choice((1, 2, 8))):
        word = rng.choice((mutate.text(rng), str(rng.choice(mutate.INTEGERS)), "1e999", "007"))
        words[rng.randrange(len(words))] = word
    return ",".join(words).replace(",\n", "\n").encode("utf-8", "replace")


def _read_by_a_command(rng: Random, given: Path, place: Path) -> bool:
    made, kind = place / "out.parquet", rng.randrange(4)
    made.unlink(missing_ok=True)
    if kind < 2:
        status, *_ = command("score", given, "--out", made)
        if status == 0:
            scored = pl.read_parquet(made)
            sane(scored, scored.height)
    elif kind == 2:
        status, *_ = command("backfill", "--source", given, "--store", place / "s", "--dry-run")
    else:
        status, *_ = command("contract", "init", given, *_KEYS)
    if (place / "s").exists() or (status != 0 and made.exists()):
        raise WrongError("something was written")
    made.unlink(missing_ok=True)
    return status == 0


def arrow_files(rng: Random, place: Path) -> bool:
    """A damaged Arrow file or stream on the command line."""
    is_file = rng.random() < 0.6
    given = place / ("in.arrow" if is_file else "in.arrows")
    given.write_bytes(mutate.damaged(rng, _arrow_of(rng.choice(("wide", "legacy")), is_file)))
    try:
        return _read_by_a_command(rng, given, place)
    finally:
        given.unlink()


@cache
def _arrow_of(form: str, is_file: bool) -> bytes:
    table, sink = to_arrow(rows_of(form)), io.BytesIO()
    new = pa.ipc.new_file if is_file else pa.ipc.new_stream
    with new(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def folders(rng: Random, place: Path) -> bool:
    """Folders whose names say values of columns, or try to."""
    root = place / "in"
    for n in range(rng.choice((1, 2, 3))):
        column = rng.choice(("game_date", "game_date", "venue", "pace_score", mutate.text(rng)))
        day = rng.choice(("2026-01-01", "20260101", "2026-01-01 00:00:00", "9999-12-31", ""))
        value = rng.choice((day, day, mutate.text(rng), "__HIVE_DEFAULT_PARTITION__", "07"))
        if rng.random() < 0.7:
            column, value = quote(column, ""), quote(value, "")
        name = f"{column}={value}".replace("/", "%2F").replace("\0", "%00")[:200]
        folder = root / name.encode()[:200].decode("utf-8", "ignore")
        folder.mkdir(parents=True, exist_ok=True)
        rows = rows_of("wide")
        kept = rows.drop("game_date") if rng.random() < 0.6 else rows
        kept.with_columns(player_lookup=pl.col("player_lookup") + str(n)).write_parquet(
            folder / "part.parquet"
        )
    try:
        return _read_by_a_command(rng, root, place)
    finally:
        shutil.rmtree(root)


def drafts(rng: Random, place: Path) -> bool:
    """Columns of odd types and damaged files, of which a contract is to be drafted."""
    given = place / "in.parquet"
    if rng.random() < 0.5:
        given.write_bytes(mutate.damaged(rng, file_of("wide", rng.randrange(5))))
    else:
        rows = rows_of("wide")
        for _ in range(rng.choice((1, 2, 4))):
            name = rng.choice((*rows.columns, "extra", "extra__source", mutate.text(rng)))
            made = mutate.column(rng, rows.height)
            made = pl.Series([None] * rows.height) if made.dtype == pl.Object else made
            rows = rows.with_columns(made.alias(name.replace("\0", "")))
        try:
            rows.write_parquet(given)
        except (pl.exceptions.PolarsError, ValueError):
            return False  # Polars cannot write it, so nobody can hand it in
    try:
        drafted, out = rng.random() < 0.5, place / "draft.toml"
        status, *_ = command(
            "contract", "init", given, *_KEYS, *(["--out", out] if drafted else [])
        )
        if drafted and status == 0:
            checked, _, said = command("contract", "check", out)
            if checked != 0:
                raise WrongError(f"the draft is no contract: {said[:200]}")
        out.unlink(missing_ok=True)
        return status == 0
    finally:
        given.unlink()


def settings(rng: Random, place: Path) -> bool:
    """A settings file made by an enemy; whoever reads it says what is wrong, and where."""
    lines = _SETTINGS.splitlines()
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(lines))
        name, sign, _ = lines[at].partition("=")
        word = mutate.text(rng).replace("\\", "\\\\").replace('"', '\\"')
        odd = (
            f'"{word}"',
            "nan",
            "[[1]]",
            "{}",
            "9" * 30,
            "true",
            "1979-05-27",
            '"-rf"',
            '["--x"]',
        )
        changed = f"{name}= {rng.choice(odd)}" if sign else f'["{word}"]'
        lines[at] = changed if rng.random() < 0.8 else f"{mutate.text(rng)} = 1"
    text = "\n".join(lines).encode("utf-8", "replace")
    path = place / "fsq.toml"
    path.write_bytes(mutate.damaged(rng, text) if rng.random() < 0.3 else text)
    try:
        words = rng.choice((["config"], ["config", "--json"], ["contract", "show"], ["check"]))
        status, *_ = command(*words, *rng.choice(([], ["--env", "prod"])))
        return status in (0, 1)
    finally:
        path.unlink()
