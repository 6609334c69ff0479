"""The usual band of a measure and its last dates, as a line of text and as a small picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import IO, Any

from fsq.utils.palette import ACCENT, LIGHT_THEME, VERDICT_TEXT

_BLOCKS, _PLAIN = "▁▂▃▄▅▆▇█", "_.,-=+*#"
_WIDTH, _HEIGHT, _EDGE = 220, 44, 5


def can_draw(stream: IO[str]) -> bool:
    """Whether a stream can write the blocks that a line of text is drawn with."""
    try:
        _BLOCKS.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def draw_line(values: Sequence[float], *, blocks: bool = True) -> str:
    """Values as characters of rising height.

    >>> draw_line([0.0, 0.1, 0.0, 1.0])
    '▁▂▁█'
    >>> draw_line([0.0, 0.1, 0.0, 1.0], blocks=False)
    '_._#'
    """
    steps = _BLOCKS if blocks else _PLAIN
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join(steps[round((v - low) / span * (len(steps) - 1))] for v in values)


def format_measure(value: float, *, share: bool) -> str:
    """A measure for people.

    >>> format_measure(0.0324, share=True), format_measure(12.3456, share=False)
    ('3.2%', '12.35')
    """
    if not share:
        return f"{value:.4g}"
    return f"{100 * value:.0f}%" if value in (0, 1) or value >= 0.1 else f"{100 * value:.2g}%"


def describe_measure(band: Mapping[str, Any]) -> str:
    """What is measured, how it usually lies, and how it lies on the last date, in words.

    >>> band = {"what": "mean", "feature": "pace", "share": False, "low": 95.0, "high": 105.0,
    ...         "usual": 100.0, "value": 130.0}
    >>> describe_measure(band)
    'pace: mean 130, usually 95 to 105'
    """
    share = band["share"]
    usual, value = (format_measure(band[k], share=share) for k in ("high", "value"))
    if band["low"] is None or (share and band["low"] == 0):
        usual = f"up to {usual}"
    elif band["low"] != band["high"]:
        usual = f"{format_measure(band['low'], share=share)} to {usual}"
    whose = "" if band["feature"] is None else f"{band['feature']}: "
    colon = ":" if "," in band["what"] else ""
    return f"{whose}{band['what']}{colon} {value}, usually {usual}"


def describe_example(row: Mapping[str, Any]) -> str:
    """One record's value, and what it should have been.

    >>> describe_example({"key": "lebronjames", "feature": "pace", "value": 130.0,
    ...                   "expected": 99.5, "told_by": "its previous record"})
    'lebronjames: pace 130, should be near 99.5 (its previous record)'
    """
    key = f"{row['key']}: " if row["key"] else ""
    value, expected = f"{row['value']:.4g}", f"{row['expected']:.4g}"
    return f"{key}{row['feature']} {value}, should be near {expected} ({row['told_by']})"


def draw_band(band: Mapping[str, Any]) -> str:
    """The last dates as a line over the usual band, as SVG; its label says the same in words.

    Colours are those of a light page; a style sheet may set others by the classes.
    """
    values = [d["value"] for d in band["dates"]]
    low = min(values) if band["low"] is None else band["low"]
    bottom, top = min([low, *values]), max([band["high"], *values])
    span = (top - bottom) or 1.0
    step = (_WIDTH - 2 * _EDGE) / max(len(values) - 1, 1)

    def place(value: float) -> float:
        return round(float(_EDGE + (_HEIGHT - 2 * _EDGE) * (1 - (value - bottom) / span)), 1)

    xs = [round(_EDGE + i * step, 1) for i in range(len(values))]
    if len(values) == 1:
        xs = [_WIDTH / 2]
    points = " ".join(f"{x},{place(v)}" for x, v in zip(xs, values, strict=True))
    upper, lower = place(band["high"]), place(low)
    label = f"{describe_measure(band)}; {len(values)} dates up to {band['dates'][-1]['date']}"
    return (
        f'<svg class="band" role="img" aria-label="{escape(label)}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f"<title>{escape(label)}</title>"
        f'<rect class="band-usual" x="0" y="{upper}" width="{_WIDTH}" '
        f'height="{max(lower - upper, 3.0):.1f}" fill="{LIGHT_THEME["soft"]}" opacity="0.3"/>'
        f'<polyline class="band-line" points="{points}" fill="none" stroke="{ACCENT}" '
        'stroke-width="1.5"/>'
        f'<circle class="band-now" cx="{xs[-1]}" cy="{place(values[-1])}" r="3.5" '
        f'fill="{VERDICT_TEXT["red"]}"/></svg>'
    )
