"""Annotations of GitHub Actions: one workflow command per finding."""

from __future__ import annotations

from fsq.checking.result import FailOn, StoreCheck
from fsq.diagnosis.findings import Finding
from fsq.diagnosis.rendering import format_dates, make_headline, one_paragraph

_LEVELS = {"red": "error", "yellow": "warning", "info": "notice"}


def render_github(done: StoreCheck, fail_on: FailOn) -> str:
    """An annotation per finding, the most harmful first, and the headline in the job's log."""
    lines = [_annotate(finding, done) for finding in done.dx.findings]
    # A log line that begins with :: would be a command of the data's.
    return "\n".join([*lines, f"fsq check: {one_paragraph(make_headline(done.dx.summary))}", ""])


def _annotate(finding: Finding, done: StoreCheck) -> str:
    text = [f"{done.store}, {format_dates(finding.dates)}", finding.cause, *finding.remedy]
    title = _escape_property(f"fsq {finding.kind}: {finding.title}")
    return f"::{_LEVELS[finding.severity]} title={title}::{_escape(chr(10).join(text))}"


def _escape(text: str) -> str:
    r"""Text of a workflow command: it may have several lines.

    >>> _escape("50 %\nof the rows")
    '50 %25%0Aof the rows'
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    """Text of a property, which a colon or a comma would end."""
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
