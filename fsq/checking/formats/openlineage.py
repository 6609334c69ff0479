"""An event of OpenLineage: the store as an input, with assertions and metrics as its facets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from fsq.checking.result import FailOn, StoreCheck
from fsq.diagnosis.checks import list_kinds
from fsq.utils.version import VERSION

_PRODUCER = f"https://github.com/feature-store-quality/fsq/tree/v{VERSION}"
_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_ASSERTIONS = f"{_SPEC}/facets/1-0-1/DataQualityAssertionsDatasetFacet.json"
_METRICS = f"{_SPEC}/facets/1-0-2/DataQualityMetricsInputDatasetFacet.json"


def render_openlineage(done: StoreCheck, fail_on: FailOn) -> str:
    """One run event as JSON, of a run that completed or, if the check failed, failed."""
    namespace, name = name_dataset(done.store)
    event = {
        "eventType": "FAIL" if done.has_failed(fail_on) else "COMPLETE",
        "eventTime": done.checked_at.isoformat(),
        "run": {"runId": str(uuid4())},
        "job": {"namespace": "fsq", "name": f"check.{name}"},
        "inputs": [
            {
                "namespace": namespace,
                "name": name,
                "inputFacets": {
                    "dataQualityAssertions": _facet(_ASSERTIONS, assertions=_list_assertions(done)),
                    "dataQualityMetrics": _facet(_METRICS, **_measure(done)),
                },
            }
        ],
        "outputs": [],
        "producer": _PRODUCER,
        "schemaURL": _EVENT,
    }
    return json.dumps(event, indent=2, allow_nan=False) + "\n"


def name_dataset(uri: str) -> tuple[str, str]:
    """Namespace and name of a store, as OpenLineage names data sets.

    >>> name_dataset("bigquery://p.d.t?location=EU")
    ('bigquery', 'p.d.t')
    >>> name_dataset("s3://bucket/warehouse/store")
    ('s3://bucket', 'warehouse/store')
    >>> name_dataset("/warehouse/store")
    ('file', '/warehouse/store')
    """
    scheme, has_scheme, rest = uri.partition("://")
    if not has_scheme or scheme == "file":
        return "file", str(Path(rest if has_scheme else uri).absolute())
    if scheme == "bigquery":
        return "bigquery", rest.partition("?")[0]
    authority, _, path = rest.partition("/")
    return f"{scheme}://{authority}", path or authority


def _list_assertions(done: StoreCheck) -> list[dict[str, Any]]:
    """Each kind of finding for the table, and each finding for the features that it names.

    A kind that could not be evaluated is not asserted.
    """
    dx = done.dx
    skipped = {n["check"] for n in dx.not_evaluated if not n["features"]}
    found = {f.kind: f.severity for f in reversed(dx.findings)}  # the worst of a kind comes first
    kinds = dict.fromkeys([*list_kinds(), *found])
    assertions: list[dict[str, Any]] = [
        {"assertion": f"fsq:{kind}", "success": found.get(kind, "info") == "info"}
        for kind in kinds
        if kind in found or kind not in skipped
    ]
    columns = dict.fromkeys(
        (f.kind, name) for f in dx.findings if f.severity != "info" for name in f.features
    )
    assertions += [
        {"assertion": f"fsq:{kind}", "success": False, "column": name} for kind, name in columns
    ]
    return assertions


def _measure(done: StoreCheck) -> dict[str, Any]:
    """Rows, and NULLs per feature, over all dates that were checked."""
    counts = done.dx.features.select("feature_name", "rows", "values")
    summed = counts.group_by("feature_name", maintain_order=True).sum()
    columns = {name: {"nullCount": rows - values} for name, rows, values in summed.iter_rows()}
    return {"rowCount": done.dx.summary.rows, "columnMetrics": columns}


def _facet(schema: str, **content: Any) -> dict[str, Any]:
    return {"_producer": _PRODUCER, "_schemaURL": schema} | content
