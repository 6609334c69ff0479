"""How the commands show records, dates and trends of a second table."""

from __future__ import annotations

import polars as pl
import pytest

import fsq
from fsq.cli import main
from fsq.cli._diagnosis import print_diagnosis
from fsq.cli._output import PIPE_WIDTH, Output
from tests.support.deliveries import DELIVERIES, make_deliveries


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two moments of one delivery on each date; the store knows its contract."""
    rows = make_deliveries()
    earlier = pl.col("arrives_at") - pl.duration(hours=5)
    again = rows.filter(pl.col("shelf") == 7).with_columns(earlier)
    uri = str(tmp_path_factory.mktemp("deliveries") / "store")
    scored = fsq.score(pl.concat([rows, again]), DELIVERIES)
    fsq.open_store(uri, DELIVERIES).replace(scored)
    return uri


def test_a_record_is_named_by_its_keys_in_order_or_by_name(
    store: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "shop 2", "6", "tea", "2026-03-12", "--store", store]) == 0
    out = capsys.readouterr().out
    assert out.startswith("shop 2 6 tea  2026-03-12 21:00:00-04:00  100.0 gold, green; production")
    assert "8 of 8 trucks" in out
    assert max(map(len, out.splitlines())) <= PIPE_WIDTH
    assert main(["explain", "2026-03-12", "--key", "shelf=7", "--store", store]) == 2
    assert "name arrives_at, too: 2026-03-12 16:00:00-04:00" in capsys.readouterr().err
    moment = ("--key", "arrives_at=2026-03-12T16:00")
    assert main(["explain", "2026-03-12", "--key", "shelf=7", *moment, "--store", store]) == 0
    assert capsys.readouterr().out.startswith("shop 3 7 milk  2026-03-12 16:00:00-04:00")
    assert main(["explain", "2026-03-12", "--key", "shelf", "--store", store]) == 2
    assert main(["explain", "2026-03-12", "--store", store]) == 2
    assert "name one of shop, shelf, product, arrives_at" in capsys.readouterr().err


def test_a_trend_shows_the_first_required_category(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trend", "--start", "2026-03-10", "--store", store]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[5] == "stock"
    figures = lines[2].split()
    assert figures[:5] == ["2026-03-10", "GREEN", "81", "100%", "100.0"]
    assert figures[5:] == ["+0.0", "81.2", "29.4%", "+0.0"]
    assert [line.split()[0] for line in lines if "▄" in line][1:3] == ["stock", "climate"]


def test_a_diagnosis_shows_categories_and_sources(capsys: pytest.CaptureFixture[str]) -> None:
    sources = pl.when(pl.col("shelf") < 75).then(pl.lit("guessed")).otherwise(pl.lit("measured"))
    rows = make_deliveries().with_columns(price__source=sources)
    print_diagnosis(fsq.diagnose(fsq.score(rows, DELIVERIES), DELIVERIES), Output())
    out = capsys.readouterr().out
    assert "climate  ███████████████░░░░░░░░░░░░░░░  50.0  optional" in out
    (line,) = [line for line in out.splitlines() if " price " in line]
    assert "g2 94 mea 6" in line
