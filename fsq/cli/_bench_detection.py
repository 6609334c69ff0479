"""``fsq bench --detection``: how much damage to your own rows is seen."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from fsq.cli._errors import FINE
from fsq.cli._output import Output

_LATEST = 120  # dates that are read
_KEPT = 0.3  # of them kept back for the damage
_DAMAGED = 5  # of those damaged


def measure_detection(source: str | None, contract: str, label: str | None, out: Output) -> int:
    """Damage the latest dates of a source, and print what was seen.

    Args:
        source: feature rows or a store; None to simulate rows.
        contract: of the rows.
        label: the column that models predict; None if there is none.
        out: where to print.

    Returns:
        The exit status.
    """
    from fsq.bench.detection import Plan, run_detection

    plan = Plan(
        sources=() if source is None else (source,),
        contract=contract,
        options={"label": label, "kept_share": _KEPT},
        dates=_DAMAGED,
        latest=_LATEST,
    )
    with _show_progress(out) as on_step:
        document = run_detection(plan, on_step=on_step)
    _print_detection(document, source, out)
    out.document({"source": source, **document})
    return FINE


def _print_detection(document: dict[str, Any], source: str | None, out: Output) -> None:
    figures = document["detectors"]["fsq"]
    count, faults = document["clean_dates"], figures["families"]["all"]
    out.line(
        f"{source or 'simulated rows'}: {faults['dates']:,} dates damaged by "
        f"{faults['templates']} faults, one at a time; the latest {count} dates as they are\n"
    )
    out.table(
        ("fault", "faults", "dates", "seen", "red"),
        [
            (name, f["templates"], f["dates"], _percent(f["seen"]), _percent(f["red"]))
            for name, f in figures["families"].items()
        ],
        numbers="faults dates seen red",
    )
    out.line("")
    lasting = [s for shares in figures["lasting"].values() for s in shares if s is not None]
    if lasting:
        out.wrapped(
            f"{len(figures['lasting'])} faults last ten dates each; they were seen on "
            f"{_percent(sum(lasting) / len(lasting))} of them."
        )
    naming, alarms = figures["naming"], figures["false_alarms"]
    out.wrapped(
        f"Of the dates seen, {_percent(naming['table'])} were explained by the table that was "
        f"damaged, {_percent(naming['kind'])} by a kind of fault that fits."
    )
    out.wrapped(
        f"Undamaged, {alarms['dates']} of {count} dates raise an alarm, {alarms['red']} of them "
        f"red: {', '.join(alarms['days'][:5]) or 'none'}{' …' if alarms['dates'] > 5 else ''}"
    )
    missed = [t["template"] for t in figures["templates"] if t["seen"] == 0]
    if missed:
        out.wrapped(f"Never seen: {'; '.join(missed)}.")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


@contextmanager
def _show_progress(out: Output) -> Iterator[Callable[[str, float], None]]:
    """A progress bar on stderr, where that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=out.talk, transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("", total=1.0)

        def advance(what: str, done: float) -> None:
            bar.update(task, description=what, completed=done)

        yield advance
