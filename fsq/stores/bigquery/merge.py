"""From a staging table into the target: one MERGE by key, limited to the dates written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any

import pyarrow as pa

from fsq.contract import Contract
from fsq.intake.formats import holds_features
from fsq.stores.bigquery.names import TableName, format_date, quote_column


class Mode(Enum):
    """What a MERGE may do to the target."""

    IN_PLACE = "the rows were computed from the target itself: only quality columns are set"
    BESIDE = "upstream owns the target: quality is set, rows are added, none is removed"
    WHOLE = "the target holds scored rows only: those of the dates are replaced"


@dataclass(frozen=True, slots=True)
class Merge:
    """A MERGE of rows of whole dates.

    Args:
        target: the table to change.
        staging: the table with the new rows, one per key.
        columns: the columns of the staging table.
        days: the dates of the rows.
        mode: what may be done to the target.
        contract: of the rows.
    """

    target: TableName
    staging: TableName
    columns: Sequence[str]
    days: Sequence[date]
    mode: Mode
    contract: Contract

    def sql(self) -> str:
        """The statement. Dates are literals, so only their partitions are scanned."""
        key, output = self.contract.table.key, self.contract.output
        days = format_date_condition(f"T.{quote_column(self.contract.table.date)}", self.days)
        lines = [
            f"MERGE {self.target.sql} T",
            f"USING {self.staging.sql} S",
            f"ON {days}",
            *(f"  AND T.{quote_column(k)} = S.{quote_column(k)}" for k in key),
        ]
        settable = [c for c in self.columns if c not in key]
        if self.mode is not Mode.WHOLE:
            settable = [c for c in settable if c in output.names]
        sets = ", ".join(f"{quote_column(c)} = S.{quote_column(c)}" for c in settable)
        lines.append(f"WHEN MATCHED THEN UPDATE SET {sets}")
        if self.mode is not Mode.IN_PLACE:
            names = ", ".join(quote_column(c) for c in self.columns)
            values = ", ".join(f"S.{quote_column(c)}" for c in self.columns)
            lines.append(f"WHEN NOT MATCHED BY TARGET THEN INSERT ({names}) VALUES ({values})")
        if self.mode is Mode.WHOLE:
            lines.append(f"WHEN NOT MATCHED BY SOURCE AND {days} THEN DELETE")
        return "\n".join(lines)


def choose_mode(target: Any, since: int | None) -> Mode:
    """What a merge may do to an existing table."""
    if since is not None:
        return Mode.IN_PLACE
    return Mode.BESIDE if holds_features(f.name for f in target.schema) else Mode.WHOLE


def select_columns_to_send(
    schema: pa.Schema, target: Any, mode: Mode, contract: Contract
) -> list[str]:
    """The columns to send; of the legacy fields, those that the target still has."""
    existing = {f.name.lower() for f in target.schema}
    dropped = {n for n in contract.output.legacy if n not in existing}
    names = [n for n in schema.names if n not in dropped]
    if mode is Mode.IN_PLACE:
        names = [n for n in names if n in contract.table.key or n in contract.output.names]
    return names


def format_date_condition(name: str, days: Sequence[date]) -> str:
    """A condition for these days, as literals; consecutive days make one range.

    >>> format_date_condition("T.day", [date(2026, 2, 1), date(2026, 2, 2), date(2026, 2, 6)])
    "(T.day BETWEEN DATE '2026-02-01' AND DATE '2026-02-02' OR T.day = DATE '2026-02-06')"
    """
    runs: list[list[date]] = []
    for day in sorted(days):
        if runs and day - runs[-1][1] == timedelta(days=1):
            runs[-1][1] = day
        else:
            runs.append([day, day])
    conditions = [
        f"{name} = {format_date(a)}"
        if a == b
        else f"{name} BETWEEN {format_date(a)} AND {format_date(b)}"
        for a, b in runs
    ]
    return f"({' OR '.join(conditions)})"
