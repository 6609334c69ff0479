"""Textbook statistics of a date against those before it: one figure per feature, or per date."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl
from lightgbm import LGBMClassifier
from sklearn.metrics import roc_auc_score

from fsq.bench.damage import DamageTable

warnings.filterwarnings("ignore", message="X does not have valid feature names")

Figures = npt.NDArray[np.float64]  # one per live feature
_BINS = 10
_TINY = 1e-4
_ROWS_TO_ONE = 4  # earlier rows that the classifier learns from, to one of the date

Statistic = Callable[[DamageTable, pl.DataFrame, pl.DataFrame], Figures]


def measure_mean(table: DamageTable, day: pl.DataFrame, before: pl.DataFrame) -> Figures:
    """How many of the earlier dates' deviations a date's mean is from theirs."""
    return _compare_daily(table, day, before, lambda n: pl.col(n).mean())


def measure_spread(table: DamageTable, day: pl.DataFrame, before: pl.DataFrame) -> Figures:
    """The same of a date's standard deviation."""
    return _compare_daily(table, day, before, lambda n: pl.col(n).std())


def measure_nulls(table: DamageTable, day: pl.DataFrame, before: pl.DataFrame) -> Figures:
    """How much the share of NULL, or of values under a default's label, differs from usual."""
    words = [w for w, s in table.contract.sources.items() if s.type == "default"]

    def is_absent(name: str) -> pl.Expr:
        label = f"{name}__source"
        marked = pl.col(label).is_in(words) if label in day.columns else pl.lit(False)
        return (pl.col(name).is_null() | marked).mean()

    return _compare_shares(table, day, before, is_absent)


def measure_defaults(table: DamageTable, day: pl.DataFrame, before: pl.DataFrame) -> Figures:
    """The same of the share of values that equal the expected value, or zero without one."""

    def is_default(name: str) -> pl.Expr:
        return (pl.col(name) == (table.feature(name).expected or 0.0)).fill_null(False).mean()

    return _compare_shares(table, day, before, is_default)


def measure_psi(table: DamageTable, day: pl.DataFrame, before: pl.DataFrame) -> Figures:
    """The population stability index over the earlier rows' deciles."""
    return np.array([_compute_psi(day[n], before[n]) for n in table.live])


def classify(table: DamageTable, day: pl.DataFrame, before: pl.DataFrame) -> Figures:
    """How well trees tell a date's rows from earlier ones, shared out by importance.

    Half of the rows are learned from, the other half is told apart; 0 is chance, 1 is perfect.
    """
    names, rng = list(table.live), np.random.default_rng(0)
    wanted = min(before.height, _ROWS_TO_ONE * day.height)
    old = before[rng.permutation(before.height)[:wanted].astype(np.uint32)]
    both = pl.concat([day.select(names), old.select(names)]).to_numpy().astype(np.float64)
    is_new = np.arange(len(both)) < day.height
    half = rng.random(len(both)) < 0.5
    if min(is_new[half].sum(), is_new[~half].sum()) < 2:
        return np.zeros(len(names))
    trees = LGBMClassifier(
        n_estimators=30, num_leaves=8, min_child_samples=20, n_jobs=1, verbose=-1, seed=0,
        importance_type="gain",
    )  # fmt: skip
    trees.fit(both[half], is_new[half])
    told = roc_auc_score(is_new[~half], np.asarray(trees.predict_proba(both[~half]))[:, 1])
    weights = np.asarray(trees.feature_importances_, dtype=np.float64)
    most = weights.max(initial=0.0)
    shares = weights / most if most else np.ones(len(names))
    return np.asarray(max(0.0, 2 * told - 1) * shares)


def measure_rows(table: DamageTable, day: pl.DataFrame, before: pl.DataFrame) -> Figures:
    """How far the rows are from the earlier dates' median, as a logarithm; per event if known."""
    group = table.contract.table.group
    size = pl.len() if group is None else pl.len() / pl.col(group).n_unique()
    usual = before.group_by(table.date).agg(size.alias("size"))["size"].median()
    now = day.select(size).item()
    return np.array([abs(np.log(now / usual))]) if now and usual else np.array([np.inf])


def _compare_daily(
    table: DamageTable,
    day: pl.DataFrame,
    before: pl.DataFrame,
    measure: Callable[[str], pl.Expr],
) -> Figures:
    names = table.live
    daily = before.group_by(table.date).agg(measure(n).alias(n) for n in names)
    now = day.select(measure(n).cast(pl.Float64).alias(n) for n in names).to_numpy()[0]
    past = daily.select(pl.col(n).cast(pl.Float64) for n in names).to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a feature without values on all dates
        middle, spread = np.nanmean(past, axis=0), np.nanstd(past, axis=0)
    return np.asarray(np.nan_to_num(np.abs(now - middle) / (spread + 1e-9), nan=0.0))


def _compare_shares(
    table: DamageTable,
    day: pl.DataFrame,
    before: pl.DataFrame,
    measure: Callable[[str], pl.Expr],
) -> Figures:
    names = table.live
    now = day.select(measure(n).alias(n) for n in names).to_numpy()[0]
    daily = before.group_by(table.date).agg(measure(n).alias(n) for n in names)
    usual = daily.select(pl.col(n).mean() for n in names).to_numpy()[0]
    return np.asarray(np.abs(now - usual))


def _compute_psi(day: pl.Series, before: pl.Series) -> float:
    new, old = day.drop_nulls().to_numpy(), before.drop_nulls().to_numpy()
    if not len(new) or not len(old):
        return 0.0
    edges = np.unique(np.quantile(old, np.linspace(0, 1, _BINS + 1)[1:-1]))
    shares = [
        np.bincount(np.searchsorted(edges, v, side="right"), minlength=len(edges) + 1) / len(v)
        for v in (new, old)
    ]
    here, there = (np.maximum(s, _TINY) for s in shares)
    return float(((here - there) * np.log(here / there)).sum())
