"""Which upstream jobs ran for each date, as the rows or the run say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from fsq.contract.sections import Processor
from fsq.diagnosis.windows import Windows
from fsq.intake.run_context import RunContext


@dataclass
class Jobs(Windows):
    """The jobs that finished on each date.

    Args:
        run: what is known of upstream's run, for rows that do not say it themselves.
        judged_dates: earlier dates that are only judged to know whether they are history; the run
            is not theirs.
    """

    run: RunContext | None = field(default=None, kw_only=True)
    judged_dates: frozenset[date] = field(default=frozenset(), kw_only=True)

    def did_run(self, processor: str, at: int) -> bool | None:
        """Whether a processor finished on a date; None if nothing says so."""
        known_rows, completed = self._completed[at]
        if known_rows:
            # What a row says wins over the run's context; absent from every row: it did not run.
            return processor in completed
        if self.run is None or self.dates[at] in self.judged_dates:
            return None
        done = self.run.on(self.dates[at])[1]
        return None if done is None else processor in done

    @cached_property
    def _completed(self) -> list[tuple[int, list[str]]]:
        """Per date, how many rows say which processors finished, and all that they name."""
        found = self.days.select("run_known_rows", "completed_processors").rows()
        return [(known, completed) for known, completed in found]

    def has_run(self, table: str, at: int) -> bool | None:
        """Whether the job that writes a table ran; None if its absence means nothing."""
        ran, writer = self.did_write(table, at), self._writers[table]
        # A job that is not expected on every date says nothing by its absence.
        return None if ran is False and writer and not writer.expected else ran

    def list_not_run(self) -> list[frozenset[str]]:
        """Per date, the upstream tables of which ``has_run`` says that the job did not run."""
        found: dict[Any, frozenset[str]] = {}
        out = []
        for at, (known_rows, completed) in enumerate(self._completed):
            # Most dates name the same processors.
            same = (*completed,) if known_rows else None if self.run is None else at
            if same not in found:
                found[same] = frozenset(t for t in self.tables if self.has_run(t, at) is False)
            out.append(found[same])
        return out

    def did_write(self, table: str, at: int) -> bool | None:
        """Whether the processor that writes a table finished; None if nothing says so."""
        writer = self._writers[table]
        return self.did_run(writer.name, at) if writer else None

    @cached_property
    def _writers(self) -> dict[str, Processor | None]:
        """The processor that writes each upstream table."""
        return {table: self.contract.writer(table) for table in self.tables}
