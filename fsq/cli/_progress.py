"""The progress bar of a backfill."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.text import Text

from fsq.backfilling import Progress
from fsq.cli._output import Output
from fsq.cli._talk import get_talk


class _SpeedColumn(ProgressColumn):
    """Rows per second so far."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} rows/s" if task.speed else "")


@contextmanager
def progress_bar(out: Output) -> Iterator[Callable[[Progress], None] | None]:
    """A progress bar on stderr; None where it is not a terminal, or nothing but a log."""
    if not sys.stderr.isatty() or not get_talk().has_progress:
        yield None
        return
    columns = (
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} rows"),
        _SpeedColumn(),
        TimeRemainingColumn(),
    )
    with ProgressBar(*columns, console=out.talk, transient=True) as bar:
        task = bar.add_task("backfill", total=None, visible=False)

        def advance(now: Progress) -> None:
            bar.update(task, completed=now.rows, total=now.total_rows, visible=True)

        yield advance
