"""What the real service refuses: shown in the emulator as it comes, and with its rule.

When one of these fails without its rule, upstream refuses it too: drop the rule and its case.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import types

from fsq.cli import main
from fsq.stores.bigquery.client import Clients, open_clients
from tests.support.frames import wide

PART = bigquery.SchemaField(
    "detail",
    "RECORD",
    "REPEATED",
    fields=[bigquery.SchemaField("n", "INTEGER"), bigquery.SchemaField("word", "STRING")],
)
FIELDS = [bigquery.SchemaField("day", "DATE"), bigquery.SchemaField("k", "STRING"), PART]


@pytest.fixture(params=["as it comes", "with rules"])
def service(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Clients, bool, str]]:
    """An emulator, whether it has the rules, and a table that requires a filter on ``day``."""
    strict = request.param == "with rules"
    found = request.getfixturevalue("emulator" if strict else "unmended")
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    with open_clients("p") as clients:
        clients.tables.create_dataset("p.rules", exists_ok=True)
        name = f"p.rules.t{os.urandom(6).hex()}"
        for suffix in ("", "_new"):
            table = bigquery.Table(name + suffix, schema=FIELDS)
            table.time_partitioning = bigquery.TimePartitioning(field="day")
            table.require_partition_filter = not suffix
            clients.tables.create_table(table)
        clients.tables.query(
            f"INSERT INTO `{name}` (day, k, detail) "
            "VALUES (DATE '2026-01-02', 'or; --', [STRUCT(1 AS n, 'x' AS word)])"
        ).result()
        yield clients, strict, name


def refused(clients: Clients, sql: str) -> str | None:
    """The service's refusal of a statement; None if it ran."""
    try:
        clients.tables.query(sql, retry=None, job_retry=None).result(retry=None, job_retry=None)
    except GoogleAPICallError as error:
        return str(error)
    return None


def read(clients: Clients, name: str, columns: list[str], where: str) -> Any:
    """Rows by the Storage Read API, or its refusal."""
    project, dataset, table = name.split(".")
    session = types.ReadSession(
        table=f"projects/{project}/datasets/{dataset}/tables/{table}",
        data_format=types.DataFormat.ARROW,
        read_options={"selected_fields": columns, "row_restriction": where},
    )
    try:
        opened = clients.reader.create_read_session(
            parent="projects/p", read_session=session, max_stream_count=1
        )
        schema = pa.ipc.read_schema(pa.py_buffer(opened.arrow_schema.serialized_schema))
        answers = [a for s in opened.streams for a in clients.reader.read_rows(s.name)]
        data = [pa.py_buffer(a.arrow_record_batch.serialized_record_batch) for a in answers]
        batches = [pa.ipc.read_record_batch(d, schema) for d in data]
        return pa.Table.from_batches(batches, schema).to_pylist()
    except (GoogleAPICallError, pa.ArrowException) as error:
        return str(error)


REPLACE = (
    "WHEN NOT MATCHED BY TARGET THEN INSERT (day, k) VALUES (S.day, S.k) "
    "WHEN NOT MATCHED BY SOURCE{} THEN DELETE"
)
DAY = "T.day = DATE '2026-01-02'"
STATEMENTS = {
    "a select without a filter": ("SELECT k FROM `{t}`", False),
    "a select with a filter on another column": ("SELECT k FROM `{t}` WHERE k = 'a'", False),
    "a select with a filter": ("SELECT k FROM `{t}` WHERE day > DATE '1000-01-01'", True),
    "a filter that holds for every row": (
        "SELECT k FROM `{t}` WHERE (day IS NOT NULL OR day IS NULL)",
        True,
    ),
    "a join instead of a filter": (
        "SELECT T.k FROM `{t}` T JOIN `{t}_new` N ON T.day = N.day",
        False,
    ),
    "an update without a filter": ("UPDATE `{t}` SET k = 'b' WHERE k = 'a'", False),
    "a merge by key, with both clauses": (
        "MERGE `{t}` T USING `{t}_new` S ON T.k = S.k AND " + DAY + " " + REPLACE.format(""),
        False,
    ),
    "a merge by key, with both clauses and a filter in each": (
        f"MERGE `{{t}}` T USING `{{t}}_new` S ON T.k = S.k AND {DAY} "
        + REPLACE.format(f" AND {DAY}"),
        False,
    ),
    "a merge on FALSE without a filter": (
        "MERGE `{t}` T USING `{t}_new` S ON FALSE " + REPLACE.format(""),
        False,
    ),
    "a merge on FALSE with a filter": (
        "MERGE `{t}` T USING `{t}_new` S ON FALSE " + REPLACE.format(f" AND {DAY}"),
        True,
    ),
    "a merge by key that only updates": (
        f"MERGE `{{t}}` T USING `{{t}}_new` S ON T.k = S.k AND {DAY} "
        "WHEN MATCHED THEN UPDATE SET k = S.k",
        True,
    ),
    "a merge by key without a filter": (
        "MERGE `{t}` T USING `{t}_new` S ON T.k = S.k WHEN MATCHED THEN UPDATE SET k = S.k",
        False,
    ),
}


@pytest.mark.parametrize("case", STATEMENTS)
def test_statements(case: str, service: tuple[Clients, bool, str]) -> None:
    clients, strict, name = service
    sql, fine = STATEMENTS[case]
    problem = refused(clients, sql.replace("{t}", name))
    if fine or not strict:
        assert problem is None
    else:
        assert problem is not None
        assert "partition elimination" in problem


READS = {
    "without a filter": (["k"], "", False),
    "with a filter on another column": (["k"], "k = 'a'", False),
    "with a filter": (["k"], "day IS NOT NULL", True),
    "of words of SQL": (["k"], 'day IS NOT NULL AND k = "or; --"', True),
}


@pytest.mark.parametrize("case", READS)
def test_reads(case: str, service: tuple[Clients, bool, str]) -> None:
    clients, strict, name = service
    columns, where, fine = READS[case]
    found = read(clients, name, columns, where)
    if fine and strict:
        assert found == [{"k": "or; --"}]
    elif strict:
        assert "partition elimination" in found
    else:
        assert "partition elimination" not in found


def test_reads_of_views(service: tuple[Clients, bool, str]) -> None:
    clients, strict, name = service
    view = f"{name}_view"
    assert refused(clients, f"CREATE VIEW `{view}` AS SELECT k FROM `{name}_new`") is None
    assert ("does not support reading" in str(read(clients, view, ["k"], ""))) == strict


def test_several_changes_of_a_table(service: tuple[Clients, bool, str]) -> None:
    clients, strict, name = service
    sql = f"ALTER TABLE `{name}_new` DROP COLUMN IF EXISTS k, DROP COLUMN IF EXISTS detail"
    assert (refused(clients, sql) is None) == strict
    if strict:
        assert [f.name for f in clients.tables.get_table(f"{name}_new").schema] == ["day"]


def test_snapshots_that_expire(service: tuple[Clients, bool, str]) -> None:
    clients, strict, name = service
    options = "OPTIONS (expiration_timestamp = TIMESTAMP '2999-01-01 00:00:00+00')"
    sql = f"CREATE SNAPSHOT TABLE `{name}_copy` CLONE `{name}_new` {options}"
    assert (refused(clients, sql) is None) == strict


def test_pseudo_columns_of_a_named_table(service: tuple[Clients, bool, str]) -> None:
    clients, strict, name = service
    sql = f"SELECT T.k FROM `{name}_new` T WHERE T._PARTITIONTIME IS NOT NULL"
    assert (refused(clients, sql) is None) == strict


def test_reads_of_single_fields(service: tuple[Clients, bool, str]) -> None:
    clients, strict, name = service
    found = read(clients, name, ["k", "detail.n"], "day IS NOT NULL")
    if strict:
        assert found == [{"k": "or; --", "detail": [{"n": 1}]}]
    else:
        assert "Invalid column name" in found


def test_answers_are_compressed_on_request(service: tuple[Clients, bool, str]) -> None:
    clients, strict, name = service
    words = "x" * 20_000
    clients.tables.query(
        f"INSERT INTO `{name}` (day, k) VALUES (DATE '2026-01-03', '{words}')"
    ).result()
    project, dataset, table = name.split(".")
    sizes = {}
    for codec in ("COMPRESSION_UNSPECIFIED", "LZ4_FRAME", "ZSTD"):
        session = types.ReadSession(
            table=f"projects/{project}/datasets/{dataset}/tables/{table}",
            data_format=types.DataFormat.ARROW,
            read_options={
                "row_restriction": "day = DATE '2026-01-03'",
                "arrow_serialization_options": {"buffer_compression": codec},
            },
        )
        opened = clients.reader.create_read_session(parent="projects/p", read_session=session)
        schema = pa.ipc.read_schema(pa.py_buffer(opened.arrow_schema.serialized_schema))
        data = [
            a.arrow_record_batch.serialized_record_batch
            for s in opened.streams
            for a in clients.reader.read_rows(s.name)
        ]
        rows = [
            r for d in data for r in pa.ipc.read_record_batch(pa.py_buffer(d), schema).to_pylist()
        ]
        assert [r["k"] for r in rows] == [words]
        sizes[codec] = sum(map(len, data))
    plain = sizes.pop("COMPRESSION_UNSPECIFIED")
    assert plain > len(words)
    assert {size < plain / 2 for size in sizes.values()} == {strict}


def test_a_missing_dataset_is_not_found(service: tuple[Clients, bool, str]) -> None:
    clients, strict, _ = service
    said = refused(clients, "SELECT 1 FROM `p.nowhere.t`") or ""
    table = bigquery.Table("p.nowhere.t", schema=FIELDS)
    with pytest.raises(GoogleAPICallError) as created:
        clients.tables.create_table(table, retry=None)
    if strict:
        assert "Not found: Dataset p:nowhere" in said
        assert created.value.code == 404
        assert "Not found: Dataset p:nowhere" in str(created.value)
    else:
        assert "Access Denied" in said
        assert created.value.code == 500


def test_a_backfill_without_its_dataset_says_what_to_create(
    service: tuple[Clients, bool, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    if not service[1]:
        return  # as it comes, it would be tried again for minutes
    wide(4, 1).write_parquet(tmp_path / "rows.parquet")
    source, store = str(tmp_path / "rows.parquet"), "bigquery://p.nowhere.t"
    assert main(["backfill", "--source", source, "--store", store]) == 3
    said = capsys.readouterr().err
    assert "Not found: Dataset p:nowhere" in said
    assert "create the dataset first" in said
    assert "Access Denied" not in said
