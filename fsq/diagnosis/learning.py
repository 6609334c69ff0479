"""Learn a profile from scored rows, without the dates that a finding calls bad."""

from __future__ import annotations

import numpy as np

from fsq.diagnosis.calm import Breaks, find_calm
from fsq.diagnosis.context import Context
from fsq.profile import Profile, judge, learn
from fsq.profile.model import MIN_DATES
from fsq.profile.rows import Mask, Matrix

MORE_ABSENT = 0.1  # defaults that the first dates have more than usual, if a season starts there


def learn_from(ctx: Context, spared: Mask) -> Profile | None:
    """Learn from the dates of a context that no signal so far calls red or yellow.

    Args:
        ctx: the dates, and what the checks have reported of them so far.
        spared: dates not to learn from if there are enough others.

    Returns:
        None if the clean dates are too few.
    """
    bad = {s.day for s in ctx.signals if s.severity != "info"}
    clean = np.array([d not in bad for d in ctx.dates], dtype=np.bool_)
    if (clean & ~spared).sum() >= MIN_DATES:
        clean &= ~spared
    if clean.sum() < MIN_DATES:
        return None
    calm = find_calm_dates(ctx)
    contract, rows = ctx.contract, ctx.profile_rows
    tables = [[f.index for f in fs] for fs in ctx.tables.values()]
    budget = contract.diagnosis.false_alarms_per_100_dates / 100
    name, version = contract.name, contract.version_hash
    first = learn(rows, clean, calm, tables, name, version, budget)
    if first is None:
        return None
    # What stands out among the dates learned from is no history either.
    faulty = np.broadcast_to(~clean[:, None], (len(clean), len(rows.names)))
    strength = judge(first, rows, faulty).measure_strength(calm)
    alarmed = np.any([s.max(axis=1) > 1 for s in strength.values()], axis=0)
    return first.recalibrate(clean & ~alarmed, calm, budget) if (clean & alarmed).any() else first


def find_following_dates(ctx: Context, profile: Profile | None = None) -> Mask:
    """The dates whose records go on where those before them were, after a short break too.

    Args:
        ctx: the dates.
        profile: knows of dates before them.
    """
    return find_calm_dates(ctx, profile, Breaks.of(ctx.contract.diagnosis).long)


def find_calm_dates(
    ctx: Context, profile: Profile | None = None, shortest: int | None = None
) -> Mask:
    """The dates of a context that can be compared with those before them.

    Args:
        ctx: the dates.
        profile: knows of dates before them.
        shortest: days of a break that counts; None for those of a short one.
    """
    if not ctx.dates:
        return np.zeros(0, dtype=np.bool_)
    first, breaks = ctx.dates[0], Breaks.of(ctx.contract.diagnosis)
    known = () if profile is None else profile.dates
    near = [d for d in known if 0 < (first - d).days <= breaks.longest]
    if profile is not None and near:
        starts = near[0] == known[0] and begins_season(profile)
    else:
        # Where nothing is known of the weeks before, only the rows tell whether a season starts.
        starts = ctx.starts_season(0) or _lacks_more(ctx.default_share.mean(axis=1))
    return find_calm([*near, *ctx.dates], starts, breaks, shortest)[len(near) :]


def begins_season(profile: Profile) -> bool:
    """Whether a season started with the first date that a profile knows."""
    return _lacks_more(np.nanmean(profile.measures["absent"], axis=1))


def _lacks_more(absent: Matrix) -> bool:
    """Whether more is absent on the first of some dates than usual."""
    return bool(absent[0] > np.median(absent) + MORE_ABSENT)
