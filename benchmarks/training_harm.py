"""How much of the harm of damaged rows does a training set keep out by default?

    python -m benchmarks.training_harm --train A.parquet --test B.parquet

Boosted trees learn from a season. A later one is damaged on a tenth of its dates, in one way at a
time. Harm is the rise of the trees' absolute error, summed over the rows: because features are
wrong, or the label is. The columns say which share of it lies in rows that the gates alone keep
out, that ``exclude="red"`` does, and that the default does; the last counts the sound rows that the
default leaves out besides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

import fsq
from benchmarks.learners import make_trees
from benchmarks.seasons import CONTRACT, LABEL, damage_rows, load_seasons, make_matrix, make_parser

KEYS = ["game_date", "player_lookup"]
HISTORY = [n for n in CONTRACT.names if n.startswith("points_avg_last")]
Damage = Callable[[pl.DataFrame, pl.Series, np.random.Generator], pl.DataFrame]


def set_where(rows: pl.DataFrame, hit: pl.Series, **values: pl.Expr) -> pl.DataFrame:
    """Other values in the rows that are hit."""
    marked = rows.with_columns(hit.alias("_hit"))
    new = [pl.when("_hit").then(v).otherwise(pl.col(n)).alias(n) for n, v in values.items()]
    return marked.with_columns(new).drop("_hit")


def choose_some(hit: pl.Series, share: float, rng: np.random.Generator) -> pl.Series:
    """A share of the rows that are hit."""
    return hit & pl.Series(rng.random(len(hit)) < share)


def leak(rows: pl.DataFrame, hit: pl.Series, _: np.random.Generator) -> pl.DataFrame:
    """The record's own game is in its windows, and nothing says so."""
    sizes = {"points_avg_last_5": 5, "points_avg_last_10": 10}
    own = {n: (pl.col(n) * (k - 1) + pl.col(LABEL)) / k for n, k in sizes.items()}
    leaking = set_where(rows, hit, **own)
    return leaking.drop([c for c in rows.columns if c.endswith("__game_ids")])


def shuffle(names: list[str]) -> dict[str, pl.Expr]:
    """The values of other players of the date."""
    return {n: pl.col(n).shuffle(7).over("game_date") for n in names}


DAMAGES: dict[str, Damage] = {
    "history and matchup labelled default": lambda r, h, g: damage_rows(
        r, ("matchup", "player_history"), h
    ),
    "the same for 30 % of the rows": lambda r, h, g: damage_rows(
        r, ("matchup", "player_history"), choose_some(h, 0.3, g)
    ),
    "zeros in history": lambda r, h, g: set_where(r, h, **{n: pl.lit(0.0) for n in HISTORY}),
    "zeros for 30 % of the rows": lambda r, h, g: set_where(
        r, choose_some(h, 0.3, g), **{n: pl.lit(0.0) for n in HISTORY}
    ),
    "history times 100": lambda r, h, g: set_where(r, h, **{n: pl.col(n) * 100 for n in HISTORY}),
    "history of other players": lambda r, h, g: set_where(r, h, **shuffle(HISTORY)),
    "one value in history": lambda r, h, g: set_where(r, h, **{n: pl.lit(10.0) for n in HISTORY}),
    "own game in the windows": leak,
    "labels 0": lambda r, h, g: set_where(r, h, **{LABEL: pl.lit(0.0)}),
    "labels 0 for 30 % of the rows": lambda r, h, g: set_where(
        r, choose_some(h, 0.3, g), **{LABEL: pl.lit(0.0)}
    ),
    "labels times 60": lambda r, h, g: set_where(r, h, **{LABEL: pl.col(LABEL) * 60}),
    "labels of other players": lambda r, h, g: set_where(r, h, **shuffle([LABEL])),
    "labels of the game before": lambda r, h, g: set_where(
        r, h, **{LABEL: pl.col(LABEL).shift(1).over("player_lookup")}
    ),
}


def list_kept(scored: pl.DataFrame, exclude: Any) -> pl.DataFrame:
    """Keys of the records that are trained on."""
    made = fsq.training_set(scored, LABEL, exclude=exclude)
    return made.frame.select(KEYS)


def measure_errors(model: Any, rows: pl.DataFrame) -> np.ndarray:
    """The model's absolute error on each row."""
    features = rows.select(pl.col(n).cast(pl.Float64) for n in CONTRACT.names).to_numpy()
    predicted = model.predict(features)
    return np.asarray(np.abs(predicted - rows[LABEL].cast(pl.Float64).to_numpy()))


def measure_harm(model: Any, clean: pl.DataFrame, damaged: pl.DataFrame) -> np.ndarray:
    """How much worse each row is than undamaged; a leak's better error harms just as much."""
    difference = measure_errors(model, damaged) - measure_errors(model, clean)
    return np.asarray(np.nan_to_num(np.abs(difference), nan=0.0))


def main() -> None:
    """Print one line per damage."""
    arguments = make_parser(__doc__).parse_args()
    train, test = load_seasons(arguments.train, arguments.test)
    test = test.sort(KEYS)
    model = make_trees(0).fit(*make_matrix(fsq.score(train)))
    usual = list_kept(fsq.score(test), None)
    would_train = (
        test.select(KEYS)
        .join(usual.with_columns(kept=True), on=KEYS, how="left", maintain_order="left")["kept"]
        .fill_null(False)
    )
    rng = np.random.default_rng(0)
    days = test["game_date"].unique().sort()
    bad = days.filter(
        pl.Series(rng.random(len(days)) < 0.1) & (pl.int_range(len(days), eager=True) > 20)
    )
    hit = test["game_date"].is_in(bad.to_list())
    print(
        f"{len(bad)} of {len(days)} dates damaged; {int(would_train.sum()):,} records to train on"
    )
    print(f"{'':<38}{'harm':>9}{'gates':>8}{'red':>8}{'default':>9}{'sound rows lost':>17}")
    modes = (None, "red", "findings")
    kept_out = []
    for name, damage in DAMAGES.items():
        damaged = damage(test, hit, rng)
        harm = measure_harm(model, test, damaged) * would_train.to_numpy()
        scored, shares, lost = fsq.score(damaged), [], 0
        for mode in modes:
            kept = list_kept(scored, mode).with_columns(kept=True)
            is_kept = damaged.select(KEYS).join(kept, on=KEYS, how="left", maintain_order="left")
            out = ~is_kept["kept"].fill_null(False).to_numpy()
            shares.append(float(harm[out].sum()))
            lost = int((out & would_train.to_numpy() & ~hit.to_numpy()).sum())
        kept_out.append([s / harm.sum() for s in shares])
        gates, red, default = kept_out[-1]
        cells = f"{gates:>8.0%}{red:>8.0%}{default:>9.0%}{lost:>17,}"
        print(f"{name:<38}{harm.sum():>9,.0f}{cells}", flush=True)
    gates, red, default = np.mean(kept_out, axis=0)
    print(f"{'mean':<38}{'':>9}{gates:>8.0%}{red:>8.0%}{default:>9.0%}")


if __name__ == "__main__":
    main()
