from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import fsq
from fsq.reporting.contents import list_settled_dates
from fsq.reporting.data import to_rows
from fsq.reporting.page import make_report
from fsq.utils.files import write_atomically
from tests.support.frames import CONTRACT, wide
from tests.support.wrong_join import DAY, score_wrong_join

EVIL = "<script>alert(1)</script>"


def rows() -> pl.DataFrame:
    player = pl.when(pl.col("player_lookup") == "player0").then(pl.lit(EVIL))
    return wide(120, 12).with_columns(player.otherwise("player_lookup").alias("player_lookup"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> fsq.stores.Store:
    made = fsq.open_store(str(tmp_path_factory.mktemp("report") / "store"))
    made.replace(fsq.score(rows()))
    return made


@pytest.fixture(scope="module")
def page(store: fsq.stores.Store) -> str:
    return make_report(store, CONTRACT, now=datetime(2026, 2, 1, 12, 30, tzinfo=UTC))


def test_a_name_is_only_text(page: str) -> None:
    assert EVIL not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert len(re.findall(r"</script", page)) == 3
    assert len(re.findall(r"<script", page)) - page.count('"<script') <= 3


def test_only_the_page_s_own_scripts_may_run_and_nothing_may_be_fetched(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    words = policy[1].replace("&#39;", "'")
    assert words.startswith("default-src 'none'")
    assert "unsafe-eval" not in words
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    wanted = {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts}
    assert set(re.findall(r"'sha256-([^']+)'", words)) == wanted
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "http://" not in markup
    assert "https://" not in markup


def test_headings_are_in_order(page: str) -> None:
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    levels = [int(n) for n in re.findall(r"<h([1-6])[ >]", markup)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_the_page_says_how_it_was_made(page: str) -> None:
    for said in (
        CONTRACT.name,
        CONTRACT.version_hash,
        fsq.__version__,
        pl.__version__,
        "2026-02-01 12:30 UTC",
        "2026-01-01 to 2026-01-12 (12 dates)",
    ):
        assert said in page


def read_data(page: str) -> Any:
    text = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert text is not None
    return json.loads(text[1])


def test_the_heat_map_has_what_was_lost_and_every_date(page: str) -> None:
    sets = read_data(page)["sets"]
    assert len(sets["dates"]["date"]) == 12
    cells = {(c["date"], c["feature"]): c for c in to_rows(sets["cells"])}
    detail = fsq.explode_detail(fsq.score(rows()))
    score = pl.col("quality_score") * ~pl.col("is_default")
    shares = detail.group_by("game_date", "feature_name").agg(
        pl.col("is_default").mean() * 100, score.mean()
    )
    optional = [f.name for f in CONTRACT.features if f.optional]
    for day, name, default, quality in shares.iter_rows():
        if name in optional:
            continue
        cell = cells.pop((str(day), name), None)
        if default < 5 and quality > 95:
            assert cell is None
        else:
            assert cell is not None
            assert cell["default"] == pytest.approx(default, abs=0.01)
            assert cell["lost"] == pytest.approx(100 - quality, abs=0.01)
    assert {name for _, name in cells} <= set(optional)


def test_ready_to_train_is_what_a_training_set_keeps(store: fsq.stores.Store, page: str) -> None:
    kept = fsq.training_set(store)
    assert f"{len(kept):,} of 120 records" in page
    falls = read_data(page)["sets"]["waterfall"]
    assert falls["left"] == kept.waterfall["left"].to_list()
    assert falls["gate"] == kept.waterfall["asks"].to_list()
    per_day = kept.dropped_by_date
    assert read_data(page)["days"]["ready"] == (per_day["rows"] - per_day["dropped"]).to_list()


def test_the_newest_date_comes_with_its_own_figures(page: str) -> None:
    days = read_data(page)["days"]
    for shown, figures, unit in (
        ("quality, points", "quality", ""),
        ("default values", "default", " %"),
    ):
        *_, earlier, newest = days[figures]
        assert newest != earlier
        assert f"<dt>{shown}</dt><dd>{newest}{unit}</dd>" in page


def test_dates_of_filling_windows_have_no_worst_records(store: fsq.stores.Store) -> None:
    dx = fsq.diagnose(store)
    first, *others = dx.dates
    red = next(f for f in dx.findings if f.severity == "red")
    filling = replace(red, kind="season_start", dates=(first,))
    found = replace(dx, findings=(replace(red, dates=(others[0],)), filling))
    judged = [d for d, verdict in dx.dates.items() if verdict != "unknown"]
    assert list_settled_dates(found) == [d for d in judged if d != first]
    assert others[0] in list_settled_dates(found)


def test_dates_that_are_not_there(store: fsq.stores.Store) -> None:
    with pytest.raises(fsq.StoreError, match="has no rows"):
        make_report(store, CONTRACT, date(2027, 1, 1))


def test_findings_show_their_evidence() -> None:
    shown = make_report(score_wrong_join(), CONTRACT, start=DAY)
    figure = re.search(r'<figure class="shown">(.*?)</figure>', shown, re.DOTALL)
    assert figure is not None
    label = re.search(r'role="img" aria-label="([^"]+)"', figure[1])
    words = re.search(r"<figcaption>(.*?)</figcaption>", figure[1])
    assert label is not None
    assert words is not None
    assert label[1].startswith(words[1])
    assert f"dates up to {DAY}" in label[1]
    table = re.search(r'<table class="shown-rows">(.*?)</table>', shown, re.DOTALL)
    assert table is not None
    assert table[1].count('<th scope="row">') == 3
    assert "its previous record" in table[1]


def test_a_key_in_the_evidence_is_only_text() -> None:
    evil = pl.lit(EVIL) + pl.col("player_lookup")
    shown = make_report(
        score_wrong_join().with_columns(evil.alias("player_lookup")), CONTRACT, start=DAY
    )
    table = re.search(r'<table class="shown-rows">(.*?)</table>', shown, re.DOTALL)
    assert table is not None
    assert "&lt;script&gt;" in table[1]
    assert EVIL not in shown


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_atomically(tmp_path / "new" / "a.html", "à")
    assert (tmp_path / "new" / "a.html").read_bytes() == "à".encode()
    (tmp_path / "folder").mkdir()
    with pytest.raises(fsq.StoreError, match="cannot be written"):
        write_atomically(tmp_path / "folder", "x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "new"]
