"""The page's charts as PNG, for a notebook or a document."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

from fsq.diagnosis import Diagnosis
from fsq.diagnosis.trend import make_trend
from fsq.errors import InputError
from fsq.reporting import charts
from fsq.reporting.data import DataSets, make_data_sets, make_waterfall_set, to_rows
from fsq.reporting.trend_chart import draw_trend
from fsq.training import TrainingSet

WIDTH = 720
_NEEDS_TRAINING_SET = ("waterfall",)


@dataclass(frozen=True)
class Picture:
    """A PNG that a notebook shows.

    >>> Picture(b"...", "tiers").name
    'tiers'
    """

    png: bytes = field(repr=False)
    name: str

    def _repr_png_(self) -> bytes:
        return self.png


def draw_chart(dx: Diagnosis, name: str) -> Picture:
    """Draw one of the page's charts of the diagnosed dates.

    Args:
        dx: the diagnosis of the dates to show.
        name: ``heat-quality``, ``heat-default``, ``categories``, ``quality``, ``tiers``,
            ``alerts``, ``sources``, ``freshness``, or ``trend`` for all lines over time.

    Raises:
        InputError: there is no such chart.
    """
    days = make_trend(dx.days, dx.contract)
    if name == "trend":
        return Picture(compress_png(draw_trend(days, "png", dx.contract)), name)
    sets = make_data_sets(dx, days)
    specs = {
        n: spec
        for n, spec in charts.make_chart_specs(dx.contract, sets).items()
        if n not in _NEEDS_TRAINING_SET
    }
    if name not in specs:
        problem = f"no chart {name}; use one of {[*specs, 'trend']}"
        raise InputError([problem], "the chart cannot be drawn")
    return _draw(specs[name], sets, name)


def draw_waterfall(ts: TrainingSet) -> Picture:
    """Draw what the gates of a training set drop and leave."""
    falls = make_waterfall_set(ts.waterfall)
    spec = charts.make_chart_specs(ts.options.contract)["waterfall"]
    height = {"height": 22 * len(falls["gate"])}
    return _draw(spec | height, {"waterfall": falls}, "waterfall")


def _draw(spec: dict[str, Any], sets: DataSets, name: str) -> Picture:
    import vl_convert

    rows = {name: to_rows(data) for name, data in sets.items()}
    schema = "https://vega.github.io/schema/vega-lite/v6.json"
    complete = spec | {"$schema": schema, "datasets": rows, "width": WIDTH, "background": "white"}
    return Picture(compress_png(bytes(vl_convert.vegalite_to_png(complete, scale=1.3))), name)


def compress_png(png: bytes) -> bytes:
    """Compress a PNG harder; charts shrink to a tenth."""
    chunks, at = [], 8
    while at < len(png):
        size = 12 + int.from_bytes(png[at : at + 4], "big")
        chunks.append(png[at : at + size])
        at += size
    pixels = b"".join(c[8:-4] for c in chunks if c[4:8] == b"IDAT")
    body = b"IDAT" + zlib.compress(zlib.decompress(pixels), 9)
    packed = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    rest = [c for c in chunks if c[4:8] not in (b"IDAT", b"IEND")]
    return png[:8] + b"".join(rest) + packed + chunks[-1]
