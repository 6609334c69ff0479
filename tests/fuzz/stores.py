"""Damaged stores, and hostile words to everything that a person sees."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from random import Random

import polars as pl

import fsq
from tests.fuzz import mutate
from tests.fuzz.common import WrongError, command
from tests.support.frames import wide


@cache
def _store_files(place: Path) -> dict[str, bytes]:
    store = place / "made"
    opened = fsq.open_store(str(store))
    scored = fsq.score(wide(120, 2))
    opened.replace(scored.head(60))
    opened.replace(scored.tail(60))
    command("check", "--store", store, "--start", "2026-01-01", "--end", "2026-01-02", "--record")
    files = {str(f.relative_to(store)): f.read_bytes() for f in store.rglob("*") if f.is_file()}
    for name in sorted(store.rglob("*"), reverse=True):
        name.rmdir() if name.is_dir() else name.unlink()
    store.rmdir()
    return files


def _odd_actions(line: str) -> tuple[str, ...]:
    """Actions of a log that lead out of the table, cannot be, or nearly are the line."""
    there = '"size":9,"partitionValues":{},"modificationTime":1,"dataChange":true'
    return (
        "",
        line.replace("part-", "../../part-"),
        line.replace(":", ":-9", 3),
        re.sub(r"\d+", str(2**63), line),
        '{"add":{"path":"/etc/passwd"}}',
        f'{{"add":{{"path":"x%2F..%2Fy.parquet",{there}}}}}',
        f'{{"add":{{"path":"file:///etc/passwd",{there}}}}}',
        '{"protocol":{"minReaderVersion":99,"minWriterVersion":99}}',
    )


def delta(rng: Random, place: Path) -> bool:
    """A store whose log or data are damaged, read by every command that reads stores."""
    files = dict(_store_files(place))
    log = [n for n in files if "_delta_log" in n]
    for _ in range(rng.choice((1, 1, 2))):
        name = rng.choice(log if rng.random() < 0.6 else sorted(files))
        if rng.random() < 0.5 and name.endswith(".json"):
            lines = files[name].decode("utf-8", "replace").splitlines()
            at = rng.randrange(max(1, len(lines)))
            line = lines[at] if lines else ""
            lines[at : at + 1] = [rng.choice((mutate.json_text(rng), *_odd_actions(line)))]
            files[name] = "\n".join(lines).encode("utf-8", "replace")
        else:
            files[name] = mutate.damaged(rng, files[name])
    store = place / "store"
    for name, data in files.items():
        (store / name).parent.mkdir(parents=True, exist_ok=True)
        (store / name).write_bytes(data)
    day, kind = "2026-01-02", rng.randrange(9)
    try:
        if kind == 0:
            status, *_ = command("check", "--store", store, "--date", day)
        elif kind == 1:
            status, *_ = command("explain", "player3", day, "--store", store)
        elif kind == 2:
            status, *_ = command("trend", "--store", store)
        elif kind == 3:
            status, *_ = command("model", "check", "v2_14features", "--store", store)
        elif kind == 4:
            status, *_ = command("training-set", "--store", store, "--out", place / "set.parquet")
        elif kind == 5:
            status, *_ = command("incidents", "--store", store)
        elif kind == 6:
            status, *_ = command("check", "--store", store, "--date", day, "--record")
        elif kind == 7:
            status, *_ = command("report", "--store", store, "--out", place / "out.html")
        else:
            status, *_ = command("score", store, "--out", place / "out.parquet")
    finally:
        for name in ("set.parquet", "out.parquet", "out.html"):
            (place / name).unlink(missing_ok=True)
        for path in sorted(store.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        store.rmdir()
    return status in (0, 1)


def people(rng: Random, place: Path) -> bool:
    """Hostile names and words, to everything that a person sees."""
    rows = wide(60, 1).with_columns(
        pl.Series("player_lookup", [f"{mutate.text(rng)}{i}" for i in range(60)]),
        pl.Series("pace_score__fallback_reason", [mutate.text(rng) for _ in range(60)]),
        pl.Series("pace_score__upstream_table", [mutate.text(rng) for _ in range(60)]),
        pl.lit("default").alias("pace_score__source"),
        pl.lit(mutate.text(rng)).alias("pipeline_run_id"),
        pl.Series("processors_completed", [[mutate.text(rng)]] * 60),
    )
    given = place / "in.parquet"
    rows.write_parquet(given)
    store = place / f"s{rng.randrange(10**9)}"
    said = []
    try:
        status, _, told = command("score", given, "--out", store)
        if status != 0:
            raise WrongError(told[:200])
        day = "2026-01-01"
        said.append(command("check", "--store", store, "--date", day, "--format", "markdown"))
        said.append(command("check", "--store", store, "--date", day, "--json"))
        json.loads(said[-1][1])
        player = rng.choice((rows["player_lookup"][rng.randrange(60)], mutate.text(rng)))
        for words in ([], ["--json"]):
            if not player.startswith("-"):
                said.append(command("explain", player, day, "--store", store, *words))
        if any(status == 3 for status, *_ in said):
            raise WrongError(f"{said}"[:200])
    finally:
        for path in sorted(store.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        if store.exists():
            store.rmdir()
    return True
