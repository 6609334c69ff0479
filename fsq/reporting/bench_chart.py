"""Charts of a benchmark: its figures, and a flame graph of where time goes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import altair as alt
import polars as pl

from fsq.reporting.spec import draw
from fsq.utils.palette import INK, LINES

_WIDTH = 720
_MIN_SHARE = 0.002  # narrower boxes of a flame graph are invisible


def draw_bench(document: dict[str, Any], kind: str) -> bytes:
    """Draw the document of ``fsq.bench.run_bench`` as ``"svg"``, ``"png"`` or ``"html"``."""
    panels = [_stage_chart(document)]
    if "against" in document:
        panels.append(_rival_chart(document))
    if "scale" in document:
        panels += _scale_charts(document["scale"])
    context, score = document["context"], document["figures"]["score"]
    speed = f"{score['rows_per_s']:,.0f} rows/s, {document['ratios']['score_to_copy']:.1f} times"
    title = alt.TitleParams(
        f"fsq on {document['rows']:,} rows: {1000 * score['median_s']:,.0f} ms, {speed} as long as "
        "copying the result",
        subtitle=f"{context['cores']} cores, Python {context['python']}, Polars "
        f"{context['versions']['polars']}, {document['rounds']} rounds in fresh processes; "
        "lines run from the best round to the worst",
        anchor="start",
    )
    return draw(_finish(alt.vconcat(*panels).properties(title=title)), kind)


def _finish(chart: Any) -> Any:
    return chart.properties(background="white").configure_view(stroke=None)


def _stage_chart(document: dict[str, Any]) -> Any:
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
    bars = base.mark_bar(color=LINES[0]).encode(
        alt.X(
            "ms:Q",
            title="milliseconds per stage",
            scale=alt.Scale(domainMax=1200 * max(s["worst_s"] for s in document["stages"])),
        )
    )
    ranges = base.mark_rule(color=INK).encode(alt.X("best:Q"), alt.X2("worst:Q"))
    labels = base.mark_text(align="left", dx=6, color=INK).encode(
        alt.X("worst:Q"), alt.Text("label:N")
    )
    return alt.layer(bars, ranges, labels).properties(width=_WIDTH, height=22 * len(order))


def _rival_chart(document: dict[str, Any]) -> Any:
    score = document["figures"]["score"]["median_s"]
    rows = [("fsq", score, 1.0)]
    rows += [(a["name"], a["median_s"], a["ratio"]) for a in document["against"]]
    frame = pl.DataFrame(
        [
            {
                "implementation": name,
                "seconds": seconds,
                "base": score / 3,
                "label": f"{seconds:,.2f} s"
                + ("" if ratio == 1 else f", {ratio:,.{0 if ratio >= 10 else 1}f} times"),
            }
            for name, seconds, ratio in rows
        ]
    )
    scale = alt.Scale(type="log", domainMax=5 * max(seconds for _, seconds, _ in rows))
    base = alt.Chart(frame).encode(
        alt.Y("implementation:N", sort=alt.EncodingSortField("seconds"), title=None)
    )
    bars = base.mark_bar(color=LINES[1]).encode(
        alt.X("base:Q", scale=scale, title="seconds for the same answer (log scale)"),
        alt.X2("seconds:Q"),
    )
    labels = base.mark_text(align="left", dx=6, color=INK).encode(
        alt.X("seconds:Q", scale=scale), alt.Text("label:N")
    )
    return alt.layer(bars, labels).properties(width=_WIDTH, height=22 * len(rows))


def _scale_charts(scale: dict[str, Any]) -> list[Any]:
    frame = pl.DataFrame(
        [
            {"rows": p["rows"], "seconds": p["seconds"], "megabytes": (p["peak"] or 0) / 1e6}
            for p in scale["points"]
        ]
    )
    return [
        alt.Chart(frame)
        .mark_line(color=LINES[2], point=alt.OverlayMarkDef(color=LINES[2]))
        .encode(
            alt.X("rows:Q", title="rows in one backfill"),
            alt.Y(f"{name}:Q", title=title, scale=alt.Scale(zero=True)),
        )
        .properties(width=_WIDTH, height=140)
        for name, title in (("seconds", "seconds"), ("megabytes", "peak memory, MB"))
    ]


def draw_flame_graph(stacks: Counter[tuple[str, ...]], kind: str) -> bytes:
    """Draw stacks as a flame graph that hangs from the top; a box's width is its time."""
    boxes = _list_boxes(stacks)
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
        f"{total:,} samples of the scoring threads",
        subtitle="a box's width is its share of the time; its callees hang below it",
        anchor="start",
    )
    size = {"width": 2 * _WIDTH, "height": 17 * (deepest + 1)}
    return draw(_finish(alt.layer(rects, labels).properties(title=title, **size)), kind)


def _list_boxes(stacks: Counter[tuple[str, ...]]) -> list[dict[str, Any]]:
    """One box per prefix of a stack, side by side in order of names."""
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
        if share >= _MIN_SHARE:
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
