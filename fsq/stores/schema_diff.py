"""What a table lacks of the output's schema.

Fields have the form of BigQuery's REST API, for Delta tables too, so one diff serves all stores.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fsq.schema.bigquery import Field, output_fields, sql_type, standard_type
from fsq.schema.output import OutputSchema


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One column or sub-field to add or to describe.

    Attributes:
        path: its name, after the names of the columns that contain it.
        type: its type in SQL.
        description: what it means.
    """

    path: str
    type: str
    description: str


@dataclass(frozen=True, slots=True)
class SchemaDiff:
    """What would change, and what conflicts.

    Attributes:
        fields: all fields of the table after the change; existing ones come first.
        added: missing columns and sub-fields.
        described: existing ones without a description.
        conflicts: why the table cannot be changed, one sentence each with its cure.
    """

    fields: list[Field]
    added: tuple[SchemaChange, ...]
    described: tuple[SchemaChange, ...]
    conflicts: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Nothing is missing."""
        return not self.added and not self.described


def diff_schema(existing: Sequence[Field], output: OutputSchema) -> SchemaDiff:
    """Compare a table's fields with the keys and the quality columns of a contract.

    Once a table has ``feature_quality_detail``, a missing legacy field was dropped on purpose
    and is not added again. A key may be a string or an integer.

    >>> from fsq.contract import load_contract
    >>> output = load_contract("v2_33features").output
    >>> fields = output_fields(output)
    >>> diff_schema(fields, output).empty
    True
    >>> diff_schema([f for f in fields if f["name"] != "quality_tier"], output).added[0].path
    'quality_tier'
    """
    names = {f["name"].lower() for f in existing}
    dropped = set(output.legacy) - names if "feature_quality_detail" in names else set()
    expected = [f for f in output_fields(output) if f["name"] not in dropped]
    expected = _adopt_key_types(expected, existing, output)
    diff = _diff_fields(existing, expected, "")
    missing_keys = tuple(
        f"no column {k}; it is a key and cannot be added: name a table that has it"
        for k in (c.name for c in output.keys)
        if k.lower() not in names
    )
    return SchemaDiff(diff.fields, diff.added, diff.described, (*missing_keys, *diff.conflicts))


def _adopt_key_types(
    expected: list[Field], existing: Sequence[Field], output: OutputSchema
) -> list[Field]:
    """The expected fields, in which a key has the table's type where that is a type of keys."""
    keys = {c.name for c in output.keys if c.type == "string"}
    found = {f["name"]: standard_type(f["type"]) for f in existing}
    return [
        f | {"type": "INT64"} if f["name"] in keys and found.get(f["name"]) == "INT64" else f
        for f in expected
    ]


def _diff_fields(existing: Sequence[Field], expected: Iterable[Field], prefix: str) -> SchemaDiff:
    fields = [*existing]
    positions = {f["name"].lower(): i for i, f in enumerate(existing)}
    added: list[SchemaChange] = []
    described: list[SchemaChange] = []
    conflicts: list[str] = []
    for field in expected:
        path = f"{prefix}{field['name']}"
        i = positions.get(field["name"])
        if i is None:
            fields.append(field)
            added.append(_make_change(path, field))
            continue
        current = fields[i]
        if conflict := _find_conflict(path, current, field):
            conflicts.append(conflict)
            continue
        if not current.get("description"):
            current = current | {"description": field["description"]}
            described.append(_make_change(path, field))
        if "fields" in field:
            inner = _diff_fields(current.get("fields", ()), field["fields"], f"{path}.")
            current = current | {"fields": inner.fields}
            added += inner.added
            described += inner.described
            conflicts += inner.conflicts
        fields[i] = current
    return SchemaDiff(fields, tuple(added), tuple(described), tuple(conflicts))


def _make_change(path: str, field: Field) -> SchemaChange:
    return SchemaChange(path, sql_type(field, with_fields=False), field["description"])


def _find_conflict(path: str, current: Field, expected: Field) -> str | None:
    if current["name"] != expected["name"]:
        return f"{path} is called {current['name']} in the table; rename it"
    found, wanted = (sql_type(f, with_fields=False) for f in (current, expected))
    if found != wanted:
        return f"{path} is {found} in the table and must be {wanted}; rename or drop it"
    if current.get("mode") == "REQUIRED" and expected["mode"] == "NULLABLE":
        return f"{path} is NOT NULL in the table but may be NULL; drop its NOT NULL"
    return None
