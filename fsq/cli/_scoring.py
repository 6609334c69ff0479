"""How a scoring run is told: one line of figures, and a table of tiers."""

from __future__ import annotations

from collections.abc import Mapping

from fsq.cli._output import Output
from fsq.schema.vocabulary import TIERS


def figures(rows: int, dates: int, seconds: float) -> str:
    """One line of figures.

    >>> figures(30000, 160, 1.5)
    '30,000 rows of 160 dates in 1.5 s (20,000 rows/s)'
    """
    speed = f" ({rows / seconds:,.0f} rows/s)" if rows and seconds > 0 else ""
    return f"{_count(rows, 'row')} of {_count(dates, 'date')} in {seconds:.1f} s{speed}"


def tier_table(tiers: Mapping[str, int], out: Output) -> None:
    """The records of each tier, best first; every tier has its line."""
    total = sum(tiers.values())
    if total:
        rows = [(t, tiers.get(t, 0), f"{100 * tiers.get(t, 0) / total:.1f} %") for t in TIERS]
        out.line("")
        out.table(("tier", "records", "share"), rows, numbers="records share")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
