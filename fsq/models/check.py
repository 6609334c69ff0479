"""``check_model``: which records a model may predict on, and what keeps it from the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import polars as pl

from fsq.contract import Contract, load_contract
from fsq.diagnosis.rendering import told_dates
from fsq.errors import InputError, ModelIncompatibleError
from fsq.models import rendering as display
from fsq.models.names import HEADLINE, ModelFeatures, read_model_features
from fsq.models.records import FeatureAvailability, lists, read_availability
from fsq.schema.columns import KEYS
from fsq.schema.nested import dotted_name
from fsq.training.source import Scored, open_source


@dataclass(frozen=True, repr=False)
class ModelCheck:
    """Whether data can feed a model.

    Attributes:
        model: its name.
        needed: the features that it reads, in its order.
        optional: those of them that may be default.
        available: features that the data have, in their order; not those that the model reads
            and that are default for nearly all records of a date.
        renamed: per lacking feature, what the data have under a similar name.
        reordered: the needed features in the data's order, if that is not the model's.
        dates: per ``game_date``: ``records``, ``may_predict`` (how many of them), ``supported``,
            ``missing`` (features that nearly all of them have not), ``default`` (required ones
            that are default for nearly all).
        records: per record: its keys, ``may_predict``, ``missing``, ``default`` and ``weak``
            (under the quality that was asked for): required features in index order.
        problems: why the data must not be used; empty if they may.
    """

    model: str
    needed: tuple[str, ...]
    optional: tuple[str, ...]
    available: tuple[str, ...]
    renamed: dict[str, str]
    reordered: tuple[str, ...]
    dates: pl.DataFrame = field(compare=False)
    records: pl.DataFrame = field(compare=False)
    problems: tuple[str, ...]

    @property
    def supported(self) -> bool:
        """Whether the model may predict on these dates, record by record."""
        return not self.problems

    @property
    def predictable(self) -> pl.DataFrame:
        """Keys of the records that it may predict on."""
        return self.records.filter("may_predict").select(KEYS)

    def require(self) -> ModelCheck:
        """This check, if the data may be used.

        Raises:
            ModelIncompatibleError: they must not.
        """
        if self.problems:
            raise ModelIncompatibleError(self.model, self.problems, self.needed, self.available)
        return self

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types, without the records."""
        return {
            "model": self.model,
            "supported": self.supported,
            "needed": list(self.needed),
            "optional": list(self.optional),
            "available": list(self.available),
            "renamed": self.renamed,
            "reordered": list(self.reordered),
            "records": self.records.height,
            "may_predict": int(self.records["may_predict"].sum()),
            "dates": [d | {"game_date": str(d["game_date"])} for d in self.dates.to_dicts()],
            "problems": list(self.problems),
        }

    def __str__(self) -> str:
        return display.text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return display.html(self)


def check_model(
    model: Any,
    scored: Scored,
    *,
    contract: str | Path | Contract = "v2_33features",
    start: date | None = None,
    end: date | None = None,
    optional: Iterable[str] | None = None,
    min_quality: float | Mapping[str, float] | None = None,
    ordered: bool = False,
    trust_pickle: bool = False,
    on_incompatible: Literal["raise", "report"] = "raise",
) -> ModelCheck:
    """Say whether scored data can feed a model, per date and per record.

    A record may be predicted on if it has all features that the model reads, and none of them is
    default but the optional ones. A date is refused if a feature is missing or default for nearly
    all of its records, or if no record is left.

    Args:
        model: a contract model's name, a model file (``.cbm``, LightGBM's ``.txt``, XGBoost's
            ``.json`` or ``.ubj``), names of features in the model's order, or a fitted model of
            CatBoost, LightGBM, XGBoost or scikit-learn.
        scored: scored rows: a store, a frame or an Arrow table.
        contract: of the scoring.
        start: first date.
        end: last date, included.
        optional: features that may be default; by default those that the contract calls optional.
        min_quality: least points of required features, of all or per feature.
        ordered: refuse data whose order is not the model's, for models that are fed by position.
        trust_pickle: whether a ``.joblib`` or ``.pkl`` file may be loaded; it can run anything.
        on_incompatible: ``"raise"``, or ``"report"`` to have the check say so.

    Raises:
        ModelIncompatibleError: the data must not be used; both lists of features are in it.
        InputError: the model or the rows cannot be read.

    >>> from fsq.demo import simulate_season
    >>> from fsq.scoring.engine import score
    >>> scored = score(simulate_season("2025-26").rows.tail(300))
    >>> check_model("v2_14features", scored).supported
    True
    >>> check_model(["pace_score", "points_avg_seasonal"], scored)
    Traceback (most recent call last):
    ...
    fsq.errors.ModelIncompatibleError: model of these features must not predict on these data ...
    """
    loaded = load_contract(contract)
    if on_incompatible not in ("raise", "report"):
        raise InputError(
            [f"on_incompatible is {on_incompatible!r}; use 'raise' or 'report'"], HEADLINE
        )
    wanted = read_model_features(model, loaded, trust_pickle=trust_pickle)
    source = open_source(scored, start, end, HEADLINE)
    fields = ["feature_name", "is_default", *(["quality_score"] if min_quality is not None else [])]
    columns = [*KEYS, *map(dotted_name, fields)]
    if lacking := [c for c in columns if c not in source.columns]:
        raise InputError(
            [f"no column {c}; pass the result of fsq.score" for c in lacking], HEADLINE
        )
    rows = source.narrow(columns).collect()
    free = {f.name for f in loaded.features if f.optional} if optional is None else set(optional)
    free_ones = tuple(n for n in wanted.features if n in free)
    least = _least(min_quality, wanted, free_ones)
    found = read_availability(rows, wanted.features, free_ones, least)
    check = _judged(wanted, free_ones, found, rows, loaded, ordered=ordered)
    return check if on_incompatible == "report" else check.require()


def _least(
    given: float | Mapping[str, float] | None, wanted: ModelFeatures, optional: tuple[str, ...]
) -> dict[str, float]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        return dict.fromkeys((n for n in wanted.features if n not in optional), float(given))
    unknown = sorted(set(given) - set(wanted.features))
    if unknown:
        raise InputError([f"min_quality: the model does not read {unknown}"], HEADLINE)
    return {n: float(v) for n, v in given.items()}


def _judged(
    wanted: ModelFeatures,
    optional: tuple[str, ...],
    found: FeatureAvailability,
    rows: pl.DataFrame,
    contract: Contract,
    *,
    ordered: bool,
) -> ModelCheck:
    records = rows.select(KEYS).with_columns(
        may_predict=pl.Series(found.may_predict),
        missing=lists(~found.present, wanted.features),
        default=lists(found.present & found.default & found.required, wanted.features),
        weak=lists(found.weak, wanted.features),
    )
    dates = _dates(records, wanted, contract.diagnosis.table_default_share)
    lacking = {n for names in dates["missing"] for n in names}
    hollow = {n for names in dates["default"] for n in names}
    available = tuple(n for n in found.names if n not in lacking | hollow)
    renamed = _renamed(sorted(lacking), [n for n in found.names if n not in wanted.features])
    moved = tuple(sorted(found.place, key=found.place.__getitem__)) if found.moved else ()
    problems = _problems(dates, renamed)
    if moved and ordered:
        problems.append(
            f"the data have another order: {', '.join(moved)}; select the columns by "
            "name, in the model's order"
        )
    return ModelCheck(
        wanted.model,
        wanted.features,
        optional,
        available,
        renamed,
        moved,
        dates,
        records.sort("game_date", "player_lookup"),
        tuple(problems),
    )


def _dates(records: pl.DataFrame, wanted: ModelFeatures, share: float) -> pl.DataFrame:
    """One line per date; a feature counts as lacking if nearly all records lack it."""
    days = records.group_by("game_date").agg(
        pl.len().cast(pl.Int64).alias("records"),
        pl.col("may_predict").sum().cast(pl.Int64),
        *(_nearly_all(c, wanted.features, share) for c in ("missing", "default")),
    )
    empty = [pl.col(c).list.len() == 0 for c in ("missing", "default")]
    good = pl.all_horizontal(pl.col("may_predict") > 0, *empty)
    order = ["game_date", "records", "may_predict", "supported", "missing", "default"]
    return days.with_columns(good.alias("supported")).select(order).sort("game_date")


def _nearly_all(column: str, names: tuple[str, ...], share: float) -> pl.Expr:
    lists = [
        pl.when(pl.col(column).list.contains(n).mean() >= share).then(pl.lit(n)) for n in names
    ]
    return pl.concat_list(lists).list.drop_nulls().alias(column)


def _renamed(lacking: list[str], others: list[str]) -> dict[str, str]:
    """What the data may call a lacking feature: the nearest name that the model does not read.

    >>> _renamed(["points_avg_l5"], ["points_avg_last_5", "pace_score"])
    {'points_avg_l5': 'points_avg_last_5'}
    """
    plain = {re.sub(r"[^a-z0-9]", "", n.lower()): n for n in others}
    out = {}
    for name in lacking:
        near = get_close_matches(re.sub(r"[^a-z0-9]", "", name.lower()), plain, 1, 0.75)
        if near:
            out[name] = plain[near[0]]
    return out


def _problems(dates: pl.DataFrame, renamed: dict[str, str]) -> list[str]:
    if dates.is_empty():
        return ["there is no record; score these dates first"]
    out = []
    for column, words in (("missing", "missing"), ("default", "default for nearly all records")):
        by_name: dict[str, list[date]] = {}
        for day, names in dates.select("game_date", column).iter_rows():
            for name in names:
                by_name.setdefault(name, []).append(day)
        for name, days in by_name.items():
            like = f"; is it {renamed[name]} now?" if name in renamed else ""
            out.append(f"{name} is {words} on {told_dates(days)}{like}")
    unexplained = (pl.col("missing").list.len() + pl.col("default").list.len() == 0) & ~pl.col(
        "supported"
    )
    if empty := dates.filter(unexplained)["game_date"].to_list():
        out.append(f"no record has all features on {told_dates(empty)}")
    return out
