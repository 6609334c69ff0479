"""The page: facts and charts put into one file that needs no network.

Every script is allowed by its hash alone, so that text from the data can never run; Vega runs
in its interpreted mode, since generated code would need ``unsafe-eval``.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

import jinja2
import polars as pl
from markupsafe import Markup

from fsq.contract import Contract
from fsq.diagnosis import Diagnosis, diagnose
from fsq.diagnosis.trend import LOOKBACK, trend
from fsq.errors import StoreError
from fsq.report import charts, facts
from fsq.report.spec import LEVEL_COLOURS, SOURCE_COLOURS, TIER_COLOURS, words
from fsq.schema.vocabulary import CATEGORIES
from fsq.stores import Store
from fsq.utils.version import VERSION

_MAX_FINDINGS = 60
# As data in a page: none of these can end a script element, or a line of JavaScript.
_ESCAPED = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def report(
    store: Store,
    contract: Contract,
    start: date | None = None,
    end: date | None = None,
    now: datetime | None = None,
) -> str:
    """One self-contained HTML page about a store's dates.

    Args:
        store: of scored rows.
        contract: that they were scored under.
        start: first date; None for the store's first.
        end: last date, included; None for the store's last.
        now: the clock, for the line that says when the page was made.

    Raises:
        StoreError: the store cannot be read, or holds none of these dates.
        InputError: the rows were scored under another contract.
    """
    rows = store.read(None if start is None else start - LOOKBACK, end)
    wanted = rows if start is None else rows.filter(pl.col("game_date") >= start)
    dates = wanted.select(pl.col("game_date").unique().sort()).collect()["game_date"].to_list()
    if not dates:
        raise StoreError(f"{store.uri} holds no rows of these dates; backfill them, or name others")
    found = diagnose(rows, contract, dates=dates, store=store.uri)
    return page(wanted, found, store.uri, now or datetime.now(UTC), _before(rows, found, contract))


def _before(rows: pl.LazyFrame, found: Diagnosis, contract: Contract) -> pl.DataFrame:
    """The trend of the judged dates, compared with those before them too."""
    from fsq.diagnosis.daily_metrics import record_days

    first = found.days["game_date"].min()
    return trend(record_days(rows, contract), contract).filter(pl.col("game_date") >= first)


def page(
    scored: pl.LazyFrame, found: Diagnosis, uri: str, now: datetime, days: pl.DataFrame
) -> str:
    """The page of scored rows whose findings and trend are known."""
    contract = found.contract
    settled = _settled(found)
    judged = scored.filter(pl.col("game_date").is_in(settled)) if settled else scored
    falls = facts.waterfall(scored, contract)
    data = {
        "specs": charts.specifications(contract),
        "sets": data_sets(found, days, falls),
    }
    scripts = {"vega": _bundle(), "page": _asset("page.js")}
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fsq.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"words": words, "number": _number}
    return environment.get_template(
        "page.html.j2"
    ).render(
        style=Markup(_asset("page.css")),  # noqa: S704 - our own file
        scripts={k: Markup(v) for k, v in scripts.items()},  # noqa: S704 - our own files
        policy=_policy(list(scripts.values())),
        data=Markup(_json(data)),  # noqa: S704 - escaped there
        verdict=found.verdict,
        counts={
            v: sum(x == v for x in found.dates.values())
            for v in ("red", "yellow", "unknown", "green")
        },
        findings=[f.to_dict() for f in found.findings[:_MAX_FINDINGS]],
        more_findings=max(0, len(found.findings) - _MAX_FINDINGS),
        not_evaluated=found.not_evaluated,
        totals=_totals(found, falls),
        categories=_category_means(found.days),
        worst_features=facts.worst_features(found.features).to_dicts(),
        waterfall=falls,
        mix=_shares(found.features),
        ages=_ages(found.features),
        records=facts.worst_records(judged),
        days=days.tail(14).reverse().to_dicts(),
        facts=_run_facts(scored, found, uri, now),
    )


def _settled(found: Diagnosis) -> list[date]:
    """Dates that could be judged and on which windows have filled; others are bad by nature."""
    filling = {d for f in found.findings if f.kind == "season_start" for d in f.dates}
    return [d for d, v in found.dates.items() if v != "unknown" and d not in filling]


def data_sets(
    found: Diagnosis, days: pl.DataFrame, falls: list[dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """The rows that the charts name, as JSON types."""
    iso = pl.col("game_date").cast(pl.String)
    quality = days.select(
        iso,
        pl.col("quality_pct").alias("this date"),
        pl.col("quality_pct_trailing").alias("median of the dates before"),
    ).unpivot(index="game_date", variable_name="line", value_name="points")
    categories = found.days.select(
        iso, *(pl.col(f"{c}_quality_pct").alias(words(c)) for c in CATEGORIES)
    ).unpivot(index="game_date", variable_name="category", value_name="quality")
    cells = found.features.select(
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
        "tiers": _counts(found.days, "tier", list(TIER_COLOURS)),
        "alerts": _counts(found.days, "alert", list(LEVEL_COLOURS)),
        "sources": _ranked(facts.source_mix(found.features), "source", list(SOURCE_COLOURS)),
        "ages": facts.table_ages(found.features).with_columns(iso),
    }
    sets = {
        name: f.with_columns(pl.col(pl.Float64).round(2)).to_dicts() for name, f in frames.items()
    }
    sets["waterfall"] = [{**line, "before": line["left"] + line["dropped"]} for line in falls]
    return sets


def _counts(days: pl.DataFrame, name: str, columns: list[str]) -> pl.DataFrame:
    long = days.select("game_date", *columns).unpivot(
        index="game_date", variable_name=name, value_name="records"
    )
    return _ranked(long, name, columns)


def _ranked(long: pl.DataFrame, name: str, order: list[str]) -> pl.DataFrame:
    """Dates as text, and the place of each part in its stack."""
    rank = pl.col(name).replace_strict(order, range(len(order)), return_dtype=pl.Int64)
    return long.with_columns(pl.col("game_date").cast(pl.String), rank.alias("rank"))


def _totals(found: Diagnosis, falls: list[dict[str, Any]]) -> dict[str, Any]:
    days = found.days
    rows = int(days["rows"].sum())
    values = rows * len(found.contract.features)
    return {
        "rows": rows,
        "dates": days.height,
        "quality": days.select((pl.col("quality") * pl.col("rows")).sum()).item() / rows,
        "default_pct": 100 * days["default_features"].sum() / values,
        "red_rows": int(days["red"].sum()),
        "training_pct": 100 * falls[-1]["left"] / rows,
    }


def _category_means(days: pl.DataFrame) -> list[dict[str, Any]]:
    rows = days["rows"].sum()
    means = days.select(
        (pl.col(f"{c}_quality_pct") * pl.col("rows")).sum() / rows for c in CATEGORIES
    ).row(0)
    lows = days.select(pl.col(f"{c}_quality_pct").min() for c in CATEGORIES).row(0)
    return [
        {"name": words(c), "mean": m, "lowest": low}
        for c, m, low in zip(CATEGORIES, means, lows, strict=True)
    ]


def _shares(features: pl.DataFrame) -> list[dict[str, Any]]:
    mix = facts.source_mix(features).group_by("source").agg(pl.col("values").sum())
    counts = dict(mix.iter_rows())
    total = sum(counts.values())
    return [
        {"source": s, "values": counts.get(s, 0), "share": 100 * counts.get(s, 0) / total}
        for s in SOURCE_COLOURS
    ]


def _ages(features: pl.DataFrame) -> list[dict[str, Any]]:
    ages = (
        facts.table_ages(features)
        .group_by("upstream_table")
        .agg(
            pl.col("age_hours").median().alias("median"), pl.col("age_hours").max().alias("largest")
        )
    )
    return ages.sort("upstream_table").to_dicts()


def _run_facts(
    scored: pl.LazyFrame, found: Diagnosis, uri: str, now: datetime
) -> list[tuple[str, str]]:
    made = (
        scored.select(
            pl.col("quality_computed_at").min().alias("first"),
            pl.col("quality_computed_at").max().alias("last"),
        )
        .collect()
        .row(0)
    )
    contract, days = found.contract, found.days
    return [
        ("contract", f"{contract.name}, {len(contract.features)} features"),
        ("contract version", contract.version_hash),
        ("store", uri),
        (
            "dates",
            f"{days['game_date'][0]} to {days['game_date'][-1]} ({days.height:,} dates)",
        ),
        ("rows", f"{int(days['rows'].sum()):,}"),
        ("scored", " to ".join(f"{m:%Y-%m-%d %H:%M} UTC" if m else "unknown" for m in made)),
        ("page made", f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"),
        ("fsq", VERSION),
        ("polars", pl.__version__),
    ]


def _number(value: float | None, digits: int = 1) -> str:
    """A number for people; NULL is a dash and never 0."""
    return "–" if value is None else f"{value:,.{digits}f}"


def _json(data: Any) -> str:
    text = json.dumps(data, separators=(",", ":"), default=str, allow_nan=False)
    for character, escaped in _ESCAPED.items():
        text = text.replace(character, escaped)
    return text


def _asset(name: str) -> str:
    return files("fsq.report").joinpath(name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, from vl-convert's own copy."""
    import vl_convert

    version = max(vl_convert.get_vegalite_versions(), key=lambda v: [int(p) for p in v.split(".")])
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version)
    # Inside strings only: HTML would take it as the end of the script.
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _policy(scripts: list[str]) -> str:
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    allowed = " ".join(f"'sha256-{h}'" for h in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
