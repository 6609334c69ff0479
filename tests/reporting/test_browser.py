"""The page in a real browser, without a network."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

import fsq
from fsq.demo import simulate_season
from fsq.reporting.page import make_report
from tests.support.frames import CONTRACT

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="chromium and chromedriver are not here"),
    # Selenium leaves its sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
FLAGS = ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
         "disable-background-networking", "disable-component-update", "disable-sync",
         "disable-dev-shm-usage")  # fmt: skip
EVIL = "</script><script>document.title='run'</script>"
PATIENCE = 60.0


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
    options = ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in FLAGS:
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # The driver's path is given, so that nothing looks for another one to download.
    service = ChromeService(executable_path=str(DRIVER), env=os.environ | {"SE_OFFLINE": "true"})
    browser = Chrome(options=options, service=service)
    try:
        browser.get(page.as_uri())
        _until(browser, "return document.documentElement.dataset.ready === 'yes'")
        yield browser
    finally:
        browser.quit()


def _log(browser: Chrome, kind: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = browser.get_log(kind)
    return entries


def _until(browser: Chrome, script: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not browser.execute_script(script):
        assert time.monotonic() < deadline, f"never true: {script}"
        time.sleep(0.05)


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
    _until(driver, "return document.querySelector('[data-chart=heat-default] svg') !== null")
    cells = (
        "return document.querySelectorAll("
        "'[data-chart=heat-default] .mark-rect.role-mark path').length"
    )
    dates = driver.execute_script(
        "return new Set(JSON.parse(document.getElementById('data').textContent)"
        ".sets.cells.map(c => c.date)).size"
    )
    assert driver.execute_script(cells) == 33 * dates


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
    _until(driver, ink + f" === '{color}'")
    assert _log(driver, "browser") == []


def test_a_phone_scrolls_down_only(driver: Chrome) -> None:
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True},
    )
    assert driver.execute_script("return document.documentElement.scrollWidth") == 390
