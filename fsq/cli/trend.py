"""``fsq trend``: quality over time, as a table, sparklines or a picture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from fsq.cli import _options as o
from fsq.cli._output import Output
from fsq.contract import load_contract
from fsq.diagnosis.trend import store_summary, trend_of
from fsq.errors import InputError
from fsq.schema.vocabulary import CATEGORIES
from fsq.stores import get_capabilities, open_store

KINDS = ("svg", "png", "html")
_BARS = "▁▂▃▄▅▆▇█"
_SPARK_WIDTH = 42


def command(
    store: o.StoreOpt,
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    contract: o.ContractOpt = "v2_33features",
    target: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Draw it too: a .svg, .png or .html file."),
    ] = None,
    summary: Annotated[
        bool,
        typer.Option("--store-summary", help="Keep it in feature_quality_daily beside the store."),
    ] = False,
    as_json: o.JsonOpt = False,
) -> None:
    """Show quality over time, each date against the dates before it."""
    if start and end and start > end:
        raise InputError([f"--start {start} is after --end {end}; swap them"])
    if summary and not get_capabilities(store).summary_table:
        cure = "in BigQuery it is a view: `fsq schema migrate --views`, or `fsq sql trend`"
        raise InputError([f"--store-summary keeps a Delta table beside a Delta store; {cure}"])
    kind = _kind(target)
    loaded, opened, out = load_contract(contract), open_store(store), Output(as_json)
    found = trend_of(opened, loaded, start, end)
    _print(found, loaded.diagnosis.history_days, out)
    if target is not None and kind is not None:
        from fsq.report.trend_chart import draw_trend  # altair loads for pictures only
        from fsq.utils.files import write_atomically

        write_atomically(target, draw_trend(found, kind))
        out.line(f"{target}: the picture")
    kept = store_summary(found, opened, loaded) if summary else None
    if kept:
        out.line(f"{kept}: {found.height:,} dates")
    out.document(
        {
            "store": store,
            "contract": loaded.name,
            "history_days": loaded.diagnosis.history_days,
            "picture": None if target is None else str(target),
            "summary_table": kept,
            "days": found.to_dicts(),
        }
    )


def _kind(target: Path | None) -> str | None:
    if target is None:
        return None
    kind = target.suffix.removeprefix(".").lower()
    if kind not in KINDS:
        raise InputError(
            [f"--out {target}: end it in one of {', '.join('.' + k for k in KINDS)}"],
            "the picture cannot be drawn",
        )
    return kind


def _print(found: pl.DataFrame, history: int, out: Output) -> None:
    names = ("date", "rows", "cover", "quality", "±", "matchup", "default", "±", "red")
    out.table(
        names, [_row(day) for day in found.iter_rows(named=True)], numbers=" ".join(names[1:])
    )
    out.line(f"\ncover and ±: against the median of the {history} dates before; - where too few\n")
    first: date = found["game_date"][0]
    last: date = found["game_date"][-1]
    out.line(f"From {first} to {last}, the worst of each stretch:\n")
    for label, column, worst in (
        ("quality", "quality_pct", min),
        *((c.replace("_", " "), f"{c}_quality_pct", min) for c in CATEGORIES),
        ("default share", "default_pct", max),
        ("rows", "rows", min),
    ):
        values = found[column].to_list()
        form = ",.0f" if column == "rows" else ".1f"
        told = f"{min(values):{form}} to {max(values):{form}}"
        out.line(f"{label:<15} {sparkline(values, worst)} {told}")


def _row(day: dict[str, Any]) -> list[object]:
    def told(name: str, form: str, unit: str = "") -> str | None:
        return None if day[name] is None else f"{day[name]:{form}}{unit}"

    return [
        day["game_date"],
        day["rows"],
        told("coverage_pct", ".0f", "%"),
        told("quality_pct", ".1f"),
        told("quality_change", "+.1f"),
        told("matchup_quality_pct", ".1f"),
        told("default_pct", ".1f", "%"),
        told("default_change", "+.1f"),
        day["red"],
    ]


def sparkline(values: Sequence[float], worst: Any = min, width: int = _SPARK_WIDTH) -> str:
    """Values as a line of bars between their least and greatest; stretches show their worst.

    >>> sparkline([90, 95, 60, 100])
    '▆▇▁█'
    """
    count = min(width, len(values))
    shown = [
        worst(values[i * len(values) // count : (i + 1) * len(values) // count])
        for i in range(count)
    ]
    low, high = min(shown), max(shown)
    if high == low:
        return _BARS[3] * count
    return "".join(_BARS[round((v - low) / (high - low) * (len(_BARS) - 1))] for v in shown)
