"""The HTML page: tables and charts in one file that opens offline."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import jinja2
import polars as pl
from markupsafe import Markup

from fsq.contract import Contract
from fsq.diagnosis import Diagnosis, Finding, diagnose
from fsq.diagnosis.diagnose import list_detail_fields, name_places
from fsq.diagnosis.long_detail import require_columns
from fsq.diagnosis.pictures import describe_measure, draw_band
from fsq.diagnosis.stored_profile import load_usable_profile
from fsq.diagnosis.trend import LOOKBACK, make_trend
from fsq.errors import StoreError
from fsq.incidents import recall_incidents
from fsq.incidents.ledger import Recalled
from fsq.reporting import charts, facts
from fsq.reporting.assets import embed_json, make_policy, make_scripts, make_style
from fsq.reporting.headline import HEADLINE
from fsq.reporting.spec import format_name
from fsq.schema.tables import AnyRows, is_stored, read_rows
from fsq.stores import Store
from fsq.utils.frames import filter_dates
from fsq.utils.palette import ALERTS, TIERS, colour_sources
from fsq.utils.version import VERSION

_MAX_FINDINGS = 60


def make_report(
    scored: AnyRows,
    contract: Contract,
    start: date | None = None,
    end: date | None = None,
    now: datetime | None = None,
) -> str:
    """Make a self-contained HTML page about the dates of scored rows.

    Args:
        scored: the rows, in a store or as a table of any library.
        contract: the contract that the rows were scored under.
        start: first date; None for the store's first.
        end: last date, included; None for the store's last.
        now: the time to print on the page; the current time by default.

    Raises:
        StoreError: the rows cannot be read, or there are none of these dates.
        InputError: the rows were scored under another contract, or are not scored.
    """
    # So many earlier dates tell what is usual, as for a check without a profile.
    back = max(LOOKBACK, timedelta(days=contract.diagnosis.learning_dates))
    first = None if start is None or start < date.min + back else start - back
    day, uri = pl.col(contract.table.date), "rows in memory"
    if is_stored(scored):
        rows, uri = scored.read(first, end, fields=list_detail_fields()), scored.uri
        wanted = scored.read(start, end)
    else:
        every = read_rows(scored, "scored", HEADLINE).lazy()
        require_columns(every.collect_schema(), [contract.table.date], HEADLINE)
        rows = filter_dates(every, contract.table.date, first, end)
        wanted = filter_dates(every, contract.table.date, start, end)
    dates = wanted.select(day.unique().sort()).collect().to_series().to_list()
    if not dates:
        raise StoreError(f"{uri} has no rows of these dates; backfill them, or choose others")
    source, store = name_places(scored)
    recalled, profile = Recalled(not_history=[], accepted=[]), None
    if is_stored(scored):
        known = cast("Store", scored)
        recalled, profile = recall_incidents(known), load_usable_profile(known)
    dx = diagnose(
        rows, contract, dates=dates, source=source, store=store, profile=profile, **recalled
    )
    return render_page(wanted, dx, uri, now or datetime.now(UTC), _make_trend(rows, dx, contract))


def _make_trend(rows: pl.LazyFrame, dx: Diagnosis, contract: Contract) -> pl.DataFrame:
    """Compute the trend of the diagnosed dates, compared with all earlier ones."""
    from fsq.diagnosis.daily_metrics import measure_dates

    day = contract.table.date
    trend = make_trend(measure_dates(rows, contract), contract)
    return trend.filter(pl.col(day) >= dx.days[day].min())


def render_page(
    scored: pl.LazyFrame, dx: Diagnosis, uri: str, now: datetime, days: pl.DataFrame
) -> str:
    """Render the page of scored rows from their diagnosis and trend."""
    contract = dx.contract
    table, settled = contract.table, _list_settled_dates(dx)
    settled_rows = scored.filter(pl.col(table.date).is_in(settled)) if settled else scored
    records = facts.find_worst_records(settled_rows, contract)
    falls = facts.count_gates(scored, contract)
    data = {
        "specs": charts.make_chart_specs(contract),
        "sets": make_data_sets(dx, days, falls),
    }
    scripts = make_scripts()
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fsq.reporting", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"name": format_name, "number": _format_number}
    return environment.get_template(
        "page.html.j2"
    ).render(
        style=Markup(make_style()),  # noqa: S704 - our own file
        scripts={k: Markup(v) for k, v in scripts.items()},  # noqa: S704 - our own files
        policy=make_policy(scripts.values()),
        data=Markup(embed_json(data)),  # noqa: S704 - escaped there
        verdict=dx.verdict,
        counts={
            v: sum(x == v for x in dx.dates.values()) for v in ("red", "yellow", "unknown", "green")
        },
        findings=[_describe_finding(f) for f in dx.findings[:_MAX_FINDINGS]],
        more_findings=max(0, len(dx.findings) - _MAX_FINDINGS),
        not_evaluated=dx.not_evaluated,
        totals=_compute_totals(dx, falls),
        categories=facts.average_categories(dx.days, contract),
        worst_features=facts.find_worst_features(dx.features).to_dicts(),
        waterfall=falls,
        mix=facts.compute_shares(dx.features, contract),
        ages=facts.summarize_ages(dx.features, contract),
        records=records,
        entities=table.count(len(records)),
        days=days.tail(14).reverse().rename({table.date: "date"}).to_dicts(),
        facts=_list_facts(scored, dx, uri, now),
    )


def _describe_finding(finding: Finding) -> dict[str, Any]:
    """A finding as the page shows it, with its picture."""
    band, shown = finding.evidence.get("band"), None
    if band is not None:
        picture = Markup(draw_band(band))  # noqa: S704 - escaped there
        shown = {"picture": picture, "words": describe_measure(band)}
    return finding.to_dict() | {"band": shown, "rows_shown": finding.evidence.get("rows_shown", [])}


def _list_settled_dates(dx: Diagnosis) -> list[date]:
    """Dates with a verdict on which windows have filled; on others, low scores are normal."""
    filling = {d for f in dx.findings if f.kind == "season_start" for d in f.dates}
    return [d for d, v in dx.dates.items() if v != "unknown" and d not in filling]


def make_data_sets(
    dx: Diagnosis, days: pl.DataFrame, falls: list[dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Make the data sets that the charts name, as JSON types."""
    contract = dx.contract
    iso = pl.col(contract.table.date).cast(pl.String).alias("date")
    sources = list(colour_sources(contract.source_type_names))
    quality = days.select(
        iso,
        pl.col("quality_pct").alias("this date"),
        pl.col("quality_pct_trailing").alias("trailing median"),
    ).unpivot(index="date", variable_name="line", value_name="points")
    categories = dx.days.select(
        iso, *(pl.col(f"{c}_quality_pct").alias(format_name(c)) for c in contract.category_names)
    ).unpivot(index="date", variable_name="category", value_name="quality")
    cells = dx.features.select(
        iso,
        pl.col("feature_name").alias("feature"),
        pl.col("quality_pct").alias("quality"),
        (100 * pl.col("default_rows") / pl.col("rows")).alias("default"),
        "rows",
    )
    frames = {
        "cells": cells,
        "quality": quality.drop_nulls(),
        "categories": categories,
        "tiers": _count_records(dx.days.select(iso, *TIERS), "tier"),
        "alerts": _count_records(dx.days.select(iso, *ALERTS), "alert"),
        "sources": _add_rank(facts.count_sources(dx.features, contract), "source", sources),
        "ages": facts.measure_table_ages(dx.features, contract).with_columns(
            pl.col("date").cast(pl.String)
        ),
    }
    sets = {
        name: f.with_columns(pl.col(pl.Float64).round(2)).to_dicts() for name, f in frames.items()
    }
    sets["waterfall"] = [{**line, "before": line["left"] + line["dropped"]} for line in falls]
    return sets


def _count_records(days: pl.DataFrame, name: str) -> pl.DataFrame:
    long = days.unpivot(index="date", variable_name=name, value_name="records")
    return _add_rank(long, name, days.columns[1:])


def _add_rank(long: pl.DataFrame, name: str, order: list[str]) -> pl.DataFrame:
    """Add each part's rank in its stack, and write dates as text."""
    rank = pl.col(name).replace_strict(order, range(len(order)), return_dtype=pl.Int64)
    return long.with_columns(pl.col("date").cast(pl.String), rank.alias("rank"))


def _compute_totals(dx: Diagnosis, falls: list[dict[str, Any]]) -> dict[str, Any]:
    days = dx.days
    rows = int(days["rows"].sum())
    values = rows * len(dx.contract.features)
    return {
        "rows": rows,
        "dates": days.height,
        "quality": days.select((pl.col("quality") * pl.col("rows")).sum()).item() / rows,
        "default_pct": 100 * days["default_features"].sum() / values,
        "red_rows": int(days["red"].sum()),
        "training_pct": 100 * falls[-1]["left"] / rows,
    }


def _list_facts(
    scored: pl.LazyFrame, dx: Diagnosis, uri: str, now: datetime
) -> list[tuple[str, str]]:
    scored_at = (
        scored.select(
            pl.col("quality_computed_at").min().alias("first"),
            pl.col("quality_computed_at").max().alias("last"),
        )
        .collect()
        .row(0)
    )
    contract, days = dx.contract, dx.days
    dates = days[contract.table.date]
    return [
        ("contract", f"{contract.name}, {len(contract.features)} features"),
        ("contract version", contract.version_hash),
        ("store", uri),
        (
            "dates",
            f"{dates[0]} to {dates[-1]} ({days.height:,} dates)",
        ),
        ("rows", f"{int(days['rows'].sum()):,}"),
        ("scored", " to ".join(f"{m:%Y-%m-%d %H:%M} UTC" if m else "unknown" for m in scored_at)),
        ("created", f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"),
        ("fsq", VERSION),
        ("polars", pl.__version__),
    ]


def _format_number(value: float | None, digits: int = 1) -> str:
    """Format a number for people; NULL is a dash, never 0."""
    return "–" if value is None else f"{value:,.{digits}f}"
