"""Formats for other tools: what they read is what was found, whatever the data says."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

import fsq
from fsq.checking import StoreCheck
from fsq.checking.formats import RENDERERS
from tests.support.faults import before, fall_back
from tests.support.healthy_days import LAST, make_days

NOW = datetime(2026, 2, 11, 7, 0, 0, 5, tzinfo=UTC)
STORE = "warehouse/a store"
HOSTILE = 'x"\n::error::\r\x1b[31m\x00 </failure>]]>&%0A\\ {} \ud7ff'


def make_check(rows: pl.DataFrame, **changes: Any) -> StoreCheck:
    dx = fsq.diagnose(fsq.score(rows), dates=[before(1), LAST], source="rows.parquet", store=STORE)
    return replace(StoreCheck(STORE, dx, LAST, timedelta(hours=7), NOW, (), 2), **changes)


@pytest.fixture(scope="module")
def healthy() -> StoreCheck:
    return make_check(make_days(10, seed=2))


@pytest.fixture(scope="module")
def broken() -> StoreCheck:
    """The last date is red, the one before yellow."""
    rows = make_days(10, seed=2)
    return make_check(fall_back(fall_back(rows, [LAST]), [before(1)], 0.25))


@pytest.fixture(scope="module")
def hostile(broken: StoreCheck) -> StoreCheck:
    """Every text of the findings comes from data that wants to break out of the format."""
    texts: dict[str, Any] = {
        "title": HOSTILE,
        "cause": HOSTILE,
        "table": HOSTILE,
        "remedy": (HOSTILE,),
    }
    findings = tuple(replace(f, **texts) for f in broken.dx.findings)
    return replace(broken, store=HOSTILE, dx=replace(broken.dx, findings=findings))


def read_annotations(text: str) -> list[tuple[str, str, str]]:
    """What GitHub's runner reads: level, title, message."""
    found = []
    for line in re.split(r"\r\n|\n|\r", text):
        if match := re.fullmatch(r"::(\w+) title=([^,:]*)::(.*)", line):
            level, *rest = match.groups()
            title, message = (
                p.replace("%0A", "\n").replace("%0D", "\r").replace("%3A", ":").replace("%2C", ",")
                .replace("%25", "%")
                for p in rest
            )  # fmt: skip
            found.append((level, title, message))
        else:
            assert not line.startswith("::")
    return found


def test_github_gets_an_annotation_per_finding(broken: StoreCheck, healthy: StoreCheck) -> None:
    found = read_annotations(RENDERERS["github"](broken, "red"))
    assert [level for level, *_ in found if level != "notice"] == ["error", "warning"]
    for (_, title, message), finding in zip(found, broken.dx.findings, strict=True):
        assert title == f"fsq {finding.kind}: {finding.title}"
        assert finding.cause in message
        assert all(command in message for command in finding.remedy)
    assert {level for level, *_ in read_annotations(RENDERERS["github"](healthy, "red"))} <= {
        "notice"
    }


def test_github_reads_hostile_text_as_text(hostile: StoreCheck) -> None:
    found = read_annotations(RENDERERS["github"](hostile, "red"))
    assert len(found) == len(hostile.dx.findings)
    assert all(title.endswith(f": {HOSTILE}") for _, title, _ in found)


@pytest.mark.parametrize(("fail_on", "failures"), [("red", 1), ("yellow", 2)])
def test_junit_has_a_case_per_date_and_kind(
    broken: StoreCheck, fail_on: Any, failures: int
) -> None:
    root = ET.fromstring(RENDERERS["junit"](broken, fail_on).encode())
    assert [s.get("name") for s in root] == [str(before(1)), str(LAST)]
    cases = root.findall("testsuite/testcase")
    assert len(cases) == int(root.attrib["tests"]) >= 30
    assert len({(c.get("classname"), c.get("name")) for c in cases}) == len(cases)
    failing = [c for c in cases if c.find("failure") is not None]
    assert len(failing) == int(root.attrib["failures"]) == failures
    red = failing[-1].find("failure")
    assert red is not None
    assert (red.get("type"), failing[-1].get("name")) == ("red", "processor_wrote_nothing")
    assert "fsq backfill" in str(red.text)
    assert sum(c.find("skipped") is not None for c in cases) == int(root.attrib["skipped"])


def test_junit_says_what_was_not_evaluated() -> None:
    rows = make_days(10, seed=2).filter(pl.col("player_lookup") < "player020")
    root = ET.fromstring(RENDERERS["junit"](make_check(rows), "red").encode())
    skipped = [c.get("name") for c in root.iter("testcase") if c.find("skipped") is not None]
    assert "stuck_constant" in skipped
    assert int(root.attrib["failures"]) == 0


def test_junit_of_hostile_text_is_xml(hostile: StoreCheck) -> None:
    root = ET.fromstring(RENDERERS["junit"](hostile, "red").encode())
    (failure,) = root.iter("failure")
    assert "</failure>]]>&%0A\\ {}" in str(failure.text)


SAMPLE = re.compile(r'(\w+)\{((?:\w+="(?:[^"\\\n]|\\[\\n"])*",?)*)\} ([-+.e\d]+)')


def parse_metrics(text: str) -> dict[tuple[str, str], float]:
    assert text.endswith("\n")
    metrics: dict[tuple[str, str], float] = {}
    typed: set[str] = set()
    for line in text[:-1].split("\n"):
        if line.startswith("# TYPE "):
            assert line.split()[2] not in typed
            typed.add(line.split()[2])
        elif not line.startswith("# HELP "):
            match = SAMPLE.fullmatch(line)
            assert match, line
            name, labels, value = match.groups()
            assert name in typed
            assert (name, labels) not in metrics
            metrics[name, labels] = float(value)
    return metrics


def test_prometheus_gets_gauges(broken: StoreCheck, healthy: StoreCheck) -> None:
    metrics = parse_metrics(RENDERERS["prometheus"](broken, "red"))
    store = f'store="{STORE}"'
    assert metrics["fsq_check_verdict", f'{store},verdict="red"'] == 1
    assert metrics["fsq_check_verdict", f'{store},verdict="green"'] == 0
    assert metrics["fsq_check_failed", store] == 1
    assert metrics["fsq_check_findings", f'{store},severity="yellow"'] == 1
    assert metrics["fsq_check_rows", store] == 240
    assert metrics["fsq_store_age_seconds", store] == 7 * 3600
    assert metrics["fsq_store_newest_date_timestamp_seconds", store] == 1770681600
    assert metrics["fsq_check_timestamp_seconds", store] == pytest.approx(NOW.timestamp())
    assert metrics["fsq_incidents_open", store] == 2
    fine = parse_metrics(RENDERERS["prometheus"](healthy, "red"))
    assert fine["fsq_check_failed", store] == 0
    assert fine["fsq_check_category_quality_pct", f'{store},category="matchup"'] == 100
    unknown = replace(healthy, newest=None, age=None, open_incidents=None)
    names = {name for name, _ in parse_metrics(RENDERERS["prometheus"](unknown, "red"))}
    assert not {n for n in names if n.startswith(("fsq_store", "fsq_incidents"))}


def test_prometheus_reads_hostile_text_as_labels(hostile: StoreCheck) -> None:
    assert parse_metrics(RENDERERS["prometheus"](hostile, "red"))


def test_openlineage_gets_assertions_and_metrics(broken: StoreCheck, healthy: StoreCheck) -> None:
    event = json.loads(RENDERERS["openlineage"](broken, "red"))
    assert event["eventType"] == "FAIL"
    assert event["eventTime"] == "2026-02-11T07:00:00.000005+00:00"
    (dataset,) = event["inputs"]
    assert (dataset["namespace"], dataset["name"].endswith("/warehouse/a store")) == ("file", True)
    facets = dataset["inputFacets"]
    assert all({"_producer", "_schemaURL"} <= {*facet} for facet in facets.values())
    assertions = facets["dataQualityAssertions"]["assertions"]
    failed = {a["assertion"] for a in assertions if not a["success"]}
    assert failed == {"fsq:processor_wrote_nothing", "fsq:processor_wrote_part"}
    columns = {a["column"] for a in assertions if "column" in a}
    assert columns == {n for f in broken.dx.findings if f.severity != "info" for n in f.features}
    metrics = facets["dataQualityMetrics"]
    assert metrics["rowCount"] == 240
    assert metrics["columnMetrics"]["vegas_points_line"] == {"nullCount": 120}
    assert json.loads(RENDERERS["openlineage"](healthy, "red"))["eventType"] == "COMPLETE"


def test_markdown_and_openlineage_of_hostile_text(hostile: StoreCheck) -> None:
    assert json.loads(RENDERERS["openlineage"](hostile, "red"))["inputs"][0]["namespace"] == "file"
    table = [line for line in RENDERERS["markdown"](hostile, "red").splitlines() if "🔴" in line]
    assert len(table) == 2
