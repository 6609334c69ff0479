"""The tables per date and per feature, against plain Python."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fsq
from fsq.demo import simulate_season
from fsq.diagnosis.daily_metrics import measure_dates
from fsq.diagnosis.feature_metrics import measure_features
from fsq.diagnosis.long_detail import read_detail_parts
from tests.support.healthy_days import CONTRACT, make_days


def test_days_are_what_plain_python_says() -> None:
    """Against loops over the rows, with NULLs, defaults and all."""
    rows = simulate_season(seed=2).rows.filter(
        pl.col("game_date").is_between(date(2026, 1, 3), date(2026, 1, 6))
    )
    scored = fsq.score(rows)
    table = measure_features(scored.lazy(), CONTRACT)
    detail = fsq.explode_detail(scored)
    assert table.height == 33 * scored["game_date"].n_unique()
    for line in table.to_dicts():
        same = (pl.col("game_date") == line["game_date"]) & (
            pl.col("feature_index") == line["feature_index"]
        )
        mine = detail.filter(same).to_dicts()
        values = [d["feature_value"] for d in mine if not d["is_default"]]
        assert line["rows"] == len(mine)
        assert line["default_rows"] == sum(d["is_default"] for d in mine)
        assert line["distinct"] == len(set(values))
        scores = [0 if d["is_default"] else d["quality_score"] for d in mine]
        assert line["quality_pct"] == pytest.approx(sum(scores) / len(scores))
        if values:
            most = max(values.count(v) for v in set(values)) / len(values)
            assert line["most_common_share"] == pytest.approx(most)
            assert line["mean"] == pytest.approx(sum(values) / len(values))
        late = [d for d in mine if d["triggered_alert"] == "stale_data_48h"]
        assert line["very_stale_rows"] >= len(late)
    days = measure_dates(scored.lazy(), CONTRACT)
    assert days["rows"].sum() == scored.height
    assert days["default_features"].sum() == scored["default_feature_count"].sum()
    assert days["red"].sum() == (scored["quality_alert_level"] == "red").sum()


def test_a_date_without_any_stamp_has_no_age_rather_than_nan() -> None:
    first = pl.col("game_date") == pl.col("game_date").min()
    stamps = [c for c in make_days(1).columns if c.endswith("__last_updated")]
    gone = [pl.when(~first).then(pl.col(c)).alias(c) for c in stamps]
    days = measure_dates(fsq.score(make_days(3).with_columns(gone)).lazy(), CONTRACT)
    numbers = days.sort("game_date").select(pl.col(pl.Float64))
    assert not any(numbers.select(pl.all().is_nan().any()).row(0))
    empty = [name for name, value in numbers.row(0, named=True).items() if value is None]
    assert empty
    assert not any(numbers[1:].select(empty).null_count().row(0))


def test_a_score_that_older_dates_lack_is_unknown_there() -> None:
    """As where a column came later."""
    scored = fsq.score(make_days(2))
    first = pl.col("game_date") == pl.col("game_date").min()
    lost = pl.when(~first).then("matchup_quality_pct").alias("matchup_quality_pct")
    days = measure_dates(scored.with_columns(lost).lazy(), CONTRACT).sort("game_date")
    assert days["matchup_quality_pct"].to_list() == [None, 100.0]
    assert days["team_context_quality_pct"].to_list() == [100.0, 100.0]


def test_ages_are_those_that_the_kernel_saw() -> None:
    """No field holds an age; it is recovered, and must agree with as_of where that is known."""
    rows = make_days(2).with_columns(
        as_of=pl.col("game_date").cast(pl.Datetime("us", "UTC")) + pl.duration(hours=40),
        odds_api__last_updated=pl.lit(None, pl.Datetime("us", "UTC")),
        player_daily_cache__last_updated=pl.col("player_daily_cache__last_updated")
        - pl.duration(minutes=61),
    )
    scored = fsq.score(rows)
    (part,) = read_detail_parts(scored.lazy(), CONTRACT)
    long = part.fields
    as_of = scored["as_of"].to_list()
    for i, age, stamp in zip(
        range(long.height), long["age_hours"], long["last_updated"], strict=True
    ):
        if stamp is None:
            assert age is None
        else:
            hours = (as_of[i // 33] - stamp).total_seconds() / 3600
            assert age == pytest.approx(max(0, hours), abs=1e-9)


@pytest.mark.parametrize("dropped", [0, 1, 2])
def test_an_empty_piece_of_rows_changes_nothing(dropped: int) -> None:
    """A filter leaves one where it drops a whole piece."""
    scored = fsq.score(make_days(2, 6))
    pieces = [scored[3 * at : 3 * at + 3] for at in range(3)]
    kept = pl.Series([at // 3 != dropped for at in range(9)])
    rows = pl.concat(pieces, rechunk=False).filter(kept)
    (part,) = read_detail_parts(rows.lazy(), CONTRACT)
    (whole,) = read_detail_parts(rows.rechunk().lazy(), CONTRACT)
    assert_frame_equal(part.fields, whole.fields)
