"""A site of several stores: a page each and an index, which replaces its own files only."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import fsq
from fsq.cli import main
from fsq.reporting.site import name_page, read_states, write_site
from tests.support.frames import wide
from tests.support.training import SCORED

ENDED = datetime(2026, 1, 9, tzinfo=UTC)  # the newest of the eight dates


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("stores")
    uris = [str(folder / name / "features") for name in ("good", "<b>evil")]
    for uri, rows in zip(uris, (SCORED, fsq.score(wide(240, 8), now=ENDED)), strict=True):
        fsq.open_store(uri).replace(rows)
    return uris


def make(site: Path, *uris: str) -> None:
    for uri in uris:
        assert main(["report", "--store", uri, "--site", str(site)]) == 0


def test_each_store_has_a_page_and_a_place_in_the_index(stores: list[str], tmp_path: Path) -> None:
    make(tmp_path, *stores)
    index = (tmp_path / "index.html").read_text()
    pages = [f"{name_page(uri)}.html" for uri in stores]
    assert len(set(pages)) == 2
    for page in pages:
        assert f'href="{page}"' in index
        assert 'href="index.html">All stores' in (tmp_path / page).read_text()
    assert "<b>evil" not in index
    assert "&lt;b&gt;evil" in index
    assert "http" not in index.split("<body>")[1]


def test_the_index_says_what_the_page_says(stores: list[str], tmp_path: Path) -> None:
    make(tmp_path, *stores)
    states = read_states(tmp_path, datetime.now(UTC))
    (state,) = [s for s in states if s["store"] == stores[0]]
    scored = fsq.open_store(stores[0]).read().collect()
    assert state["newest"] == str(scored["game_date"].max())
    dx = fsq.diagnose(fsq.open_store(stores[0]))
    assert {c["date"]: c["verdict"] for c in state["recent"]} == {
        str(d): v for d, v in dx.dates.items()
    }
    kept = len(fsq.training_set(fsq.open_store(stores[0])))
    assert 0 < kept < scored.height
    assert state["ready_to_train_pct"] == round(100 * kept / scored.height, 1)


def test_again_it_replaces_its_own_files_only(stores: list[str], tmp_path: Path) -> None:
    make(tmp_path, *stores)
    (tmp_path / "CNAME").write_text("features.example")
    (tmp_path / "other.json").write_text("[1]")
    other = tmp_path / f"{name_page(stores[1])}.html"
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    stamp = other.stat().st_mtime_ns
    make(tmp_path, stores[0])
    assert other.stat().st_mtime_ns == stamp
    after = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert after.keys() == before.keys()
    assert after["CNAME"] == before["CNAME"]
    assert after["other.json"] == before["other.json"]


@pytest.mark.parametrize("name", ["index.html", "{}.html", "{}.json"])
def test_what_it_did_not_write_is_not_replaced(
    name: str, stores: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / name.format(name_page(stores[0]))
    mine.write_text("<title>mine</title>")
    assert main(["report", "--store", stores[0], "--site", str(tmp_path)]) == 2
    assert f"{mine} was not written by fsq report" in capsys.readouterr().err.replace("\n", "")
    assert [p.name for p in tmp_path.iterdir()] == [mine.name]
    assert mine.read_text() == "<title>mine</title>"


def test_a_damaged_state_is_left_out(stores: list[str], tmp_path: Path) -> None:
    make(tmp_path, *stores)
    state = tmp_path / f"{name_page(stores[1])}.json"
    state.write_text(json.dumps({"fsq_site": 1, "verdict": "purple"}))
    make(tmp_path, stores[0])
    assert name_page(stores[1]) not in (tmp_path / "index.html").read_text()


def test_a_file_or_a_folder_not_both(
    stores: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ([], ["--out", str(tmp_path / "a.html"), "--site", str(tmp_path)]):
        assert main(["report", "--store", stores[0], *words]) == 2
        assert "--out" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_read_through_another_path_keeps_its_page(
    stores: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(stores[0]).parent)
    assert name_page("features") == name_page(stores[0])


def write(site: Path, uri: str, now: datetime, max_age: timedelta | None = None) -> str:
    write_site(fsq.open_store(uri), site, max_age=max_age, now=now)
    return (site / "index.html").read_text()


def test_a_store_that_nobody_fills_turns_red_when_another_one_is_written(
    stores: list[str], tmp_path: Path
) -> None:
    index = write(tmp_path, stores[0], ENDED + timedelta(hours=5), timedelta(hours=24))
    assert 'data-due="2026-01-10T00:00:00+00:00" data-then="red"' in index
    assert "A newer date is due by 2026-01-10 00:00 UTC" in index
    file = tmp_path / f"{name_page(stores[0])}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"verdict": "green"}))
    assert read_state(tmp_path, stores[0], ENDED)["verdict"] == "green"
    index = write(tmp_path, stores[1], ENDED + timedelta(hours=24))
    state = read_state(tmp_path, stores[0], ENDED + timedelta(hours=24))
    assert state["verdict"] == "red"
    assert state["late"] == "a newer date was due by 2026-01-10 00:00 UTC: did the job run?"
    assert state["late"] in index


def test_without_a_limit_a_store_is_late_but_keeps_its_verdict(
    stores: list[str], tmp_path: Path
) -> None:
    write(tmp_path, stores[1], ENDED)
    before = read_state(tmp_path, stores[1], ENDED + timedelta(hours=47))
    after = read_state(tmp_path, stores[1], ENDED + timedelta(hours=48))
    assert before["due_severity"] == "yellow"
    assert (before["late"], after["verdict"]) == (None, before["verdict"])
    assert "did the job run?" in after["late"]


def read_state(site: Path, uri: str, now: datetime) -> dict[str, Any]:
    return next(s for s in read_states(site, now) if s["page"] == f"{name_page(uri)}.html")


@pytest.mark.parametrize("due", [{}, {"due": 7}, {"due": "soon"}, {"due": "9999-12-31T23:59:59"},
                                 {"due": "2026-01-10", "due_severity": "<b>"}])  # fmt: skip
def test_a_state_of_another_version_has_no_due_moment(
    stores: list[str], tmp_path: Path, due: dict[str, object]
) -> None:
    write(tmp_path, stores[0], ENDED)
    file = tmp_path / f"{name_page(stores[0])}.json"
    state = {k: v for k, v in json.loads(file.read_text()).items() if not k.startswith("due")}
    file.write_text(json.dumps(state | due))
    (read,) = read_states(tmp_path, ENDED)
    assert read["due"] is None
    assert "<b>" not in write(tmp_path, stores[0], ENDED).partition("<main")[2]
