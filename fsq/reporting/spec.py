"""What the charts of Altair share: axes, tooltips, lines, and drawing."""

from __future__ import annotations

from typing import Any

import altair as alt

from fsq.reporting.styles import make_line_styles


def encode_lines(field: str, labels: list[str], legend: alt.Legend) -> list[Any]:
    """The colour and the dash of each line, by a field's labels."""
    colours, dashes = make_line_styles(len(labels))
    return [
        alt.Color(
            f"{field}:N",
            title=None,
            sort=labels,
            scale=alt.Scale(domain=labels, range=colours),
            legend=legend,
        ),
        alt.StrokeDash(
            f"{field}:N", title=None, sort=labels, scale=alt.Scale(domain=labels, range=dashes)
        ),
    ]


def make_date_axis() -> alt.X:
    """Make the axis of dates, in UTC so that no time zone shifts a date."""
    return alt.X(
        "date:T",
        title=None,
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(format="%-d %b", labelOverlap=True, grid=False),
    )


def make_date_tooltip() -> alt.Tooltip:
    """Make the tooltip's date."""
    return alt.Tooltip("utcyearmonthdate(date):T", title="date", format="%Y-%m-%d")


def draw(chart: Any, kind: str) -> bytes:
    """Draw a chart as ``"svg"``, ``"png"`` or ``"html"``, a page that opens offline."""
    import vl_convert

    if kind == "html":
        # Altair's own page, with its scripts inlined.
        page: str = chart.to_html(inline=True, embed_options={"actions": False})
        return page.encode()
    spec = chart.to_dict()
    if kind == "svg":
        return str(vl_convert.vegalite_to_svg(spec)).encode()
    return bytes(vl_convert.vegalite_to_png(spec, scale=2))
