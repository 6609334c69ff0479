"""What an operator needs first: the newest date, its age and verdict, what opened, what to run."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.diagnosis import Finding
from fsq.incidents import record_findings
from fsq.reporting.contents import read_contents
from fsq.reporting.morning import Morning, look_at_newest
from fsq.reporting.page import make_report
from fsq.reporting.strip import make_strip
from tests.support.frames import CONTRACT, wide
from tests.support.wrong_join import DAY, score_wrong_join

NOW = datetime(2026, 1, 13, 12, 0, tzinfo=UTC)
SCORED = NOW - timedelta(hours=6)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> fsq.stores.Store:
    made = fsq.open_store(str(tmp_path_factory.mktemp("morning") / "store"))
    made.replace(fsq.score(wide(480, 12), now=SCORED))
    return made


def look(store: fsq.stores.Store) -> Morning:
    made = read_contents(store, CONTRACT, now=NOW)
    return look_at_newest(made)


def test_the_newest_date_and_its_age(store: fsq.stores.Store) -> None:
    morning = look(store)
    assert morning.newest == date(2026, 1, 12)
    assert morning.ended == datetime(2026, 1, 13, tzinfo=UTC)
    assert morning.age == "ended 12 hours ago"
    assert morning.late is None
    page = make_report(store, CONTRACT, now=NOW)
    assert 'id="h-morning">Newest date: 2026-01-12' in page
    assert 'data-ended="2026-01-13T00:00:00+00:00"' in page
    assert page.index('id="h-morning"') < page.index('id="h-strip"') < page.index('id="h-findings"')


def test_a_date_that_is_not_over(store: fsq.stores.Store) -> None:
    made = read_contents(store, CONTRACT, now=datetime(2026, 1, 12, 12, tzinfo=UTC))
    morning = look_at_newest(made)
    assert morning.age == "not over yet"
    assert morning.ended == datetime(2026, 1, 13, tzinfo=UTC)


def test_a_date_ahead_of_the_clock(store: fsq.stores.Store) -> None:
    """By a clock that is behind, nobody knows how old the store is."""
    early, told = datetime(2026, 1, 2, 12, tzinfo=UTC), "is 10 days ahead of the clock"
    made = read_contents(store, CONTRACT, now=early)
    assert look_at_newest(made).age == "10 days ahead of the clock"
    assert not [f for f in made.dx.findings if told in f.title]
    made = read_contents(store, CONTRACT, now=early, max_age=timedelta(hours=36))
    morning = look_at_newest(made)
    assert morning.verdict == "red"
    assert told in morning.findings[0]["title"]


def test_a_job_that_died(store: fsq.stores.Store) -> None:
    late = NOW + timedelta(days=9)
    made = read_contents(store, CONTRACT, now=late)
    morning = look_at_newest(made)
    assert (
        morning.late == "no rows for 9 days, while dates are at most a day apart: did the job run?"
    )
    assert "did the job run?" in make_report(store, CONTRACT, now=late)


def test_a_store_older_than_it_may_be(store: fsq.stores.Store) -> None:
    late = NOW + timedelta(days=9)
    page = make_report(store, CONTRACT, now=late, max_age=timedelta(hours=36))
    assert re.search(r'<p class="verdict red"', page)
    assert "no rows since 2026-01-12" in page
    run = re.search(r'aria-label="commands that repair the newest date">(.*?)</pre>', page, re.S)
    assert run is not None
    assert "--start 2026-01-13 --end 2026-01-22" in run[1]
    # Of an earlier range, nobody asked how old it is.
    earlier = make_report(
        store, CONTRACT, end=date(2026, 1, 10), now=late, max_age=timedelta(hours=36)
    )
    assert "no rows since" not in earlier


def test_what_opened_and_what_to_run() -> None:
    made = read_contents(score_wrong_join(), CONTRACT, end=DAY, now=NOW)
    morning = look_at_newest(made)
    assert morning.newest == DAY
    assert morning.verdict == made.dx.dates[DAY] == "yellow"
    assert morning.findings
    assert all(f["opened"] == (f["since"] == DAY) for f in morning.findings)
    named = [f for f in made.dx.findings if f.severity != "info" and DAY in f.dates]
    assert set(morning.commands) == {c for f in named for c in f.remedy}
    assert len(set(morning.commands)) == len(morning.commands)
    page = make_report(score_wrong_join(), CONTRACT, end=DAY, now=NOW)
    for finding in morning.findings:
        assert f'href="#{finding["anchor"]}"' in page
        assert page.count(f'id="{finding["anchor"]}"') == 1


def test_incidents_that_are_open_are_listed(tmp_path: Path) -> None:
    store = fsq.open_store(str(tmp_path / "store"))
    scored = score_wrong_join()
    store.replace(scored)
    record_findings(store, fsq.diagnose(store, dates=[DAY]), now=NOW)
    page = make_report(store, CONTRACT, now=NOW)
    assert re.search(r"\d+ incidents? open in the ledger", page)


def test_the_strip_has_a_cell_per_date_and_shows_gaps() -> None:
    scored = fsq.score(wide(480, 12)).filter(pl.col("game_date") != date(2026, 1, 5))
    dx = fsq.diagnose(scored)
    (month,) = make_strip(dx)
    assert month["name"] == "Jan 2026"
    cells = {c["date"]: c["verdict"] for c in month["cells"]}
    assert cells.pop(date(2026, 1, 5)) is None
    assert cells == dx.dates
    page = make_report(scored, CONTRACT, now=NOW)
    anchors = re.findall(r'<a class="cell \w+" id="([^"]+)" href="#([^"]+)"', page)
    assert anchors == [(str(d), str(d)) for d in sorted(dx.dates)]


def test_a_cause_that_lasts_says_since_when(store: fsq.stores.Store) -> None:
    made = read_contents(store, CONTRACT, now=NOW)
    days = [date(2026, 1, d) for d in (3, 10, 11, 12)]

    def find(*dates: date) -> Finding:
        return Finding(
            "stuck_constant", "red", "it", dates, (), 1, 9, None, None, "why", {}, ("a",)
        )

    shown = replace(
        made, dx=replace(made.dx, findings=(find(*days), find(days[-1]), find(days[0])))
    )
    lasting, new = look_at_newest(shown).findings
    assert (lasting["since"], lasting["opened"]) == (days[1], False)
    assert (new["since"], new["opened"]) == (days[-1], True)
    assert look_at_newest(shown).earlier == 1
    assert look_at_newest(shown).commands == ["a"]


@pytest.mark.parametrize(
    ("max_age", "due"),
    [
        (timedelta(hours=36), (datetime(2026, 1, 14, 12, tzinfo=UTC), "red")),
        (None, (datetime(2026, 1, 15, tzinfo=UTC), "yellow")),  # no two dates are further apart
    ],
)
def test_the_page_knows_when_it_will_be_out_of_date(
    store: fsq.stores.Store, max_age: timedelta | None, due: tuple[datetime, str]
) -> None:
    made = read_contents(store, CONTRACT, now=NOW, max_age=max_age)
    found = look_at_newest(made).due
    assert found is not None
    assert (found.at, found.severity) == due
    page = make_report(store, CONTRACT, now=NOW, max_age=max_age)
    assert f'data-due="{due[0].isoformat()}" data-then="{due[1]}"' in page
    assert f"A newer date is due by {due[0]:%Y-%m-%d %H:%M} UTC" in page
    late = make_report(store, CONTRACT, now=due[0] + timedelta(minutes=1), max_age=max_age)
    assert "data-due=" not in late.partition("<main")[2]
    assert ("no rows since 2026-01-12" if max_age else "did the job run?") in late


def test_a_range_that_ends_before_the_newest_date_waits_for_nothing(
    store: fsq.stores.Store,
) -> None:
    late, limit = NOW + timedelta(days=9), timedelta(hours=36)
    earlier = read_contents(store, CONTRACT, end=date(2026, 1, 11), now=late, max_age=limit)
    assert (look_at_newest(earlier).due, look_at_newest(earlier).late) == (None, None)
    # One that reaches beyond it, as --last 90d does, is about the newest date.
    beyond = read_contents(store, CONTRACT, end=late.date(), now=late, max_age=limit)
    assert look_at_newest(beyond).verdict == "red"
    frame = store.read().collect()
    assert not read_contents(frame, CONTRACT, end=date(2026, 1, 11), now=late).is_open
    assert read_contents(frame, CONTRACT, end=date(2026, 1, 12), now=late).is_open
