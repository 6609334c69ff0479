"""Which training rows are worth keeping if a share of them is damaged?

    python -m benchmarks.training_filters --train A.parquet --test B.parquet

A share of the training rows gets defaults in all matchup and history features: whole dates, or
scattered rows. A linear model and boosted trees learn from everything, from the plain score filter
(``feature_quality_score >= 70``), and from fsq's dropped and masked sets. They predict a later,
undamaged season: the rows that ``is_production_ready`` passes, and all rows, including first weeks
and newcomers. A model trained on masked rows gets masked rows. The figures are mean absolute errors
in points, with mean and deviation over the seeds.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

import fsq
from benchmarks.learners import LEARNERS, compute_errors
from benchmarks.seasons import (
    Arrays,
    choose_rows,
    damage_rows,
    load_seasons,
    make_matrix,
    make_parser,
)

DAMAGED_CATEGORIES = ("matchup", "player_history")


def choose_training_rows(rows: pl.DataFrame) -> Iterator[tuple[str, Arrays]]:
    """Choose training rows in each way."""
    scored = fsq.score(rows)
    yield "everything", make_matrix(scored)
    yield "score >= 70", make_matrix(scored.filter(pl.col("feature_quality_score") >= 70))
    yield "fsq drop", make_matrix(scored, "drop", training_ready=True)
    yield "fsq mask", make_matrix(scored, "mask")


def main() -> None:
    """Print one table per kind and share of damage."""
    parser = make_parser(__doc__)
    parser.add_argument("--how", choices=["dates", "rows"], action="append")
    parser.add_argument("--share", type=float, action="append")
    arguments = parser.parse_args()
    train, test = load_seasons(arguments.train, arguments.test)
    scored = fsq.score(test).sort("game_date", "player_lookup")
    ready = scored["is_production_ready"].to_numpy()
    later = {mode: make_matrix(scored, mode) for mode in ("keep", "mask")}
    print(
        f"{train.height:,} training rows; to predict: {ready.sum():,} ready of {len(ready):,}; "
        f"{arguments.seeds} seeds"
    )
    shares = [0.0, 1 / 3, 1 / 2] if arguments.share is None else arguments.share
    hows = arguments.how or ["dates", "rows"]
    for share, how in [(s, h) for s in shares for h in (hows if s else hows[:1])]:
        results: dict[str, list[list[float]]] = {}
        for seed in range(arguments.seeds):
            rows = (
                damage_rows(train, DAMAGED_CATEGORIES, choose_rows(train, share, how, seed))
                if share
                else train
            )
            for name, (x, y) in choose_training_rows(rows):
                figures: list[float] = [len(y)]
                features, label = later["mask" if name == "fsq mask" else "keep"]
                for make_model in LEARNERS.values():
                    error = compute_errors(make_model(seed).fit(x, y), features, label)
                    figures += [float(error[ready].mean()), float(error.mean())]
                results.setdefault(name, []).append(figures)
        print_table(f"{share:.0%} of the {how} damaged" if share else "nothing damaged", results)


def print_table(title: str, results: dict[str, list[list[float]]]) -> None:
    """Print one line per way to choose rows."""
    heads = [f"{learner}, {which}" for learner in LEARNERS for which in ("ready", "all")]
    print(f"\n{title}\n{'trained on':<13}{'rows':>7}" + "".join(f"{h:>17}" for h in heads))
    for name, figures in results.items():
        mean, deviation = np.mean(figures, axis=0), np.std(figures, axis=0)
        cells = [f"{m:.3f} ± {s:.3f}" for m, s in zip(mean[1:], deviation[1:], strict=True)]
        print(f"{name:<13}{mean[0]:>7,.0f}" + "".join(f"{c:>17}" for c in cells), flush=True)


if __name__ == "__main__":
    main()
