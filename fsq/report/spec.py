"""What the charts share: shapes of specifications, colours and the names of things."""

from __future__ import annotations

from typing import Any

import altair as alt

from fsq.schema.vocabulary import CATEGORIES

# Told apart by people who see few colours, and by dashes where lines lie together.
LINE_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4])
TIER_COLOURS = {
    "gold": "#b8860b",
    "silver": "#8a94a6",
    "bronze": "#b5651d",
    "poor": "#cc4778",
    "critical": "#7e03a8",
}
LEVEL_COLOURS = {"green": "#2e8b57", "yellow": "#e6a817", "red": "#c0392b"}
SOURCE_COLOURS = {
    "phase4": "#0072b2",
    "phase3": "#56b4e9",
    "calculated": "#009e73",
    "default": "#d55e00",
}


def words(name: str) -> str:
    """A name for people.

    >>> words("player_history_quality_pct")
    'player history'
    """
    return name.removesuffix("_quality_pct").replace("_", " ")


CATEGORY_WORDS = [words(c) for c in CATEGORIES]


def named(data: str) -> alt.NamedData:
    """A data set that the page holds once, whatever charts read it."""
    return alt.NamedData(name=data)


def day_axis() -> alt.X:
    """The axis of dates; UTC, so that no reader's clock moves a date."""
    return alt.X(
        "game_date:T",
        title=None,
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(format="%-d %b", labelOverlap=True, grid=False),
    )


def day_tip() -> alt.Tooltip:
    """The date in a tooltip."""
    return alt.Tooltip("utcyearmonthdate(game_date):T", title="date", format="%Y-%m-%d")


def as_dict(chart: Any) -> dict[str, Any]:
    """The specification; its data sets are filled in by whoever shows it."""
    made: dict[str, Any] = chart.to_dict(validate=True)
    made.pop("$schema", None)
    return made


def drawn(chart: Any, kind: str) -> bytes:
    """A chart as ``"svg"``, ``"png"`` or a page of its own, ``"html"``; none needs a network."""
    import vl_convert

    if kind == "html":
        # Altair's own page, with its scripts in it.
        page: str = chart.to_html(inline=True, embed_options={"actions": False})
        return page.encode()
    spec = chart.to_dict()
    if kind == "svg":
        return str(vl_convert.vegalite_to_svg(spec)).encode()
    return bytes(vl_convert.vegalite_to_png(spec, scale=2))
