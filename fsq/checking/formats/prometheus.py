"""Metrics for Prometheus, as its node exporter's textfile collector reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time

from fsq.checking.result import FailOn, StoreCheck
from fsq.diagnosis.findings import SEVERITIES, VERDICTS

_Sample = tuple[Mapping[str, str], float]


def render_prometheus(done: StoreCheck, fail_on: FailOn) -> str:
    """Gauges of the last check of a store, in the text format 0.0.4."""
    dx, store = done.dx, {"store": done.store}
    findings = {s: sum(f.severity == s for f in dx.findings) for s in SEVERITIES}
    lines = [
        *_gauge(
            "fsq_check_verdict",
            "The verdict of the last check: 1 for the one that holds.",
            [(store | {"verdict": v}, v == dx.verdict) for v in VERDICTS],
        ),
        *_gauge(
            "fsq_check_failed",
            "Whether the last check failed.",
            [(store, done.has_failed(fail_on))],
        ),
        *_gauge(
            "fsq_check_timestamp_seconds",
            "When the last check was made.",
            [(store, done.checked_at.timestamp())],
        ),
        *_gauge(
            "fsq_check_findings",
            "Findings of the last check.",
            [(store | {"severity": s}, n) for s, n in findings.items()],
        ),
        *_gauge(
            "fsq_check_finding_rows",
            "Rows that a finding of the last check affects.",
            _merge(
                (
                    store
                    | {
                        "id": f.id,
                        "kind": f.kind,
                        "severity": f.severity,
                        "upstream_table": f.table or "",
                        "processor": f.processor or "",
                    },
                    f.rows_affected,
                )
                for f in dx.findings
            ),
        ),
        *_gauge("fsq_check_rows", "Rows that were checked.", [(store, dx.summary.rows)]),
        *_gauge(
            "fsq_check_category_quality_pct",
            "Mean quality of a category on the last date that was checked, 0 to 100.",
            list(_list_qualities(done, store)),
        ),
    ]
    if done.newest is not None:
        midnight = datetime.combine(done.newest, time(), UTC).timestamp()
        about = "The newest date of the store, as its midnight in UTC."
        lines += _gauge("fsq_store_newest_date_timestamp_seconds", about, [(store, midnight)])
    if done.age is not None:
        about = "How long ago the newest date ended when it was checked."
        lines += _gauge("fsq_store_age_seconds", about, [(store, done.age.total_seconds())])
    if done.open_incidents is not None:
        about = "Incidents that are open."
        lines += _gauge("fsq_incidents_open", about, [(store, done.open_incidents)])
    return "\n".join(lines) + "\n"


def _list_qualities(done: StoreCheck, store: dict[str, str]) -> Iterable[_Sample]:
    days = done.dx.days.tail(1)
    for category in done.dx.contract.category_names:
        name = f"{category}_quality_pct"
        if name in days.columns and days.height and (value := days[name].item()) is not None:
            yield store | {"category": category}, value


def _merge(samples: Iterable[_Sample]) -> list[_Sample]:
    """One sample per set of labels: Prometheus refuses a file that has two."""
    sums: dict[tuple[tuple[str, str], ...], float] = {}
    for labels, value in samples:
        key = tuple(labels.items())
        sums[key] = sums.get(key, 0) + value
    return [(dict(key), value) for key, value in sums.items()]


def _gauge(name: str, about: str, samples: Iterable[_Sample]) -> list[str]:
    r"""A metric with its samples; none without any.

    >>> _gauge("fsq_rows", "Rows.", [({"store": 'a "b"\n'}, 3)])[-1]
    'fsq_rows{store="a \\"b\\"\\n"} 3'
    """
    lines = []
    for labels, value in samples:
        pairs = ",".join(f'{k}="{_escape(v)}"' for k, v in labels.items())
        lines.append(f"{name}{{{pairs}}} {float(value):.15g}")
    return [f"# HELP {name} {about}", f"# TYPE {name} gauge", *lines] if lines else []


def _escape(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ")
    return escaped.replace("\n", "\\n")
