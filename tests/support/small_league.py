"""Rows of a small league: entities in sides of events, features that hang together."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from fsq.profile import Rows

NAMES = ("form", "long_form", "effort", "side_rate", "rival_rate", "at_home")
TABLES = ((0, 1, 2), (3, 4), (5,))
FIRST = date(2026, 1, 1)


def make_league(dates: int = 40, sides: int = 8, members: int = 12, seed: int = 0) -> Rows:
    """Make rows of every member of every side on every date.

    ``form`` is a member's mean of five labels, ``long_form`` of ten, ``effort`` goes with both;
    ``side_rate`` is one per side, ``rival_rate`` the other side's, ``at_home`` a carried flag.
    """
    rng = np.random.default_rng(seed)
    count = sides * members
    skill = rng.normal(12, 5, count)
    labels = rng.normal(skill, 3, (dates + 10, count))
    rate = 100 + np.cumsum(rng.normal(0, 0.2, (dates, sides)), axis=0) + rng.normal(0, 3, sides)
    parts = []
    for at in range(dates):
        order = rng.permutation(sides)
        rival = np.empty(sides, dtype=np.int64)
        rival[order[::2]], rival[order[1::2]] = order[1::2], order[::2]
        home = np.zeros(sides)
        home[order[::2]] = 1.0
        side = np.repeat(np.arange(sides), members)
        short = labels[at + 5 : at + 10].mean(axis=0)
        long = labels[at : at + 10].mean(axis=0)
        effort = 2 * short + long + rng.normal(0, 0.8, count)
        parts.append(
            pl.DataFrame(
                {
                    "member": [f"m{i:03}" for i in range(count)],
                    "event": [f"{at}-{min(s, rival[s])}" for s in side],
                    "side": [f"s{s}" for s in side],
                    "rival": [f"s{s}" for s in rival[side]],
                    "home_flag": home[side].astype(bool),
                    "label": labels[at + 10],
                    "form": short,
                    "long_form": long,
                    "effort": effort,
                    "side_rate": rate[at, side],
                    "rival_rate": rate[at, rival[side]],
                    "at_home": home[side],
                    "day": [FIRST + timedelta(days=at)] * count,
                }
            )
        )
    return as_rows(pl.concat(parts))


def take_dates(rows: Rows, first: int, last: int) -> Rows:
    """The rows of some dates by their positions; their values may be changed."""
    chosen = (rows.date_index >= first) & (rows.date_index < last)
    return replace(
        rows,
        dates=rows.dates[first:last],
        date_index=rows.date_index[chosen] - first,
        values=rows.values[chosen].copy(),
        is_default=rows.is_default[chosen].copy(),
        carried=rows.carried.filter(pl.Series(chosen)),
    )


def as_rows(frame: pl.DataFrame) -> Rows:
    """A frame with the columns of ``make_league`` as rows; NULL is a default."""
    days = frame["day"].unique().sort()
    values = frame.select(pl.col(n).fill_null(np.nan) for n in NAMES).to_numpy()
    return Rows(
        NAMES,
        days,
        np.searchsorted(days.to_physical().to_numpy(), frame["day"].to_physical().to_numpy()),
        values,
        np.isnan(values),
        frame.drop(*NAMES, "day"),
        ("member",),
        "event",
    )
