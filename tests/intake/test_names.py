"""Names as exports leave them: upper case, dots, marks, blanks and Unicode forms."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

import fsq
from fsq.backfilling import backfill
from fsq.errors import StoreRefusedError
from fsq.schema.arrow import to_arrow
from fsq.utils.spelling import describe_difference, normalize_name, simplify
from tests.support.frames import hybrid, legacy, wide

NAMES = fsq.load_contract().names
PLAIN = wide()
FORMS = {"wide": PLAIN, "legacy": legacy(PLAIN), "hybrid": hybrid(PLAIN)}
MATCHED: dict[str, Callable[[str], str]] = {
    "upper case": str.upper,
    "title case": str.title,
    "dots": lambda name: name.replace("__", "..").replace("_", "."),
    "blanks behind": lambda name: name + "  ",
    "a blank before": lambda name: " " + name,
    "a no-break space": lambda name: name + "\u00a0",
    "a byte order mark": lambda name: "\ufeff" + name,
    "a byte order mark read as Latin-1": lambda name: "ï»¿" + name,
    "a zero-width space": lambda name: name + "\u200b",
    "all of it": lambda name: "\ufeff " + name.upper() + "\t",
}
TOLD: dict[str, Callable[[str], str]] = {
    "hyphens": lambda name: name.replace("_", "-"),
    "blanks inside": lambda name: name.replace("_", " "),
    "camel case": lambda name: "".join(part.title() for part in name.split("_")),
    "accents": lambda name: name.replace("e", "é"),
}


@pytest.mark.parametrize("how", MATCHED)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("which", ["all columns", "the first column"])
def test_spellings_that_mean_the_same_are_matched(form: str, how: str, which: str) -> None:
    rows = FORMS[form]
    renamed = rows.columns if which == "all columns" else rows.columns[:1]
    spelt = rows.rename({c: MATCHED[how](c) for c in renamed})
    want = fsq.score(rows)
    for got in (fsq.score(spelt), fsq.score(spelt.lazy()).collect()):
        assert got["feature_quality_score"].equals(want["feature_quality_score"])
        assert got.select("player_lookup", "game_date").equals(
            want.select("player_lookup", "game_date")
        )


@pytest.mark.parametrize("how", MATCHED)
def test_quality_columns_of_a_table_that_was_scored_are_replaced(how: str, tmp_path: Path) -> None:
    scored = fsq.score(PLAIN.with_columns(points=pl.lit(1.0)))
    spelt = scored.rename({c: MATCHED[how](c) for c in scored.columns})
    again = fsq.score(spelt)
    carried = [MATCHED[how](c) for c in ("game_id", "points")]
    assert again.drop(carried).columns == scored.drop("game_id", "points").columns
    spelt.write_parquet(tmp_path / "s.parquet")
    assert backfill(str(tmp_path / "s.parquet"), str(tmp_path / "store")).rows == PLAIN.height


READERS: dict[str, Callable[[pl.DataFrame], object]] = {
    "training set": lambda scored: fsq.training_set(scored, on_default="keep"),
    "diagnosis": fsq.diagnose,
    "trend": fsq.trend,
    "explanation": lambda scored: fsq.explain(scored, "player0", "2026-01-01"),
    "profile": fsq.learn_profile,
}


@pytest.mark.parametrize("reader", READERS)
def test_scored_rows_in_another_spelling_are_told(reader: str) -> None:
    with pytest.raises(fsq.InputError, match=r"(?s)no column game_date; pass .*differs in case"):
        READERS[reader](fsq.score(PLAIN).rename(str.upper))


def test_a_store_in_another_spelling_is_told_for_good(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "t", to_arrow(fsq.score(PLAIN).rename(str.upper)))
    store = fsq.open_store(str(tmp_path / "t"))
    for read in (store.read, lambda: store.read(columns=["game_date"])):
        with pytest.raises(StoreRefusedError, match=r"'GAME_DATE' for game_date \(differs in case"):
            read()
    PLAIN.write_parquet(tmp_path / "s.parquet")
    with pytest.raises(fsq.InputError, match=r"game_date is called GAME_DATE .* differs in case"):
        backfill(str(tmp_path / "s.parquet"), store.uri)


@pytest.mark.parametrize("how", TOLD)
def test_other_spellings_are_told_and_nothing_else_is_guessed(how: str) -> None:
    spelt = PLAIN.rename({c: TOLD[how](c) for c in PLAIN.columns if TOLD[how](c) != c})
    with pytest.raises(fsq.InputError, match="spelled differently") as raised:
        fsq.score(spelt)
    told = next(p for p in raised.value.problems if "spelled differently" in p)
    assert "differs in " in told
    assert len(told) < 700


def test_the_right_name_wins_over_another_spelling() -> None:
    rows = PLAIN.with_columns(PACE_SCORE=pl.lit("kept"))
    assert fsq.score(rows)["PACE_SCORE"].to_list() == ["kept"] * PLAIN.height
    both = PLAIN.rename({"pace_score": "Pace_Score"}).with_columns(PACE_SCORE=pl.lit(1.0))
    with pytest.raises(fsq.InputError, match="could be meant"):
        fsq.score(both)


def test_columns_that_this_form_does_not_read_keep_their_names() -> None:
    rows = PLAIN.with_columns(Features=pl.lit(1), UPDATED_AT=pl.lit("x"), FEATURE_NAMES=pl.lit(2))
    assert {"Features", "UPDATED_AT", "FEATURE_NAMES"} <= set(fsq.score(rows).columns)


def test_a_table_of_other_spellings_is_no_store_of_its_own(tmp_path: Path) -> None:
    table = str(tmp_path / "table")
    FORMS["legacy"].rename({"player_lookup": "PLAYER_LOOKUP"}).write_delta(table)
    with pytest.raises(fsq.InputError, match="'PLAYER_LOOKUP' to player_lookup"):
        fsq.backfill(table, table)
    assert "PLAYER_LOOKUP" in pl.read_delta(table).columns
    assert "quality_tier" not in pl.read_delta(table).columns
    assert fsq.backfill(table, tmp_path / "other").rows == PLAIN.height


@pytest.mark.parametrize("name", ["box.points", "box points", "Größe", "100%", "a`b", 'a"b', "$x"])
def test_carried_columns_of_any_name_are_kept_and_trained_on(name: str, tmp_path: Path) -> None:
    rows = PLAIN.with_columns(pl.int_range(pl.len()).cast(pl.Float64).alias(name))
    scored = fsq.score(rows)
    store = fsq.open_store(tmp_path / "store")
    store.replace(scored)
    for source in (scored, scored.lazy(), store):
        ts = fsq.training_set(source, name, "keep", leak_from=1.0)
        assert sorted(ts.frame[name].to_list()) == sorted(rows[name].to_list())
        kept = fsq.training_set(source, on_default="keep", carry=name).frame
        assert sorted(kept[name].to_list()) == sorted(rows[name].to_list())
    assert store.read(columns=name).collect().height == rows.height


@pytest.mark.parametrize(
    "names", [{"label": "POINTS"}, {"carry": "points "}, {"features": "Pace_Score"}]
)
def test_a_misspelt_argument_is_told(names: dict[str, str]) -> None:
    scored = fsq.score(PLAIN.with_columns(points=pl.lit(1.0)))
    with pytest.raises(fsq.InputError, match="did you mean"):
        fsq.training_set(scored, **names)  # type: ignore[arg-type]


PLAYER = "Luka Dončić"


def store_of(*players: str) -> pl.DataFrame:
    return fsq.score(wide(len(players), 1).with_columns(player_lookup=pl.Series(players)))


@pytest.mark.parametrize(
    "typed",
    [
        PLAYER,
        unicodedata.normalize("NFD", PLAYER),
        "luka doncic",
        "LUKADONČIĆ",
        " Luka  Dončić ",
        "luka_doncic",
        "luka-dončić",
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_key_is_found_however_it_is_written(typed: str, form: str) -> None:
    stored = unicodedata.normalize(form, PLAYER)  # type: ignore[arg-type]
    found = fsq.explain(store_of(stored, "lebronjames"), typed, "2026-01-01")
    assert found.record["player_lookup"] == stored


def test_keys_that_look_the_same_are_told_apart(caplog: pytest.LogCaptureFixture) -> None:
    forms = [unicodedata.normalize(f, PLAYER) for f in ("NFC", "NFD")]
    scored = store_of(*forms, "lebronjames", "lebronjames ")
    assert "differ only in Unicode form" in caplog.text
    assert "'lebronjames' and 'lebronjames ' differ only in blanks at an end" in caplog.text
    assert fsq.explain(scored, forms[1], "2026-01-01").record["player_lookup"] == forms[1]
    with pytest.raises(fsq.InputError, match=r"Don\\u010di.*Unicode form"):
        fsq.explain(scored, "lukadoncic", "2026-01-01")
    caplog.clear()
    store_of(PLAYER, "Nikola Jokić", "lebronjames")
    assert caplog.text == ""


def test_contracts_and_runs_as_windows_writes_them(tmp_path: Path) -> None:
    text = 'name = "mine"\nextends = "v2_33features"\n'
    for i, data in enumerate(
        [
            text.encode("utf-8-sig"),
            text.replace("\n", "\r\n").encode(),
            text.encode("utf-16"),
        ]
    ):
        path = tmp_path / f"{i}.toml"
        path.write_bytes(data)
        assert fsq.load_contract(path).name == "mine"
    (tmp_path / "run.json").write_bytes(b'\xef\xbb\xbf{"pipeline_run_id": "run-7"}\r\n')
    assert fsq.RunContext.from_json(tmp_path / "run.json").pipeline_run_id == "run-7"


@given(st.sampled_from(NAMES), st.sampled_from(sorted(MATCHED)))
@settings(max_examples=200)
def test_matched_spellings_normalize_to_the_name(name: str, how: str) -> None:
    spelt = MATCHED[how](name)
    assert normalize_name(spelt) == normalize_name(name)
    assert bool(describe_difference(spelt, name)) == (spelt != name and "ï»¿" not in spelt)


@given(st.text(), st.text())
def test_a_difference_is_told_where_only_the_spelling_differs(left: str, right: str) -> None:
    told = describe_difference(left, right)
    assert bool(told) == (left != right and simplify(left) == simplify(right))
    assert simplify(left) == simplify(left.upper()) or not left.isascii()
