"""How an estimate of costs is told: a table of what is billed, the year, and the assumptions."""

from __future__ import annotations

from textwrap import wrap

from fsq.cli._output import PIPE_WIDTH, Output
from fsq.stores import CostEstimate

_WORDS = {"read": "Read API", "write": "Write API", "query": "query"}


def costs(told: CostEstimate, out: Output) -> None:
    """Print what a run would move and cost, and what a year of rows costs to keep."""
    rows = [(i.name, _WORDS[i.price], size(i.size), size(i.billed), usd(i.usd)) for i in told.items]
    rows.append(("sum", "", "", "", usd(told.usd)))
    out.line(f"\nCosts of {told.rows:,} rows of {told.row_bytes:,} bytes on {told.service}:\n")
    out.table(("", "as", "bytes", "billed", "USD"), rows, numbers="bytes billed USD")
    free = "; ".join(told.prices[p].note for p in ("write", "query"))
    _folded(f"{usd(told.usd_beyond_free)} USD if nothing else uses the free bytes: {free}.", out)
    _folded(
        f"{told.players:,} players on {told.days:,} days are {size(told.year_bytes)} a year; to "
        f"keep them for a year costs {told.year_usd:.3f} USD, or {told.year_usd_long_term:.3f} "
        "if they are not changed again.",
        out,
    )
    out.line("\nAssumed:")
    for text in told.assumptions:
        _folded(f"- {text}", out, "  ")


def _folded(text: str, out: Output, indent: str = "") -> None:
    for line in wrap(text, PIPE_WIDTH, subsequent_indent=indent, break_on_hyphens=False):
        out.line(line)


def size(count: float) -> str:
    """Bytes for people.

    >>> size(1536), size(0), size(420 * 2**20)
    ('1.5 KiB', '0', '420.0 MiB')
    """
    if not count:
        return "0"
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} bytes" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def usd(dollars: float) -> str:
    """Dollars for people: as many digits as a small sum needs.

    >>> usd(0), usd(1e-7), usd(0.00042), usd(1234.5)
    ('0', '< 0.00001', '0.00042', '1,234.50')
    """
    if not dollars:
        return "0"
    if dollars < 0.00001:
        return "< 0.00001"
    return f"{dollars:,.2f}" if dollars >= 1 else f"{dollars:.5f}"
