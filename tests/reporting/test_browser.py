"""The page in a real browser, without a network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

import fsq
from fsq.demo import simulate_season
from fsq.reporting.page import make_report
from fsq.reporting.site import write_site
from tests.support.browser import find_barriers, needs_axe, needs_browser, open_browser, until
from tests.support.frames import CONTRACT
from tests.support.healthy_days import LAST, make_days

pytestmark = [
    needs_browser,
    # Selenium leaves its sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
EVIL = "</script><script>document.title='run'</script>"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    store = fsq.open_store(str(folder / "store"))
    rows = simulate_season("2025-26").rows.head(4_000)
    first = pl.int_range(pl.len()).over("game_date") == 0
    name = pl.when(first).then(pl.lit(EVIL)).otherwise("player_lookup").alias("player_lookup")
    rows = rows.with_columns(
        name, pl.when(first).then(None).otherwise("fatigue_score").alias("fatigue_score")
    )
    rows = rows.with_columns(
        pl.when(first)
        .then(pl.lit("missing"))
        .otherwise(pl.col(f"{n}__source").cast(pl.String))
        .alias(f"{n}__source")
        for n in CONTRACT.names
    )
    store.replace(fsq.score(rows))
    path = folder / "report.html"
    path.write_text(make_report(store, CONTRACT), encoding="utf-8")
    return path


@pytest.fixture
def driver(page: Path, tmp_path: Path) -> Iterator[Chrome]:
    with open_browser(tmp_path / "profile") as browser:
        browser.get(page.as_uri())
        until(browser, "return document.documentElement.dataset.ready === 'yes'")
        yield browser


def _log(browser: Chrome, kind: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = browser.get_log(kind)
    return entries


def test_every_chart_is_drawn_without_an_error_or_a_request(driver: Chrome, page: Path) -> None:
    shown = driver.execute_script(
        "return [...document.querySelectorAll('.chart')].filter(c => !c.closest('[hidden]'))"
        ".map(c => [c.dataset.chart, c.querySelectorAll('svg path').length,"
        " c.querySelector('svg')?.getAttribute('aria-label')])"
    )
    assert len(shown) == 8
    assert all(paths > 5 and label for _, paths, label in shown)
    assert _log(driver, "browser") == []
    sent = [json.loads(e["message"])["message"] for e in _log(driver, "performance")]
    requests = [m["params"] for m in sent if m["method"] == "Network.requestWillBeSent"]
    # The browser's own new tab asks for its own parts; they are none of the page's.
    urls = {r["request"]["url"] for r in requests if r["documentURL"] == page.as_uri()}
    assert {u for u in urls if not u.startswith(("data:", "blob:"))} == {page.as_uri()}
    assert not [u for u in urls if u.startswith(("http", "ws"))]


def test_the_switch_shows_the_default_share(driver: Chrome) -> None:
    visible = (
        "return [...document.querySelectorAll('[data-heat]')].filter(p => p.offsetHeight)"
        ".map(p => p.dataset.heat)"
    )
    assert driver.execute_script(visible) == ["quality"]
    driver.find_element("css selector", "input[name=heat][value=default]").click()
    assert driver.execute_script(visible) == ["default"]
    until(driver, "return document.querySelector('[data-chart=heat-default] svg') !== null")
    cells = (
        "return document.querySelectorAll("
        "'[data-chart=heat-default] .mark-rect.role-mark path').length"
    )
    dates = driver.execute_script(
        "return JSON.parse(document.getElementById('data').textContent)"
        ".sets.cells.default.filter(share => share !== null).length"
    )
    # One for each cell, and one that nobody sees for each date, which keeps its place.
    assert driver.execute_script(cells) > dates > 33


def test_a_record_opens_with_its_features(driver: Chrome) -> None:
    record = driver.find_element("css selector", "details.record")
    table = record.find_element("css selector", "table")
    assert not table.is_displayed()
    record.find_element("css selector", "summary").send_keys("\n")
    assert table.is_displayed()
    assert len(table.find_elements("css selector", "tbody tr")) == 33


def test_a_player_s_name_is_only_text(driver: Chrome) -> None:
    assert driver.title.startswith("Feature quality")
    names = driver.execute_script(
        "return [...document.querySelectorAll('details.record strong')].map(s => s.textContent)"
    )
    assert EVIL in names


def _list_findings(driver: Chrome) -> list[str]:
    shown: list[str] = driver.execute_script(
        "return [...document.querySelectorAll('.finding')].filter(f => f.offsetHeight)"
        ".map(f => f.dataset.severity + ' ' + f.dataset.dates)"
    )
    return shown


def test_a_date_in_the_address_shows_its_findings_only(driver: Chrome, page: Path) -> None:
    every = _list_findings(driver)
    day = every[0].split()[-1]
    driver.get(f"{page.as_uri()}#{day}")
    driver.refresh()
    until(driver, "return document.documentElement.dataset.ready === 'yes'")
    chosen = _list_findings(driver)
    assert chosen == [f for f in every if day in f.split()]
    assert (
        driver.find_element("css selector", ".cell[aria-current=date]").get_attribute("id") == day
    )
    assert f"{day}: " in driver.find_element("id", "day").text
    driver.find_element("id", "every-date").click()
    assert _list_findings(driver) == every
    assert "#" not in driver.current_url


def test_findings_are_filtered_by_severity_and_words(driver: Chrome) -> None:
    every = _list_findings(driver)
    assert every == sorted(every, key=lambda f: f.split()[-1], reverse=True)
    severity = every[0].split()[0]
    driver.find_element("css selector", f"input[name=severity][value={severity}]").click()
    assert _list_findings(driver) == [f for f in every if not f.startswith(severity)]
    assert f"of {len(every)} findings" in driver.find_element("id", "found").text
    driver.find_element("css selector", f"input[name=severity][value={severity}]").click()
    driver.find_element("id", "words").send_keys("no such word")
    assert _list_findings(driver) == []
    driver.find_element("css selector", "#words").clear()
    driver.find_element("id", "words").send_keys("FATIGUE_score")
    texts = driver.execute_script(
        "return [...document.querySelectorAll('.finding')].filter(f => f.offsetHeight)"
        ".map(f => f.textContent)"
    )
    assert 0 < len(texts) < len(every)
    assert all("fatigue_score" in text for text in texts)


def test_the_keyboard_moves_between_dates(driver: Chrome) -> None:
    cells = driver.find_elements("css selector", "a.cell")
    assert [c for c in cells if c.get_attribute("tabindex") == "0"] == cells[-1:]
    cells[-1].send_keys(Keys.ARROW_LEFT)
    focused = driver.switch_to.active_element
    assert focused.get_attribute("id") == cells[-2].get_attribute("id")
    focused.send_keys(Keys.HOME)
    assert driver.switch_to.active_element.get_attribute("id") == cells[0].get_attribute("id")
    driver.switch_to.active_element.send_keys(Keys.ENTER)
    until(driver, f"return location.hash === '#{cells[0].get_attribute('id')}'")


def test_a_button_copies_the_commands(driver: Chrome, page: Path) -> None:
    driver.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    box = next(b for b in driver.find_elements("css selector", ".commands") if b.is_displayed())
    box.find_element("css selector", "button").send_keys("\n")
    until(driver, "return document.querySelector('.copy').textContent === 'Copied'")
    words = driver.find_element("id", "words")
    words.send_keys(Keys.CONTROL, "v")
    said = box.find_element("css selector", "pre").text.replace("\n", "")
    pasted = str(words.get_attribute("value"))
    assert pasted.replace(" ", "") == said.replace(" ", "")


def test_the_age_is_that_of_now(driver: Chrome) -> None:
    said = driver.find_element("css selector", "time[data-ended]").text
    assert re.fullmatch(r"ended [\d,]+ \w+( \d+ \w+)? ago", said)


def test_print_keeps_commands_whole(driver: Chrome) -> None:
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    driver.set_window_size(700, 900)
    assert driver.execute_script(
        "return [...document.querySelectorAll('pre')]"
        ".every(pre => pre.scrollWidth <= pre.clientWidth + 1)"
    )
    assert not driver.find_element("id", "theme").is_displayed()


def test_charts_follow_the_theme(driver: Chrome) -> None:
    ink = (
        "return document.querySelector('[data-chart=quality] .role-axis-label text')"
        ".getAttribute('fill')"
    )
    before = driver.execute_script(ink)
    driver.find_element("id", "theme").click()
    wanted = "return getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()"
    color = driver.execute_script(wanted)
    assert color != before
    until(driver, ink + f" === '{color}'")
    assert _log(driver, "browser") == []


def test_a_phone_scrolls_down_only(driver: Chrome) -> None:
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True},
    )
    assert driver.execute_script("return document.documentElement.scrollWidth") == 390


MADE = datetime.combine(LAST, time.min, UTC) + timedelta(days=1, hours=7)
DUE = MADE + timedelta(hours=29)  # long before anybody reads it


@pytest.fixture(scope="module")
def old_pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages that were made in time, and are read when a newer date should be there."""
    folder = tmp_path_factory.mktemp("old")
    store = fsq.open_store(str(folder / "store"))
    store.replace(fsq.score(make_days(), now=MADE))
    pages = {"index": folder / "site" / "index.html"}
    pages["page"] = write_site(store, folder / "site", max_age=timedelta(hours=36), now=MADE)
    for path in pages.values():
        text = path.read_text(encoding="utf-8")
        assert 'data-tone="green"' in text
        assert f'data-due="{DUE.isoformat()}"' in text
    return pages


@pytest.mark.parametrize("name", ["index", "page"])
def test_a_page_turns_red_when_no_newer_date_comes(
    driver: Chrome, old_pages: dict[str, Path], name: str
) -> None:
    driver.get(old_pages[name].as_uri())
    until(driver, "return document.querySelector('[data-due]') === null")
    note = driver.find_element("css selector", "main .late")
    assert f"out of date A newer date was due by {DUE:%Y-%m-%d %H:%M} UTC" in note.text
    words = "return [...document.querySelectorAll('[data-word]')].map(e => e.textContent)"
    assert driver.execute_script(words) == ["red"]
    toned = "return [...document.querySelectorAll('[data-tone]')].map(e => e.className)"
    assert all(c.split()[-1] == "red" for c in driver.execute_script(toned))
    assert "Nothing to run" not in driver.find_element("tag name", "main").text
    assert _log(driver, "browser") == []


@needs_axe
@pytest.mark.parametrize("name", ["season", "page", "index"])
def test_axe_finds_no_barrier(
    driver: Chrome, page: Path, old_pages: dict[str, Path], name: str
) -> None:
    driver.get((old_pages | {"season": page})[name].as_uri())
    if name != "index":
        until(driver, "return document.documentElement.dataset.ready === 'yes'")
    assert find_barriers(driver) == []
    driver.find_element("id", "theme").click()
    assert find_barriers(driver) == []
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    assert find_barriers(driver) == []
    driver.execute_script("document.querySelector('h1').outerHTML = '<p><img src=\"data:,\"></p>'")
    assert "image-alt" in " ".join(find_barriers(driver))  # it does look
