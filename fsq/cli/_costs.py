"""How an estimate of costs is shown: what is billed, the cost of a year, and the assumptions."""

from __future__ import annotations

from fsq.cli._output import Output
from fsq.stores import CostEstimate

_SERVICES = {"read": "Read API", "write": "Write API", "query": "query"}


def print_costs(estimate: CostEstimate, out: Output) -> None:
    """Print what a run would move and cost, and what it costs to keep its rows for a year."""
    rows = [
        (i.name, _SERVICES[i.price], size(i.size), size(i.billed), usd(i.usd))
        for i in estimate.items
    ]
    rows.append(("sum", "", "", "", usd(estimate.usd)))
    amount = f"{estimate.rows:,} rows of {estimate.row_bytes:,} bytes"
    out.line(f"\nCosts of {amount} on {estimate.service}:\n")
    out.table(("", "as", "bytes", "billed", "USD"), rows, numbers="bytes billed USD")
    free = "; ".join(estimate.prices[p].note for p in ("write", "query"))
    out.wrapped(f"{usd(estimate.usd_beyond_free)} USD if nothing else uses the free bytes: {free}.")
    out.wrapped(
        f"{estimate.rows_a_day:,} rows on each of {estimate.days:,} days are "
        f"{size(estimate.year_bytes)} a year; keeping them for a year costs "
        f"{estimate.year_usd:.3f} USD, or "
        f"{estimate.year_usd_long_term:.3f} if they are not changed again."
    )
    out.line("\nAssumptions:")
    for text in estimate.assumptions:
        out.wrapped(text, "- ")


def size(count: float) -> str:
    """Bytes in a unit that needs few digits.

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
    """Dollars, with as many digits as a small sum needs.

    >>> usd(0), usd(1e-7), usd(0.00042), usd(1234.5)
    ('0', '< 0.00001', '0.00042', '1,234.50')
    """
    if not dollars:
        return "0"
    if dollars < 0.00001:
        return "< 0.00001"
    return f"{dollars:,.2f}" if dollars >= 1 else f"{dollars:.5f}"
