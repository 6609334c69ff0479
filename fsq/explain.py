"""One record, feature by feature: where its value came from, and the arithmetic of its score."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from fsq.contract import Contract, load_contract
from fsq.errors import InputError
from fsq.schema import COLUMN_NAMES
from fsq.stores import Store


@dataclass(frozen=True)
class Explanation:
    """A record of a store, explained; see ``explain``.

    Attributes:
        player: the record's ``player_lookup``.
        day: its ``game_date``.
        record: the record's flat columns by name, the detail left out.
        features: one row per feature: the 23 fields, ``age_hours``, ``range`` (of the
            contract), ``points`` (the arithmetic of its score) and ``why`` (what is wrong, NULL
            where nothing is).
    """

    player: str
    day: date
    record: dict[str, Any]
    features: pl.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """The explanation as plain values, for JSON."""
        return {
            "player": self.player,
            "date": self.day.isoformat(),
            "record": self.record,
            "features": self.features.to_dicts(),
        }


def explain(
    store: Store, player: str, day: date, contract: str | Path | Contract = "v2_33features"
) -> Explanation:
    """Explain one record of a store.

    Args:
        store: an open store of scored rows.
        player: ``player_lookup`` of the record.
        day: its date.
        contract: the contract that it was scored with.

    Raises:
        InputError: there is no such record; the nearest names or dates are told.
        StoreError: the store cannot be read.
    """
    rules = load_contract(contract)
    rows = store.read(day, day).filter(pl.col("player_lookup") == player).collect()
    if rows.is_empty():
        raise InputError([_nearest(store, player, day)], "there is nothing to explain")
    flat = rows.select(c for c in ("game_id", *COLUMN_NAMES[1:]) if c in rows.columns)
    return Explanation(player, day, flat.row(0, named=True), _features(rows.head(1), rules))


def _nearest(store: Store, player: str, day: date) -> str:
    on_day = store.read(day, day, ["player_lookup"]).unique().collect().to_series().to_list()
    if not on_day:
        held = store.read(columns=["game_date"]).select(
            pl.min("game_date").alias("first"), pl.max("game_date").alias("last")
        )
        first, last = held.collect().row(0)
        return f"{store.uri} has no rows on {day}; it holds {first} to {last}"
    near = get_close_matches(player, on_day, n=5, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else f"{len(on_day)} others have"
    return f"{player} has no row on {day}; {hint}"


def _features(record: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The detail as rows, with ages and reasons.

    An age is no field of the detail: the record's largest age belongs to its oldest timestamp,
    and every other age lies below it by as much as its timestamp lies above.
    """
    detail = record.select("feature_quality_detail").explode("feature_quality_detail")
    lines = detail.unnest("feature_quality_detail")
    if lines.height != len(contract.features):
        problem = (
            f"the record has {lines.height} features, {contract.name} {len(contract.features)}; "
            "name the contract that it was scored with"
        )
        raise InputError([problem], "there is nothing to explain")
    oldest = record["upstream_data_freshness_hours"][0]
    newer = (pl.col("last_updated") - pl.col("last_updated").min()).dt.total_microseconds() / 3.6e9
    about = pl.DataFrame(
        {
            "range": [f"{f.min:g} to {f.max:g}" for f in contract.features],
            "window_size": pl.Series(
                [contract.windows[f.window].size if f.window else None for f in contract.features],
                dtype=pl.Int64,
            ),
        }
    )
    aged = lines.hstack(about).with_columns(
        age_hours=(pl.lit(oldest, pl.Float64) - newer).clip(lower_bound=0)
    )
    return aged.with_columns(points=_points(contract), why=_why(contract)).drop("window_size")


def _points(contract: Contract) -> pl.Expr:
    """The arithmetic of a score, such as ``100 − 10 stale 31 h − 10 thin 3/10 = 80``."""
    rules, score, age = contract.feature_rules, pl.col("quality_score"), pl.col("age_hours")
    old, stale = age > rules.very_stale_hours, age > rules.stale_hours
    thin = pl.col("sample_size") < rules.thin_sample
    lost_by_age = (
        pl.when(old).then(rules.very_stale_penalty).when(stale).then(rules.stale_penalty)
        .otherwise(0.0)
    )  # fmt: skip
    lost_by_sample = pl.when(thin).then(rules.thin_penalty).otherwise(0.0)
    base = score + lost_by_age + lost_by_sample
    window = pl.coalesce(pl.format("/{}", "window_size"), pl.lit(""))
    steps = [
        # A score that was cut off at 0 no longer tells its base.
        pl.when(score > 0).then(_short(base)).otherwise(pl.lit("at most ") + _short(base)),
        pl.when(stale).then(
            pl.format(" − {} stale {} h", _short(lost_by_age), age.round(0).cast(pl.Int64))
        ),
        pl.when(thin).then(
            pl.format(" − {} thin {}{}", _short(lost_by_sample), "sample_size", window)
        ),
        pl.when(stale.fill_null(False) | thin.fill_null(False)).then(
            pl.format(" = {}", _short(score))
        ),
    ]
    untouched = (lost_by_age + lost_by_sample) == 0
    return pl.when(untouched).then(_short(score)).otherwise(pl.concat_str(steps, ignore_nulls=True))


def _short(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.String).str.replace(r"\.0$", "")


def _why(contract: Contract) -> pl.Expr:
    """What is wrong with a feature, in a word or two; NULL where nothing is."""
    alert = pl.col("triggered_alert")
    clamped = pl.format("clamped from {}", _short(pl.col("original_value")))
    outside = pl.coalesce(clamped, pl.lit("out of range"))
    words = {
        "default_used": pl.format("default: {}", "fallback_reason"),
        "range_violation": outside,
        "stale_data_48h": pl.lit(f"older than {contract.feature_rules.very_stale_hours:g} h"),
        "thin_sample": pl.format("too few games: {}", "sample_size"),
        "silent_default": pl.lit("equals the expected value"),
    }
    return pl.coalesce(pl.when(alert == word).then(text) for word, text in words.items())
