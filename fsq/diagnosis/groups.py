"""Events and the subgroups that take part in them, as the rows themselves show them.

The contract names the column of events, if there is one. A subgroup, such as a team, is a carried
column that no contract names: it is found by what holds in the rows.

``fsq.profile.subgroups`` looks for something else: every column that splits a date into parts of
several records, whatever events there are. Here one column is chosen, of which each event has the
same number of values, since rows are expected by it; and an entity whose key is partly NULL counts,
while a profile cannot follow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.diagnosis.records import Records
from fsq.profile.rows import encode
from fsq.schema.columns import DETAIL
from fsq.schema.polars_types import is_text

DAY, EVENT, ENTITY, SUB, OTHER = "#day", "#event", "#entity", "#sub", "#other"
_MOSTLY = 0.7  # of the events or dates, so that a date of faults does not hide what holds
_LEAST_ROWS = 3.0  # rows of a subgroup and date, on average
_LEAST_REPEATS = 10  # rows per value of a column that may be a subgroup
_ROWS_AT_ONCE = 500_000


@dataclass(frozen=True)
class Groups:
    """The records with what they belong to.

    Attributes:
        rows: per record the position of its date (``DAY``), its entity (``ENTITY``), its event
            (``EVENT``, NULL if unknown) and its subgroup (``SUB``) and its opposite (``OTHER``),
            as far as there are such; these three are categories, which take less than texts.
        event: the column of events; None if no event lies on a date of its own.
        subgroup: the column of subgroups; None if none is found.
        per_event: subgroups of an event; 0 without.
    """

    rows: pl.DataFrame = field(repr=False)
    event: str | None = None
    subgroup: str | None = None
    per_event: int = 0


def list_carried(contract: Contract, schema: pl.Schema) -> list[str]:
    """The carried columns of scored rows that may name groups: texts and integers."""
    table = contract.table
    skipped = {DETAIL, table.date, *contract.output.names, *contract.names}
    return [
        name
        for name, kind in schema.items()
        if name not in skipped and (kind.is_integer() or is_text(kind))
    ]


def find_groups(
    records: Records, days: pl.Series, contract: Contract, carried: Sequence[str]
) -> Groups:
    """Find events and subgroups.

    Args:
        records: one row per record: keys and carried columns.
        days: the position of each record's date.
        contract: names the keys and the column of events.
        carried: columns that may be subgroups.
    """
    table = contract.table
    keys = [k for k in table.keys if k in records.columns]
    rows = pl.DataFrame({DAY: days.cast(pl.Int32), ENTITY: _number_entities(records, keys)})
    event = table.group
    if event is None or event not in records.columns:
        return Groups(rows)
    rows = rows.with_columns(_categorize(records, event).alias(EVENT))
    if rows[EVENT].is_null().all():
        return Groups(rows.drop(EVENT))
    lasting = count_cells(rows, [DAY, EVENT]).drop_nulls(EVENT).group_by(EVENT).len()["len"] == 1
    if _mean(lasting) < _MOSTLY:
        return Groups(rows.drop(EVENT))  # such a group is no event, but lasts
    candidates = [c for c in carried if c != event and c not in table.keys]
    parts = {c: _categorize(records, c) for c in candidates if _repeats(records, c)}
    found = {c: k for c, part in parts.items() if (k := _count_per_event(rows, part))}
    if not found:
        return Groups(rows, event)
    # One that is alone need not be measured.
    among = found if len(found) > 1 else {}
    constancy = {c: _measure_constancy(rows, parts[c]) for c in among}
    subgroup = max(found, key=lambda c: constancy.get(c, 0.0))
    rows = rows.with_columns(parts[subgroup].alias(SUB))
    opposite = next((c for c in found if c != subgroup and _is_opposite(rows, parts[c])), None)
    if opposite is not None:
        rows = rows.with_columns(parts[opposite].alias(OTHER))
    return Groups(rows, event, subgroup, found[subgroup])


def _number_entities(records: Records, keys: list[str]) -> pl.Series:
    """A number from 1 on per entity, in the order of its keys; NULL where its only key is."""
    if not keys:
        return pl.repeat(1, records.height, dtype=pl.UInt32, eager=True)
    if len(keys) == 1 and records.height <= _ROWS_AT_ONCE:
        numbers = pl.Series(encode(records[keys[0]]) + 1, dtype=pl.UInt32)
        return numbers.replace(0, None)
    values = records.select(keys)
    return (values.to_struct() if len(keys) > 1 else values.to_series()).rank("dense")


def _categorize(records: Records, column: str) -> pl.Series:
    """A column's values as categories of their texts."""
    return records.map(column, lambda values: values.cast(pl.String).cast(pl.Categorical))


def count_cells(rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The distinct combinations of values, and how many rows have them (``len``).

    Grouping takes 200 bytes for each row; so rows are grouped slice by slice.
    """
    if rows.height <= _ROWS_AT_ONCE:
        return rows.group_by(by).len()
    parts = [part.group_by(by).len() for part in rows.select(by).iter_slices(_ROWS_AT_ONCE)]
    return pl.concat(parts).group_by(by).agg(pl.col("len").sum())


def _repeats(records: Records, column: str) -> bool:
    """Whether there are several records per value of a column."""
    most = max(2, records.height // _LEAST_REPEATS)
    ordered = np.sort(records.map(column, lambda values: values.hash()).to_numpy())
    return int((ordered[1:] != ordered[:-1]).sum()) < most


def _measure_repeats(rows: pl.DataFrame) -> float:
    """Rows per distinct row, by hashes: so many different ones need not be listed."""
    parts = [p.drop_nulls().hash_rows().to_numpy() for p in rows.iter_slices(_ROWS_AT_ONCE)]
    hashes = np.sort(np.concatenate(parts))
    return len(hashes) / max(1, int((hashes[1:] != hashes[:-1]).sum()))


def _count_per_event(rows: pl.DataFrame, column: pl.Series) -> int:
    """Values per event, if (nearly) all events have as many and each value one event a date."""
    known = rows.select(DAY, EVENT, column.alias(SUB))
    if known.height > _ROWS_AT_ONCE and _measure_repeats(known) < _LEAST_ROWS:
        return 0
    cells = count_cells(known, [DAY, EVENT, SUB]).drop_nulls([EVENT, SUB])
    if not cells.height or float(cells["len"].sum() / cells.height) < _LEAST_ROWS:
        return 0
    per_event = cells.group_by(DAY, EVENT).len()["len"]
    usual = per_event.value_counts().sort("count", "len", descending=True).row(0)
    per_value = cells.group_by(DAY, SUB).len()["len"]
    holds = usual[1] >= _MOSTLY * len(per_event) and _mean(per_value == 1) >= _MOSTLY
    return int(usual[0]) if holds and usual[0] > 1 else 0


def _measure_constancy(rows: pl.DataFrame, column: pl.Series) -> float:
    """How often an entity keeps the value of its previous record: its team, not its rivals."""
    ordered = rows.select(ENTITY, DAY, column.alias(SUB)).sort(ENTITY, DAY)
    before = ordered.select(pl.col(ENTITY, SUB).shift(1).name.suffix("_"))
    again = ordered[ENTITY] == before[f"{ENTITY}_"]
    return _mean((ordered[SUB] == before[f"{SUB}_"]).filter(again.fill_null(False)))


def _is_opposite(rows: pl.DataFrame, column: pl.Series) -> bool:
    """Whether a column names another subgroup of the same event in (nearly) all rows."""
    cells = count_cells(rows.with_columns(column.alias(OTHER)), [DAY, EVENT, SUB, OTHER])
    pairs = cells.select(DAY, EVENT, pl.col(SUB).alias(OTHER)).unique()
    met = cells.join(pairs, on=[DAY, EVENT, OTHER], how="semi")
    differ = _mean((cells[SUB] != cells[OTHER]).drop_nulls())
    return met.height >= _MOSTLY * cells.height and differ >= _MOSTLY


def _mean(flags: pl.Series) -> float:
    """The share of TRUE; 0 for none."""
    return float(flags.mean() or 0.0)  # type: ignore[arg-type]
