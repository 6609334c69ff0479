"""The chart of a trend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from fsq.contract import Contract, load_contract
from fsq.reporting.spec import draw, encode_lines, make_date_axis, make_date_tooltip
from fsq.reporting.styles import format_name
from fsq.utils.palette import ALERTS, LINES

_PANEL = {"width": 720, "height": 120}


def draw_trend(
    trend: pl.DataFrame, kind: str, contract: str | Path | Contract = "v2_33features"
) -> bytes:
    """Draw a trend.

    Args:
        trend: the frame of ``fsq.trend``, with at least one date.
        kind: ``"svg"``, ``"png"`` or ``"html"``, a page that opens offline.
        contract: of the scoring.
    """
    loaded = load_contract(contract)
    dated = trend.rename({loaded.table.date: "date"})
    return draw(_make_chart(dated, loaded.category_names), kind)


def _make_chart(trend: pl.DataFrame, categories: Sequence[str]) -> Any:
    first, last = trend["date"][0], trend["date"][-1]
    panels = [
        _make_panel(trend, "quality_pct", "quality, points", zero=False),
        _make_category_panel(trend, categories),
        _make_panel(trend, "default_pct", "default features, %", zero=True),
        _make_panel(trend, "rows", "rows", zero=True),
        _make_alert_panel(trend),
    ]
    stacked = alt.vconcat(*panels).resolve_scale(color="independent", strokeDash="independent")
    title = alt.TitleParams(
        f"Feature quality from {first} to {last}",
        subtitle="dashed: the median of earlier dates, once there are enough",
        anchor="start",
    )
    return stacked.properties(title=title, background="white").configure_view(stroke=None)


def _make_panel(trend: pl.DataFrame, name: str, title: str, *, zero: bool) -> Any:
    base = alt.Chart(trend.select("date", name, f"{name}_trailing")).encode(make_date_axis())
    tips = [
        make_date_tooltip(),
        alt.Tooltip(f"{name}:Q", format=".1f"),
        alt.Tooltip(f"{name}_trailing:Q", title="trailing median", format=".1f"),
    ]
    scale = alt.Scale(zero=zero, nice=True)
    line = base.mark_line(color=LINES[0], point=alt.OverlayMarkDef(size=14)).encode(
        alt.Y(f"{name}:Q", title=title, scale=scale), tooltip=tips
    )
    before = base.mark_line(color=LINES[1], strokeDash=[5, 3]).encode(
        alt.Y(f"{name}_trailing:Q", title=title, scale=scale), tooltip=tips
    )
    return alt.layer(line, before).properties(**_PANEL)


def _make_category_panel(trend: pl.DataFrame, categories: Sequence[str]) -> Any:
    names = {f"{c}_quality_pct": format_name(c) for c in categories}
    long = trend.select("date", *(pl.col(c).alias(w) for c, w in names.items())).unpivot(
        index="date", variable_name="category", value_name="quality"
    )
    return (
        alt.Chart(long)
        .mark_line()
        .encode(
            make_date_axis(),
            alt.Y("quality:Q", title="categories, points", scale=alt.Scale(domain=[0, 100])),
            *encode_lines("category", list(names.values()), alt.Legend(symbolLimit=0)),
            tooltip=[make_date_tooltip(), "category:N", alt.Tooltip("quality:Q", format=".1f")],
        )
        .properties(**_PANEL)
    )


def _make_alert_panel(trend: pl.DataFrame) -> Any:
    long = trend.select("date", "green", "yellow", "red").unpivot(
        index="date", variable_name="alert", value_name="records"
    )
    order = list(ALERTS)
    return (
        alt.Chart(long)
        .mark_bar()
        .encode(
            make_date_axis(),
            alt.Y("records:Q", title="alerts, rows"),
            alt.Color(
                "alert:N",
                title=None,
                sort=order,
                scale=alt.Scale(domain=order, range=list(ALERTS.values())),
            ),
            tooltip=[make_date_tooltip(), "alert:N", "records:Q"],
        )
        .properties(**_PANEL)
    )
