"""Delta tables as other writers leave them, made by editing the log of a plain one."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
from deltalake import write_deltalake

Action = dict[str, Any]
_Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
# What Spark escapes in a folder's name; it leaves blanks, accents and plus signs as they are.
_SPARK_ESCAPES = {*"\"#%'*/:=?\\{[]^", *map(chr, range(1, 32)), "\x7f"}


def read_actions(table: Path) -> list[Action]:
    """All actions of the log, in order."""
    logs = sorted((table / "_delta_log").glob("*.json"))
    return [json.loads(line) for log in logs for line in log.read_text().split("\n") if line]


def _read_metadata(table: Path) -> tuple[Action, Any]:
    """The last metadata of the log, and the schema that it states."""
    metadata = [a["metaData"] for a in read_actions(table) if "metaData" in a][-1]
    return metadata, json.loads(metadata["schemaString"])


def add_commit(table: Path, *actions: Action) -> None:
    """Append a commit to the log."""
    count = len(list((table / "_delta_log").glob("*.json")))
    lines = "\n".join(map(json.dumps, actions))
    (table / "_delta_log" / f"{count:020}.json").write_text(lines + "\n")


def set_features(table: Path, reader: list[str], writer: list[str]) -> None:
    """Demand features of whoever reads the table, and others of whoever writes it."""
    protocol: Action = {"minReaderVersion": 3 if reader else 1, "minWriterVersion": 7}
    protocol["writerFeatures"] = sorted({*reader, *writer})
    if reader:
        protocol["readerFeatures"] = reader
    add_commit(table, {"protocol": protocol})


def change_metadata(
    table: Path,
    properties: dict[str, str] | None = None,
    types: dict[str, str] | None = None,
    fields: dict[str, dict[str, str]] | None = None,
    required: tuple[str, ...] = (),
) -> None:
    """Set properties of the table, and types, metadata and NOT NULL of its columns."""
    metadata, schema = _read_metadata(table)
    for field in schema["fields"]:
        field["type"] = (types or {}).get(field["name"], field["type"])
        field["metadata"] |= (fields or {}).get(field["name"], {})
        field["nullable"] = field["name"] not in required
    metadata["schemaString"] = json.dumps(schema)
    metadata["configuration"] |= properties or {}
    add_commit(table, {"metaData": metadata})


def delete_row(table: Path, row: int) -> None:
    """Delete a row of a table's one file by a deletion vector, as Databricks does."""
    set_features(table, ["deletionVectors"], [])
    add = next(a["add"] for a in read_actions(table) if "add" in a)
    removed = {"path": add["path"], "deletionTimestamp": 1, "dataChange": True}
    removed |= {"partitionValues": add["partitionValues"], "size": add["size"]}
    bitmap = struct.pack("<IIHHIH", 12346, 1, 0, 0, 16, row)
    data = struct.pack("<IqI", 1681511377, 1, 0) + bitmap
    vector: Action = {"storageType": "i", "pathOrInlineDv": _to_z85(data)}
    vector |= {"sizeInBytes": len(data), "cardinality": 1}
    add_commit(table, {"remove": removed}, {"add": add | {"deletionVector": vector}})


def _to_z85(data: bytes) -> str:
    data += b"\0" * (-len(data) % 4)
    words = (int.from_bytes(data[i : i + 4], "big") for i in range(0, len(data), 4))
    return "".join(_Z85[word // 85**i % 85] for word in words for i in (4, 3, 2, 1, 0))


def map_columns(table: Path) -> None:
    """Turn on column mapping; names in the files stay, so each is its own physical name."""
    metadata, schema = _read_metadata(table)
    count = 0
    for count, field in enumerate(_list_fields(schema), 1):
        name = "delta.columnMapping.physicalName"
        field["metadata"] = {"delta.columnMapping.id": count, name: field["name"]}
    metadata["schemaString"] = json.dumps(schema)
    metadata["configuration"] |= {"delta.columnMapping.mode": "name"}
    metadata["configuration"] |= {"delta.columnMapping.maxColumnId": str(count)}
    protocol: Action = {"minReaderVersion": 2, "minWriterVersion": 5}
    add_commit(table, {"protocol": protocol}, {"metaData": metadata})


def rename_mapped(table: Path, old: str, new: str) -> None:
    """Rename a column of a table with column mapping, which leaves its files alone."""
    metadata, schema = _read_metadata(table)
    for field in schema["fields"]:
        field["name"] = new if field["name"] == old else field["name"]
    metadata["schemaString"] = json.dumps(schema)
    add_commit(table, {"metaData": metadata})


def _list_fields(kind: Any) -> Iterator[Action]:
    if isinstance(kind, dict):
        for field in kind.get("fields", ()):
            yield field
            yield from _list_fields(field["type"])
        yield from _list_fields(kind.get("elementType"))


def write_partitioned(table: Path, rows: pl.DataFrame, column: str, *, as_spark: bool) -> None:
    """Write rows with one value of a column into a folder named as delta-rs or Spark would."""
    write_deltalake(table, rows.to_arrow(), partition_by=[column])
    if not as_spark:
        return
    (folder,) = (f for f in table.iterdir() if f.name != "_delta_log")
    value = rows[column][0]
    name = "".join(f"%{ord(c):02X}" if c in _SPARK_ESCAPES else c for c in value)
    folder = folder.rename(table / f"{column}={name}")
    (log,) = (table / "_delta_log").glob("*.json")
    actions = read_actions(table)
    for action in actions:
        if "add" in action:
            file = Path(action["add"]["path"]).name
            action["add"]["path"] = quote(f"{folder.name}/{file}", safe="=~!$&'()*+,;@/")
    log.write_text("\n".join(map(json.dumps, actions)))
