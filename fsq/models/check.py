"""``check_model``: which records a model may predict on, and why not the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from fsq.contract import Contract, choose_contract
from fsq.contract.table import Table
from fsq.diagnosis import Diagnosis
from fsq.diagnosis.rendering import format_dates
from fsq.errors import InputError, ModelIncompatibleError, short
from fsq.models import rendering
from fsq.models.fitted import HEADLINE
from fsq.models.names import ModelFeatures, read_model_features
from fsq.models.records import FeatureAvailability, Mask, list_names, read_availability
from fsq.models.result import CheckResult
from fsq.schema.nested import dotted_name
from fsq.schema.tables import AnyRows
from fsq.training.exclusion import diagnose_source, list_named_records, mark_records
from fsq.training.source import open_source
from fsq.utils.arguments import DateLike, Names, read_names, read_number
from fsq.utils.dates import read_date_range
from fsq.utils.spelling import describe_missing


class ModelCheck(CheckResult):
    """The result of ``check_model``; shows itself in a terminal and in a notebook."""

    def require(self) -> ModelCheck:
        """Return this check if the data can be used.

        Raises:
            ModelIncompatibleError: it cannot be used.
        """
        if self.problems:
            raise ModelIncompatibleError(self.model, self.problems, self.needed, self.available)
        return self

    def __str__(self) -> str:
        return rendering.render_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return rendering.render_html(self)


def check_model(
    model: Any,
    scored: AnyRows,
    *,
    contract: str | Path | Contract | None = None,
    start: DateLike | None = None,
    end: DateLike | None = None,
    optional: Names | None = None,
    min_quality: float | Mapping[str, float] | None = None,
    ordered: bool = False,
    trust_pickle: bool = False,
    exclude: Diagnosis | Literal["findings"] | None = None,
    on_incompatible: Literal["raise", "report"] = "raise",
) -> ModelCheck:
    """Check whether a model may predict on scored data, per date and per record.

    A model may predict on a record that has every feature it reads, with none of the required ones
    default. A date is refused if a feature is missing or default for nearly all of its records, or
    if no record is left.

    Args:
        model: a contract model's name, a model file (``.cbm``, LightGBM's ``.txt``, XGBoost's
            ``.json`` or ``.ubj``), names of features in the model's order, or a fitted model of
            CatBoost, LightGBM, XGBoost or scikit-learn.
        scored: scored rows: a store, or a frame or table of any library.
        contract: the contract that the rows were scored under; None for the store's, and for
            ``v2_33features`` where there is no store.
        start: first date.
        end: last date, included.
        optional: features that may be default; by default those that the contract marks optional.
        min_quality: least points, 0 to 100, of all required features or per feature.
        ordered: refuse data in another order than the model's, for models fed by position.
        trust_pickle: whether to load a ``.joblib`` or ``.pkl`` file, which can run any code.
        exclude: a diagnosis of these rows, whose findings name records that the model may not
            predict on; or ``"findings"`` to diagnose the rows first. Findings about features that
            the model does not read do not count.
        on_incompatible: ``"raise"``, or ``"report"`` to return the check in any case.

    Raises:
        ModelIncompatibleError: the data cannot be used; it holds both lists of features.
        InputError: the model or the rows cannot be read.

    >>> from fsq.demo import simulate_season
    >>> from fsq.scoring.engine import score
    >>> scored = score(simulate_season("2025-26").rows.tail(300))
    >>> check_model("v2_14features", scored).supported
    True
    >>> check_model(["pace_score", "points_avg_seasonal"], scored)
    Traceback (most recent call last):
    ...
    fsq.errors.ModelIncompatibleError: model of these features must not predict on this data ...
    """
    loaded = choose_contract(scored, contract)
    if on_incompatible not in ("raise", "report"):
        raise InputError(
            [f"on_incompatible is {on_incompatible!r}; use 'raise' or 'report'"], HEADLINE
        )
    is_word = isinstance(exclude, str) and exclude == "findings"
    if not (exclude is None or isinstance(exclude, Diagnosis) or is_word):
        problem = f"exclude is {short(repr(exclude))}; use a diagnosis, 'findings' or None"
        raise InputError([problem], HEADLINE)
    features = read_model_features(model, loaded, trust_pickle=trust_pickle)
    first, last = read_date_range(start, end, HEADLINE)
    source = open_source(scored, loaded, first, last, HEADLINE)
    fields = ["feature_name", "is_default", *(["quality_score"] if min_quality is not None else [])]
    columns = [*loaded.table.key, *map(dotted_name, fields)]
    if missing := [c for c in columns if c not in source.columns]:
        raise InputError(describe_missing(missing, source.columns), HEADLINE)
    rows = source.narrow(columns).collect()
    stated = read_names(optional, "optional", HEADLINE)
    may_default = {f.name for f in loaded.features if f.optional} if stated is None else {*stated}
    optional_ones = tuple(n for n in features.names if n in may_default)
    bounds = _resolve_min_quality(min_quality, features, optional_ones)
    availability = read_availability(rows, features.names, optional_ones, bounds)
    found = diagnose_source(source, loaded) if exclude == "findings" else exclude
    named = _find_named(rows, features, found)
    check = _make_check(features, optional_ones, availability, rows, loaded, named, ordered=ordered)
    return check if on_incompatible == "report" else check.require()


def _find_named(rows: pl.DataFrame, features: ModelFeatures, found: Diagnosis | None) -> Mask:
    """Records that findings about the model's features name."""
    if found is None:
        return np.zeros(rows.height, dtype=np.bool_)
    return mark_records(rows, list_named_records(found, features.names))


def _resolve_min_quality(
    given: float | Mapping[str, float] | None, features: ModelFeatures, optional: tuple[str, ...]
) -> dict[str, float]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        least = read_number(given, "min_quality", HEADLINE) or 0.0
        return dict.fromkeys((n for n in features.names if n not in optional), least)
    unknown = sorted(set(given) - set(features.names))
    if unknown:
        raise InputError([f"min_quality: the model does not read {unknown}"], HEADLINE)
    return {n: read_number(v, f"min_quality of {n}", HEADLINE) or 0.0 for n, v in given.items()}


def _make_check(
    features: ModelFeatures,
    optional: tuple[str, ...],
    availability: FeatureAvailability,
    rows: pl.DataFrame,
    contract: Contract,
    named: Mask,
    *,
    ordered: bool,
) -> ModelCheck:
    a, needed = availability, features.names
    records = rows.select(contract.table.key).with_columns(
        may_predict=pl.Series(a.may_predict & ~named),
        missing=list_names(~a.present, needed),
        default=list_names(a.present & a.default & a.required, needed),
        weak=list_names(a.weak, needed),
        named=pl.Series(named),
    )
    table, share = contract.table, contract.diagnosis.table_default_share
    dates = _summarize_dates(records, table, needed, share)
    missing = {n for names in dates["missing"] for n in names}
    all_default = {n for names in dates["default"] for n in names}
    renamed = _find_renamed(sorted(missing), [n for n in a.names if n not in needed])
    reordered = tuple(sorted(a.positions, key=a.positions.__getitem__)) if a.reordered else ()
    problems = _list_problems(dates, table, renamed)
    if reordered and ordered:
        problems.append(
            f"the data is in another order: {', '.join(reordered)}; select the columns by "
            "name, in the model's order"
        )
    return ModelCheck(
        features.model,
        needed,
        optional,
        tuple(n for n in a.names if n not in missing | all_default),
        renamed,
        reordered,
        table,
        dates,
        records.sort(table.order),
        tuple(problems),
    )


def _summarize_dates(
    records: pl.DataFrame, table: Table, needed: tuple[str, ...], share: float
) -> pl.DataFrame:
    """One row per date; a feature counts as missing if nearly all records lack it."""
    days = records.group_by(table.date).agg(
        pl.len().cast(pl.Int64).alias("records"),
        pl.col("may_predict", "named").sum().cast(pl.Int64),
        *(_affects_nearly_all(c, needed, share) for c in ("missing", "default")),
    )
    no_problem = [pl.col(c).list.len() == 0 for c in ("missing", "default")]
    supported = pl.all_horizontal(pl.col("may_predict") > 0, *no_problem).alias("supported")
    columns = [table.date, "records", "may_predict", "supported", "missing", "default", "named"]
    return days.with_columns(supported).select(columns).sort(table.date)


def _affects_nearly_all(column: str, names: tuple[str, ...], share: float) -> pl.Expr:
    affected = [
        pl.when(pl.col(column).list.contains(n).mean() >= share).then(pl.lit(n)) for n in names
    ]
    return pl.concat_list(affected).list.drop_nulls().alias(column)


def _find_renamed(missing: list[str], others: list[str]) -> dict[str, str]:
    """The likely new name of each missing feature: the closest one that the model does not read.

    >>> _find_renamed(["points_avg_l5"], ["points_avg_last_5", "pace_score"])
    {'points_avg_l5': 'points_avg_last_5'}
    """
    plain = {re.sub(r"[^a-z0-9]", "", n.lower()): n for n in others}
    renamed = {}
    for name in missing:
        near = get_close_matches(re.sub(r"[^a-z0-9]", "", name.lower()), plain, 1, 0.75)
        if near:
            renamed[name] = plain[near[0]]
    return renamed


def _list_problems(dates: pl.DataFrame, table: Table, renamed: dict[str, str]) -> list[str]:
    if dates.is_empty():
        return ["no records; score these dates first"]
    problems = []
    for column, status in (("missing", "missing"), ("default", "default for nearly all records")):
        by_name: dict[str, list[date]] = {}
        for day, names in dates.select(table.date, column).iter_rows():
            for name in names:
                by_name.setdefault(name, []).append(day)
        for name, days in by_name.items():
            hint = f"; is it now {renamed[name]}?" if name in renamed else ""
            problems.append(f"{name} is {status} on {format_dates(days)}{hint}")
    unexplained = (pl.col("missing").list.len() + pl.col("default").list.len() == 0) & ~pl.col(
        "supported"
    )
    causes = {"no record has all features": 0, "findings name records, and no other is fit,": 1}
    for cause, least in causes.items():
        is_cause = pl.col("named").clip(upper_bound=1) == least
        if empty := dates.filter(unexplained & is_cause)[table.date].to_list():
            problems.append(f"{cause} on {format_dates(empty)}")
    return problems
