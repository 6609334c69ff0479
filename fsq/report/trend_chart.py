"""The picture of a trend, as SVG, PNG or a page of its own."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from fsq.report.spec import (
    CATEGORY_WORDS,
    DASHES,
    LEVEL_COLOURS,
    LINE_COLOURS,
    day_axis,
    day_tip,
    drawn,
)
from fsq.schema.vocabulary import CATEGORIES

_PANEL = {"width": 720, "height": 120}


def trend_picture(trend: pl.DataFrame, kind: str) -> bytes:
    """Draw what ``fsq.diagnosis.trend.trend`` gives.

    Args:
        trend: at least one date.
        kind: ``"svg"``, ``"png"`` or ``"html"``; none of them needs a network.
    """
    return drawn(_chart(trend), kind)


def _chart(trend: pl.DataFrame) -> Any:
    first, last = trend["game_date"][0], trend["game_date"][-1]
    panels = [
        _against(trend, "quality_pct", "quality, points", zero=False),
        _categories(trend),
        _against(trend, "default_pct", "default features, %", zero=True),
        _against(trend, "rows", "rows", zero=True),
        _alerts(trend),
    ]
    stacked = alt.vconcat(*panels).resolve_scale(color="independent", strokeDash="independent")
    title = alt.TitleParams(
        f"Feature quality from {first} to {last}",
        subtitle="dashed: the median of the dates before; it begins once there are enough",
        anchor="start",
    )
    return stacked.properties(title=title, background="white").configure_view(stroke=None)


def _against(trend: pl.DataFrame, name: str, title: str, *, zero: bool) -> Any:
    base = alt.Chart(trend.select("game_date", name, f"{name}_trailing")).encode(day_axis())
    tips = [
        day_tip(),
        alt.Tooltip(f"{name}:Q", format=".1f"),
        alt.Tooltip(f"{name}_trailing:Q", title="trailing median", format=".1f"),
    ]
    scale = alt.Scale(zero=zero, nice=True)
    line = base.mark_line(color=LINE_COLOURS[0], point=alt.OverlayMarkDef(size=14)).encode(
        alt.Y(f"{name}:Q", title=title, scale=scale), tooltip=tips
    )
    before = base.mark_line(color=LINE_COLOURS[1], strokeDash=[5, 3]).encode(
        alt.Y(f"{name}_trailing:Q", title=title, scale=scale), tooltip=tips
    )
    return alt.layer(line, before).properties(**_PANEL)


def _categories(trend: pl.DataFrame) -> Any:
    names = {f"{c}_quality_pct": w for c, w in zip(CATEGORIES, CATEGORY_WORDS, strict=True)}
    long = trend.select("game_date", *(pl.col(c).alias(w) for c, w in names.items())).unpivot(
        index="game_date", variable_name="category", value_name="quality"
    )
    return (
        alt.Chart(long)
        .mark_line()
        .encode(
            day_axis(),
            alt.Y("quality:Q", title="categories, points", scale=alt.Scale(domain=[0, 100])),
            alt.Color(
                "category:N",
                title=None,
                sort=CATEGORY_WORDS,
                scale=alt.Scale(domain=CATEGORY_WORDS, range=list(LINE_COLOURS)),
            ),
            alt.StrokeDash(
                "category:N",
                title=None,
                sort=CATEGORY_WORDS,
                scale=alt.Scale(domain=CATEGORY_WORDS, range=list(DASHES)),
            ),
            tooltip=[day_tip(), "category:N", alt.Tooltip("quality:Q", format=".1f")],
        )
        .properties(**_PANEL)
    )


def _alerts(trend: pl.DataFrame) -> Any:
    long = trend.select("game_date", "green", "yellow", "red").unpivot(
        index="game_date", variable_name="alert", value_name="records"
    )
    order = list(LEVEL_COLOURS)
    return (
        alt.Chart(long)
        .mark_bar()
        .encode(
            day_axis(),
            alt.Y("records:Q", title="alerts, rows"),
            alt.Color(
                "alert:N",
                title=None,
                sort=order,
                scale=alt.Scale(domain=order, range=list(LEVEL_COLOURS.values())),
            ),
            tooltip=[day_tip(), "alert:N", "records:Q"],
        )
        .properties(**_PANEL)
    )
