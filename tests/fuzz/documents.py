"""Contracts and run contexts made by an enemy."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import polars as pl

import fsq
from fsq.intake.run_context import RunContext
from tests.fuzz import mutate
from tests.fuzz.common import command, rows_of, sane
from tests.support.frames import legacy

_TOML = (Path(fsq.__file__).parent / "contract/shipped/v2_33features.toml").read_text()


def contract(rng: Random, place: Path) -> bool:
    """A contract made by an enemy; one that loads can be used for everything."""
    lines = _TOML.splitlines()
    odd = (
        "9" * 30,
        "-1",
        "1e999",
        "1e308",
        "nan",
        "true",
        "''",
        '"x"',
        "[]",
        "[[1]]",
        "{}",
        "9223372036854775807",
        "2147483648",
        "0",
        "0.5",
        "1979-05-27",
        '"player_lookup"',
        '"order"',
        '"pattern"',
        '"game_date"',
        '"feature_sources"',
        '"literal"',
        '"row"',
        '"quality_tier"',
        '"pace_score__source"',
        '"as_of"',
        '"features"',
        '"calculated"',
        '"{date"',
        '"}"',
        '"{date!r}"',
        '"{0}"',
        '"a\\nb"',
        '"<script>"',
        '"\\u001b[31m"',
        '"' + "a" * 101 + '"',
        "[" * 500 + "]" * 500,
        '"""' + "x" * 2_000 + '"""',
    )
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(lines))
        name, sign, value = lines[at].partition("=")
        kind = rng.randrange(6)
        if kind <= 2 and sign:
            inner = re.findall(r"\w+ = (?:\"[^\"]*\"|[^,}\]]+)", lines[at])
            if inner and rng.random() < 0.9:
                part = rng.choice(inner)
                lines[at] = lines[at].replace(part, f"{part.split(' =')[0]} = {rng.choice(odd)}")
            else:
                lines[at] = f"{name}= {rng.choice(odd)}"
        elif kind == 3:
            del lines[at]
        elif kind == 4:
            lines.insert(at, rng.choice((lines[rng.randrange(len(lines))], mutate.text(rng))))
        else:
            lines[at] = mutate.damaged(rng, lines[at].encode()).decode("utf-8", "replace")
        del value
    path = place / "enemy.toml"
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    status, _, _ = command("contract", "check", path)
    if status != 0:
        return False
    made = fsq.load_contract(path)
    command("contract", "show", path)
    rows = rows_of("wide")
    lacking = [n for n in made.names if n not in rows.columns]
    rows = rows.with_columns(pl.lit(1.0).alias(n) for n in lacking)
    rows = rows.with_columns(
        pl.lit("default").alias(f"{n}__source")
        for n in made.names
        if f"{n}__source" not in rows.columns
    )
    try:
        for given in (rows, legacy(rows, list(made.names))):
            scored = fsq.score(given, made, on_unknown_source="default")
            sane(scored, rows.height, made.output.polars)
        fsq.diagnose(scored, made)._repr_html_()
    except fsq.InputError:
        return False
    finally:
        made._repr_html_()
    from fsq import sql

    for view in sql.VIEWS:
        sql.make_query(view, "bigquery://p.d.t", made)
    return True


def run_context(rng: Random, place: Path) -> bool:
    """A run context made by an enemy; one that loads can be used."""
    path = place / "run.json"
    made: Any = {
        "pipeline_run_id": mutate.text(rng),
        "processors_completed": [mutate.text(rng)],
        "by_date": {"2026-01-01": {"pipeline_run_id": "x"}},
    }
    kind = rng.randrange(5)
    if kind == 0:
        text = mutate.json_text(rng)
    else:
        name = rng.choice(tuple(made))
        made[name] = mutate.value(rng)
        if kind == 1:
            days = ("2026-01-01", "0001-01-01", "9999-12-31", "2026-W01", "20260101")
            made["by_date"] = {rng.choice((*days, mutate.text(rng))): mutate.value(rng)}
        text = json.dumps(made)
        if kind == 2:
            text = text.replace('"x"', '"\\ud800"')
        if kind == 3:
            text = mutate.damaged(rng, text.encode()).decode("utf-8", "replace")
    path.write_text(text, encoding="utf-8", errors="replace")
    context = RunContext.from_json(path)
    sane(fsq.score(rows_of("wide"), run=context), 6)
    return True
