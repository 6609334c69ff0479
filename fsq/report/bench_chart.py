"""Pictures of a benchmark: its figures, and a flame graph of where the time goes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import altair as alt
import polars as pl

from fsq.report.spec import LINE_COLOURS, drawn

_WIDTH = 720
_LEAST_SHARE = 0.002  # narrower boxes of a flame graph cannot be seen


def bench_picture(document: dict[str, Any], kind: str) -> bytes:
    """Draw what ``fsq.bench.bench`` gives, as ``"svg"``, ``"png"`` or ``"html"``."""
    panels = [_stages(document)]
    if "against" in document:
        panels.append(_against(document))
    if "scale" in document:
        panels += _scale(document["scale"])
    where, score = document["context"], document["figures"]["score"]
    speed = f"{score['rows_per_s']:,.0f} rows/s, {document['ratios']['score_to_copy']:.1f} times"
    title = alt.TitleParams(
        f"fsq on {document['rows']:,} rows: {1000 * score['median_s']:,.0f} ms, {speed} as long as "
        "copying the result",
        subtitle=f"{where['cores']} cores, Python {where['python']}, Polars "
        f"{where['versions']['polars']}, {document['rounds']} rounds in fresh processes; "
        "lines show the spread",
        anchor="start",
    )
    return drawn(_page(alt.vconcat(*panels).properties(title=title)), kind)


def _page(chart: Any) -> Any:
    return chart.properties(background="white").configure_view(stroke=None)


def _stages(document: dict[str, Any]) -> Any:
    frame = pl.DataFrame(
        [
            {
                "stage": s["stage"],
                "ms": 1000 * s["median_s"],
                "best": 1000 * s["best_s"],
                "worst": 1000 * s["worst_s"],
                "label": f"{1000 * s['median_s']:,.0f} ms, {100 * s['share']:.0f} %",
            }
            for s in document["stages"]
        ]
    )
    order = frame["stage"].to_list()
    base = alt.Chart(frame).encode(alt.Y("stage:N", sort=order, title=None))
    bars = base.mark_bar(color=LINE_COLOURS[0]).encode(
        alt.X(
            "ms:Q",
            title="milliseconds per stage, one after another",
            scale=alt.Scale(domainMax=1200 * max(s["worst_s"] for s in document["stages"])),
        )
    )
    spread = base.mark_rule(color="#333").encode(alt.X("best:Q"), alt.X2("worst:Q"))
    labels = base.mark_text(align="left", dx=6, color="#333").encode(
        alt.X("worst:Q"), alt.Text("label:N")
    )
    return alt.layer(bars, spread, labels).properties(width=_WIDTH, height=22 * len(order))


def _against(document: dict[str, Any]) -> Any:
    score = document["figures"]["score"]["median_s"]
    lines = [("fsq", score, 1.0)]
    lines += [(a["name"], a["median_s"], a["ratio"]) for a in document["against"]]
    frame = pl.DataFrame(
        [
            {
                "way": name,
                "seconds": seconds,
                "least": score / 3,
                "label": f"{seconds:,.2f} s" + ("" if ratio == 1 else f", {ratio:,.0f} times"),
            }
            for name, seconds, ratio in lines
        ]
    )
    scale = alt.Scale(type="log", domainMax=5 * max(seconds for _, seconds, _ in lines))
    base = alt.Chart(frame).encode(
        alt.Y("way:N", sort=alt.EncodingSortField("seconds"), title=None)
    )
    bars = base.mark_bar(color=LINE_COLOURS[1]).encode(
        alt.X("least:Q", scale=scale, title="seconds for the same answer, logarithmic"),
        alt.X2("seconds:Q"),
    )
    labels = base.mark_text(align="left", dx=6, color="#333").encode(
        alt.X("seconds:Q", scale=scale), alt.Text("label:N")
    )
    return alt.layer(bars, labels).properties(width=_WIDTH, height=22 * len(lines))


def _scale(found: dict[str, Any]) -> list[Any]:
    frame = pl.DataFrame(
        [
            {"rows": p["rows"], "seconds": p["seconds"], "megabytes": (p["peak"] or 0) / 1e6}
            for p in found["points"]
        ]
    )
    return [
        alt.Chart(frame)
        .mark_line(color=LINE_COLOURS[2], point=alt.OverlayMarkDef(color=LINE_COLOURS[2]))
        .encode(
            alt.X("rows:Q", title="rows in one backfill"),
            alt.Y(f"{name}:Q", title=title, scale=alt.Scale(zero=True)),
        )
        .properties(width=_WIDTH, height=140)
        for name, title in (("seconds", "seconds"), ("megabytes", "peak memory, MB"))
    ]


def flame_picture(stacks: Counter[tuple[str, ...]], kind: str) -> bytes:
    """Draw stacks as a flame graph that hangs from the top: a box is a function, its width time."""
    boxes = _boxes(stacks)
    total, deepest = sum(stacks.values()), max(box["depth"] for box in boxes)
    base = alt.Chart(pl.DataFrame(boxes)).encode(
        alt.X("from:Q", title="share of the samples, %", scale=alt.Scale(domain=[0, 100])),
        alt.X2("to:Q"),
        alt.Y("depth:O", title=None, axis=None),
        tooltip=["function:N", alt.Tooltip("share:Q", format=".1f", title="share, %")],
    )
    colour = alt.Color("file:N", legend=None, scale=alt.Scale(scheme="tableau20"))
    rects = base.mark_rect(stroke="white", strokeWidth=0.5).encode(colour)
    labels = (
        alt.Chart(pl.DataFrame(boxes))
        .mark_text(fontSize=9, align="left", dx=3)
        .encode(alt.X("from:Q"), alt.Y("depth:O", axis=None), alt.Text("label:N"))
    )
    title = alt.TitleParams(
        f"{total:,} samples of the threads that score",
        subtitle="a box's width is its share of the time; what it calls hangs below it",
        anchor="start",
    )
    size = {"width": 2 * _WIDTH, "height": 17 * (deepest + 1)}
    return drawn(_page(alt.layer(rects, labels).properties(title=title, **size)), kind)


def _boxes(stacks: Counter[tuple[str, ...]]) -> list[dict[str, Any]]:
    """A box per prefix of a stack, side by side in order of names."""
    total = sum(stacks.values())
    widths: Counter[tuple[str, ...]] = Counter()
    for stack, count in stacks.items():
        for depth in range(1, len(stack) + 1):
            widths[stack[:depth]] += count
    ends: dict[tuple[str, ...], float] = {(): 0.0}
    boxes = []
    for prefix in sorted(widths):
        start = ends[prefix[:-1]]
        ends[prefix], ends[prefix[:-1]] = start, start + widths[prefix]
        share = widths[prefix] / total
        if share >= _LEAST_SHARE:
            file, _, function = prefix[-1].rpartition(":")
            fits = int(share * 2 * _WIDTH / 5.2)
            boxes.append(
                {
                    "from": 100 * start / total,
                    "to": 100 * (start + widths[prefix]) / total,
                    "depth": len(prefix) - 1,
                    "function": prefix[-1],
                    "file": file,
                    "share": 100 * share,
                    "label": function if len(function) <= fits else "",
                }
            )
    return boxes
