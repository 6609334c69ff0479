"""Which training rows are worth keeping, when a share of them is damaged?

A share of the training rows gets defaults in all matchup and history features: whole dates, or
scattered rows. A linear model and a gradient boosting learn from everything, from the plain score
filter (``feature_quality_score >= 70``), and from fsq's dropped and masked sets. They predict a
later season that is not damaged: the rows that ``is_production_ready`` passes, and all rows, those
of the season's first weeks and of newcomers included. A model that learnt from masked rows is given
masked rows. Mean absolute error in points, mean and deviation over the seeds.
``python -m benchmarks.training_filters --train A.parquet --test B.parquet``
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

import fsq
from benchmarks.learners import LEARNERS, errors
from benchmarks.seasons import Arrays, arguments, damaged, matrix, seasons, struck

BROKEN = ("matchup", "player_history")


def filters(rows: pl.DataFrame) -> Iterator[tuple[str, Arrays]]:
    """Each way to choose training rows, with what it chooses."""
    scored = fsq.score(rows)
    yield "everything", matrix(scored)
    yield "score >= 70", matrix(scored.filter(pl.col("feature_quality_score") >= 70))
    yield "fsq drop", matrix(scored, "drop", training_ready=True)
    yield "fsq mask", matrix(scored, "mask")


def main() -> None:
    """Print one table per kind and share of damage."""
    parser = arguments(__doc__)
    parser.add_argument("--how", choices=["dates", "rows"], action="append")
    parser.add_argument("--share", type=float, action="append")
    asked = parser.parse_args()
    train, test = seasons(asked.train, asked.test)
    scored = fsq.score(test).sort("game_date", "player_lookup")
    ready = scored["is_production_ready"].to_numpy()
    later = {mode: matrix(scored, mode) for mode in ("keep", "mask")}
    print(
        f"{train.height:,} training rows; to predict: {ready.sum():,} ready of {len(ready):,}; "
        f"{asked.seeds} seeds"
    )
    shares = [0.0, 1 / 3, 1 / 2] if asked.share is None else asked.share
    hows = asked.how or ["dates", "rows"]
    for share, how in [(s, h) for s in shares for h in (hows if s else hows[:1])]:
        found: dict[str, list[list[float]]] = {}
        for seed in range(asked.seeds):
            rows = damaged(train, BROKEN, struck(train, share, how, seed)) if share else train
            for name, (x, y) in filters(rows):
                line: list[float] = [len(y)]
                features, label = later["mask" if name == "fsq mask" else "keep"]
                for made in LEARNERS.values():
                    error = errors(made(seed).fit(x, y), features, label)
                    line += [float(error[ready].mean()), float(error.mean())]
                found.setdefault(name, []).append(line)
        show(f"{share:.0%} of the {how} damaged" if share else "nothing damaged", found)


def show(title: str, found: dict[str, list[list[float]]]) -> None:
    """One line per way to choose."""
    heads = [f"{learner}, {which}" for learner in LEARNERS for which in ("ready", "all")]
    print(f"\n{title}\n{'trained on':<13}{'rows':>7}" + "".join(f"{h:>17}" for h in heads))
    for name, lines in found.items():
        mean, spread = np.mean(lines, axis=0), np.std(lines, axis=0)
        cells = [f"{m:.3f} ± {s:.3f}" for m, s in zip(mean[1:], spread[1:], strict=True)]
        print(f"{name:<13}{mean[0]:>7,.0f}" + "".join(f"{c:>17}" for c in cells), flush=True)


if __name__ == "__main__":
    main()
