"""How a benchmark's document is shown in a terminal."""

from __future__ import annotations

from typing import Any

from fsq.cli._output import Output

Document = dict[str, Any]


def print_document(document: Document, out: Output) -> None:
    """Print every part that the document has."""
    if "processes" in document:
        _print_processes(document, out)
    else:
        _print_figures(document, out)
        _print_stages(document, out)
    if "against" in document:
        _print_against(document["against"], out)
    if "backfill" in document:
        _print_backfill(document["backfill"], out)
    if "scale" in document:
        _print_scale(document["scale"], out)
    if "comparison" in document:
        _print_comparison(document["comparison"], out)


def _print_processes(document: Document, out: Output) -> None:
    context = document["context"]
    out.line(
        f"{document['case']}: processes, {document['rounds']} rounds; fsq "
        f"{context['commit'] or context['versions']['fsq']}, {context['cores']} cores\n"
    )
    rows = [
        (
            p["name"],
            format_time(p["processor_s"]["median"]),
            format_time(p["seconds"]["median"]),
            format_size(p["peak_bytes"]),
        )
        for p in document["processes"]
    ]
    out.table(("process", "processor", "clock", "peak"), rows, numbers="processor clock peak")


def format_time(seconds: float) -> str:
    """Seconds in a unit that needs few digits.

    >>> format_time(0.0123), format_time(4.2)
    ('12.3 ms', '4.20 s')
    """
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"


def format_speed(rows: float) -> str:
    """Rows per second, in about three digits.

    >>> format_speed(2_486_128), format_speed(21_764)
    ('2.49 M', '22 k')
    """
    return f"{rows / 1e6:.2f} M" if rows >= 1e6 else f"{rows / 1e3:,.0f} k"


def format_size(count: float | None) -> str | None:
    """Bytes in MB.

    >>> format_size(287_390_404)
    '287 MB'
    """
    if count is None:
        return None
    return f"{count / 1e6:,.0f} MB" if count >= 1e6 else f"{count / 1e6:.2f} MB"


def _print_figures(document: Document, out: Output) -> None:
    context, versions = document["context"], document["context"]["versions"]
    source = document["source"] or "simulated rows"
    out.line(
        f"{document['case']} of {source}: {document['rows']:,} rows, "
        f"{format_size(document['bytes'])} of result; {document['rounds']} rounds"
    )
    out.line(
        f"fsq {versions['fsq']} ({context['commit'] or 'no checkout'}), Python "
        f"{context['python']}, Polars {versions['polars']}, {context['cores']} cores, "
        f"contract {context['contract']}\n"
    )
    labels = {
        "first": "score, first time",
        "score": "score, all columns",
        "flat": "score, flat only",
        "day": "score, one day",
        "copy": "copy of the result",
    }
    rows = []
    for name, label in labels.items():
        f = document["figures"][name]
        speed = format_speed(f["rows_per_s"]) if f.get("rows_per_s") else None
        rows.append(
            (
                label,
                format_time(f["median_s"]),
                format_time(f["best_s"]),
                format_time(f["worst_s"]),
                speed,
            )
        )
    out.table(
        ("figure", "median", "best", "worst", "rows/s"), rows, numbers="median best worst rows/s"
    )
    ratios = document["ratios"]
    out.line(
        f"\nall columns: {ratios['score_to_copy']:.1f} copies; "
        f"flat only: {100 * ratios['flat_to_score']:.0f} % of all columns\n"
    )


def _print_stages(document: Document, out: Output) -> None:
    rows = [
        (
            s["stage"],
            format_time(s["median_s"]),
            format_time(s["best_s"]),
            format_time(s["worst_s"]),
            format_speed(s["rows_per_s"]),
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
        "\nMB: size of a stage's result; peak: memory of the process at its peak. One\n"
        "thread scores, so that stages do not overlap. Every round had the same result."
    )


def _print_against(alternatives: list[Document], out: Output) -> None:
    out.line("")
    rows = [
        (
            a["name"],
            a["rows"],
            format_time(a["median_s"]),
            f"{a['ratio']:,.1f}×",
            format_size(a["peak_bytes"]),
        )
        for a in alternatives
    ]
    names = ("against", "rows", "whole input", "slower", "peak")
    out.table(names, rows, numbers="rows slower peak")
    out.line("\nsame result, field by field; the time for a few rows is scaled to the whole input")
    for peer in (a for a in alternatives if "flat_to_peer" in a):
        out.line(
            f"{peer['name']} filters rows by NULL, ranges, words and keys only: scoring takes "
            f"{peer['score_to_peer']:.2f}× its time, the flat columns {peer['flat_to_peer']:.2f}×"
        )


def _print_backfill(backfill: Document, out: Output) -> None:
    out.line(
        f"\nfsq backfill, process start to end: {format_time(backfill['process']['median_s'])}; "
        f"{backfill['ratio']:.2f}× Polars writing the finished table as Delta, "
        f"{backfill['ratio_to_parquet']:.2f}× as Parquet"
    )


def _print_scale(scale: Document, out: Output) -> None:
    out.line("")
    first = scale["points"][0]
    rows = [
        (
            p["seasons"],
            p["rows"],
            format_time(p["seconds"]),
            f"{p['seconds'] / first['seconds']:.2f}×",
            f"{p['processor_seconds'] / first['processor_seconds']:.2f}×",
            format_size(p["peak"]),
            f"{p['peak'] / first['peak']:.2f}×" if p["peak"] else None,
        )
        for p in scale["points"]
    ]
    out.table(
        ("seasons", "rows", "backfill", "time", "cpu-time", "peak", "memory"),
        rows,
        numbers="seasons rows backfill time cpu-time peak memory",
    )
    if scale["slope"] is not None:
        out.line(f"\ntime grows with rows to the power of {scale['slope']:.2f}; 1 is linear")


def _print_comparison(comparison: Document, out: Output) -> None:
    out.line(
        f"\nagainst the run of {comparison['before']['at']} ({comparison['before']['commit']}), "
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
        for f in comparison["figures"]
    ]
    out.table(("figure", "before", "now", "change", "verdict"), rows, numbers="before now change")


def _megabytes(count: float | None) -> str | None:
    size = format_size(count)
    return size and size.removesuffix(" MB")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"
