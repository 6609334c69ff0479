"""How a benchmark's document is shown in a terminal."""

from __future__ import annotations

from typing import Any

from fsq.cli._output import Output

Document = dict[str, Any]


def printed(document: Document, out: Output) -> None:
    """Every part that the document has."""
    _head(document, out)
    _stages(document, out)
    if "against" in document:
        _against(document, out)
    if "backfill" in document:
        _backfill(document["backfill"], out)
    if "scale" in document:
        _scale(document["scale"], out)
    if "comparison" in document:
        _comparison(document["comparison"], out)


def time(seconds: float) -> str:
    """Seconds in a unit that needs few digits.

    >>> time(0.0123), time(4.2)
    ('12.3 ms', '4.20 s')
    """
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"


def speed(rows: float) -> str:
    """Rows per second, in three digits or so.

    >>> speed(2_486_128), speed(21_764)
    ('2.49 M', '22 k')
    """
    return f"{rows / 1e6:.2f} M" if rows >= 1e6 else f"{rows / 1e3:,.0f} k"


def size(count: float | None) -> str | None:
    """Bytes in MB.

    >>> size(287_390_404)
    '287 MB'
    """
    if count is None:
        return None
    return f"{count / 1e6:,.0f} MB" if count >= 1e6 else f"{count / 1e6:.2f} MB"


def _head(document: Document, out: Output) -> None:
    where, versions = document["context"], document["context"]["versions"]
    named = document["source"] or "simulated rows"
    out.line(
        f"{document['case']} of {named}: {document['rows']:,} rows, "
        f"{size(document['bytes'])} of result; {document['rounds']} rounds"
    )
    out.line(
        f"fsq {versions['fsq']} ({where['commit'] or 'no checkout'}), Python "
        f"{where['python']}, Polars {versions['polars']}, {where['cores']} cores, "
        f"contract {where['contract']}\n"
    )
    names = {
        "first": "score, first time",
        "score": "score, all columns",
        "flat": "score, flat only",
        "day": "score, one day",
        "copy": "copy of the result",
    }
    rows = []
    for name, words in names.items():
        f = document["figures"][name]
        told = speed(f["rows_per_s"]) if f.get("rows_per_s") else None
        rows.append((words, time(f["median_s"]), time(f["best_s"]), time(f["worst_s"]), told))
    out.table(
        ("figure", "median", "best", "worst", "rows/s"), rows, numbers="median best worst rows/s"
    )
    ratios = document["ratios"]
    out.line(
        f"\nall columns: {ratios['score_to_copy']:.1f} copies; "
        f"flat only: {100 * ratios['flat_to_score']:.0f} % of all columns\n"
    )


def _stages(document: Document, out: Output) -> None:
    rows = [
        (
            s["stage"],
            time(s["median_s"]),
            time(s["best_s"]),
            time(s["worst_s"]),
            speed(s["rows_per_s"]),
            f"{100 * s['share']:.0f} %",
            _megabytes(s["bytes"]),
            _megabytes(s["peak_bytes"]),
        )
        for s in document["stages"]
    ]
    out.table(
        ("stage", "median", "best", "worst", "rows/s", "share", "MB", "peak"),
        rows,
        numbers="median best worst rows/s share MB peak",
    )
    out.line(
        "\nMB: what a stage makes, and the process's peak while it does. One thread scores,\n"
        "so that stages do not overlap. The answer was the same in every round."
    )


def _against(document: Document, out: Output) -> None:
    out.line("")
    rows = [
        (a["name"], a["rows"], time(a["median_s"]), f"{a['ratio']:,.1f}×", size(a["peak_bytes"]))
        for a in document["against"]
    ]
    names = ("against", "rows", "whole input", "slower", "peak")
    out.table(names, rows, numbers="rows slower peak")
    out.line("\nthe same answer, field by field; a few rows' time is scaled to the whole input")


def _backfill(found: Document, out: Output) -> None:
    out.line(
        f"\nfsq backfill, process start to end: {time(found['process']['median_s'])}; "
        f"{found['ratio']:.2f}× Polars writing the finished table as Delta, "
        f"{found['ratio_to_parquet']:.2f}× as Parquet"
    )


def _scale(found: Document, out: Output) -> None:
    out.line("")
    first = found["points"][0]
    rows = [
        (
            p["seasons"],
            p["rows"],
            time(p["seconds"]),
            f"{p['seconds'] / first['seconds']:.2f}×",
            f"{p['processor_seconds'] / first['processor_seconds']:.2f}×",
            size(p["peak"]),
            f"{p['peak'] / first['peak']:.2f}×" if p["peak"] else None,
        )
        for p in found["points"]
    ]
    out.table(
        ("seasons", "rows", "backfill", "time", "cpu-time", "peak", "memory"),
        rows,
        numbers="seasons rows backfill time cpu-time peak memory",
    )
    if found["slope"] is not None:
        out.line(f"\ntime grows with rows to the power of {found['slope']:.2f}; 1 is linear")


def _comparison(found: Document, out: Output) -> None:
    out.line(
        f"\nagainst the run of {found['before']['at']} ({found['before']['commit']}), "
        "times in copies:"
    )
    rows = [
        (
            f["figure"],
            _number(f["before"]),
            _number(f["now"]),
            f"{100 * f['change']:+.0f} %",
            "slower" if f["regression"] else "",
        )
        for f in found["figures"]
    ]
    out.table(("figure", "before", "now", "change", "verdict"), rows, numbers="before now change")


def _megabytes(count: float | None) -> str | None:
    told = size(count)
    return told and told.removesuffix(" MB")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"
