"""How the commands show records, dates and trends of a second table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import fsq
import fsq.cli.explain
import fsq.cli.trend
from fsq.cli import main
from fsq.cli._diagnosis import print_diagnosis
from fsq.cli._output import PIPE_WIDTH, Output
from tests.support import deliveries
from tests.support.deliveries import DELIVERIES, make_deliveries

CONTRACT = str(Path(deliveries.__file__).with_name("deliveries.toml"))


class _Stored:
    """Scored rows as a store gives them: moments in UTC."""

    uri = "stored"

    def __init__(self, scored: pl.DataFrame) -> None:
        self._rows = scored.lazy().with_columns(pl.col("arrives_at").dt.convert_time_zone("UTC"))

    def read(self, start: date | None, end: date | None) -> pl.LazyFrame:
        day, rows = pl.col("arrives_on"), self._rows
        rows = rows if start is None else rows.filter(day >= start)
        return rows if end is None else rows.filter(day <= end)


@pytest.fixture(autouse=True)
def stored(monkeypatch: pytest.MonkeyPatch) -> _Stored:
    rows = make_deliveries()
    earlier = pl.col("arrives_at") - pl.duration(hours=5)
    again = rows.filter(pl.col("shelf") == 7).with_columns(earlier)
    stored = _Stored(fsq.score(pl.concat([rows, again]), DELIVERIES))

    @contextmanager
    def open_for_reading(_: str) -> Iterator[_Stored]:
        yield stored

    monkeypatch.setattr(fsq.cli.explain, "open_for_reading", open_for_reading)
    monkeypatch.setattr(fsq.cli.trend, "open_store", lambda _: stored)
    return stored


def _run(*words: str) -> int:
    return main([*words, "--contract", CONTRACT, "--store", "stored"])


def test_a_record_is_named_by_its_keys_in_order_or_by_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _run("explain", "shop 2", "6", "tea", "2026-03-12") == 0
    out = capsys.readouterr().out
    assert out.startswith("shop 2 6 tea  2026-03-12 21:00:00-04:00  100.0 gold, green; production")
    assert "8 of 8 trucks" in out
    assert max(map(len, out.splitlines())) <= PIPE_WIDTH
    assert _run("explain", "2026-03-12", "--key", "shelf=7") == 2
    assert "name arrives_at, too: 2026-03-12 16:00:00-04:00" in capsys.readouterr().err
    moment = ("--key", "arrives_at=2026-03-12T16:00")
    assert _run("explain", "2026-03-12", "--key", "shelf=7", *moment) == 0
    assert capsys.readouterr().out.startswith("shop 3 7 milk  2026-03-12 16:00:00-04:00")
    assert _run("explain", "2026-03-12", "--key", "shelf") == 2
    assert _run("explain", "2026-03-12") == 2
    assert "name one of shop, shelf, product, arrives_at" in capsys.readouterr().err


def test_a_trend_shows_the_first_required_category(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("trend", "--start", "2026-03-10") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[5] == "stock"
    assert lines[2].split() == ["2026-03-10", "81", "100%", "100.0", "+0.0", "81.2", "29.4%",
                                "+0.0", "0"]  # fmt: skip
    assert [line.split()[0] for line in lines if "▄" in line][1:3] == ["stock", "climate"]


def test_a_diagnosis_shows_categories_and_sources(
    stored: _Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = pl.when(pl.col("shelf") < 60).then(pl.lit("guessed")).otherwise(pl.lit("measured"))
    rows = make_deliveries().with_columns(price__source=sources)
    print_diagnosis(fsq.diagnose(fsq.score(rows, DELIVERIES), DELIVERIES), Output())
    out = capsys.readouterr().out
    assert "climate  ███████████████░░░░░░░░░░░░░░░  50.0  optional" in out
    (line,) = [line for line in out.splitlines() if " price " in line]
    assert "g2 75 mea 25" in line
