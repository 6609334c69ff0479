"""What the SQL of a profile should say, by the Python that it states again."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from fsq.contract import Contract
from fsq.diagnosis.context import Context
from fsq.diagnosis.diagnose import make_context as read_context
from fsq.diagnosis.learning import find_calm_dates
from fsq.profile import Profile, judge
from fsq.profile import measure_dates as measure_evidence
from fsq.profile.rows import Mask, Matrix
from fsq.sql.learned import MEASURES


def compare(
    got: pl.DataFrame, profile: Profile, scored: pl.DataFrame, contract: Contract
) -> set[tuple[date, str, str]]:
    """Check the rows of the query about levels and structure; return date, evidence, feature."""
    ctx = make_context(scored, contract)
    want = {
        (day, metric, name): float(s[at, f])
        for metric, s in measure_strength(profile, ctx).items()
        for at, day in enumerate(ctx.dates)
        for f, name in enumerate(contract.names)
        if s[at, f] > 1
    }
    levels = got.filter(pl.col("strength").is_not_null())
    day = contract.table.date
    cells = levels.explode("features").select(day, "evidence", "features").rows()
    assert set(cells) == set(want)
    assert len(cells) == len(want)
    for row in levels.iter_rows(named=True):
        most = max(want[row[day], row["evidence"], name] for name in row["features"])
        assert row["strength"] == pytest.approx(most, rel=1e-6)
    return set(want)


def make_context(scored: pl.DataFrame, contract: Contract) -> Context:
    """All dates, with the columns that came along."""
    ctx = read_context(scored.lazy(), contract, None)
    ctx.checked_dates = list(ctx.dates)
    return ctx


def measure_strength(profile: Profile, ctx: Context) -> dict[str, Matrix]:
    """How strong the evidence of each date is, with the history that the query takes."""
    rows, clean = ctx.profile_rows, set(profile.clean_dates)
    evidence = measure_evidence(profile, rows)
    calm = find_calm_dates(ctx, profile)
    width = len(ctx.contract.features)
    no_history: Mask = np.array([[d not in clean] * width for d in ctx.dates])
    later = np.array([d not in profile.dates for d in ctx.dates])[:, None]
    strength: dict[str, Matrix] = {}
    for _ in range(2):
        judged = judge(profile, rows, no_history, evidence)
        strength = {m: s for m, s in judged.measure_strength(calm).items() if m in MEASURES}
        alarmed = np.any([s > 1 for s in strength.values()], axis=0)
        no_history = np.where(later, alarmed, no_history)
    return strength
