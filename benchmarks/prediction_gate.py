"""What does the gate at prediction time spare?

A gradient boosting learns from clean rows of one season. The clean rows of a later season are then
predicted as they are, with the matchup features defaulted, and with history defaulted too; each as
upstream writes defaults, and with the defaults masked. So that a gap is nothing new to it, another
one learns from all rows, a third of them damaged in the same way. Then the later season as it is,
and with a third of its dates damaged, is split by ``is_production_ready``. Mean absolute error.
``python -m benchmarks.prediction_gate --train A.parquet --test B.parquet``
"""

from __future__ import annotations

import numpy as np
import polars as pl

import fsq
from benchmarks.learners import boosting, errors
from benchmarks.seasons import Arrays, arguments, damaged, matrix, seasons, struck

DAMAGES = {
    "as they are": (),
    "matchup defaulted": ("matchup",),
    "matchup and history defaulted": ("matchup", "player_history"),
}
BOTH = DAMAGES["matchup and history defaulted"]


def error(sets: list[Arrays], rows: Arrays) -> np.ndarray:
    """The error of each row, mean over models of several seeds."""
    found = [errors(boosting(seed).fit(*s), *rows) for seed, s in enumerate(sets)]
    return np.asarray(np.mean(found, axis=0))


def main() -> None:
    """Print both tables."""
    asked = arguments(__doc__).parse_args()
    train, test = seasons(asked.train, asked.test)
    clean_set = matrix(fsq.score(train), "drop", training_ready=True)
    used = [
        fsq.score(damaged(train, BOTH, struck(train, 1 / 3, "rows", seed)))
        for seed in range(asked.seeds)
    ]
    learnt = {
        ("clean rows", "keep"): [clean_set] * asked.seeds,
        ("clean rows", "mask"): [clean_set] * asked.seeds,
        ("a third damaged", "keep"): [matrix(rows, "keep") for rows in used],
        ("a third damaged", "mask"): [matrix(rows, "mask") for rows in used],
    }
    scored = fsq.score(test)
    kept = fsq.training_set(scored, "actual_points").frame.select("player_lookup", "game_date")
    clean = test.join(kept, on=kept.columns, how="semi")
    print(f"{len(clean_set[1]):,} clean rows to learn from, {clean.height:,} to predict")
    titles = [f"{rows}, {mode}" for rows, mode in learnt]
    print(f"{'learnt from':<31}" + "".join(f"{t:>22}" for t in titles) + f"{'passed':>9}")
    for name, categories in DAMAGES.items():
        hit = pl.Series([True]).new_from_index(0, clean.height)
        found = fsq.score(damaged(clean, categories, hit))
        cells = [error(s, matrix(found, mode)).mean() for (_, mode), s in learnt.items()]
        passed = found["is_production_ready"].mean()
        print(f"{name:<31}" + "".join(f"{c:>22.3f}" for c in cells) + f"{passed:>9.1%}", flush=True)

    print("\nthe later season, split by is_production_ready")
    print(f"{'':<40}{'rows':>8}{'error':>8}{'had they been whole':>21}")
    test = test.sort("game_date", "player_lookup")
    sets = learnt["clean rows", "keep"]
    usual = error(sets, matrix(fsq.score(test)))
    for name, categories in DAMAGES.items():
        found = fsq.score(damaged(test, categories, struck(test, 1 / 3, "dates", 0)))
        met, passes = error(sets, matrix(found)), found["is_production_ready"].to_numpy()
        for word, chosen in (("passed", passes), ("refused", ~passes)):
            title = f"{name.replace('as they are', 'no date damaged')}: {word}"
            told = f"{met[chosen].mean():>8.3f}{usual[chosen].mean():>21.3f}"
            print(f"{title:<40}{chosen.sum():>8,}{told}")


if __name__ == "__main__":
    main()
