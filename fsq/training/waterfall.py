"""What each gate dropped: in order, together, and of whom."""

from __future__ import annotations

import numpy as np
import polars as pl

from fsq.errors import InputError
from fsq.training.evaluation import GateResults, Mask
from fsq.training.options import HEADLINE, Options

GROUPS = 4


def waterfall(judged: GateResults) -> pl.DataFrame:
    """One line per gate, in order; the first line is that of all records.

    Returns:
        ``gate``, ``asks`` (in words), ``dropped`` (of those that the gates before it left),
        ``left``, ``failed`` (of all records, whatever other gates say) and ``alone`` (those that
        fail this gate and no other).
    """
    left = np.ones(judged.rows.height, dtype=np.bool_)
    count = np.sum([*judged.failed.values(), np.zeros(left.shape, np.int64)], axis=0)
    lines = [("all", "all records", 0, int(left.sum()), 0, 0)]
    for name, fails in judged.failed.items():
        dropped = int((left & fails).sum())
        left &= ~fails
        alone = int((fails & (count == 1)).sum())
        lines.append((name, judged.asks[name], dropped, int(left.sum()), int(fails.sum()), alone))
    whole = dict.fromkeys(("dropped", "left", "failed", "alone"), pl.Int64)
    schema = {"gate": pl.String, "asks": pl.String, **whole}
    return pl.DataFrame(lines, schema=schema, orient="row")


def overlaps(judged: GateResults) -> pl.DataFrame:
    """How many records fail just these ``gates`` and no other, the most frequent first."""
    names = list(judged.failed)
    code = np.zeros(judged.rows.height, dtype=np.int64)
    for i, fails in enumerate(judged.failed.values()):
        code |= fails.astype(np.int64) << i
    found, rows = np.unique(code[code > 0], return_counts=True)
    listed = [[n for i, n in enumerate(names) if c >> i & 1] for c in found.tolist()]
    out = pl.DataFrame(
        {"gates": listed, "rows": rows.tolist()},
        schema={"gates": pl.List(pl.String), "rows": pl.Int64},
    )
    return out.sort("rows", pl.col("gates").list.join(","), descending=[True, False])


def dropped_by(judged: GateResults, column: str) -> pl.DataFrame:
    """Per value of a column: ``rows``, ``dropped`` and ``dropped_pct``, in order of the value.

    Records without a label are nobody's loss, and do not count.

    Raises:
        InputError: the column was not read.
    """
    if column not in judged.rows.columns:
        cure = f"name it in carry, or use one of {judged.rows.columns}"
        raise InputError([f"no column {column} was read; {cure}"], HEADLINE)
    return _shares(judged, judged.rows[column])


def by_group(judged: GateResults, options: Options) -> pl.DataFrame:
    """The same per group of players, from the lowest to the highest quarter of players.

    Players are ranked by their median of ``options.group`` (a feature or a number), else of the
    label, else by how many records they have. A group that is text parts them as it is.
    """
    by = options.group or options.label
    if by in options.features:
        measure = pl.Series(judged.values[:, options.features.index(str(by))], nan_to_null=True)
    elif by is None:
        measure = judged.rows.select(pl.len().over("player_lookup")).to_series()
    else:
        measure = judged.rows[by]
        if not (measure.dtype.is_numeric() or measure.dtype == pl.Boolean):
            return _shares(judged, measure.alias("group"))
    rows = judged.rows.select("player_lookup", measure=measure.cast(pl.Float64).fill_nan(None))
    players = rows.group_by("player_lookup").agg(pl.col("measure").median()).drop_nulls()
    rank = (pl.col("measure").rank("ordinal") - 1) * GROUPS // pl.len()
    ranked = players.sort("measure", "player_lookup").with_columns(rank.alias("quarter"))
    low, high = pl.col("measure").min().over("quarter"), pl.col("measure").max().over("quarter")
    named = ranked.with_columns(
        pl.format(
            "{} of {}: {} to {}", pl.col("quarter") + 1, pl.lit(GROUPS), low.round(1), high.round(1)
        ).alias("group")
    )
    group = rows.join(named, on="player_lookup", how="left", maintain_order="left")["group"]
    return _shares(judged, group.fill_null("unknown"))


def _shares(judged: GateResults, value: pl.Series) -> pl.DataFrame:
    candidate = ~judged.failed.get("label", np.zeros(len(value), dtype=np.bool_))
    dropped: Mask = ~judged.kept
    return (
        pl.DataFrame([value, pl.Series("dropped", dropped), pl.Series("candidate", candidate)])
        .filter("candidate")
        .group_by(value.name)
        .agg(pl.len().cast(pl.Int64).alias("rows"), pl.col("dropped").sum().cast(pl.Int64))
        .with_columns((100 * pl.col("dropped") / pl.col("rows")).alias("dropped_pct"))
        .sort(value.name)
    )
