"""What does the gate at prediction time spare?

A gradient boosting learns from clean rows of one season. The clean rows of a later season are then
predicted as they are, with the matchup features defaulted, and with history defaulted too; each as
upstream writes defaults, and with the defaults masked. Then the later season as it is, and with a
third of its dates damaged, is split by ``is_production_ready``. Mean absolute error in points.
``python -m benchmarks.prediction_gate --train A.parquet --test B.parquet``
"""

from __future__ import annotations

import numpy as np
import polars as pl

import fsq
from benchmarks.learners import boosting, errors
from benchmarks.seasons import LABEL, arguments, damaged, matrix, seasons, struck

DAMAGES = {
    "as they are": (),
    "matchup defaulted": ("matchup",),
    "matchup and history defaulted": ("matchup", "player_history"),
}


def main() -> None:
    """Print both tables."""
    asked = arguments(__doc__).parse_args()
    train, test = seasons(asked.train, asked.test)
    x, y = fsq.training_set(fsq.score(train), LABEL, "drop").to_numpy()
    scored = fsq.score(test)
    keys = fsq.training_set(scored, LABEL, "drop").frame.select("player_lookup", "game_date")
    clean = test.join(keys, on=keys.columns, how="semi")
    models = [boosting(seed).fit(x, y) for seed in range(asked.seeds)]
    print(f"trained on {len(x):,} clean rows, {asked.seeds} seeds")

    print(f"\n{clean.height:,} clean rows of the later season")
    print(f"{'':<32}{'as written':>12}{'masked':>10}{'passed':>9}")
    for name, categories in DAMAGES.items():
        hit = pl.Series([True]).new_from_index(0, clean.height)
        found = fsq.score(damaged(clean, categories, hit))
        cells = []
        for on_default in ("keep", "mask"):
            rows, label = matrix(found, on_default)
            cells.append(np.mean([errors(m, rows, label).mean() for m in models]))
        passed = found["is_production_ready"].mean()
        print(f"{name:<32}{cells[0]:>12.3f}{cells[1]:>10.3f}{passed:>9.1%}")

    print("\nthe later season, split by is_production_ready")
    print(f"{'':<40}{'rows':>8}{'error':>8}{'had they been whole':>21}")
    order = ["game_date", "player_lookup"]
    test = test.sort(order)
    whole, label = matrix(fsq.score(test))
    usual = np.mean([errors(m, whole, label) for m in models], axis=0)
    for name, categories in DAMAGES.items():
        hit = struck(test, 1 / 3, "dates", 0)
        found = fsq.score(damaged(test, categories, hit))
        rows, label = matrix(found)
        error = np.mean([errors(m, rows, label) for m in models], axis=0)
        passes = found["is_production_ready"].to_numpy()
        for word, chosen in (("passed", passes), ("refused", ~passes)):
            title = f"{name.replace('as they are', 'no date damaged')}: {word}"
            told = f"{error[chosen].mean():>8.3f}{usual[chosen].mean():>21.3f}"
            print(f"{title:<40}{chosen.sum():>8,}{told}")


if __name__ == "__main__":
    main()
