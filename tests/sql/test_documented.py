"""The queries that the documentation shows pass Google's own analyzer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
_ELIDED = "…"
TABLE = "my-project.nba_predictions.ml_feature_store_v2"


def fields(**types: str) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in types.items()]


CANARY = [
    *fields(game_date="DATE", verdict="STRING"),
    {"name": "red_findings", "type": "STRING", "mode": "REPEATED"},
]
LABELS = {
    "name": "labels",
    "type": "RECORD",
    "mode": "REPEATED",
    "fields": fields(key="STRING", value="STRING"),
}
# What the queries read; the views of the service as its documentation describes them.
TABLES: dict[str, list[dict[str, Any]]] = {
    f"{TABLE}_canary": CANARY,
    "nba_predictions.ml_feature_store_v2_canary": CANARY,
    f"{TABLE}_features": fields(
        game_date="DATE", feature_name="STRING", quality_score="FLOAT64", is_default="BOOL"
    ),
    "region-eu.INFORMATION_SCHEMA.JOBS": [
        *fields(creation_time="TIMESTAMP", statement_type="STRING", total_bytes_billed="INT64"),
        LABELS,
    ],
    "region-eu.INFORMATION_SCHEMA.WRITE_API_TIMELINE": fields(
        start_timestamp="TIMESTAMP",
        dataset_id="STRING",
        table_id="STRING",
        total_rows="INT64",
        total_input_bytes="INT64",
    ),
    "region-eu.INFORMATION_SCHEMA.TABLE_STORAGE": fields(
        table_schema="STRING",
        table_name="STRING",
        active_physical_bytes="INT64",
        time_travel_physical_bytes="INT64",
        fail_safe_physical_bytes="INT64",
    ),
}
STATEMENTS = [
    (page.name, re.sub(r"\{\{ source\('(\w+)', '(\w+)'\) \}\}", r"`\1.\2`", text))
    for page in sorted(DOCS.glob("*.md"))
    for text in re.findall(r"```sql\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    if _ELIDED not in text
]

# One worker runs all of them, since the analyzer takes a while to start.
pytestmark = pytest.mark.xdist_group("zetasql")


def test_there_are_some() -> None:
    assert len(STATEMENTS) >= 5
    assert all(any(name in text for _, text in STATEMENTS) for name in ("JOBS", "TIMELINE"))


@pytest.mark.parametrize(("page", "text"), STATEMENTS)
def test_what_pages_show(page: str, text: str, analyzer: Any) -> None:
    catalog = analyzer.make_catalog(TABLES)
    assert analyzer.analyze(text, catalog) is None, page
