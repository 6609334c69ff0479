"""``fsq check`` of the morning: how old is the store, is it still its source's, who is told?"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import fsq
from fsq.checking import CheckOptions, StoreCheck, check_store
from fsq.errors import StoreError
from fsq.incidents import list_excluded_dates
from tests.support.cli import Command
from tests.support.faults import before, fall_back, fill_store, number, spoil
from tests.support.healthy_days import LAST, make_days
from tests.support.receiver import Receiver, receive

MORNING = time(6)


def shift(rows: pl.DataFrame, last: date) -> pl.DataFrame:
    """The rows, so that they end on another date."""
    days = (last - LAST).days
    stamps = [c for c in rows.columns if c.endswith("__last_updated")]
    return rows.with_columns(pl.col("game_date", *stamps).dt.offset_by(f"{days}d"))


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> str:
    return fill_store(tmp_path_factory.mktemp("healthy"))[1]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store whose newest date is yesterday's, in the contract's zone."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    return fill_store(tmp_path_factory.mktemp("fresh"), shift(make_days(12, seed=2), yesterday))[1]


def check(run: Command, *words: object) -> tuple[int, dict[str, Any]]:
    done = run("check", *words, "--json")
    return done.status, json.loads(done.out)


def test_the_newest_date_and_its_age_come_first(run: Command, healthy: str) -> None:
    done = run("check", "--store", healthy)
    age = (datetime.now(UTC) - datetime(2026, 2, 11, tzinfo=UTC)).days
    first = done.out.splitlines()[0]
    assert first.startswith(f"Newest date {LAST}, ended ")
    assert any(f"{days} day" in first for days in (age - 1, age))
    document = check(run, "--store", healthy)[1]
    assert document["newest"]["date"] == str(LAST)
    assert document["newest"]["age_hours"] > 24
    assert [d["date"] for d in document["dates"]] == [str(LAST)]
    assert check(run, "--store", healthy, "--date", LAST)[1]["newest"] is None
    # Nothing is said of a source that nobody named.
    assert "source_changed" not in {n["check"] for n in document["not_evaluated"]}


@pytest.mark.parametrize("back", [11, 10, 7])
def test_a_date_is_judged_by_as_many_dates_as_there_are(
    run: Command, healthy: str, back: int
) -> None:
    day = before(back)
    store = fsq.open_store(healthy)
    rows = store.read(None, day).collect()
    said = check(run, "--store", healthy, "--date", day)[1]
    want = fsq.diagnose(rows, dates=[day]).to_dict()
    assert said["dates"] == want["dates"]
    assert [f["id"] for f in said["findings"]] == [f["id"] for f in want["findings"]]
    for key in ("reason", "check", "date"):
        shown = [n.get(key) for n in said["not_evaluated"]]
        assert shown == [n.get(key) for n in want["not_evaluated"]]


@pytest.mark.parametrize("words", [(), ("--date", LAST), ("--start", before(3))])
def test_a_store_that_nobody_filled_is_red(
    run: Command, healthy: str, words: tuple[object, ...]
) -> None:
    status, document = check(run, "--store", healthy, "--max-age", "36h", *words)
    assert (status, document["verdict"]) == (1, "red")
    first, *rest = [f for f in document["findings"] if f["severity"] == "red"]
    assert (first["kind"], rest) == ("store_outdated", [])
    assert first["dates"] == [str(LAST + timedelta(days=1))]
    assert (first["rows_affected"], first["rows"]) == (0, 0)  # it is about rows that are not there
    assert "--start 2026-02-11" in first["remedy"][0]
    assert check(run, "--store", healthy, *words)[0] == 0


def test_a_store_that_is_young_enough_is_green(run: Command, fresh: str) -> None:
    assert check(run, "--store", fresh, "--max-age", "36h")[0] == 0
    assert check(run, "--store", fresh, "--max-age", "0m")[0] == 1


def look(store: str, now: datetime | None, hours: int = 36, **options: Any) -> StoreCheck:
    """Check how old a store is by a clock; None for that of the machine."""
    asked = CheckOptions(now=now, max_age=timedelta(hours=hours), **options)
    return check_store(fsq.open_store(store), asked)


def is_outdated(done: StoreCheck) -> bool:
    return any(f.kind == "store_outdated" for f in done.dx.findings)


@pytest.fixture(scope="module")
def early(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store whose rows were scored on the morning of their newest date."""
    store = str(tmp_path_factory.mktemp("early") / "store")
    rows = make_days(12, seed=2)
    fsq.open_store(store).replace(fsq.score(rows, now=datetime.combine(LAST, MORNING, UTC)))
    return store


@pytest.mark.parametrize(
    ("clock", "title"),
    [
        ("1970-01-01T00:00", "the newest date, 2026-02-10, is 20494 days ahead of the clock"),
        ("2025-02-10T10:00", "the newest date, 2026-02-10, is 365 days ahead of the clock"),
        ("2026-02-08T10:00", "the newest date, 2026-02-10, is 2 days ahead of the clock"),
        ("2026-02-09T10:00", "rows of 2026-02-10 were scored 20 hours ahead of the clock"),
        ("2026-02-10T03:00", "rows of 2026-02-10 were scored 3 hours ahead of the clock"),
        ("2026-02-10T05:10", None),  # clocks differ
        ("2026-02-10T20:00", None),
        ("2026-02-12T10:00", None),
        ("2026-02-12T18:00", "no rows since 2026-02-10: 1 day 18 hours overdue"),
    ],
)
def test_by_a_clock_that_is_behind_no_store_is_fresh(
    early: str, clock: str, title: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime.fromisoformat(clock).replace(tzinfo=UTC)
    monkeypatch.setattr(CheckOptions, "moment", moment)
    done = look(early, None)
    found = [f for f in done.dx.findings if f.kind == "store_outdated"]
    assert [f.title for f in found] == ([] if title is None else [title])
    if title and "clock" in title:
        assert found[0].cause.startswith(f"By the clock of this machine it is {clock[:10]}")
        assert found[0].remedy == ()


def test_who_states_the_time_means_it(early: str) -> None:
    done = look(early, datetime(2026, 2, 10, 3, tzinfo=UTC))
    assert not [f for f in done.dx.findings if f.kind == "store_outdated"]


def test_rows_may_be_scored_before_their_date(early: str) -> None:
    """As for what is to be predicted, as far ahead as was said or as a schedule has it."""
    scored = datetime.combine(LAST, MORNING, UTC) - timedelta(days=5)
    store = fsq.open_store(early + "-ahead")
    store.replace(fsq.score(make_days(12, seed=2), now=scored))
    now = scored + timedelta(hours=2)
    assert is_outdated(look(store.uri, now))
    assert not is_outdated(look(store.uri, now, 5 * 24))
    due = pl.DataFrame({"game_date": [before(n) for n in range(12)]})
    assert not is_outdated(look(store.uri, now, schedule=due))
    assert is_outdated(look(store.uri, now, schedule=due.tail(-1)))
    done = look(store.uri, now, 5 * 24)
    assert (done.days_ahead, done.age) == (5, timedelta(0))


def test_a_single_date_of_the_far_future_keeps_no_store_fresh(run: Command, tmp_path: Path) -> None:
    rows = make_days(4, 40, seed=2)
    typo = rows.tail(1).with_columns(pl.lit(date(2062, 1, 1)).alias("game_date"))
    store = fill_store(tmp_path, pl.concat([rows, typo]))[1]
    done = run("check", "--store", store)
    assert re.match(r"Newest date 2062-01-01, [0-9,]+ days ahead of the clock\n", done.out)
    status, document = check(run, "--store", store, "--max-age", "36h")
    assert (status, document["newest"]["days_ahead"] > 365) == (1, True)
    (found,) = [f for f in document["findings"] if f["kind"] == "store_outdated"]
    assert found["evidence"] == {"days_ahead": document["newest"]["days_ahead"]}


@pytest.mark.parametrize("text", ["36", "h", "-1h", "1.5d", "36 h", "1y"])
def test_an_age_is_a_number_with_a_unit(run: Command, healthy: str, text: str) -> None:
    refused = run("check", "--store", healthy, "--max-age", text)
    assert refused.status == 2
    assert "such as 36h, 2d or 90m" in refused.err


def test_the_source_is_compared_with_what_was_scored(run: Command, tmp_path: Path) -> None:
    source, store = fill_store(tmp_path)
    words = ("--store", store, "--source", source, "--start", before(2), "--end", LAST)
    assert check(run, *words)[0] == 0
    rows = pl.read_parquet(source)
    hit = (pl.col("game_date") == before(1)) & (number == 7)
    corrected = pl.when(hit).then(pl.col("pace_score") + 1e-9).otherwise("pace_score")
    rows.with_columns(corrected.alias("pace_score")).sample(
        fraction=1.0, shuffle=True, seed=1
    ).write_parquet(source)
    status, document = check(run, *words)
    (changed,) = [f for f in document["findings"] if f["kind"] == "source_changed"]
    assert (status, changed["severity"]) == (0, "yellow")
    assert changed["dates"] == [str(before(1))]
    assert changed["remedy"] == [
        f"fsq backfill --source {source} --store {store} --start {before(1)} --end {before(1)}"
    ]
    assert run(*changed["remedy"][0].split()[1:]).status == 0
    assert check(run, *words)[0] == 0
    assert not [f for f in check(run, *words)[1]["findings"] if f["kind"] == "source_changed"]


def test_rows_that_the_source_gained_or_lost_are_red(run: Command, tmp_path: Path) -> None:
    source, store = fill_store(tmp_path)
    rows = pl.read_parquet(source)
    rows.filter((pl.col("game_date") != LAST) | (number < 100)).write_parquet(source)
    status, document = check(run, "--store", store, "--source", source)
    (changed,) = [f for f in document["findings"] if f["kind"] == "source_changed"]
    assert (status, changed["severity"]) == (1, "red")
    assert changed["evidence"] == {"rows_scored": 120, "rows_now": 100}


def test_what_cannot_be_compared_is_said_and_no_finding(run: Command, tmp_path: Path) -> None:
    source, store = fill_store(tmp_path)
    rows = pl.read_parquet(source)

    def reasons(source: str) -> list[str]:
        status, document = check(run, "--store", store, "--source", source)
        assert status == 0
        assert not [f for f in document["findings"] if f["kind"] == "source_changed"]
        return [n["reason"] for n in document["not_evaluated"] if n["check"] == "source_changed"]

    assert reasons(str(tmp_path / "none.parquet"))[0].startswith("the source cannot be read")
    assert reasons(store) == ["the store is its own source"]
    rows.filter(pl.col("game_date") < LAST).write_parquet(source)
    assert reasons(source) == ["the source has no rows of this date"]
    rows.with_columns(note=pl.lit("new")).write_parquet(source)
    assert reasons(source)[0].startswith("the source's columns or the version of Polars")
    rows.write_parquet(source)
    spoil(store, rows.filter(pl.col("game_date") == LAST))
    assert reasons(source) == ["the store has no fingerprint of what was scored"]


def test_a_change_of_the_source_stays_open_until_it_is_compared_again(
    run: Command, tmp_path: Path
) -> None:
    source, store = fill_store(tmp_path)
    rows = pl.read_parquet(source)
    rows.filter((pl.col("game_date") != LAST) | (number < 119)).write_parquet(source)
    words = ("--store", store, "--record")
    assert len(check(run, *words, "--source", source)[1]["changes"]) == 1
    assert check(run, *words)[1]["changes"] == []
    rows.write_parquet(source)
    (change,) = check(run, *words, "--source", source)[1]["changes"]
    assert (change["what"], change["kind"]) == ("resolved", "source_changed")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receive() as started:
        yield started


@pytest.fixture
def spoken(receiver: Receiver) -> Callable[[], list[str]]:
    pytest.importorskip("apprise")
    return lambda: [str(m["title"]) for m in receiver.got]


def test_people_are_told_of_changes_alone(
    run: Command, tmp_path: Path, receiver: Receiver, spoken: Callable[[], list[str]]
) -> None:
    rows = fall_back(make_days(14, seed=2), [before(2), before(1)], 0.25)
    store = fill_store(tmp_path, fall_back(rows, [before(1)], 0.6))[1]
    url = f"json://user:secret@{receiver.host}/hook"

    def nightly(days: int) -> list[str]:
        done = run("check", "--store", store, "--date", before(days), "--notify", url)
        assert "secret" not in done.out + done.err
        return spoken()

    assert nightly(3) == []
    assert nightly(2) == [f"fsq: {store}: 1 opened"]
    assert nightly(2) == spoken()[:1]
    assert nightly(1)[1:] == [f"fsq: {store}: 1 got worse"]
    assert nightly(0)[2:] == [f"fsq: {store}: 1 resolved"]
    assert "since 2026-02-08, gone on 2026-02-10" in receiver.got[-1]["message"]
    assert "fsq backfill" in receiver.got[0]["message"]


def test_a_channel_that_fails_never_fails_the_check_and_is_told_later(
    run: Command, tmp_path: Path, receiver: Receiver, spoken: Callable[[], list[str]]
) -> None:
    """A channel that was told is not told again, though it is of the same kind."""
    store = fill_store(tmp_path, fall_back(make_days(14, seed=2), [LAST], 0.25))[1]
    urls = [f"json://{receiver.host}/{path}" for path in ("hook", "refuse-token")]
    words = ("check", "--store", store, "--notify", urls[0], "--notify", urls[1])
    told = f"fsq: {store}: 1 opened"
    for again in range(2):
        done = run(*words)
        assert done.status == 0
        problem = "json 2 did not accept the notification; the next check sends it again"
        assert done.err == f"Warning: {problem}\n"
        assert spoken() == [told, told] + again * [told]
    receiver.refused = "nothing"
    assert run(*words).err == ""
    assert spoken()[3:] == [told]
    assert run(*words).err == ""
    assert spoken()[4:] == []


def test_whatever_ends_a_run_its_notices_are_sent_by_the_next(
    run: Command, tmp_path: Path, receiver: Receiver, spoken: Callable[[], list[str]]
) -> None:
    store = fill_store(tmp_path, fall_back(make_days(14, seed=2), [LAST], 0.25))[1]
    words = ["check", "--store", store, "--notify", f"json://{receiver.host}/hook"]
    code = (
        "import os, sys; import fsq.checking.notify as n; {}; "
        f"from fsq.cli import main; sys.exit(main({words}))"
    )
    before_it = "n._tell = lambda *_: os._exit(9)"
    after_it = "n.note_notices = lambda *_: os._exit(9)"
    for end, heard in ((before_it, 0), (after_it, 1)):
        done = subprocess.run([sys.executable, "-c", code.format(end)], capture_output=True)
        assert (done.returncode, len(spoken())) == (9, heard)
    # Whoever notifies nobody leaves it to those who do, or to somebody who accepts the incident.
    assert run("check", "--store", store, "--record").err == ""
    kept = tmp_path / "kept"
    shutil.copytree(store, kept)
    assert run(*words).err == ""
    assert spoken() == 2 * [f"fsq: {store}: 1 opened"]
    (incident,) = json.loads(run("incidents", "--store", kept, "--json").out)["incidents"]
    assert incident["owed"] == {"json": "opened"}
    run("incidents", "accept", incident["id"], "--store", kept, "--why", "it is known")
    assert run("check", "--store", kept, "--notify", f"json://{receiver.host}/hook").err == ""
    assert len(spoken()) == 2


def test_a_notice_that_cannot_be_noted_is_sent_again(
    run: Command,
    tmp_path: Path,
    receiver: Receiver,
    spoken: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = fill_store(tmp_path, fall_back(make_days(14, seed=2), [LAST], 0.25))[1]
    words = ("check", "--store", store, "--notify", f"json://{receiver.host}/hook")

    def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("fsq.checking.notify.note_notices", fail)
        done = run(*words)
    told = "json was notified, and will be again, since it was not noted: the disk is full"
    assert (done.status, done.err) == (0, f"Warning: {told}\n")
    assert run(*words).err == ""
    assert run(*words).err == ""
    assert len(spoken()) == 2


@pytest.mark.parametrize("url", ["slack://secret-token", "nonsense://secret", "secret"])
def test_a_url_that_nobody_knows_is_refused_without_naming_it(
    run: Command, healthy: str, spoken: Callable[[], list[str]], url: str
) -> None:
    refused = run("check", "--store", healthy, "--notify", url)
    assert refused.status == 2
    assert "secret" not in refused.out + refused.err


def test_without_its_extra_notify_says_what_to_install(healthy: str) -> None:
    code = (
        "import sys; sys.modules['apprise'] = None; from fsq.cli import main; "
        f"sys.exit(main(['check', '--store', {healthy!r}, '--notify', 'json://x']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ}
    )
    assert done.returncode == 2
    assert "pip install 'feature-store-quality[notify]'" in done.stderr


def test_faults_in_the_ledger_are_no_history(run: Command, tmp_path: Path) -> None:
    """A date is held against what was before a fault that has lasted for weeks."""
    days = [before(n) for n in range(39, -1, -1)]
    store = fill_store(tmp_path, fall_back(make_days(50, seed=2), days, 0.25))[1]
    alone = ("--store", store, "--fail-on", "yellow", "--date", LAST)
    assert check(run, *alone)[0] == 0
    run("check", "--store", store, "--start", days[0], "--end", LAST, "--record")
    assert list_excluded_dates(fsq.open_store(store)) == days
    status, document = check(run, *alone)
    assert status == 1
    assert [f["kind"] for f in document["findings"] if f["severity"] == "yellow"] == [
        "processor_wrote_part"
    ]


def test_a_schedule_tells_rest_from_a_hole(run: Command, tmp_path: Path) -> None:
    rows = make_days(12, seed=2).filter(~pl.col("game_date").is_in([before(2), before(5)]))
    store = fill_store(tmp_path, rows)[1]
    played = [before(n) for n in range(12) if n != 2]
    schedule = tmp_path / "schedule.csv"
    pl.DataFrame({"game_date": played}).write_csv(schedule)
    words = ("--store", store, "--schedule", schedule)
    assert check(run, *words, "--date", before(2))[0] == 0
    assert check(run, *words, "--date", before(5))[0] == 1
    status, document = check(run, *words, "--start", before(6), "--end", LAST)
    assert status == 1
    red = [d["date"] for d in document["dates"] if d["verdict"] == "red"]
    assert red == [str(before(5))]
    # Nothing was due since the newest date, so the store is not too old.
    assert check(run, *words, "--max-age", "36h")[0] == 0
    due = [*played, LAST + timedelta(days=3)]
    pl.DataFrame({"game_date": due}).write_csv(schedule)
    overdue = check(run, *words, "--max-age", "36h")[1]["findings"][0]
    assert (overdue["kind"], overdue["dates"]) == ("store_outdated", ["2026-02-13"])


def test_a_schedule_needs_dates(run: Command, healthy: str, tmp_path: Path) -> None:
    schedule = tmp_path / "schedule.csv"
    schedule.write_text("game_id\ng1\n")
    refused = run("check", "--store", healthy, "--schedule", schedule)
    assert refused.status == 2
    assert "no column game_date of dates" in refused.err
