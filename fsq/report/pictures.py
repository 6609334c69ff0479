"""The page's charts as pictures, for a notebook or a document."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from fsq.diagnosis import Diagnosis
from fsq.diagnosis.trend import trend
from fsq.errors import InputError
from fsq.report import charts
from fsq.report.page import data_sets
from fsq.report.trend_chart import trend_picture
from fsq.training import TrainingSet

WIDTH = 720
# These need more than a diagnosis.
_OTHERS = ("waterfall",)


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


def picture(found: Diagnosis, name: str) -> Picture:
    """Draw one of the page's charts of the diagnosed dates.

    Args:
        found: of the dates to show.
        name: ``heat-quality``, ``heat-default``, ``categories``, ``quality``, ``tiers``,
            ``alerts``, ``sources`` or ``freshness``; ``trend`` for all lines over time.

    Raises:
        InputError: there is no such chart.
    """
    days = trend(found.days, found.contract)
    if name == "trend":
        return Picture(smaller(trend_picture(days, "png")), name)
    specs = charts.specifications(found.contract)
    known = [n for n in specs if n not in _OTHERS]
    if name not in known:
        problem = f"no chart {name}; use one of {[*known, 'trend']}"
        raise InputError([problem], "the picture cannot be drawn")
    return _drawn(specs[name], data_sets(found, days, []), name)


def waterfall_picture(made: TrainingSet) -> Picture:
    """Draw what the gates of a training set drop and leave."""
    left = pl.col("left")
    falls = made.waterfall.select(
        pl.col("asks").alias("gate"), "dropped", "left", before=left + pl.col("dropped")
    )
    spec = charts.specifications(made.options.contract)["waterfall"]
    return _drawn(
        spec | {"height": 22 * falls.height}, {"waterfall": falls.to_dicts()}, "waterfall"
    )


def _drawn(spec: dict[str, Any], sets: dict[str, list[dict[str, Any]]], name: str) -> Picture:
    import vl_convert

    whole = spec | {"datasets": sets, "width": WIDTH, "background": "white"}
    return Picture(smaller(bytes(vl_convert.vegalite_to_png(whole, scale=1.3))), name)


def smaller(png: bytes) -> bytes:
    """The same PNG, its pixels packed tightly: charts shrink to a tenth."""
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
