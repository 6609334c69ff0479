"""The page's charts: altair makes them, the page fills in the data that they name."""

from __future__ import annotations

from typing import Any

import altair as alt

from fsq.contract import Contract
from fsq.report.spec import (
    CATEGORY_WORDS,
    DASHES,
    LEVEL_COLOURS,
    LINE_COLOURS,
    SOURCE_COLOURS,
    TIER_COLOURS,
    as_dict,
    day_axis,
    day_tip,
    named,
)

_HEIGHT = 220
# A mark, not only a colour, where at least this share of a cell's rows is default.
_MARKED_SHARE = 50
_WATERFALL = {"left": LINE_COLOURS[0], "dropped": LINE_COLOURS[1]}


def specifications(contract: Contract) -> dict[str, dict[str, Any]]:
    """Every chart by the name of the place that it goes to."""
    charts = {
        "heat-quality": _heat(contract, "quality", "quality, points", reverse=True),
        "heat-default": _heat(contract, "default", "default share, %", reverse=False),
        "categories": _categories(),
        "quality": _quality(),
        "tiers": _stacked("tiers", "tier", "records", TIER_COLOURS),
        "alerts": _stacked("alerts", "alert", "records", LEVEL_COLOURS),
        "sources": _stacked("sources", "source", "values", SOURCE_COLOURS, share=True),
        "freshness": _freshness(),
        "waterfall": _waterfall(),
    }
    return {name: as_dict(chart) for name, chart in charts.items()}


def _sized(chart: Any, height: int = _HEIGHT) -> Any:
    return chart.properties(width="container", height=height)


def _heat(contract: Contract, field: str, title: str, *, reverse: bool) -> Any:
    order = list(contract.names)
    day = alt.X(
        "yearmonthdate(game_date):O",
        title=None,
        timeUnit="utcyearmonthdate",
        axis=alt.Axis(format="%-d %b", labelOverlap=True, labelAngle=0, ticks=False, domain=False),
    )
    base = alt.Chart(named("cells")).encode(
        day, alt.Y("feature:N", sort=order, title=None, axis=alt.Axis(labelLimit=200))
    )
    tips = [
        day_tip(),
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
    return _sized(alt.layer(cells, marks), 15 * len(order))


def _categories() -> Any:
    chart = (
        alt.Chart(named("categories"))
        .mark_line(strokeWidth=2)
        .encode(
            day_axis(),
            alt.Y("quality:Q", title="quality, points", scale=alt.Scale(domain=[0, 100])),
            alt.Color(
                "category:N",
                title=None,
                scale=alt.Scale(domain=CATEGORY_WORDS, range=list(LINE_COLOURS)),
                legend=alt.Legend(orient="top", columns=3),
            ),
            alt.StrokeDash(
                "category:N", title=None, scale=alt.Scale(domain=CATEGORY_WORDS, range=list(DASHES))
            ),
            tooltip=[day_tip(), "category:N", alt.Tooltip("quality:Q", format=".1f")],
        )
    )
    return _sized(chart)


def _quality() -> Any:
    names = {"quality": "this date", "trailing": "median of the dates before"}
    chart = (
        alt.Chart(named("quality"))
        .mark_line(strokeWidth=2)
        .encode(
            day_axis(),
            alt.Y("points:Q", title="quality, points", scale=alt.Scale(zero=False)),
            alt.Color(
                "line:N",
                title=None,
                legend=alt.Legend(orient="top", labelLimit=260),
                scale=alt.Scale(domain=list(names.values()), range=list(LINE_COLOURS[:2])),
            ),
            alt.StrokeDash(
                "line:N",
                title=None,
                scale=alt.Scale(domain=list(names.values()), range=list(DASHES[:2])),
            ),
            tooltip=[day_tip(), "line:N", alt.Tooltip("points:Q", format=".1f")],
        )
    )
    return _sized(chart)


def _stacked(
    data: str, field: str, amount: str, colours: dict[str, str], *, share: bool = False
) -> Any:
    order = list(colours)
    chart = (
        alt.Chart(named(data))
        .mark_bar()
        .encode(
            alt.X(
                "yearmonthdate(game_date):O",
                title=None,
                timeUnit="utcyearmonthdate",
                axis=alt.Axis(format="%-d %b", labelOverlap=True, labelAngle=0, ticks=False),
            ),
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
            tooltip=[day_tip(), f"{field}:N", alt.Tooltip(f"{amount}:Q", format=",")],
        )
    )
    return _sized(chart)


def _freshness() -> Any:
    # Five colours and three dashes tell fifteen tables apart.
    chart = (
        alt.Chart(named("ages"))
        .mark_line(strokeWidth=2)
        .encode(
            day_axis(),
            alt.Y("age_hours:Q", title="median age, hours"),
            alt.Color(
                "upstream_table:N",
                title=None,
                scale=alt.Scale(range=list(LINE_COLOURS)),
                legend=alt.Legend(orient="top", columns=2, labelLimit=260),
            ),
            alt.StrokeDash("upstream_table:N", title=None, scale=alt.Scale(range=list(DASHES[:3]))),
            tooltip=[day_tip(), "upstream_table:N", alt.Tooltip("age_hours:Q", format=".1f")],
        )
    )
    return _sized(chart)


def _waterfall() -> Any:
    base = alt.Chart(named("waterfall")).encode(
        alt.Y("gate:N", sort=None, title=None, axis=alt.Axis(labelLimit=180)),
    )
    tips = ["gate:N", alt.Tooltip("left:Q", format=","), alt.Tooltip("dropped:Q", format=",")]
    words = list(_WATERFALL)
    colour = alt.Color(
        "what:N",
        title=None,
        legend=alt.Legend(orient="top"),
        scale=alt.Scale(domain=words, range=list(_WATERFALL.values())),
    )
    left, dropped = (
        base.transform_calculate(what=f"'{word}'").mark_bar().encode(colour, tooltip=tips)
        for word in words
    )
    left = left.encode(alt.X("left:Q", title="records"))
    dropped = dropped.encode(alt.X("left:Q"), alt.X2("before:Q"))
    return _sized(alt.layer(left, dropped), 150)
