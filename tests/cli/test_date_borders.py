"""``today``, ``yesterday`` and ``--last`` where the table's dates are, and the calendar's ends."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from fsq.cli._dates import Calendar, choose_dates
from fsq.cli._options import parse_date
from tests.support.cli import Command
from tests.support.frames import wide

FIRST, LAST = date(1, 1, 1), date(9998, 12, 31)


def ask(zone: str, moment: str, *words: str, last: str | None = None) -> list[str]:
    """The dates of ``--start`` and ``--end`` at a moment, or those of ``--last``."""
    now = datetime.fromisoformat(moment).astimezone(UTC)
    calendar = Calendar(lambda: date(2026, 1, 1), lambda: zone, now)
    days = [parse_date(w) for w in words]
    start, end = days or (None, None)
    return [str(d) for d in choose_dates(None, start, end, "", calendar, last)]


@pytest.mark.parametrize(
    ("zone", "moment", "yesterday", "today"),
    [
        ("UTC", "2026-02-07T02:00Z", "2026-02-06", "2026-02-07"),
        # Late games: in New York it is still the evening of the sixth.
        ("America/New_York", "2026-02-07T02:00Z", "2026-02-05", "2026-02-06"),
        ("America/New_York", "2026-02-07T05:00Z", "2026-02-06", "2026-02-07"),
        # Clocks are put forward at two, and back, so that these dates have 23 and 25 hours.
        ("America/New_York", "2026-03-08T06:59Z", "2026-03-07", "2026-03-08"),
        ("America/New_York", "2026-03-09T03:59Z", "2026-03-07", "2026-03-08"),
        ("America/New_York", "2026-03-09T04:00Z", "2026-03-08", "2026-03-09"),
        ("America/New_York", "2026-11-02T04:59Z", "2026-10-31", "2026-11-01"),
        # By half an hour, and at midnight.
        ("Australia/Lord_Howe", "2026-10-03T13:29Z", "2026-10-02", "2026-10-03"),
        ("Australia/Lord_Howe", "2026-10-04T13:00Z", "2026-10-04", "2026-10-05"),
        ("America/Santiago", "2026-09-06T03:59Z", "2026-09-04", "2026-09-05"),
        ("America/Santiago", "2026-09-06T04:00Z", "2026-09-05", "2026-09-06"),
    ],
)
def test_words_are_dates_of_the_table_s_zone(
    zone: str, moment: str, yesterday: str, today: str
) -> None:
    assert ask(zone, moment, "yesterday", "today") == [yesterday, today]
    assert ask(zone, moment, last="2d") == [yesterday, today]


def test_the_contract_of_a_store_says_where(run: Command, tmp_path: Path) -> None:
    """At each moment, at least one of the two zones has another date than UTC."""
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        folder = tmp_path / zone
        folder.mkdir(parents=True)
        table = f'name = "own"\nextends = "v2_33features"\n[table]\ntimezone = "{zone}"\n'
        (contract := folder / "own.toml").write_text(table)
        before = date(2026, 1, 3) - datetime.now(ZoneInfo(zone)).date()
        rows = wide(60, 3).with_columns(pl.col("game_date") - before)
        today = str(rows["game_date"].max())
        rows.write_parquet(source := folder / "rows.parquet")
        to = ("--source", source, "--store", folder / "store", "--contract", contract)
        plan = run("backfill", *to, "--last", "2d", "--json").document["plan"]
        assert [step["date"] for step in plan][-1] == today
        assert len(plan) == 2
        checked = run("check", "--store", folder / "store", "--date", "today", "--json")
        assert [d["date"] for d in checked.document["dates"]] == [today]
        player = rows.filter(game_date=rows["game_date"].max())["player_lookup"][0]
        explained = run("explain", player, "today", "--store", folder / "store", "--json")
        assert explained.document["record"]["game_date"] == today


@pytest.mark.parametrize("day", [FIRST, LAST])
def test_the_first_and_the_last_date_that_there_is(day: date, run: Command, tmp_path: Path) -> None:
    """What has no date often has that of year 1."""
    rows = wide(20, 2)
    rows = rows.with_columns(pl.lit(day).alias("game_date")).unique("player_lookup")
    rows.write_parquet(source := tmp_path / "rows.parquet")
    store = tmp_path / "store"
    assert run("backfill", "--source", source, "--store", store).status == 0
    for words in (
        ["check"],
        ["check", "--max-age", "36h"],
        ["check", "--record"],
        ["trend"],
        ["trend", "--last", "14d", "--end", str(day)],
        ["report", "--out", tmp_path / "report.html"],
        [
            "training-set",
            "--on-default",
            "keep",
            "--exclude",
            "red",
            "--out",
            tmp_path / "set.parquet",
        ],
    ):
        assert run(*words, "--store", store).status in (0, 1), words


def test_a_date_beyond_the_calendar_is_refused(run: Command, tmp_path: Path) -> None:
    day = pl.when(pl.int_range(pl.len()) == 3).then(date(9999, 12, 31)).otherwise("game_date")
    wide(20, 2).with_columns(day.alias("game_date")).write_parquet(source := tmp_path / "r.parquet")
    for words in (
        ["backfill", "--source", source, "--store", tmp_path / "store"],
        ["backfill", "--source", source, "--store", tmp_path / "store", "--dry-run"],
        ["score", source, "--out", tmp_path / "scored.parquet"],
    ):
        told = run(*words)
        assert (told.status, "outside the years 1 to 9998" in told.err) == (2, True)
    assert not (tmp_path / "store").exists()
