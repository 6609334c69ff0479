"""The explanation of a record in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import takewhile
from typing import Any

from fsq.utils.display import Column, Display, Markup
from fsq.utils.palette import VERDICT_TEXT

_COLUMNS = (
    Column("#", "right", "4%"),
    Column("feature", width="21%"),
    Column("value", "right", "8%"),
    Column("tier", width="6%"),
    Column("score", width="18%"),
    Column("from", width="22%"),
    Column("what else", width="21%"),
)
_SCORE = "feature_quality_score"  # the record's key stands before it


def render_html(
    record: Mapping[str, Any],
    features: Sequence[Mapping[str, Any]],
    findings: Sequence[Mapping[str, Any]] | None,
) -> str:
    """The features as a table, and the findings that name the record under it."""
    told = {s["feature"]: s for f in findings or () for s in f["should_be"]}
    return Display(
        _make_title(record),
        _COLUMNS,
        [_make_row(f, told.get(f["feature_name"])) for f in features],
        record["quality_alerts"] or (),
        [
            Markup(
                f"<strong style='color:{VERDICT_TEXT[f['severity']]}'>{f['severity']}</strong> "
                f"{escape(f['title'])}"
            )
            for f in findings or ()
        ],
        VERDICT_TEXT["green" if record["is_production_ready"] else "red"],
    ).to_html()


def _make_title(record: Mapping[str, Any]) -> str:
    key = " ".join(str(record[name]) for name in takewhile(lambda n: n != _SCORE, record))
    ready = "production ready" if record["is_production_ready"] else "not production ready"
    trains = "training ready" if record["is_training_ready"] else "not training ready"
    return f"{key}: {record[_SCORE]:.1f} {record['quality_tier']}, {ready}, {trains}"


def _make_row(
    f: Mapping[str, Any], should_be: Mapping[str, Any] | None
) -> tuple[str | Markup, ...]:
    age = "" if f["age_hours"] is None else f", {f['age_hours']:.1f} h old"
    return (
        str(f["feature_index"]),
        f["feature_name"],
        "" if f["feature_value"] is None else f"{f['feature_value']:.4g}",
        f["feature_quality_tier"],
        f["arithmetic"],
        f"{f['upstream_table']}{age}",
        "; ".join(_list_remarks(f, should_be)),
    )


def _list_remarks(f: Mapping[str, Any], should_be: Mapping[str, Any] | None) -> list[str]:
    """Why it fell back, what validation did, what the value should have been."""
    remarks = []
    if f["is_default"]:
        remarks.append(f"fell back: {f['fallback_reason']}")
    elif f["validation_status"] != "valid":
        remarks.append(str(f["validation_status"]))
    if f["original_value"] is not None:
        remarks.append(f"was {f['original_value']:.4g}")
    if should_be is not None:
        expected, by = should_be["expected"], should_be["told_by"]
        remarks.append(f"should be near {expected:.4g}, by {by}")
    return remarks
