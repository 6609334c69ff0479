"""JUnit's XML, as CI systems read it: a suite per date, a case per kind of finding."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import date

from fsq.checking.result import FailOn, StoreCheck
from fsq.diagnosis.checks import list_kinds
from fsq.diagnosis.findings import Finding

# XML 1.0 has no way to write these.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(done: StoreCheck, fail_on: FailOn) -> str:
    """One case per date and kind: failed as ``fail_on`` says, skipped where not evaluated."""
    root = ET.Element("testsuites", name=_clean(f"fsq check {done.store}"))
    counts = [_add_suite(root, done, day, fail_on) for day in done.dx.dates]
    for i, name in enumerate(("tests", "failures", "skipped")):
        root.set(name, str(sum(c[i] for c in counts)))
    root.set("errors", "0")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add_suite(
    root: ET.Element, done: StoreCheck, day: date, fail_on: FailOn
) -> tuple[int, int, int]:
    dx, found = done.dx, [f for f in done.dx.findings if day in f.dates]
    reasons = {n["check"]: n["reason"] for n in dx.not_evaluated if day in n["dates"]}
    kinds = list(dict.fromkeys([*list_kinds(), *(f.kind for f in found), *reasons]))
    suite = ET.SubElement(root, "testsuite", name=day.isoformat())
    suite.set("timestamp", done.checked_at.replace(microsecond=0, tzinfo=None).isoformat())
    failures = skipped = 0
    for kind in kinds:
        case = ET.SubElement(suite, "testcase", name=kind, classname=f"fsq.{day}", time="0")
        findings = [f for f in found if f.kind == kind]
        failing = [f for f in findings if f.severity == "red" or f.severity == fail_on]
        for finding in failing:
            failure = ET.SubElement(case, "failure", type=finding.severity)
            failure.set("message", _clean(finding.title))
            failure.text = _describe(finding)
        if rest := [f for f in findings if f not in failing]:
            ET.SubElement(case, "system-out").text = "\n\n".join(
                f"{f.severity.upper()} {_clean(f.title)}\n{_describe(f)}" for f in rest
            )
        failures += bool(failing)
        if not findings and kind in reasons:
            ET.SubElement(case, "skipped", message=_clean(reasons[kind]))
            skipped += 1
    for name, count in (("tests", len(kinds)), ("failures", failures), ("skipped", skipped)):
        suite.set(name, str(count))
    suite.set("errors", "0")
    return len(kinds), failures, skipped


def _describe(finding: Finding) -> str:
    return _clean("\n".join([finding.cause, *finding.remedy]))


def _clean(text: str) -> str:
    return _NO_XML.sub("", text)
