"""Words of the data, the contract and the command line stay words, wherever they are shown."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fsq
from fsq.cli import main
from fsq.diagnosis.trend import read_trend
from fsq.reporting.page import make_report
from fsq.reporting.trend_chart import draw_trend
from fsq.sql.quote import escape_comment, quote_text
from tests.support.frames import CONTRACT, wide
from tests.support.markup import Markup

# One text that tries them all: terminal, log of a job, HTML, Markdown, SQL, spreadsheet.
EVIL = (
    "=1+1\x1b[31m\x1b]0;t\x07\x9b31m\u202e\r\n::error::owned\n"
    "</script><img src=x onerror=alert(1)>'\"`; DROP TABLE t; --|[x](javascript:alert(1))\\"
)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
NAME = EVIL + "0"


@pytest.fixture(scope="module")
def scored() -> pl.DataFrame:
    rows = wide(60, 1).with_columns(
        pl.Series("player_lookup", [f"{EVIL}{i}" for i in range(60)]),
        pl.lit(EVIL).alias("pace_score__fallback_reason"),
        pl.lit(EVIL).alias("pace_score__upstream_table"),
        pl.lit(EVIL).alias("player_daily_cache__data_hash"),
        pl.lit("default").alias("pace_score__source"),
        pl.lit(EVIL).alias("pipeline_run_id"),
        pl.lit(EVIL).alias("game_id"),
        pl.Series("processors_completed", [[EVIL]] * 60),
        pl.datetime(2026, 1, 1, time_zone="UTC").alias("pace_score__last_updated"),
    )
    return fsq.score(rows)


@pytest.fixture(scope="module")
def store(scored: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("evil") / "<img src=x onerror=alert(1)>"
    fsq.open_store(str(folder)).replace(scored)
    return str(folder)


@pytest.mark.parametrize(
    "words",
    [
        ["check", "--date", "2026-01-01"],
        ["check", "--date", "2026-01-01", "--format", "markdown"],
        ["check", "--date", "2026-01-01", "--json"],
        ["explain", NAME, "2026-01-01"],
        ["explain", NAME, "2026-01-01", "--json"],
        ["explain", f"nobody{EVIL}", "2026-01-01"],
        ["trend"],
        ["training-set", "--out", f"{EVIL}.parquet"],
        ["training-set", "--out", "set.parquet", "--on-default", "keep", "--carry", EVIL],
        ["model", "check", EVIL],
        ["model", "check", f"{EVIL},b"],
        ["report", "--out", "r.html", "--contract", EVIL],
        ["trend", "--out", EVIL],
        ["score", EVIL, "--out", "x.parquet"],
        ["check", "--webhook", EVIL],
    ],
)
def test_no_word_reaches_a_terminal_or_a_log_as_a_command(
    store: str,
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    status = main([*words, *(["--store", store] if words[0] != "score" else [])])
    told = capsys.readouterr()
    assert status in (0, 1, 2)
    assert not CONTROL.search(told.out + told.err)
    if words[0] in ("check", "explain") and EVIL not in words:  # not the caller's own words
        lines = (told.out + told.err).splitlines()
        assert not [line for line in lines if line.lstrip().startswith("::")]
    if "--json" in words:
        json.loads(told.out)


def test_no_word_becomes_markup(store: str, scored: pl.DataFrame) -> None:
    made = fsq.training_set(scored, on_default="keep", training_ready=False)
    check = fsq.check_model([EVIL, "pace_score"], scored, on_incompatible="report")
    shown = [
        fsq.diagnose(scored, store=EVIL, source=EVIL)._repr_html_(),
        made._repr_html_(),
        check._repr_html_(),
        CONTRACT._repr_html_(),
        fsq.explain(scored, NAME, "2026-01-01")._repr_html_(),
        str(draw_trend(read_trend(fsq.open_store(store), CONTRACT), "html")),
        make_report(fsq.open_store(store), CONTRACT),
    ]
    for page in shown:
        found = Markup(page).found
        assert "img" not in found
        assert not [name for name in found if " on" in name]
    assert shown[-1].count("</script>") == 3  # the data, Vega, the page's own


@given(st.text() | st.text("\\'\"`\n\r\t\x00$%{}-"))
def test_no_word_ends_its_sql_literal_or_comment(word: str) -> None:
    literal = quote_text(word)
    assert re.fullmatch(r"'(?:[^'\\\n\r]|\\[\\'nrt]|\\U[0-9a-f]{8})*'", literal)
    assert literal.isprintable()
    assert escape_comment(word).isprintable()


def test_a_webhook_s_secrets_are_not_told(
    store: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsq.utils.webhook.WAIT", 0.0)
    for url in (
        "http://user:s3cret@127.0.0.1:1/s3cret",
        "file:///s3cret",
        "http://127.0.0.1:99999/s3cret",
        "ftp://user:s3cret@127.0.0.1/",
    ):
        for words in ([], ["--json"]):
            main(["check", "--store", store, "--date", "2026-01-01", "--webhook", url, *words])
            told = capsys.readouterr()
            assert "s3cret" not in told.out + told.err
            assert "webhook" in told.err


def test_nothing_that_runs_data_is_imported() -> None:
    forbidden = {"pickle", "cPickle", "dill", "marshal", "shelve", "yaml"}
    met = set()
    home = Path(fsq.__file__).parent
    # Spark hands tasks to its workers as pickles by itself; this one's goes the same way.
    for file in set(home.rglob("*.py")) - {home / "spark/tasks.py"}:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [a.name for a in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                names = []
            met |= {n.partition(".")[0] for n in names}
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "compile"), file
    assert "json" in met  # the search finds what is there
    assert not met & forbidden
