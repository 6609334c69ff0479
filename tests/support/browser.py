"""A real browser without a head or a network, and axe-core, which looks for barriers."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
# Where `make axe` puts it; another place can be named.
AXE = Path(
    os.environ.get(
        "FSQ_AXE", Path(__file__).parents[2] / "build/axe/node_modules/axe-core/axe.min.js"
    )
)
needs_browser = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="chromium and chromedriver are not here"
)
needs_axe = pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not here; make axe gets it")
_FLAGS = ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
          "disable-background-networking", "disable-component-update", "disable-sync",
          "disable-dev-shm-usage")  # fmt: skip
_PATIENCE = 60.0
# WCAG 2.2 up to AA, and what axe-core calls good practice.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def open_browser(profile: Path) -> Iterator[Chrome]:
    """A browser for the block, which keeps its files in a folder of its own."""
    options = ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in _FLAGS:
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # The driver's path is given, so that nothing looks for another one to download.
    service = ChromeService(executable_path=str(DRIVER), env=os.environ | {"SE_OFFLINE": "true"})
    browser = Chrome(options=options, service=service)
    try:
        yield browser
    finally:
        browser.quit()


def until(browser: Chrome, script: str) -> None:
    """Wait until a script returns something that is true."""
    deadline = time.monotonic() + _PATIENCE
    while not browser.execute_script(script):
        assert time.monotonic() < deadline, f"never true: {script}"
        time.sleep(0.05)


def find_barriers(browser: Chrome) -> list[str]:
    """What axe-core finds on the page that is open: each rule, and where it is broken."""
    browser.set_script_timeout(_PATIENCE)
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = browser.execute_async_script(
        "const [rules, done] = arguments;"
        "axe.run({ runOnly: rules, resultTypes: ['violations'] }).then(done);",
        _RULES,
    )
    assert found["passes"], "it looked at nothing"
    return [
        f"{v['impact']} {v['id']}: {v['help']}: {[n['target'] for n in v['nodes'][:3]]}"
        for v in found["violations"]
    ]
