"""A season's start that only a gap shows, what is lost in it, and values of the season before."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

import fsq
from tests.support.healthy_days import CONTRACT, LAST, TABLES, default_values, list_serious
from tests.support.league import make_league

FIRST = LAST - timedelta(days=5)
WINDOWS = [f.name for f in CONTRACT.features if f.window]
CACHE = [n for n in TABLES["player_daily_cache"] if n in WINDOWS]
DEFENSE = TABLES["team_defense_zone_analysis"]


def make_start(filling: list[str], days_to_fill: int = 6, gap: int = 150) -> pl.DataFrame:
    """Three dates of a season, and six of the next one, without sample sizes.

    The features that fill are default on its first dates.
    """
    rows = make_league().drop("last_5__sample_size", "last_10__sample_size", "processors_completed")
    old = pl.col("game_date") < FIRST
    until = FIRST + timedelta(days=days_to_fill)
    return rows.with_columns(
        *(
            pl.when(old | (pl.col("game_date") >= until)).then(pl.col(n)).otherwise(v).alias(n)
            for n, v in default_values(filling).items()
        )
    ).with_columns(
        game_date=pl.when(old)
        .then(pl.col("game_date") - timedelta(days=gap))
        .otherwise("game_date"),
        **{
            f"{t}__last_updated": pl.col(f"{t}__last_updated")
            - pl.when(old).then(timedelta(days=gap)).otherwise(timedelta(0))
            for t in TABLES
        },
    )


def list_red(dx: fsq.Diagnosis, since: date = FIRST) -> list[tuple[str, tuple[date, ...]]]:
    return [(f.kind, f.dates) for f in dx.findings if f.severity == "red" and f.dates[-1] >= since]


def test_windows_that_fill_after_a_gap_are_no_lost_table() -> None:
    dx = fsq.diagnose(fsq.score(make_start(CACHE + DEFENSE)))
    assert list_red(dx) == []
    (start,) = [f for f in dx.findings if f.kind == "season_start"]
    assert start.severity == "yellow"
    assert start.dates == tuple(FIRST + timedelta(days=i) for i in range(6))
    assert set(start.features) == {*CACHE, *DEFENSE}
    assert "No games were stored for weeks before" in start.cause


def test_without_a_gap_the_same_rows_are_red() -> None:
    dx = fsq.diagnose(fsq.score(make_start(DEFENSE, gap=0)))
    assert [kind for kind, _ in list_red(dx)] == ["upstream_table_missing"]


def test_a_date_alone_is_told_where_its_season_began() -> None:
    rows = fsq.score(make_start(DEFENSE)).filter(pl.col("game_date") >= FIRST)
    day = FIRST + timedelta(days=4)
    alone = rows.filter(pl.col("game_date") <= day)
    assert list_red(fsq.diagnose(alone, dates=[day])) != []
    known = [FIRST - timedelta(days=150), FIRST]
    assert list_red(fsq.diagnose(alone, dates=[day], known_dates=known)) == []


def test_what_had_values_and_has_none_is_lost() -> None:
    rows = make_start(DEFENSE, days_to_fill=2)
    gone = default_values(DEFENSE)
    rows = rows.with_columns(
        pl.when(pl.col("game_date") == LAST).then(v).otherwise(pl.col(n)).alias(n)
        for n, v in gone.items()
    )
    assert list_red(fsq.diagnose(fsq.score(rows))) == [("upstream_table_missing", (LAST,))]


def test_weeks_later_nothing_fills_any_more() -> None:
    rows = make_start(DEFENSE).drop(f"{t}__last_updated" for t in TABLES)
    late = [LAST + timedelta(days=i) for i in range(1, 12)]
    template = rows.filter(pl.col("game_date") == LAST)
    more = pl.concat([rows, *(template.with_columns(game_date=pl.lit(d)) for d in late)])
    dx = fsq.diagnose(fsq.score(more), dates=[late[-1]])
    assert [kind for kind, _ in list_red(dx)] == ["upstream_table_missing"]


SIZED = [f.name for f in CONTRACT.features if f.window in ("last_5", "last_10")]


def test_a_table_that_begins_with_a_season() -> None:
    rows = make_start(SIZED + DEFENSE).filter(pl.col("game_date") >= FIRST)
    dx = fsq.diagnose(fsq.score(rows))
    assert list_red(dx) == []
    (start,) = [f for f in dx.findings if f.kind == "season_start"]
    assert set(start.features) == {*SIZED, *DEFENSE}
    last = fsq.diagnose(fsq.score(rows), dates=[LAST], known_dates=[FIRST - timedelta(days=2)])
    assert len(list_red(last)) == 2  # what came before says that no season begins


def test_a_table_without_seasons_begins_with_none() -> None:
    table = CONTRACT.table.model_copy(update={"season_start": None})
    contract = CONTRACT.model_copy(update={"table": table})
    rows = make_start(SIZED + DEFENSE).filter(pl.col("game_date") >= FIRST)
    dx = fsq.diagnose(fsq.score(rows, contract), contract)
    assert "season_start" not in {f.kind for f in dx.findings}
    assert "upstream_table_missing" in {kind for kind, _ in list_red(dx)}


def test_a_table_that_begins_without_a_job_is_red() -> None:
    whole = TABLES["player_daily_cache"]
    rows = make_start(whole + DEFENSE).filter(pl.col("game_date") >= FIRST)
    assert {kind for kind, _ in list_red(fsq.diagnose(fsq.score(rows)))} == {
        "upstream_table_missing"
    }
    rows = make_start(DEFENSE).filter(pl.col("game_date") >= FIRST)
    assert len(list_red(fsq.diagnose(fsq.score(rows)))) == 1


def test_a_job_that_says_that_it_did_not_run_is_not_excused() -> None:
    done = [p.name for p in CONTRACT.processors if "Defense" not in p.name]
    rows = make_start(DEFENSE).with_columns(processors_completed=pl.lit(done))
    kinds = {kind for kind, _ in list_red(fsq.diagnose(fsq.score(rows)))}
    assert kinds == {"processor_did_not_run"}


def repeat_old(rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """In the new season the values of each player's last record before the gap."""
    old = rows.filter(pl.col("game_date") < FIRST).sort("game_date")
    last = old.unique("player_lookup", keep="last").select("player_lookup", *names)
    new = rows.join(last, on="player_lookup", suffix="_old", maintain_order="left")
    since = pl.col("game_date") >= FIRST
    return new.with_columns(
        pl.when(since).then(f"{n}_old").otherwise(n).alias(n) for n in names
    ).drop(f"{n}_old" for n in names)


def test_values_of_the_season_before() -> None:
    dx = fsq.diagnose(fsq.score(repeat_old(make_start([]), CACHE)))
    (finding,) = [f for f in list_serious(dx) if f.kind == "last_season_values"]
    assert (finding.severity, finding.table) == ("yellow", "player_daily_cache")
    assert finding.features == tuple(CACHE)
    assert finding.dates[0] == FIRST
    assert f"still from before {FIRST}" in finding.title


@pytest.mark.parametrize("names", [[], ["playoff_game", "rest_advantage"]])
def test_new_values_are_fine(names: list[str]) -> None:
    rows = repeat_old(make_start([]), names) if names else make_start([])
    kinds = [f.kind for f in list_serious(fsq.diagnose(fsq.score(rows)))]
    assert "last_season_values" not in kinds


def few_games(games: int) -> pl.DataFrame:
    """Win shares per team; fewer games on the last date."""
    rows = make_league(games=8)
    team = pl.col("team").str.slice(1).cast(pl.Int64)
    share = 0.2 + ((team * 7 + pl.col("game_date").dt.day()) % 16) / 25
    kept = (pl.col("game_date") < LAST) | (team < 2 * games)
    return rows.with_columns(team_win_pct=share).filter(kept)


def test_few_teams_may_have_few_values() -> None:
    rows = few_games(3)
    near = pl.when(pl.col("team") < "T04").then(0.52).otherwise(0.48)
    hit = pl.col("game_date") == LAST
    rows = rows.with_columns(team_win_pct=pl.when(hit).then(near).otherwise("team_win_pct"))
    assert list_serious(fsq.diagnose(fsq.score(rows), dates=[LAST])) == []


@pytest.mark.parametrize("games", [3, 8])
def test_one_value_for_all_teams_is_stuck(games: int) -> None:
    rows = few_games(games)
    hit = pl.col("game_date") == LAST
    rows = rows.with_columns(team_win_pct=pl.when(hit).then(0.51).otherwise("team_win_pct"))
    (finding,) = list_serious(fsq.diagnose(fsq.score(rows), dates=[LAST]))
    assert (finding.kind, finding.severity) == ("stuck_constant", "red")
