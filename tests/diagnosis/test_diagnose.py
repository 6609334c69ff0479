"""What a diagnosis says of planted faults, of real seasons, and of what it cannot judge."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

import fsq
from fsq.demo import simulate_season
from fsq.diagnosis.checks import kinds
from fsq.diagnosis.daily_metrics import feature_days, long_detail, record_days
from fsq.diagnosis.rendering import markdown
from tests.support.real_data import DATA

CONTRACT = fsq.load_contract()
LAST = date(2026, 2, 10)
TABLES: dict[str, list[str]] = {}
for _f in CONTRACT.features:
    TABLES.setdefault(_f.upstream_table, []).append(_f.name)


def days(count: int = 9, per_day: int = 120, seed: int = 0, drop: int = 0) -> pl.DataFrame:
    """Healthy rows: every feature varies within its range and comes from phase 4, fresh."""
    rng = np.random.default_rng(seed)
    dates = [LAST - timedelta(days=count - 1 - i) for i in range(count)]
    n = count * per_day
    columns: dict[str, Any] = {
        "player_lookup": [f"player{i % per_day:03}" for i in range(n)],
        "game_date": [d for d in dates for _ in range(per_day)],
        "game_id": [f"g{i // 30}" for i in range(n)],
    }
    for f in CONTRACT.features:
        low, high = f.min + 0.3 * (f.max - f.min), f.min + 0.7 * (f.max - f.min)
        columns[f.name] = rng.uniform(low, high, n)
        columns[f"{f.name}__source"] = ["phase4"] * n
    rows = pl.DataFrame(columns)
    line = pl.int_range(pl.len()) % 2 == 0
    odds = [f.name for f in CONTRACT.features if f.optional]
    midnight = pl.col("game_date").cast(pl.Datetime("us", "UTC"))
    rows = rows.with_columns(
        *(pl.when(line).then(pl.col(n)).alias(n) for n in odds),
        *((midnight + pl.duration(hours=9)).alias(f"{t}__last_updated") for t in TABLES),
        last_5__sample_size=pl.lit(5),
        last_10__sample_size=pl.lit(10),
        processors_completed=pl.lit([p.name for p in CONTRACT.processors]),
    )
    return rows.head(n - drop)


def on_last(rows: pl.DataFrame, **values: pl.Expr) -> pl.DataFrame:
    hit = pl.col("game_date") == LAST
    return rows.with_columns(
        pl.when(hit).then(v).otherwise(pl.col(n)).alias(n) for n, v in values.items()
    )


def defaulted(names: list[str]) -> dict[str, pl.Expr]:
    expected = {f.name: f.expected for f in CONTRACT.features}
    return {n: pl.lit(expected[n], pl.Float64) for n in names} | {
        f"{n}__source": pl.lit("default") for n in names
    }


def judged(rows: pl.DataFrame, **options: Any) -> fsq.Diagnosis:
    return fsq.diagnose(fsq.score(rows), dates=[LAST], **options)


def serious(dx: fsq.Diagnosis) -> list[fsq.Finding]:
    return [f for f in dx.findings if f.severity != "info"]


def test_healthy_rows_are_green() -> None:
    dx = judged(days())
    assert serious(dx) == []
    assert dx.verdict == "green"


@pytest.mark.parametrize(
    ("ran", "kind"),
    [
        (True, "processor_wrote_nothing"),
        (False, "processor_did_not_run"),
        (None, "upstream_table_missing"),
    ],
)
def test_root_cause_names_the_processor(ran: bool | None, kind: str) -> None:
    """What the run context says decides between not run, ran in vain, and nobody knows."""
    job, names = "PlayerCompositeFactorsProcessor", TABLES["player_composite_factors"]
    done = [p.name for p in CONTRACT.processors if ran or p.name != job]
    context = None if ran is None else fsq.RunContext("run-1", done)
    rows = on_last(days(), **defaulted(names)).drop("processors_completed")
    (finding,) = serious(judged(rows, run=context))
    assert finding.kind == kind
    assert finding.severity == "red"
    assert finding.processor == job
    assert finding.features == tuple(names)
    assert finding.dates == (LAST,)
    assert finding.rows_affected == 120
    assert f"run-processor {job} --date {LAST}" == finding.remedy[0]
    assert finding.remedy[1].startswith("fsq backfill")


def test_rows_own_words_win_over_the_run() -> None:
    names = TABLES["player_composite_factors"]
    rows = on_last(days(), **defaulted(names))
    (finding,) = serious(judged(rows, run=fsq.RunContext("run", [])))
    assert finding.kind == "processor_wrote_nothing"


def test_some_players_left_out() -> None:
    names = TABLES["player_shot_zone_analysis"]
    hit = pl.col("player_lookup") < "player048"
    values = {n: pl.when(hit).then(v).otherwise(pl.col(n)) for n, v in defaulted(names).items()}
    (finding,) = serious(judged(on_last(days(), **values)))
    assert finding.kind == "processor_wrote_part"
    assert finding.rows_affected == 48
    assert "player000" in finding.cause
    assert "ran, but" in finding.cause


def test_one_feature_missing_of_a_table() -> None:
    (finding,) = serious(judged(on_last(days(), **defaulted(["fatigue_score"]))))
    assert (finding.kind, finding.severity) == ("feature_missing", "red")
    assert finding.features == ("fatigue_score",)


def test_lost_windows_are_no_season_start() -> None:
    """A cache that failed leaves samples of 0, as a season's first days do; it stays red."""
    names = TABLES["player_daily_cache"]
    samples = dict.fromkeys(("last_5__sample_size", "last_10__sample_size"), pl.lit(0))
    (finding,) = serious(judged(on_last(days(), **defaulted(names), **samples)))
    assert (finding.kind, finding.severity) == ("processor_wrote_nothing", "red")
    rows = days().with_columns(season__sample_size=pl.lit(40))
    lost = on_last(rows, **defaulted(["points_avg_season"]), season__sample_size=pl.lit(0))
    (finding,) = serious(judged(lost))
    assert (finding.kind, finding.features) == ("feature_missing", ("points_avg_season",))


def test_a_season_start_is_yellow_unless_the_job_did_not_run() -> None:
    names = TABLES["player_daily_cache"]
    young = days().with_columns(last_5__sample_size=pl.lit(1), last_10__sample_size=pl.lit(1))
    rows = on_last(young, **defaulted(names))
    (finding,) = serious(judged(rows))
    assert (finding.kind, finding.severity) == ("season_start", "yellow")
    done = [p.name for p in CONTRACT.processors if p.name != "PlayerDailyCacheProcessor"]
    (finding,) = serious(judged(on_last(rows, processors_completed=pl.lit(done))))
    assert (finding.kind, finding.severity) == ("processor_did_not_run", "red")


def test_another_season_is_no_history() -> None:
    old = days().filter(pl.col("game_date") < LAST)
    moved = old.with_columns(pl.col("game_date") - pl.duration(days=200))
    rows = pl.concat([moved, days().filter(pl.col("game_date") == LAST)])
    assert judged(rows).verdict == "unknown"


def test_run_context_that_disagrees() -> None:
    done = [p.name for p in CONTRACT.processors if p.name != "PlayerDailyCacheProcessor"]
    rows = on_last(days(), processors_completed=pl.lit(done))
    (finding,) = serious(judged(rows))
    assert (finding.kind, finding.severity) == ("run_context_disagrees", "yellow")
    assert finding.processor == "PlayerDailyCacheProcessor"


def test_stuck_silent_stale_and_ranges() -> None:
    half = pl.int_range(pl.len()) % 2 == 0
    wrong = pl.when(half).then(pl.lit(200.0)).otherwise("opponent_def_rating")
    cases: list[tuple[str, str, dict[str, pl.Expr]]] = [
        ("stuck_constant", "team_win_pct", {"team_win_pct": pl.lit(0.5)}),
        ("stuck_constant", "pace_score", {"pace_score": pl.lit(0.0)}),
        ("silent_default", "fatigue_score", {"fatigue_score": pl.lit(50.0)}),
        ("range_violation", "opponent_def_rating", {"opponent_def_rating": wrong}),
        (
            "stale_data",
            "opponent_pace",
            {
                "team_defense_zone_analysis__last_updated": pl.lit(
                    datetime(2026, 2, 8, tzinfo=UTC)
                ).cast(pl.Datetime("us", "UTC"))
            },
        ),
    ]
    for kind, feature, values in cases:
        found = serious(judged(on_last(days(), **values)))
        assert [(f.kind, f.severity) for f in found] == [(kind, "red")], (kind, found)
        assert feature in found[0].features


def test_a_stuck_feature_is_one_finding_over_its_dates() -> None:
    late = pl.col("game_date") > LAST - timedelta(days=4)
    rows = days(12).with_columns(team_win_pct=pl.when(late).then(0.5).otherwise("team_win_pct"))
    (finding,) = serious(fsq.diagnose(fsq.score(rows)))
    assert finding.kind == "stuck_constant"
    assert finding.dates == tuple(LAST - timedelta(days=i) for i in (3, 2, 1, 0))
    assert finding.rows_affected == 480


def test_half_the_rows_are_missing() -> None:
    rows = days().filter((pl.col("game_date") != LAST) | (pl.int_range(pl.len()) % 4 < 2))
    (finding,) = serious(judged(rows))
    assert (finding.kind, finding.severity) == ("missing_rows", "red")
    assert finding.rows_affected == 60


def test_lines_gone_of_a_sudden_and_lines_that_never_were() -> None:
    odds = [f.name for f in CONTRACT.features if f.optional]
    none = {n: pl.lit(None, pl.Float64) for n in odds}
    (finding,) = serious(judged(on_last(days(), **none)))
    assert (finding.kind, finding.severity) == ("optional_coverage", "yellow")
    never = fsq.diagnose(fsq.score(days().with_columns(**none)))
    assert serious(never) == []
    (finding,) = never.findings
    assert finding.kind == "optional_absent"
    assert len(finding.dates) == 9


def test_a_moved_feature_shows_as_a_shifted_distribution() -> None:
    rows = on_last(days(), minutes_avg_last_10=pl.col("minutes_avg_last_10") + 12)
    kinds = {(f.kind, f.features) for f in serious(judged(rows))}
    assert ("distribution_shift", ("minutes_avg_last_10",)) in kinds


def test_a_category_that_falls_without_another_cause() -> None:
    names = TABLES["team_offense_game_summary"] + ["team_win_pct"]
    rows = on_last(days(), **{f"{n}__source": pl.lit("phase3") for n in names})
    (finding,) = serious(judged(rows))
    assert finding.kind == "category_shift"
    assert finding.evidence == {"quality_pct": 87.0, "usual_pct": 100.0}


def test_no_history_and_few_rows_are_not_fine() -> None:
    scored = fsq.score(days())
    alone = fsq.diagnose(scored.filter(pl.col("game_date") == LAST))
    assert alone.verdict == "unknown"
    assert {"missing_rows", "category_shift", "distribution_shift"} <= {
        n["check"] for n in alone.not_evaluated
    }
    few = fsq.diagnose(fsq.score(days(per_day=30)), dates=[LAST])
    assert few.verdict == "unknown"
    assert "stuck_constant" in {n["check"] for n in few.not_evaluated}
    assert "fewer than 50 rows" in str(few)


def test_history_may_come_apart() -> None:
    scored = fsq.score(on_last(days(), **defaulted(["fatigue_score"])))
    last = scored.filter(pl.col("game_date") == LAST)
    whole = fsq.diagnose(scored, dates=[LAST])
    parts = fsq.diagnose(last, history=scored.filter(pl.col("game_date") < LAST))
    assert parts.to_dict() == whole.to_dict()


def test_every_kind_of_table_gives_the_same() -> None:
    scored = fsq.score(on_last(days(), team_win_pct=pl.lit(0.5)))
    want = fsq.diagnose(scored).to_dict()
    assert fsq.diagnose(scored.lazy()).to_dict() == want
    assert fsq.diagnose(scored.to_arrow()).to_dict() == want
    assert scored.fsq.diagnose().to_dict() == want
    assert scored.lazy().fsq.diagnose().to_dict() == want
    shuffled = fsq.diagnose(scored.sample(fraction=1, shuffle=True, seed=1)).to_dict()
    assert shuffled["findings"] == want["findings"]


def test_a_date_without_rows_is_red_and_no_rows_are_no_error() -> None:
    scored = fsq.score(days())
    absent = LAST + timedelta(days=1)
    dx = fsq.diagnose(scored, dates=[absent])
    assert dx.dates == {absent: "red"}
    assert dx.findings[0].title == "no rows at all"
    assert fsq.diagnose(scored.head(0)).verdict == "unknown"


def test_rows_of_another_contract_or_unscored_are_refused() -> None:
    with pytest.raises(fsq.InputError, match="name the contract"):
        fsq.diagnose(fsq.score(days()), contract="v3_37features")
    with pytest.raises(fsq.InputError, match=r"fsq\.score"):
        fsq.diagnose(days())


def test_displays_escape_and_hold_80_columns() -> None:
    rows = days().with_columns(player_lookup=pl.lit("<script>") + pl.col("player_lookup"))
    names = TABLES["player_shot_zone_analysis"]
    hit = pl.col("player_lookup").str.ends_with("1")
    values = {n: pl.when(hit).then(v).otherwise(pl.col(n)) for n, v in defaulted(names).items()}
    dx = fsq.diagnose(fsq.score(on_last(rows, **values).with_columns(hit.alias("x"))))
    shown = judged(on_last(rows, **defaulted(names)))
    assert "<script>" in shown.findings[0].cause
    assert "<script>" not in shown._repr_html_()
    assert "&lt;script&gt;" in shown._repr_html_()
    assert "<script>" not in markdown(shown.summary)
    assert all(len(line) <= 80 for line in str(shown).splitlines())
    assert repr(dx) == str(dx)
    assert shown.frame.height == len(shown.findings)
    assert shown.frame.schema == fsq.diagnose(fsq.score(days(1))).frame.schema
    json.dumps(shown.to_dict(), allow_nan=False)
    assert "<table>" in CONTRACT._repr_html_()


def test_days_are_what_plain_python_says() -> None:
    """Against loops over the rows, with NULLs, defaults and all."""
    rows = simulate_season(seed=2).rows.filter(
        pl.col("game_date").is_between(date(2026, 1, 3), date(2026, 1, 6))
    )
    scored = fsq.score(rows)
    table = feature_days(scored.lazy(), CONTRACT)
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
    days = record_days(scored.lazy(), CONTRACT)
    assert days["rows"].sum() == scored.height
    assert days["default_features"].sum() == scored["default_feature_count"].sum()
    assert days["red"].sum() == (scored["quality_alert_level"] == "red").sum()


def test_ages_are_those_that_the_kernel_saw() -> None:
    """No field holds an age; it is recovered, and must agree with as_of where that is known."""
    rows = days(2).with_columns(
        as_of=pl.col("game_date").cast(pl.Datetime("us", "UTC")) + pl.duration(hours=40),
        odds_api__last_updated=pl.lit(None, pl.Datetime("us", "UTC")),
        player_daily_cache__last_updated=pl.col("player_daily_cache__last_updated")
        - pl.duration(minutes=61),
    )
    scored = fsq.score(rows)
    long = long_detail(scored.lazy(), CONTRACT)
    as_of = scored["as_of"].to_list()
    for i, age, stamp in zip(
        range(long.height), long["age_hours"], long["last_updated"], strict=True
    ):
        if stamp is None:
            assert age is None
        else:
            hours = (as_of[i // 33] - stamp).total_seconds() / 3600
            assert age == pytest.approx(max(0, hours), abs=1e-9)


def test_planted_incidents_of_a_season_are_found_and_nothing_else() -> None:
    season = simulate_season(seed=11)
    dx = fsq.diagnose(fsq.score(season.rows))
    planted = {(p["kind"], date.fromisoformat(d)): p for p in season.planted for d in p["dates"]}
    said = {(f.kind, d) for f in dx.findings if f.severity == "red" for d in f.dates}
    assert said == set(planted)
    assert {f.kind for f in dx.findings} <= set(kinds())
    red = [f for f in dx.findings if f.severity == "red"]
    for (kind, day), incident in planted.items():
        named = {n for f in red if f.kind == kind and day in f.dates for n in f.features}
        assert named == set(incident["features"])


@cache
def real(season: str) -> pl.DataFrame:
    path = DATA / f"nba_features_{season}.parquet"
    if not path.exists():
        pytest.skip("the real seasons are not here")
    return pl.read_parquet(path)


@pytest.mark.parametrize("season", ["2022-23", "2023-24"])
def test_an_untouched_real_season_is_quiet(season: str) -> None:
    dx = fsq.diagnose(fsq.score(real(season)))
    dates = list(dx.dates)
    assert [d for d, v in dx.dates.items() if v == "red"] == []
    start = [f for f in dx.findings if f.kind == "season_start"]
    assert len(start) == 1
    assert start[0].dates == tuple(dates[: len(start[0].dates)])
    assert 5 <= len(start[0].dates) <= 12
    rest = [f for f in serious(dx) if f.kind != "season_start"]
    assert 1 <= len(rest) <= 8
    (lines,) = [f for f in dx.findings if f.kind == "optional_absent"]
    assert len(lines.dates) == len(dates)


@pytest.mark.parametrize(
    ("season", "day"), [("2022-23", date(2023, 2, 6)), ("2023-24", date(2024, 2, 6))]
)
def test_february_the_sixth_in_a_real_season(season: str, day: date) -> None:
    hit = pl.col("game_date") == day
    chosen = [f for f in CONTRACT.features if f.category == "matchup"]
    rows = real(season).filter((pl.col("game_date") - pl.lit(day)).dt.total_days().abs() < 21)
    rows = rows.with_columns(
        *(pl.when(hit).then(pl.lit(f.expected)).otherwise(f.name).alias(f.name) for f in chosen),
        *(
            pl.when(hit)
            .then(pl.lit("default"))
            .otherwise(pl.col(f"{f.name}__source").cast(pl.String))
            .alias(f"{f.name}__source")
            for f in chosen
        ),
    )
    dx = fsq.diagnose(fsq.score(rows), dates=rows["game_date"].unique().sort().to_list()[8:])
    red = [f for f in dx.findings if f.severity == "red"]
    assert {f.processor: f.features for f in red} == {
        "PlayerCompositeFactorsProcessor": CONTRACT.names[5:9],
        "TeamDefenseZoneAnalysisProcessor": CONTRACT.names[13:15],
    }
    assert all(f.dates == (day,) for f in red)
    near = [v for d, v in dx.dates.items() if 0 < abs((d - day).days) <= 8]
    assert set(near) == {"green"}
