"""How the result of a scoring run is shown: one line of figures, and a table of tiers."""

from __future__ import annotations

from collections.abc import Mapping

from fsq.cli._output import Output
from fsq.schema.vocabulary import TIERS
from fsq.utils.text import plural


def summarize(rows: int, dates: int, seconds: float) -> str:
    """One line of figures.

    >>> summarize(30000, 160, 1.5)
    '30,000 rows of 160 dates in 1.5 s (20,000 rows/s)'
    """
    speed = f" ({rows / seconds:,.0f} rows/s)" if rows and seconds > 0 else ""
    return f"{plural(rows, 'row')} of {plural(dates, 'date')} in {seconds:.1f} s{speed}"


def print_tiers(tiers: Mapping[str, int], out: Output) -> None:
    """Print the number of records in each tier, best first, empty tiers included."""
    total = sum(tiers.values())
    if total:
        rows = [(t, tiers.get(t, 0), f"{100 * tiers.get(t, 0) / total:.1f} %") for t in TIERS]
        out.line("")
        out.table(("tier", "records", "share"), rows, numbers="records share")
