"""Scored rows aggregated to days: one row per date.

Everything that looks at dates (findings, trends, reports) starts from this table and the one of
``fsq.diagnosis.feature_metrics``, which are hundreds of times smaller than the rows. Only the
columns that they need are read, part by part.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from fsq.contract import Contract
from fsq.contract.table import Table
from fsq.diagnosis.long_detail import OLDEST
from fsq.diagnosis.nouns import as_name, name_group
from fsq.diagnosis.optional import find_flag
from fsq.diagnosis.scored_columns import (
    CONTRACT_NAME,
    check_contract,
    check_contract_names,
    require_columns,
)
from fsq.schema.vocabulary import TIERS
from fsq.utils.frames import read_parts

_LEVELS = ("green", "yellow", "red")
_SCORE, _HOURS, _GROUPS = "feature_quality_score", "hours of freshness", "groups of rows"
_CONTRACTS = "contracts of rows"
_LISTED = {
    "missing_processors": "missing_processors",
    "completed_processors": "upstream_processors_ran",
    "pipeline_runs": "upstream_pipeline_run_id",
}
_ROWS_AT_ONCE = 100_000
# Names of ``measure_dates`` that no contract chooses.
_DATE_METRICS = (
    "rows", "quality", *TIERS, *_LEVELS, "production_ready", "training_ready", "run_known_rows",
    "default_features", "missing_processors", "completed_processors", "pipeline_runs",
    "freshness_hours", "freshness_hours_max",
)  # fmt: skip


def name_group_count(table: Table) -> str | None:
    """The column of ``measure_dates`` that counts groups; None for a table without groups.

    >>> from fsq.contract import load_contract
    >>> name_group_count(load_contract("v2_33features").table)
    'games'
    """
    if table.group is None:
        return None
    name = f"{as_name(name_group(table))}s"
    return "groups" if name in (*_DATE_METRICS, table.date) else name


def measure_dates(scored: pl.LazyFrame, contract: Contract) -> pl.DataFrame:
    """Measure each date: one row per date, in order.

    Args:
        scored: scored rows; the nested detail is not read.
        contract: of the scoring.

    Returns:
        The contract's date; ``rows``; the number of groups, if the contract has a ``group`` (see
        ``name_group_count``; NULL without that column); ``quality`` (mean score) and
        ``<category>_quality_pct`` (means), 0 to 100; counts per tier (``gold`` … ``critical``),
        per alert level (``green``, ``yellow``, ``red``), ``production_ready``,
        ``training_ready`` and ``default_features``; ``<category>_rows`` (rows that have an
        optional category); ``missing_processors`` and ``completed_processors`` (distinct names)
        and ``pipeline_runs`` (distinct ids), lists that are empty if unknown;
        ``run_known_rows`` (rows that say what ran); ``freshness_hours`` and
        ``freshness_hours_max`` (median and largest, NULL if unknown).

    Raises:
        InputError: columns of a scored table are missing, or the rows were scored under another
            contract.
    """
    table, schema = contract.table, scored.collect_schema()
    means = _name_means(contract)
    required = [table.date, _SCORE, "quality_tier", "quality_alert_level", *means]
    group = table.group if table.group in schema else None
    of_part, counted = _describe_part(contract, schema)
    roots = _list_roots(of_part)
    if not roots <= set(schema):  # rows of another contract lack columns, too
        check_contract(scored, contract)
    require_columns(schema, required)
    selected = scored.select(table.date, *(c for c in schema if c in roots - {table.date}))
    parts = [
        part.lazy().group_by(table.date).agg(of_part).collect()
        for part in read_parts(selected, _ROWS_AT_ONCE)
    ]

    if CONTRACT_NAME in schema:
        for part in parts:
            check_contract_names(part[_CONTRACTS].explode(empty_as_null=False), contract)

    def take_mean(column: str) -> pl.Expr:
        known = pl.col(f"{column}: known").sum()
        return pl.when(known > 0).then(pl.col(column).sum() / known)

    def list_names(name: str) -> pl.Expr:
        return pl.col(name).list.explode(empty_as_null=False).unique().sort()

    hours = pl.col(_HOURS).list.explode(empty_as_null=False)
    groups = pl.lit(None) if group is None else list_names(_GROUPS).len()
    days = (
        pl.concat(parts)
        .group_by(table.date)
        .agg(
            pl.col("rows").sum(),
            *(
                []
                if (name := name_group_count(table)) is None
                else [groups.cast(pl.Int64).alias(name)]
            ),
            take_mean(_SCORE).alias("quality"),
            *(take_mean(mean).alias(mean) for mean in means),
            *(pl.col(name).sum() for name in counted),
            pl.col("default_features").sum(),
            *(list_names(name).alias(name) for name in _LISTED),
            hours.median().alias("freshness_hours"),
            hours.max().alias("freshness_hours_max"),
        )
    )
    return days.sort(table.date).with_columns(
        _split_names("missing_processors"), _split_names("completed_processors")
    )


def list_measured(contract: Contract, schema: pl.Schema) -> set[str]:
    """The columns that ``measure_dates`` reads of rows with this schema."""
    return {contract.table.date, *_list_roots(_describe_part(contract, schema)[0])}


def _list_roots(expressions: Iterable[pl.Expr]) -> set[str]:
    return {root for e in expressions for root in e.meta.root_names()}


def _name_means(contract: Contract) -> list[str]:
    return [f"{c}_quality_pct" for c in contract.category_names]


def _describe_part(contract: Contract, schema: pl.Schema) -> tuple[list[pl.Expr], list[str]]:
    """What is aggregated of each part and date, and the names of those that are counts."""
    table, means = contract.table, _name_means(contract)
    counted = {t: pl.col("quality_tier") == t for t in TIERS}
    counted |= {level: pl.col("quality_alert_level") == level for level in _LEVELS}
    counted |= {
        "production_ready": pl.col("is_production_ready"),
        "training_ready": pl.col("is_training_ready"),
        **_count_optional(contract),
        "run_known_rows": pl.col("upstream_processors_ran").is_not_null(),
    }
    group = table.group if table.group in schema else None
    listed = dict(_LISTED) if group is None else _LISTED | {_GROUPS: group}
    listed |= {_CONTRACTS: CONTRACT_NAME} if CONTRACT_NAME in schema else {}
    out = [
        pl.len().cast(pl.Int64).alias("rows"),
        *(pl.col(c).sum().alias(c) for c in (_SCORE, *means)),
        *(pl.col(c).count().alias(f"{c}: known") for c in (_SCORE, *means)),
        *(met.sum().cast(pl.Int64).alias(name) for name, met in counted.items()),
        pl.col("default_feature_count").sum().alias("default_features"),
        *(pl.col(c).drop_nulls().unique().alias(name) for name, c in listed.items()),
        pl.col(OLDEST).drop_nulls().alias(_HOURS),
    ]
    return out, list(counted)


def _count_optional(contract: Contract) -> dict[str, pl.Expr]:
    """Whether a row has each optional category: as a flag says, else any of its features."""
    out = {}
    for category in contract.categories:
        if category.optional:
            members = [contract.names[i] for i in contract.in_category(category.name)]
            flag = find_flag(contract, members)
            some = pl.col(f"{category.name}_default_count") < len(members)
            out[f"{category.name}_rows"] = some if flag is None else pl.col(flag)
    return out


def _split_names(column: str) -> pl.Expr:
    """Distinct names of lists of comma-joined names."""
    joined = pl.col(column).list.join(",")
    names = joined.str.split(",").list.unique(maintain_order=True)
    return pl.when(joined == "").then(pl.lit([], pl.List(pl.String))).otherwise(names).alias(column)
