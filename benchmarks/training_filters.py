"""Which training rows are worth keeping, when a share of them is damaged?

A share of the training rows gets defaults in all matchup and history features: whole dates, or
scattered rows. A linear model and a gradient boosting learn from everything, from the plain score
filter (``feature_quality_score >= 70``), and from fsq's dropped and masked sets, and predict a
later season that is not damaged, on the rows that ``is_production_ready`` passes. Mean absolute
error in points, mean and standard deviation over the seeds of damage and learner.
``python -m benchmarks.training_filters --train A.parquet --test B.parquet``
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

import fsq
from benchmarks.learners import LEARNERS, errors
from benchmarks.seasons import LABEL, arguments, damaged, matrix, seasons, struck

BROKEN = ("matchup", "player_history")


def filters(rows: pl.DataFrame) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each way to choose training rows, with what it chooses."""
    scored = fsq.score(rows)
    yield "everything", *matrix(scored)
    yield "score >= 70", *matrix(scored.filter(pl.col("feature_quality_score") >= 70))
    for name, on_default in (("fsq drop", "drop"), ("fsq mask", "mask")):
        features, label = fsq.training_set(scored, LABEL, on_default).to_numpy()  # type: ignore[arg-type]
        assert label is not None
        yield name, features, label


def main() -> None:
    """Print one table per kind and share of damage."""
    parser = arguments(__doc__)
    parser.add_argument("--how", choices=["dates", "rows"], action="append")
    parser.add_argument("--share", type=float, action="append")
    asked = parser.parse_args()
    train, test = seasons(asked.train, asked.test)
    scored = fsq.score(test)
    features, label = matrix(scored.filter(pl.col("is_production_ready")))
    print(f"{train.height:,} training rows, {len(label):,} rows to predict, {asked.seeds} seeds")
    cases = [(0.0, "rows")] if not asked.share else []
    cases += [(s, h) for s in asked.share or (1 / 3, 1 / 2) for h in asked.how or ("dates", "rows")]
    for share, how in cases:
        told: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for seed in range(asked.seeds):
            rows = damaged(train, BROKEN, struck(train, share, how, seed)) if share else train
            for name, x, y in filters(rows):
                for learner, made in LEARNERS.items():
                    model = made(seed).fit(x, y)
                    error = float(errors(model, features, label).mean())
                    told.setdefault((name, learner), []).append((len(y), error))
        print(f"\n{share:.0%} of the {how} damaged" if share else "\nnothing damaged")
        print(f"{'trained on':<14}{'rows':>8}{'linear':>16}{'boosting':>16}")
        for name in dict.fromkeys(n for n, _ in told):
            kept = np.mean([count for count, _ in told[name, "linear"]])
            cells = []
            for learner in LEARNERS:
                found = [e for _, e in told[name, learner]]
                cells.append(f"{np.mean(found):8.3f} ± {np.std(found):.3f}")
            print(f"{name:<14}{kept:>8,.0f}{cells[0]:>16}{cells[1]:>16}")


if __name__ == "__main__":
    main()
