"""The page's charts in Vega-Lite. They name their data sets; the page holds the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fsq.contract import Contract
from fsq.reporting.styles import DASHES, format_name, make_line_styles
from fsq.utils.palette import ALERTS, LINES, MORE_LINES, TIERS, VERDICT_TEXT, colour_sources

Spec = dict[str, Any]
_HEIGHT = 220
_ROW = 16  # height of a feature in the heat map
# What is lost shows in one colour, on the page's own background: what is good has none.
_LOST = LINES[1]
_WATERFALL = {"left": LINES[0], "dropped": LINES[1]}
_DATE = {
    "field": "date",
    "timeUnit": "utcyearmonthdate",
    "type": "temporal",
    "title": "date",
    "format": "%Y-%m-%d",
}


def make_chart_specs(
    contract: Contract, sets: dict[str, dict[str, list[Any]]] | None = None
) -> dict[str, Spec]:
    """Make every chart, by the name of its place on the page.

    Args:
        contract: of the rows.
        sets: the data; what never occurs in it has no place in a legend. None for all.
    """
    tiers, alerts = _find_present(sets, "tiers", "tier"), _find_present(sets, "alerts", "alert")
    sources = _find_present(sets, "sources", "source")
    colours = colour_sources(contract.source_type_names)
    return {
        "heat-quality": _make_heat_map(contract, "lost", "points below 100"),
        "heat-default": _make_heat_map(contract, "default", "default share, %"),
        "categories": _make_category_chart(contract),
        "quality": _make_quality_chart(),
        "tiers": _make_stacked_bars("tiers", "tier", "records", _keep(TIERS, tiers)),
        "alerts": _make_stacked_bars("alerts", "alert", "records", _keep(ALERTS, alerts)),
        "sources": _make_stacked_bars(
            "sources", "source", "values", _keep(colours, sources), share=True
        ),
        "freshness": _make_freshness_chart(contract),
        "waterfall": _make_waterfall_chart(),
    }


def list_categories(contract: Contract) -> list[str]:
    """The categories that have features."""
    return [c for c in contract.category_names if contract.in_category(c)]


def _find_present(
    sets: dict[str, dict[str, list[Any]]] | None, data: str, field: str
) -> set[str] | None:
    return None if sets is None else set(sets[data][field])


def _keep(colours: dict[str, str], present: set[str] | None) -> dict[str, str]:
    return {n: c for n, c in colours.items() if present is None or n in present}


def _field(name: str, kind: str = "quantitative", **more: Any) -> Spec:
    return {"field": name, "type": kind, "title": None} | more


def _tip(name: str, kind: str = "quantitative", form: str | None = None, **more: Any) -> Spec:
    return {"field": name, "type": kind} | ({"format": form} if form else {}) | more


def _date_axis() -> Spec:
    """The axis of dates, in UTC so that no time zone shifts a date."""
    axis = {"format": "%-d %b %y", "labelOverlap": True, "grid": False}
    return _field("date", "temporal", scale={"type": "utc"}, axis=axis)


def _date_bands(*, line: bool) -> Spec:
    """The axis of dates for cells and bars: one band per date, gaps closed."""
    axis = {
        "labelOverlap": True,
        "labelSeparation": 8,
        "labelPadding": 6,
        "labelAngle": 0,
        "ticks": False,
        "domain": line,
    }
    return _field("date", "ordinal", axis=axis)


def _chart(data: str, height: int = _HEIGHT, **more: Any) -> Spec:
    return {"data": {"name": data}, "width": "container", "height": height} | more


def _lines(field: str, labels: Sequence[str], columns: int) -> Spec:
    colours, dashes = make_line_styles(len(labels))
    legend = {"orient": "top", "columns": columns, "symbolLimit": 0, "labelLimit": 260}
    return {
        "color": _field(
            field,
            "nominal",
            sort=list(labels),
            legend=legend,
            scale={"domain": list(labels), "range": colours},
        ),
        "strokeDash": _field(
            field, "nominal", sort=list(labels), scale={"domain": list(labels), "range": dashes}
        ),
    }


def _make_heat_map(contract: Contract, field: str, title: str) -> Spec:
    """Cells where something is lost, over a band per feature; marks where findings are.

    What is good has no cell, so that a season of good dates is an empty picture.
    """
    y = _field(
        "feature",
        "nominal",
        sort=list(contract.names),
        scale={"domain": list(contract.names)},
        axis={"labelLimit": 200, "ticks": False, "domain": False, "grid": True},
    )
    x, height = _date_bands(line=True), _ROW * len(contract.names)
    x["scale"] = {"paddingInner": 0}
    tips = [
        _tip("date", "nominal"),
        _tip("feature", "nominal"),
        _tip("quality", form=".1f"),
        _tip("default", form=".1f", title="default share, %"),
        _tip("rows", form=","),
    ]
    opacity = _field(
        field,
        title=title,
        scale={"domain": [0, 100], "range": [0.0, 1.0], "clamp": True},
        legend={"orient": "top", "symbolFillColor": _LOST, "symbolType": "square",
                "symbolStrokeWidth": 0, "values": [10, 25, 50, 100]},
    )  # fmt: skip
    marks = {
        "color": _field(
            "severity",
            "nominal",
            scale={
                "domain": ["red", "yellow"],
                "range": [VERDICT_TEXT["red"], VERDICT_TEXT["yellow"]],
            },
            legend={"orient": "top"},
            title="finding",
        ),
        "shape": _field(
            "severity",
            "nominal",
            scale={"domain": ["red", "yellow"], "range": ["cross", "triangle-up"]},
            legend={"orient": "top"},
            title="finding",
        ),
    }
    named = [_tip("date", "nominal"), _tip("feature", "nominal"), _tip("finding", "nominal")]
    cells = {
        "mark": {"type": "rect", "color": _LOST},
        "encoding": {"x": x, "y": y, "opacity": opacity, "tooltip": tips},
    }
    return _chart(
        "cells",
        height,
        layer=[
            # Every date has its place, whether or not something was lost.
            {
                "data": {"name": "dates"},
                "mark": {"type": "rect", "opacity": 0},
                "encoding": {"x": x},
            },
            cells,
            {
                "data": {"name": "marks"},
                "mark": {"type": "point", "filled": True, "size": 44, "opacity": 1},
                "encoding": {"x": x, "y": y, "tooltip": named} | marks,
            },
        ],
    )


def _make_category_chart(contract: Contract) -> Spec:
    labels = [format_name(c) for c in list_categories(contract)]
    encoding = {
        "x": _date_axis(),
        "y": _field("quality", title="quality, points", scale={"domain": [0, 100]}),
        "tooltip": [_DATE, _tip("category", "nominal"), _tip("quality", form=".1f")],
    }
    mark = {"type": "line", "strokeWidth": 2}
    return _chart("categories", mark=mark, encoding=encoding | _lines("category", labels, 3))


def _make_quality_chart() -> Spec:
    labels = ["this date", "trailing median"]
    encoding = {
        "x": _date_axis(),
        "y": _field("points", title="quality, points", scale={"zero": False}),
        "tooltip": [_DATE, _tip("line", "nominal"), _tip("points", form=".1f")],
    }
    mark = {"type": "line", "strokeWidth": 2}
    return _chart("quality", mark=mark, encoding=encoding | _lines("line", labels, 2))


def _make_stacked_bars(
    data: str, field: str, amount: str, colours: dict[str, str], *, share: bool = False
) -> Spec:
    order = list(colours)
    encoding = {
        "x": _date_bands(line=True),
        "y": _field(
            amount,
            title=f"share of {amount}" if share else amount,
            stack="normalize" if share else "zero",
            axis={"format": "%"} if share else {},
        ),
        "color": _field(
            field,
            "nominal",
            sort=order,
            legend={"orient": "top"},
            scale={"domain": order, "range": list(colours.values())},
        ),
        "order": {"field": "rank", "type": "quantitative"},
        "tooltip": [
            _tip("date", "nominal"), _tip(field, "nominal"), _tip(amount, form=","),
        ],
    }  # fmt: skip
    return _chart(data, mark={"type": "bar"}, encoding=encoding)


def _make_freshness_chart(contract: Contract) -> Spec:
    # Five colours times three dashes distinguish fifteen tables; ten colours thirty.
    tables = {f.upstream_table for f in contract.features}
    colours = LINES if len(tables) <= len(LINES) * 3 else (*LINES, *MORE_LINES)
    legend = {"orient": "top", "columns": 2, "labelLimit": 260}
    encoding = {
        "x": _date_axis(),
        "y": _field("age_hours", title="median age, hours"),
        "color": _field("upstream_table", "nominal", legend=legend, scale={"range": list(colours)}),
        "strokeDash": _field("upstream_table", "nominal", scale={"range": list(DASHES[:3])}),
        "tooltip": [_DATE, _tip("upstream_table", "nominal"), _tip("age_hours", form=".1f")],
    }
    return _chart("ages", mark={"type": "line", "strokeWidth": 2}, encoding=encoding)


def _make_waterfall_chart() -> Spec:
    y = _field("gate", "nominal", sort=None, axis={"labelLimit": 220})
    colour = _field(
        "what",
        "nominal",
        legend={"orient": "top"},
        scale={"domain": list(_WATERFALL), "range": list(_WATERFALL.values())},
    )
    tips = [_tip("gate", "nominal"), _tip("left", form=","), _tip("dropped", form=",")]

    def layer(what: str, **x: Spec) -> Spec:
        return {
            "transform": [{"calculate": f"'{what}'", "as": "what"}],
            "mark": {"type": "bar"},
            "encoding": {"y": y, "color": colour, "tooltip": tips} | x,
        }

    left = _field("left", title="records")
    return _chart(
        "waterfall",
        240,
        layer=[layer("left", x=left), layer("dropped", x=left, x2={"field": "before"})],
    )
