"""What a table lacks of the output's schema: pure, on fields as BigQuery's REST API states them.

A Delta table's columns are stated in the same way, so that one plan serves both stores.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fsq.schema.bigquery import Field, output_fields, sql_type
from fsq.schema.columns import KEYS, LEGACY_FIELDS


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One column or sub-field that is to be added, or to be described.

    Attributes:
        path: its name, after those of the columns that it lies in.
        type: its type in SQL.
        description: what it means.
    """

    path: str
    type: str
    description: str


@dataclass(frozen=True, slots=True)
class SchemaDiff:
    """What would change, and what stands in the way.

    Attributes:
        fields: all fields of the table as they would be; those that it has come first.
        added: what it lacks.
        described: what it has without a description.
        conflicts: why it cannot be done, one sentence each with its cure.
    """

    fields: list[Field]
    added: tuple[SchemaChange, ...]
    described: tuple[SchemaChange, ...]
    conflicts: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Nothing is missing."""
        return not self.added and not self.described


def diff_schema(have: Sequence[Field]) -> SchemaDiff:
    """Compare a table's fields with the keys and the 44 quality columns.

    Once a table has ``feature_quality_detail``, a legacy field that it lacks has been dropped
    on purpose and stays so.

    >>> diff_schema(output_fields()).empty
    True
    >>> diff_schema([f for f in output_fields() if f["name"] != "quality_tier"]).added[0].path
    'quality_tier'
    """
    found = {f["name"].lower() for f in have}
    ended = set(LEGACY_FIELDS) - found if "feature_quality_detail" in found else set()
    wanted = [f for f in output_fields() if f["name"] not in ended]
    plan = _diff_fields(have, wanted, "")
    no_table = tuple(
        f"no column {k}; it is a key and cannot be added: name a table of player-games"
        for k in KEYS
        if k not in found
    )
    return SchemaDiff(plan.fields, plan.added, plan.described, (*no_table, *plan.conflicts))


def _diff_fields(have: Sequence[Field], wanted: Iterable[Field], inside: str) -> SchemaDiff:
    fields, at = [*have], {f["name"].lower(): i for i, f in enumerate(have)}
    added: list[SchemaChange] = []
    described: list[SchemaChange] = []
    conflicts: list[str] = []
    for want in wanted:
        path = f"{inside}{want['name']}"
        i = at.get(want["name"])
        if i is None:
            fields.append(want)
            added.append(_make_change(path, want))
            continue
        there = fields[i]
        if told := _find_conflict(path, there, want):
            conflicts.append(told)
            continue
        if not there.get("description"):
            there = there | {"description": want["description"]}
            described.append(_make_change(path, want))
        if "fields" in want:
            inner = _diff_fields(there.get("fields", ()), want["fields"], f"{path}.")
            there = there | {"fields": inner.fields}
            added += inner.added
            described += inner.described
            conflicts += inner.conflicts
        fields[i] = there
    return SchemaDiff(fields, tuple(added), tuple(described), tuple(conflicts))


def _make_change(path: str, field: Field) -> SchemaChange:
    return SchemaChange(path, sql_type(field, whole=False), field["description"])


def _find_conflict(path: str, there: Field, want: Field) -> str | None:
    if there["name"] != want["name"]:
        return f"{path} is called {there['name']} there; rename it"
    kind, wanted = (sql_type(f, whole=False) for f in (there, want))
    if kind != wanted:
        return f"{path} is {kind} there, and must be {wanted}; rename or drop it"
    if there.get("mode") == "REQUIRED" and want["mode"] == "NULLABLE":
        return f"{path} is NOT NULL there, and may be NULL; drop its NOT NULL"
    return None
