"""What the charts share: axes, tooltips, dashes, labels, and drawing."""

from __future__ import annotations

from typing import Any

import altair as alt

from fsq.utils.palette import LINES, MORE_LINES

DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4])


def format_name(name: str) -> str:
    """Write a column's name for people.

    >>> format_name("player_history_quality_pct")
    'player history'
    """
    return name.removesuffix("_quality_pct").replace("_", " ")


def make_line_styles(count: int) -> tuple[list[str], list[list[int]]]:
    """Colours and dashes that tell up to fifty lines apart.

    >>> colours, dashes = make_line_styles(40)
    >>> len({(c, *d) for c, d in zip(colours, dashes)})
    40
    """
    if count <= len(LINES):
        return list(LINES[:count]), list(DASHES[:count])
    every = (*LINES, *MORE_LINES)
    places = [divmod(i, len(every)) for i in range(count)]
    return [every[i] for _, i in places], [DASHES[i % len(DASHES)] for i, _ in places]


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


def refer_to_data(data: str) -> alt.NamedData:
    """Refer to a data set by name; the page holds it once for all charts."""
    return alt.NamedData(name=data)


def make_date_axis() -> alt.X:
    """Make the axis of dates, in UTC so that no time zone shifts a date."""
    return alt.X(
        "date:T",
        title=None,
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(format="%-d %b", labelOverlap=True, grid=False),
    )


def make_date_bands(*, line: bool) -> alt.X:
    """Make the axis of dates for cells and bars: one band per date, gaps closed.

    Args:
        line: whether to draw the axis itself.
    """
    return alt.X(
        "yearmonthdate(date):O",
        title=None,
        timeUnit="utcyearmonthdate",
        axis=alt.Axis(
            format="%-d %b",
            labelOverlap=True,
            labelSeparation=8,
            labelPadding=6,
            labelAngle=0,
            ticks=False,
            domain=line,
        ),
    )


def make_date_tooltip() -> alt.Tooltip:
    """Make the tooltip's date."""
    return alt.Tooltip("utcyearmonthdate(date):T", title="date", format="%Y-%m-%d")


def to_spec(chart: Any) -> dict[str, Any]:
    """Convert a chart to a specification without its data sets."""
    spec: dict[str, Any] = chart.to_dict(validate=True)
    spec.pop("$schema", None)
    return spec


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
