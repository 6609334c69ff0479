"""How much error does the gate at prediction time prevent?

    python -m benchmarks.prediction_gate --train A.parquet --test B.parquet

Boosted trees learn from the clean rows of one season. They predict the clean rows of a later
season: undamaged, with defaults in the matchup features, and with defaults in history too; each
with the defaults kept and masked. A second model learns from all rows, a third of them damaged in
the same way, so that it has seen gaps. Then the later season, undamaged and with a third of its
dates damaged, is split by ``is_production_ready``. The figures are mean absolute errors.
"""

from __future__ import annotations

import numpy as np
import polars as pl

import fsq
from benchmarks.learners import compute_errors, make_trees
from benchmarks.seasons import (
    Arrays,
    choose_rows,
    damage_rows,
    load_seasons,
    make_matrix,
    make_parser,
)

DAMAGES = {
    "undamaged": (),
    "matchup defaulted": ("matchup",),
    "matchup and history defaulted": ("matchup", "player_history"),
}
BOTH = DAMAGES["matchup and history defaulted"]


def measure_error(sets: list[Arrays], rows: Arrays) -> np.ndarray:
    """Measure the error of each row, averaged over models of several seeds."""
    per_seed = [compute_errors(make_trees(seed).fit(*s), *rows) for seed, s in enumerate(sets)]
    return np.asarray(np.mean(per_seed, axis=0))


def main() -> None:
    """Print both tables."""
    arguments = make_parser(__doc__).parse_args()
    train, test = load_seasons(arguments.train, arguments.test)
    clean_set = make_matrix(fsq.score(train), "drop", training_ready=True)
    damaged = [
        fsq.score(damage_rows(train, BOTH, choose_rows(train, 1 / 3, "rows", seed)))
        for seed in range(arguments.seeds)
    ]
    training_sets = {
        ("clean rows", "keep"): [clean_set] * arguments.seeds,
        ("clean rows", "mask"): [clean_set] * arguments.seeds,
        ("a third damaged", "keep"): [make_matrix(rows, "keep") for rows in damaged],
        ("a third damaged", "mask"): [make_matrix(rows, "mask") for rows in damaged],
    }
    scored = fsq.score(test)
    kept = fsq.training_set(scored, "actual_points", exclude=None).frame
    kept = kept.select("player_lookup", "game_date")
    clean = test.join(kept, on=kept.columns, how="semi")
    print(f"{len(clean_set[1]):,} clean rows to train on, {clean.height:,} to predict")
    titles = [f"{rows}, {mode}" for rows, mode in training_sets]
    print(f"{'trained on':<31}" + "".join(f"{t:>22}" for t in titles) + f"{'passed':>9}")
    for name, categories in DAMAGES.items():
        every_row = pl.Series([True]).new_from_index(0, clean.height)
        later = fsq.score(damage_rows(clean, categories, every_row))
        cells = [
            measure_error(s, make_matrix(later, mode)).mean()
            for (_, mode), s in training_sets.items()
        ]
        passed = later["is_production_ready"].mean()
        print(f"{name:<31}" + "".join(f"{c:>22.3f}" for c in cells) + f"{passed:>9.1%}", flush=True)

    print("\nthe later season, split by is_production_ready")
    print(f"{'':<40}{'rows':>8}{'error':>8}{'if undamaged':>21}")
    test = test.sort("game_date", "player_lookup")
    sets = training_sets["clean rows", "keep"]
    usual = measure_error(sets, make_matrix(fsq.score(test)))
    for name, categories in DAMAGES.items():
        later = fsq.score(damage_rows(test, categories, choose_rows(test, 1 / 3, "dates", 0)))
        errors, passes = (
            measure_error(sets, make_matrix(later)),
            later["is_production_ready"].to_numpy(),
        )
        for outcome, chosen in (("passed", passes), ("refused", ~passes)):
            title = f"{name.replace('undamaged', 'no date damaged')}: {outcome}"
            figures = f"{errors[chosen].mean():>8.3f}{usual[chosen].mean():>21.3f}"
            print(f"{title:<40}{chosen.sum():>8,}{figures}")


if __name__ == "__main__":
    main()
