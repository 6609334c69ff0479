"""A worker leaves out the records that findings name."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import fsq
from tests.support.healthy_days import LAST, make_days

KEYS = ["game_date", "player_lookup"]
READS_IT = ["fatigue_score", "home_away"]
ROWS = make_days()
HIT = pl.col("game_date") == LAST


def set_constant(which: pl.Expr) -> pl.DataFrame:
    """A silent constant: the values look like any other, so only a diagnosis tells."""
    value = pl.when(HIT & which).then(50.0).otherwise(pl.col("fatigue_score"))
    return fsq.score(ROWS.with_columns(fatigue_score=value))


@pytest.mark.parametrize("given", [True, False])
def test_named_records_are_not_predicted_on(given: bool) -> None:
    scored = set_constant(pl.lit(True))
    dx = fsq.diagnose(scored)
    assert fsq.check_model(READS_IT, scored).predictable.height == scored.height
    exclude: Any = dx if given else "findings"
    check = fsq.check_model(READS_IT, scored, exclude=exclude, on_incompatible="report")
    assert check.predictable.filter(HIT).is_empty()
    assert check.predictable.height == scored.height - 120
    assert (
        check.records.filter("named")
        .select(KEYS)
        .equals(scored.filter(HIT).select(KEYS).sort(KEYS))
    )
    assert check.problems == (f"findings name records, and no other is fit, on {LAST}",)
    assert check.to_dict()["named_by_findings"] == 120
    assert "findings name 120 records" in str(check)


def test_a_model_that_does_not_read_the_feature_goes_on() -> None:
    scored = set_constant(pl.lit(True))
    check = fsq.check_model(["home_away"], scored, exclude="findings")
    assert check.predictable.height == scored.height


def test_one_date_of_a_store_is_compared_with_those_before(tmp_path: Any) -> None:
    store = fsq.open_store(str(tmp_path / "t"))
    store.replace(set_constant(pl.lit(True)))
    check = fsq.check_model(
        READS_IT, store, start=LAST, exclude="findings", on_incompatible="report"
    )
    assert check.records.height == check.records["named"].sum() == 120


def test_another_word_is_refused() -> None:
    with pytest.raises(fsq.InputError, match="use a diagnosis, 'findings' or None"):
        fsq.check_model(READS_IT, set_constant(pl.lit(False)), exclude="red")  # type: ignore[arg-type]
