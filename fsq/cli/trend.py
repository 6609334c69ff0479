"""``fsq trend``: quality over time, as a table, sparklines and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fsq.cli import _options as o
from fsq.cli._date_words import LATEST
from fsq.cli._dates import choose_dates
from fsq.cli._output import Output
from fsq.cli._store import read_calendar
from fsq.errors import InputError
from fsq.utils.files import write_atomically
from fsq.utils.text import plural

if TYPE_CHECKING:
    import polars as pl

    from fsq.contract import Contract
    from fsq.stores import Store

_BARS = "▁▂▃▄▅▆▇█"
_SPARK_WIDTH = 42
_USUAL_DAYS = "14d"


def command(
    store: o.StoreOpt,
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    last: o.LastOpt = None,
    contract: o.StoreContractOpt = None,
    target: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Draw it to a .svg, .png or .html file, too."),
    ] = None,
    summary: Annotated[
        bool,
        typer.Option(
            "--store-summary", help="Save it to the table feature_quality_daily beside the store."
        ),
    ] = False,
    as_json: o.JsonOpt = False,
) -> None:
    """Show quality over time, with the verdict of each date.

    Each date is compared with the dates before it. By default the 14 days up to the newest date
    are shown.
    """
    from fsq.diagnosis.trend import HEADLINE, read_trend, write_summary
    from fsq.stores import get_capabilities, open_store

    if summary and not get_capabilities(store).summary_table:
        cure = "in BigQuery it is a view: `fsq schema migrate --views`, or `fsq sql trend`"
        problem = f"--store-summary writes a Delta table beside a Delta store; {cure}"
        raise InputError([problem], "the summary cannot be saved")
    if not (start or end or last):
        end, last = LATEST, _USUAL_DAYS
    start, end = choose_dates(None, start, end, HEADLINE, read_calendar(store, contract), last)
    kind = o.picture_kind("--out", target)
    opened, out = open_store(store, contract), Output(as_json)
    loaded = opened.contract
    days = read_trend(opened, loaded, start, end)
    verdicts = _find_verdicts(opened, days[loaded.table.date].to_list())
    _print_trend(days, verdicts, loaded, out)
    if target is not None and kind is not None:
        from fsq.reporting.trend_chart import draw_trend  # loads altair

        write_atomically(target, draw_trend(days, kind, loaded))
        out.line(f"{target}: picture written")
    summary_table = write_summary(days, opened, loaded) if summary else None
    if summary_table:
        out.line(f"{summary_table}: {plural(days.height, 'date')}")
    out.document(
        {
            "store": store,
            "contract": loaded.name,
            "history_days": loaded.diagnosis.history_days,
            "picture": None if target is None else str(target),
            "summary_table": summary_table,
            "days": [
                {**day, "verdict": verdicts[day[loaded.table.date]]} for day in days.to_dicts()
            ],
        }
    )


def _find_verdicts(store: Store, dates: list[date]) -> dict[date, str]:
    """The verdict of each date, as ``fsq check`` would give it."""
    from fsq.checking import CheckOptions
    from fsq.checking.dates import diagnose_dates
    from fsq.incidents import read_incidents

    options = CheckOptions(start=min(dates), end=max(dates))
    dx = diagnose_dates(store, options, None, read_incidents(store))
    return {day: dx.dates[day] for day in dates}


def _print_trend(
    days: pl.DataFrame, verdicts: Mapping[date, str], contract: Contract, out: Output
) -> None:
    category, history = _choose_category(contract), contract.diagnosis.history_days
    names = ("date", "verdict", "rows", "coverage", "quality", category, "defaults")
    date_column = contract.table.date
    rows = [_format_day(day, date_column, verdicts, category) for day in days.iter_rows(named=True)]
    out.table(names, rows, numbers=" ".join(names[2:]))
    out.line(f"\ncoverage, + and -: against the median of the {history} dates before\n")
    first: date = days[date_column][0]
    last: date = days[date_column][-1]
    out.line(f"From {first} to {last}, one bar for the worst date of each period:\n")
    lines = (
        ("quality", "quality_pct", min),
        *((c.replace("_", " "), f"{c}_quality_pct", min) for c in contract.category_names),
        ("default share", "default_pct", max),
        ("rows", "rows", min),
    )
    width = max(15, *(len(label) for label, _, _ in lines))
    for label, column, worst in lines:
        values = days[column].drop_nulls().to_list()
        form = ",.0f" if column == "rows" else ".1f"
        if values:
            limits = f"{min(values):{form}} to {max(values):{form}}"
            out.line(f"{label:<{width}} {sparkline(values, worst)} {limits}")


def _choose_category(contract: Contract) -> str:
    """The category that the table shows: the one that can turn a record red, else the first."""
    required = [c.name for c in contract.categories if not c.optional]
    return contract.alerts.gate_category or (required or list(contract.category_names))[0]


def _format_day(
    day: dict[str, Any], date_column: str, verdicts: Mapping[date, str], category: str
) -> list[object]:
    def number(name: str, form: str, unit: str = "") -> str | None:
        return None if day[name] is None else f"{day[name]:{form}}{unit}"

    def with_change(name: str, change: str, unit: str = "") -> str | None:
        value, by = number(name, ".1f", unit), number(change, "+.1f")
        return value if value is None else f"{value} {by or '-':>5}"

    return [
        day[date_column],
        verdicts[day[date_column]].upper(),
        day["rows"],
        number("coverage_pct", ".0f", "%"),
        with_change("quality_pct", "quality_change"),
        number(f"{category}_quality_pct", ".1f"),
        with_change("default_pct", "default_change", "%"),
    ]


def sparkline(values: Sequence[float], worst: Any = min, width: int = _SPARK_WIDTH) -> str:
    """Values as a line of bars, from the lowest value to the highest.

    With more values than bars, each bar shows the worst value of its period.


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
