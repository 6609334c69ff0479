"""Rendering the page from what was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from functools import lru_cache
from typing import Any

import jinja2
import polars as pl
from markupsafe import Markup

from fsq.diagnosis import Finding
from fsq.diagnosis.findings import SEVERITIES, VERDICTS
from fsq.diagnosis.pictures import describe_measure, draw_band
from fsq.reporting import charts, facts
from fsq.reporting.assets import embed_json, make_policy, make_scripts, make_style
from fsq.reporting.contents import Contents
from fsq.reporting.data import choose_period, make_data_sets
from fsq.reporting.morning import look_at_newest, name_anchor
from fsq.reporting.strip import make_strip
from fsq.reporting.styles import format_name
from fsq.reporting.templates import KeptTemplates
from fsq.utils.text import plural
from fsq.utils.version import VERSION

_MAX_FINDINGS = 120
_MAX_UNKNOWN = 80
_MAX_DAYS = 14


def render_page(made: Contents, index: str | None = None) -> str:
    """Render the page.

    Args:
        made: what it shows.
        index: the address of the page that lists all stores, if there is one.
    """
    dx, contract, day = made.dx, made.dx.contract, made.dx.contract.table.date
    readiness = made.readiness
    sets = make_data_sets(dx, made.days, readiness.waterfall)
    data = {
        "specs": charts.make_chart_specs(contract, sets),
        "sets": sets,
        "days": _list_days(made),
    }
    findings = choose_findings(dx.findings)
    days = made.days.rename({day: "date"})
    return render(
        "page.html.j2",
        scripts=make_scripts(),
        data=Markup(embed_json(data)),  # noqa: S704 - escaped there
        index=index,
        contract=contract,
        morning=look_at_newest(made),
        newest=days.tail(1).to_dicts()[0],
        newest_ready=readiness.by_date["ready"][-1],
        counts={v: sum(x == v for x in dx.dates.values()) for v in VERDICTS},
        strip=make_strip(dx),
        period=choose_period(dx.days[day]),
        findings=[_describe_finding(f) for f in findings],
        severities={s: sum(f.severity == s for f in findings) for s in SEVERITIES},
        more_findings=len(dx.findings) - len(findings),
        not_evaluated=dx.not_evaluated[:_MAX_UNKNOWN],
        more_not_evaluated=max(0, len(dx.not_evaluated) - _MAX_UNKNOWN),
        totals=_compute_totals(made),
        categories=facts.average_categories(dx.days, contract),
        worst_features=facts.find_worst_features(dx.features).to_dicts(),
        waterfall=readiness.waterfall.to_dicts(),
        mix=facts.compute_shares(dx.features, contract),
        ages=facts.summarize_ages(dx.features, contract),
        records=made.records,
        days=days.tail(_MAX_DAYS).reverse().to_dicts(),
        facts=_list_facts(made),
        uri=made.uri,
        now=made.now,
    )


def render(template: str, scripts: dict[str, str], **values: Any) -> str:
    """Render one of the templates with the style, these scripts, and the policy that allows them.

    Every value is escaped, unless it is markup already.
    """
    return (
        _get_environment()
        .get_template(template)
        .render(
            style=Markup(make_style()),  # noqa: S704 - our own file
            scripts={k: Markup(v) for k, v in scripts.items()},  # noqa: S704 - our own files
            policy=make_policy(scripts.values()),
            marks={"red": "✖", "yellow": "▲", "unknown": "?", "green": "✔", "info": "i"},
            **values,
        )
    )


@lru_cache(maxsize=1)
def _get_environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fsq.reporting", ""),
        bytecode_cache=KeptTemplates(),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "name": format_name, "number": _format_number, "plural": plural, "dates": _name_dates,
    }  # fmt: skip
    environment.filters |= filters
    return environment


def choose_findings(findings: Sequence[Finding]) -> list[Finding]:
    """The findings to show, those that were seen last first; of too many, the worst."""
    rank = {s: i for i, s in enumerate(SEVERITIES)}
    worst = sorted(findings, key=lambda f: (rank[f.severity], -f.dates[-1].toordinal()))
    return sorted(worst[:_MAX_FINDINGS], key=lambda f: (-f.dates[-1].toordinal(), rank[f.severity]))


def _describe_finding(finding: Finding) -> dict[str, Any]:
    """A finding as the page shows it, with its picture."""
    band, shown = finding.evidence.get("band"), None
    if band is not None:
        picture = Markup(draw_band(band))  # noqa: S704 - escaped there
        shown = {"picture": picture, "words": describe_measure(band)}
    rows = finding.evidence.get("rows_shown", [])
    return finding.to_dict() | {"anchor": name_anchor(finding), "band": shown, "rows_shown": rows}


def _list_days(made: Contents) -> dict[str, list[Any]]:
    """The figures of each date, for the line below the strip; a list per column."""
    day = made.dx.contract.table.date
    ready = made.readiness.by_date
    table = made.days.join(ready, on=day, how="left").select(
        pl.col(day).cast(pl.String).alias("date"),
        "rows",
        pl.col("quality_pct").round(1).alias("quality"),
        pl.col("default_pct").round(1).alias("default"),
        "red",
        "ready",
    )
    return table.to_dict(as_series=False)


def _compute_totals(made: Contents) -> dict[str, Any]:
    days = made.dx.days
    rows = int(days["rows"].sum())
    values = rows * len(made.dx.contract.features)
    return {
        "rows": rows,
        "dates": days.height,
        "quality": days.select((pl.col("quality") * pl.col("rows")).sum()).item() / rows,
        "default_pct": 100 * days["default_features"].sum() / values,
        "ready": made.readiness.ready,
        "ready_pct": 100 * made.readiness.ready / rows,
    }


def _list_facts(made: Contents) -> list[tuple[str, str]]:
    contract, dates = made.dx.contract, made.dx.days[made.dx.contract.table.date]
    times = [f"{m:%Y-%m-%d %H:%M} UTC" if m else "unknown" for m in made.scored_at]
    return [
        ("contract", f"{contract.name}, {len(contract.features)} features"),
        ("contract version", contract.version_hash),
        ("store", made.uri),
        ("dates", f"{dates[0]} to {dates[-1]} ({len(dates):,} dates)"),
        ("rows", f"{int(made.dx.days['rows'].sum()):,}"),
        ("scored", " to ".join(dict.fromkeys(times))),
        ("created", f"{made.now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"),
        ("fsq", VERSION),
        ("polars", pl.__version__),
    ]


def _name_dates(dates: Sequence[Any]) -> str:
    """Dates as a range with their number.

    >>> _name_dates(["2026-02-06"]), _name_dates(["2026-02-06", "2026-02-08"])
    ('2026-02-06', '2026-02-06 to 2026-02-08, 2 dates')
    """
    return str(dates[0]) if len(dates) == 1 else f"{dates[0]} to {dates[-1]}, {len(dates):,} dates"


def _format_number(value: float | None, digits: int = 1) -> str:
    """Format a number for people; NULL is a dash, never 0."""
    return "–" if value is None else f"{value:,.{digits}f}"
