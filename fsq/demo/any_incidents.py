"""Plants incidents in the simulated table of any contract, and describes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from fsq.contract import Contract, Feature
from fsq.schema.vocabulary import DEFAULT

Incident = dict[str, Any]
_AT = (0.4, 0.55, 0.7, 0.85)  # of the dates, far enough apart for the history that checks use


def plant_incidents(rows: pl.DataFrame, contract: Contract) -> tuple[pl.DataFrame, list[Incident]]:
    """Plant one incident of each kind, on separate dates, in the first required table."""
    day = pl.col(contract.table.date)
    every = rows[contract.table.date].unique().sort()
    lost, stale, ranges, half = (every[int(len(every) * at)] for at in _AT)
    required = [f for f in contract.features if not f.optional] or list(contract.features)
    table = required[0].upstream_table
    features = contract.group_by_table()[table]
    writer = contract.writer(table)
    note = _Notes(rows, contract, table)
    ran = writer is None or "processors_completed" not in rows.columns
    kind = "upstream_table_missing" if ran else "processor_did_not_run"
    note(kind, lost, features, "a table was not written; its features fell back to defaults")
    changed = _lose_table(table, features)
    if writer is not None and not ran:
        done = pl.col("processors_completed").list.filter(pl.element() != writer.name)
        changed["processors_completed"] = done
    rows = _change(rows, day == lost, changed)

    hours = 3 * max(contract.threshold(f, "very_stale_hours") for f in features)
    stamp = f"{table}__last_updated"
    note("stale_data", stale, features, f"the table is {hours:g} hours older than on other days")
    earlier = pl.duration(hours=min(hours, 24 * 365))
    rows = _change(rows, day == stale, {stamp: pl.col(stamp) - earlier})

    wide = required[0]
    beyond = wide.max + (wide.max - wide.min or 1.0)
    hit = (day == ranges) & (pl.int_range(pl.len()) % 3 == 0) & pl.col(wide.name).is_not_null()
    text = f"a third of the rows hold {beyond:g}"
    note("range_violation", ranges, [wide], text, rows.select(hit.sum()).item())
    rows = _change(rows, hit, {wide.name: pl.lit(beyond)})

    before = rows.height
    rows = rows.filter((day != half) | (pl.int_range(pl.len()) % 4 == 0))
    lacking = f"three quarters of the {contract.table.count(2).removeprefix('2 ')} are missing"
    note("missing_rows", half, [], lacking, before - rows.height)
    return rows, note.incidents


class _Notes:
    """Describes incidents in the form of the demo's file."""

    def __init__(self, rows: pl.DataFrame, contract: Contract, table: str) -> None:
        self.incidents: list[Incident] = []
        self._dates, self._table = rows[contract.table.date], table
        self._writer = contract.writer(table)

    def __call__(
        self, kind: str, day: date, features: Sequence[Feature], text: str, count: int | None = None
    ) -> None:
        processor = self._writer.name if self._writer and features else None
        self.incidents.append(
            {
                "kind": kind,
                "dates": [day.isoformat()],
                "features": [f.name for f in features],
                "upstream_table": self._table if features else None,
                "processor": processor,
                "rows_affected": int((self._dates == day).sum()) if count is None else count,
                "description": text,
            }
        )


def _lose_table(table: str, features: Sequence[Feature]) -> dict[str, pl.Expr]:
    """Defaults where there are some, NULL elsewhere; no stamp and no hash."""
    changed: dict[str, pl.Expr] = {
        f"{table}__{c}": pl.lit(None) for c in ("last_updated", "data_hash")
    }
    for f in features:
        value = None if f.optional else f.expected
        changed[f.name] = pl.lit(value, pl.Float64)
        changed[f"{f.name}__source"] = pl.lit("missing" if value is None else DEFAULT)
    return changed


def _change(rows: pl.DataFrame, where: pl.Expr, values: dict[str, pl.Expr]) -> pl.DataFrame:
    return rows.with_columns(
        pl.when(where).then(value).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )
