"""The page's charts. They name their data sets; the page holds the data."""

from __future__ import annotations

from typing import Any

import altair as alt

from fsq.contract import Contract
from fsq.reporting.spec import (
    DASHES,
    encode_lines,
    format_name,
    make_date_axis,
    make_date_bands,
    make_date_tooltip,
    refer_to_data,
    to_spec,
)
from fsq.utils.palette import ALERTS, LINES, MORE_LINES, TIERS, colour_sources

_HEIGHT = 220
# Cells with at least this share of default rows get a mark, not only a colour.
_MARKED_SHARE = 50
_WATERFALL_COLOURS = {"left": LINES[0], "dropped": LINES[1]}


def make_chart_specs(contract: Contract) -> dict[str, dict[str, Any]]:
    """Make every chart, by the name of its place on the page."""
    sources = colour_sources(contract.source_type_names)
    charts = {
        "heat-quality": _make_heat_map(contract, "quality", "quality, points", reverse=True),
        "heat-default": _make_heat_map(contract, "default", "default share, %", reverse=False),
        "categories": _make_category_chart(contract),
        "quality": _make_quality_chart(),
        "tiers": _make_stacked_bars("tiers", "tier", "records", TIERS),
        "alerts": _make_stacked_bars("alerts", "alert", "records", ALERTS),
        "sources": _make_stacked_bars("sources", "source", "values", sources, share=True),
        "freshness": _make_freshness_chart(contract),
        "waterfall": _make_waterfall_chart(),
    }
    return {name: to_spec(chart) for name, chart in charts.items()}


def _set_size(chart: Any, height: int = _HEIGHT) -> Any:
    return chart.properties(width="container", height=height)


def _make_heat_map(contract: Contract, field: str, title: str, *, reverse: bool) -> Any:
    order = list(contract.names)
    base = alt.Chart(refer_to_data("cells")).encode(
        make_date_bands(line=False),
        alt.Y("feature:N", sort=order, title=None, axis=alt.Axis(labelLimit=200)),
    )
    tips = [
        make_date_tooltip(),
        "feature:N",
        alt.Tooltip("quality:Q", format=".1f"),
        alt.Tooltip("default:Q", title="default share, %", format=".1f"),
        alt.Tooltip("rows:Q"),
    ]
    cells = base.mark_rect().encode(
        alt.Color(
            f"{field}:Q",
            title=title,
            scale=alt.Scale(domain=[0, 100], scheme="viridis", reverse=not reverse),
            legend=alt.Legend(orient="top", gradientLength=200),
        ),
        tooltip=tips,
    )
    marks = (
        base.transform_filter(f"datum.default >= {_MARKED_SHARE}")
        .mark_text(text="×", fontSize=9, color="#fff")
        .encode(tooltip=tips)
    )
    return _set_size(alt.layer(cells, marks), 15 * len(order))


def _make_category_chart(contract: Contract) -> Any:
    labels = [format_name(c) for c in contract.category_names]
    chart = (
        alt.Chart(refer_to_data("categories"))
        .mark_line(strokeWidth=2)
        .encode(
            make_date_axis(),
            alt.Y("quality:Q", title="quality, points", scale=alt.Scale(domain=[0, 100])),
            *encode_lines("category", labels, alt.Legend(orient="top", columns=3, symbolLimit=0)),
            tooltip=[make_date_tooltip(), "category:N", alt.Tooltip("quality:Q", format=".1f")],
        )
    )
    return _set_size(chart)


def _make_quality_chart() -> Any:
    names = {"quality": "this date", "trailing": "trailing median"}
    chart = (
        alt.Chart(refer_to_data("quality"))
        .mark_line(strokeWidth=2)
        .encode(
            make_date_axis(),
            alt.Y("points:Q", title="quality, points", scale=alt.Scale(zero=False)),
            alt.Color(
                "line:N",
                title=None,
                legend=alt.Legend(orient="top", labelLimit=260),
                scale=alt.Scale(domain=list(names.values()), range=list(LINES[:2])),
            ),
            alt.StrokeDash(
                "line:N",
                title=None,
                scale=alt.Scale(domain=list(names.values()), range=list(DASHES[:2])),
            ),
            tooltip=[make_date_tooltip(), "line:N", alt.Tooltip("points:Q", format=".1f")],
        )
    )
    return _set_size(chart)


def _make_stacked_bars(
    data: str, field: str, amount: str, colours: dict[str, str], *, share: bool = False
) -> Any:
    order = list(colours)
    chart = (
        alt.Chart(refer_to_data(data))
        .mark_bar()
        .encode(
            make_date_bands(line=True),
            alt.Y(
                f"{amount}:Q",
                title=f"share of {amount}" if share else amount,
                stack="normalize" if share else "zero",
                axis=alt.Axis(format="%") if share else alt.Axis(),
            ),
            alt.Color(
                f"{field}:N",
                title=None,
                sort=order,
                legend=alt.Legend(orient="top"),
                scale=alt.Scale(domain=order, range=list(colours.values())),
            ),
            alt.Order("rank:Q"),
            tooltip=[make_date_tooltip(), f"{field}:N", alt.Tooltip(f"{amount}:Q", format=",")],
        )
    )
    return _set_size(chart)


def _make_freshness_chart(contract: Contract) -> Any:
    # Five colours times three dashes distinguish fifteen tables; ten colours thirty.
    tables = {f.upstream_table for f in contract.features}
    colours = LINES if len(tables) <= len(LINES) * 3 else (*LINES, *MORE_LINES)
    chart = (
        alt.Chart(refer_to_data("ages"))
        .mark_line(strokeWidth=2)
        .encode(
            make_date_axis(),
            alt.Y("age_hours:Q", title="median age, hours"),
            alt.Color(
                "upstream_table:N",
                title=None,
                scale=alt.Scale(range=list(colours)),
                legend=alt.Legend(orient="top", columns=2, labelLimit=260),
            ),
            alt.StrokeDash("upstream_table:N", title=None, scale=alt.Scale(range=list(DASHES[:3]))),
            tooltip=[
                make_date_tooltip(),
                "upstream_table:N",
                alt.Tooltip("age_hours:Q", format=".1f"),
            ],
        )
    )
    return _set_size(chart)


def _make_waterfall_chart() -> Any:
    base = alt.Chart(refer_to_data("waterfall")).encode(
        alt.Y("gate:N", sort=None, title=None, axis=alt.Axis(labelLimit=180)),
    )
    tips = ["gate:N", alt.Tooltip("left:Q", format=","), alt.Tooltip("dropped:Q", format=",")]
    labels = list(_WATERFALL_COLOURS)
    colour = alt.Color(
        "what:N",
        title=None,
        legend=alt.Legend(orient="top"),
        scale=alt.Scale(domain=labels, range=list(_WATERFALL_COLOURS.values())),
    )
    left, dropped = (
        base.transform_calculate(what=f"'{label}'").mark_bar().encode(colour, tooltip=tips)
        for label in labels
    )
    left = left.encode(alt.X("left:Q", title="records"))
    dropped = dropped.encode(alt.X("left:Q"), alt.X2("before:Q"))
    return _set_size(alt.layer(left, dropped), 150)
