"""Libraries that check plain rules keep the rows that the rules allow, or are named as missing."""

from __future__ import annotations

import importlib
import importlib.util
from datetime import date

import polars as pl
import pytest

import fsq
from benchmarks.peer_rules import PlainRules, filter_rows
from fsq.bench.run import run_bench
from fsq.errors import InputError
from tests.support.frames import wide

CONTRACT = fsq.load_contract()
# Which of them drop rows whose keys are the same; the others only report them.
NAMES = {"dataframely": True, "pandera": False, "pointblank": False}


def odd_rows() -> tuple[pl.DataFrame, PlainRules, list[int]]:
    """Rows of which the first keep the rules, and those that do."""
    rows = wide(9, 1).with_columns(
        player_lookup=pl.Series([f"p{min(i, 7)}" for i in range(9)]),  # the last two are the same
        game_date=pl.lit(date(2026, 1, 1)),
        **{f.name: pl.lit(f.min, pl.Float64) for f in CONTRACT.features},
        **{f"{f.name}__source": pl.lit("phase4") for f in CONTRACT.features},
    )
    nth = pl.int_range(pl.len())
    pace, source = CONTRACT.features[7].name, f"{CONTRACT.features[7].name}__source"
    line = next(f.name for f in CONTRACT.features if f.optional)
    rows = rows.with_columns(
        pl.when(nth == 1).then(None).otherwise(pace).alias(pace),
        pl.when(nth == 2).then(None).otherwise(line).alias(line),  # optional
        pl.when(nth == 3).then(pl.lit("typo")).when(nth != 4).then(source).alias(source),
        pl.when(nth == 5).then(1e9).otherwise("team_pace").alias("team_pace"),
    )
    rules = PlainRules.of(CONTRACT, rows.columns)
    return rows.select(*rules.key, *rules.ranges, *rules.words), rules, [0, 2, 4, 6]


def test_plain_rules_keep_the_rows_that_are_right() -> None:
    rows, rules, kept = odd_rows()
    assert filter_rows(rows, rules).equals(rows[kept])


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", NAMES)
def test_a_peer_keeps_the_same_rows(name: str) -> None:
    pytest.importorskip(name)
    peer = importlib.import_module(f"benchmarks.peer_{name}")
    rows, rules, kept = odd_rows()
    found = peer.filter_rows(rows, peer.prepare(rules, rows.schema))
    same = [] if NAMES[name] else [7, 8]
    assert found.select(rows.columns).equals(rows[kept + same])


def test_a_peer_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="--against pandera: it is not installed"):
        run_bench(against=["pandera"])


def test_an_unknown_peer_is_refused_with_those_that_exist() -> None:
    with pytest.raises(InputError, match=r"no such comparison; use one of .*'pandera'"):
        run_bench(against=["great"])
