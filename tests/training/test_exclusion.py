"""What a training set leaves out because a diagnosis names it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import fsq
from fsq.errors import InputError
from tests.support.any_table import CONTRACT as LEGS
from tests.support.any_table import make_rows as make_legs
from tests.support.frames import CONTRACT
from tests.support.healthy_days import LAST, default_values
from tests.support.labelled_days import HIT, make_labelled_days

TABLE = "player_composite_factors"
FEATURES = [f.name for f in CONTRACT.features if f.upstream_table == TABLE]
ROWS = make_labelled_days(10, 120)
KEYS = ["game_date", "player_lookup"]


def lose_table(which: pl.Expr) -> pl.DataFrame:
    """The rows with one upstream table missing for some of the last date."""
    lost = HIT & which
    values = default_values(FEATURES)
    return fsq.score(
        ROWS.with_columns(
            pl.when(lost).then(v).otherwise(pl.col(n)).alias(n) for n, v in values.items()
        )
    )


SOME = lose_table(pl.int_range(pl.len()) % 3 == 0)
ALL = lose_table(pl.lit(True))


def count(made: fsq.TrainingSet) -> dict[str, int]:
    """How many records fail each gate, whatever the others say."""
    return dict(made.waterfall.select("gate", "failed").rows())


def test_the_records_that_findings_name_are_left_out_alone() -> None:
    named = fsq.diagnose(SOME).named_rows.select(KEYS).unique()
    assert named.height == 40
    made = fsq.training_set(SOME, "points", "keep", exclude="findings")
    assert made.frame.join(named, on=KEYS, how="semi").is_empty()
    assert len(made) == SOME.height - 40
    assert made.frame.filter(HIT).height == 80
    asks = dict(made.waterfall.select("gate", "asks").rows())
    assert asks["date"] == "date not red (0 are)"
    assert asks["findings"] == "record not named by 1 finding"
    assert asks["label_findings"] == "points not doubted by a finding"
    assert count(made)["findings"] == 40


def test_a_red_date_of_which_every_record_is_named_is_a_step_of_its_own() -> None:
    made = fsq.training_set(ALL, "points", "keep", exclude="findings")
    assert made.exclusion.dates == (LAST,)
    assert (count(made)["date"], count(made)["findings"]) == (120, 0)
    assert "date not red (1 are)" in str(made)
    assert made.frame.filter(HIT).is_empty()


def test_findings_about_features_that_the_set_does_not_hold_do_not_matter() -> None:
    rest = [n for n in CONTRACT.names if n not in FEATURES]
    made = fsq.training_set(ALL, "points", "keep", features=rest, exclude="findings")
    assert len(made) == ALL.height
    red = fsq.training_set(ALL, "points", "keep", features=rest, exclude="red")
    assert red.frame.filter(HIT).is_empty()


@pytest.mark.parametrize(
    ("mode", "gates"),
    [("drop", ["date", "findings", "label_findings"]), ("mask", []), ("keep", [])],
)
def test_findings_are_the_default_where_records_are_dropped(mode: Any, gates: list[str]) -> None:
    made = fsq.training_set(SOME, "points", mode)
    about = ["date", "findings", "label_findings"]
    assert [g for g in made.waterfall["gate"] if g in about] == gates
    assert made.filter["exclude"] == ("findings" if gates else "nothing")


@pytest.mark.parametrize("nothing", [None, "nothing"])
def test_nothing_is_left_out_on_request(nothing: Any) -> None:
    made = fsq.training_set(SOME, "points", exclude=nothing)
    assert "findings" not in made.waterfall["gate"]
    assert made.filter["excluded_dates"] is None


def test_without_a_label_there_is_none_to_doubt() -> None:
    assert "label_findings" not in fsq.training_set(SOME).waterfall["gate"]


def test_the_fingerprint_covers_what_is_left_out() -> None:
    clean = fsq.score(ROWS)
    sets = [
        fsq.training_set(clean, "points", "keep", exclude=e)
        for e in (None, "findings", "red", [LAST + timedelta(days=9)])
    ]
    assert len({made.frame.height for made in sets}) == 1
    assert len({made.fingerprint for made in sets}) == 4
    named = fsq.training_set(SOME, "points", "keep", exclude="findings")
    assert named.filter["excluded_records"]["records"] == 40
    assert named.provenance["filter"] == named.filter


def test_a_range_is_compared_with_the_dates_before_it(tmp_path: Path) -> None:
    # Silent zeros: only earlier dates tell that they are no ordinary values.
    zeros = {n: pl.lit(0.0) for n in FEATURES[:1]}
    rows = fsq.score(
        ROWS.with_columns(
            pl.when(HIT).then(v).otherwise(pl.col(n)).alias(n) for n, v in zeros.items()
        )
    )
    store = fsq.open_store(str(tmp_path / "t"))
    store.replace(rows)
    asked: dict[str, Any] = {"label": "points", "start": LAST, "exclude": "findings"}
    whole = fsq.training_set(rows, "points", exclude="findings")
    assert whole.frame.filter(HIT).is_empty()
    for source in (rows, rows.lazy(), rows.to_arrow(), store):
        made = fsq.training_set(source, **asked)
        assert made.exclusion.dates == (LAST,)
        assert len(made) == 0


@pytest.mark.parametrize("start", [None, LAST])
def test_a_warehouse_gives_the_same(dataset: str, start: date | None) -> None:
    few = SOME.filter(pl.col("game_date") > LAST - timedelta(days=5))
    store = fsq.open_store(f"bigquery://{dataset}.named")
    store.replace(few)
    made = fsq.training_set(store, "points", start=start)
    want = fsq.training_set(few, "points", start=start)
    assert made.filter["excluded_records"]["records"] == 40
    assert made.fingerprint == want.fingerprint


def test_nothing_is_diagnosed_before_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("fsq.training.exclusion.diagnose", refuse)
    made = fsq.training_set(SOME, "points")
    with pytest.raises(AssertionError):
        _ = made.frame


def test_rows_that_cannot_be_diagnosed_say_how_to_go_on() -> None:
    other = SOME.with_columns(feature_schema_version=pl.lit("mine"))
    with pytest.raises(InputError, match="exclude=None, or --exclude nothing, goes on"):
        _ = fsq.training_set(other, "points").frame
    assert len(fsq.training_set(other, "points", exclude="nothing"))


def test_a_table_with_times_of_its_own() -> None:
    scored = fsq.score(make_legs(), LEGS)
    named = fsq.diagnose(scored, LEGS).named_rows
    assert set(LEGS.table.key) < set(named.columns)
    made = fsq.training_set(scored, "outcome", "keep", contract=LEGS, exclude="findings")
    keys = list(LEGS.table.key)
    assert named.height
    assert made.frame.join(named, on=keys, how="semi").is_empty()
    assert made.frame.join(scored, on=keys, how="anti").is_empty()


def test_dates_may_be_of_any_library() -> None:
    def exclude(days: Any) -> tuple[Any, Any]:
        made = fsq.training_set(SOME, "points", "keep", exclude=days)
        return made.filter["exclude"], made.filter["excluded_dates"]

    before = LAST - timedelta(days=1)
    several = ("dates", [str(before), str(LAST)])
    assert exclude([str(LAST), before]) == several
    assert exclude(pd.date_range(before, periods=2)) == several
    assert exclude(np.array([before, LAST], dtype="datetime64[D]")) == several
    assert exclude(pl.Series([before, LAST])) == several
    assert exclude(f" {LAST} ") == ("dates", [str(LAST)])
    assert exclude(np.str_("nothing")) == ("nothing", None)


@pytest.mark.parametrize("start", ["0001-01-01", "0001-01-02", "0001-03-01"])
def test_there_is_no_history_before_the_first_year(start: str, tmp_path: Path) -> None:
    store = fsq.open_store(tmp_path / "store")
    store.replace(SOME)
    for what in (SOME, store):
        made = fsq.training_set(what, "points", start=start)
        assert made.filter["excluded_records"]["records"] == 40
