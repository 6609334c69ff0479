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
from fsq.stores.bigquery.partitions import UNPARTITIONED, Partitioning


class Mode(Enum):
    """What a MERGE may do to the target."""

    IN_PLACE = "the rows were computed from the target itself: only quality columns are set"
    BESIDE = "upstream owns the target: quality is set, rows are added, none is removed"
    WHOLE = "the target holds scored rows only: those of the dates are replaced"

    @property
    def inserts(self) -> bool:
        """Whether new rows are added to the target."""
        return self is not Mode.IN_PLACE


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
        partitioning: of the target.
        kept: columns of the target that the rows lack; where rows are replaced, they keep these.
    """

    target: TableName
    staging: TableName
    columns: Sequence[str]
    days: Sequence[date]
    mode: Mode
    contract: Contract
    partitioning: Partitioning = UNPARTITIONED
    kept: Sequence[str] = ()

    def sql(self) -> str:
        """The statement. Dates are literals, so only their partitions are scanned."""
        clauses = self._replace() if self.mode is Mode.WHOLE else self._update()
        return "\n".join([f"MERGE {self.target.sql} T", *clauses])

    def touched(self, alias: str = "") -> str:
        """The condition for the target's rows of these dates."""
        return format_touched(self.contract.table.date, self.days, self.partitioning, alias)

    def _replace(self) -> list[str]:
        """Delete the dates' rows, insert the new ones.

        A join by key with both NOT MATCHED clauses is a full outer join, which reads every
        partition and is refused where a filter is required; a constant FALSE makes it two scans.
        """
        inserted = format_date_condition(f"S.{quote_column(self.contract.table.date)}", self.days)
        return [
            f"USING {self._source()} S",
            "ON FALSE",
            f"WHEN NOT MATCHED BY TARGET AND {inserted} THEN {self._insert(self.kept)}",
            f"WHEN NOT MATCHED BY SOURCE AND {self.touched('T.')} THEN DELETE",
        ]

    def _update(self) -> list[str]:
        """Set quality by key; add new rows, unless they came from the target itself."""
        key, names = self.contract.table.key, self.contract.output.names
        settable = [c for c in self.columns if c not in key and c in names]
        sets = ", ".join(f"{quote_column(c)} = S.{quote_column(c)}" for c in settable)
        clauses = [
            f"USING {self.staging.sql} S",
            f"ON {self.touched('T.')}",
            *(f"  AND T.{quote_column(k)} = S.{quote_column(k)}" for k in key),
            f"WHEN MATCHED THEN UPDATE SET {sets}",
        ]
        if self.mode is Mode.BESIDE:
            clauses.append(f"WHEN NOT MATCHED BY TARGET THEN {self._insert()}")
        return clauses

    def _insert(self, kept: Sequence[str] = ()) -> str:
        columns = [quote_column(c) for c in (*self.columns, *kept)]
        values = ", ".join(f"S.{c}" for c in columns)
        return f"INSERT ({', '.join(columns)}) VALUES ({values})"

    def _source(self) -> str:
        """The new rows, with what the rows that they replace have in other columns."""
        if not self.kept:
            return self.staging.sql
        key = [quote_column(k) for k in self.contract.table.key]
        kept = [quote_column(c) for c in self.kept]
        chosen = [*(f"N.{quote_column(c)}" for c in self.columns), *(f"O.{c}" for c in kept)]
        lines = [
            f"(SELECT {', '.join(chosen)}",
            f"  FROM {self.staging.sql} N",
            f"  LEFT JOIN (SELECT {', '.join([*key, *kept])} FROM {self.target.sql}",
            f"    WHERE {self.touched()}",
            f"    QUALIFY ROW_NUMBER() OVER (PARTITION BY {', '.join(key)}) = 1) O",
            f"  ON {' AND '.join(f'N.{k} = O.{k}' for k in key)})",
        ]
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


def make_merge(
    name: TableName,
    target: Any,
    staging: TableName,
    columns: Sequence[str],
    days: Sequence[date],
    mode: Mode,
    contract: Contract,
) -> Merge:
    """The MERGE into a table, as Google's client returns it; see ``Merge``."""
    sent = {c.lower() for c in columns}
    kept = [f.name for f in target.schema if f.name.lower() not in sent]
    partitioning = Partitioning.of(target)
    return Merge(name, staging, columns, days, mode, contract, partitioning, kept)


def format_touched(
    date_column: str, days: Sequence[date], partitioning: Partitioning, alias: str = ""
) -> str:
    """The condition for a table's rows of these days; it satisfies a required filter.

    >>> by_arrival = Partitioning("_PARTITIONTIME", "DAY", required=True)
    >>> print(format_touched("day", [date(2026, 2, 6)], by_arrival))
    (`day` = DATE '2026-02-06') AND (_PARTITIONTIME IS NOT NULL OR _PARTITIONTIME IS NULL)
    """
    dates = format_date_condition(f"{alias}{quote_column(date_column)}", days)
    return " AND ".join([dates, *partitioning.conditions(date_column, alias)])


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
