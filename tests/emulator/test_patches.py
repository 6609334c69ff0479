"""Each fault that fsq.emulator.patches mends, shown in the emulator as it comes.

When one of these fails, upstream has mended the fault: drop the patch and its test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date

import pyarrow as pa
import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import types

from fsq.stores.bigquery.client import Clients, open_clients

DETAIL = bigquery.SchemaField(
    "detail",
    "RECORD",
    "REPEATED",
    fields=[bigquery.SchemaField("n", "INTEGER"), bigquery.SchemaField("word", "STRING")],
)
FIELDS = [bigquery.SchemaField("k", "STRING", description="the key"), DETAIL]


@pytest.fixture(params=["unmended", "mended"])
def service(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Clients, bool, str]]:
    mended = request.param == "mended"
    found = request.getfixturevalue("emulator" if mended else "unmended")
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    with open_clients("p") as clients:
        clients.tables.create_dataset("p.faults", exists_ok=True)
        name = f"p.faults.t{os.urandom(6).hex()}"
        table = bigquery.Table(name, schema=FIELDS)
        table.time_partitioning = None
        clients.tables.create_table(table)
        yield clients, mended, name


def appended(clients: Clients, name: str, rows: pa.Table) -> list[int]:
    """Append in a committed stream; the number of fields of every stored struct."""
    project, dataset, table = name.split(".")
    path = f"projects/{project}/datasets/{dataset}/tables/{table}"
    kind = types.WriteStream(type_=types.WriteStream.Type.COMMITTED)
    stream = clients.writer.create_write_stream(parent=path, write_stream=kind)
    (batch,) = rows.combine_chunks().to_batches()
    message = types.AppendRowsRequest(
        write_stream=stream.name,
        arrow_rows=types.AppendRowsRequest.ArrowData(
            writer_schema=types.ArrowSchema(
                serialized_schema=batch.schema.serialize().to_pybytes()
            ),
            rows=types.ArrowRecordBatch(serialized_record_batch=batch.serialize().to_pybytes()),
        ),
    )
    try:
        answers = list(clients.writer.append_rows(iter([message]), retry=None, timeout=20))
    except GoogleAPICallError:
        return []
    if any(a.error.code for a in answers):
        return []
    found = clients.tables.query(f"SELECT detail FROM `{name}`").result()
    return [len(d) for row in found for d in row.detail]


def test_nested_rows(service: tuple[Clients, bool, str]) -> None:
    clients, mended, name = service
    rows = pa.table({"k": ["a"], "detail": [[{"n": 1, "word": "x"}]]})
    assert appended(clients, name, rows) == ([2] if mended else [])


def test_stream_schema(service: tuple[Clients, bool, str]) -> None:
    clients, mended, name = service
    project, dataset, table = name.split(".")
    stream = clients.writer.create_write_stream(
        parent=f"projects/{project}/datasets/{dataset}/tables/{table}",
        write_stream=types.WriteStream(type_=types.WriteStream.Type.PENDING),
    )
    shown = [f.name for f in stream.table_schema.fields[1].fields]
    assert shown == (["n", "word"] if mended else [])


def test_small_answers(service: tuple[Clients, bool, str]) -> None:
    clients, mended, name = service
    sql = f"INSERT INTO `{name}` (k) SELECT REPEAT('x', 30000) FROM UNNEST(GENERATE_ARRAY(1, 500))"
    clients.tables.query(sql).result()
    project, dataset, table = name.split(".")
    wanted = types.ReadSession(
        table=f"projects/{project}/datasets/{dataset}/tables/{table}",
        data_format=types.DataFormat.ARROW,
    )
    session = clients.reader.create_read_session(
        parent="projects/p", read_session=wanted, max_stream_count=1
    )
    try:
        read = sum(a.row_count for s in session.streams for a in clients.reader.read_rows(s.name))
    except GoogleAPICallError:
        read = 0
    assert read == (500 if mended else 0)


def test_kept_metadata(service: tuple[Clients, bool, str]) -> None:
    clients, mended, name = service
    clients.tables.query(f"CREATE TABLE IF NOT EXISTS `{name}` (k STRING)").result()
    described = clients.tables.get_table(name).schema[0].description
    assert described == ("the key" if mended else None)


def test_altered_by_sql(service: tuple[Clients, bool, str]) -> None:
    clients, mended, name = service
    clients.tables.query(f"ALTER TABLE `{name}` ADD COLUMN day DATE").result()
    schema = clients.tables.get_table(name).schema
    assert [f.name for f in schema] == ["k", "detail"] + (["day"] if mended else [])
    assert schema[0].description == "the key"


def test_altered_by_patch(service: tuple[Clients, bool, str]) -> None:
    clients, mended, name = service
    clients.tables.query(f"INSERT INTO `{name}` (k) VALUES ('a')").result()
    table = clients.tables.get_table(name)
    inner = bigquery.SchemaField("score", "FLOAT")
    wider = bigquery.SchemaField("detail", "RECORD", "REPEATED", fields=[*DETAIL.fields, inner])
    table.schema = [FIELDS[0], wider, bigquery.SchemaField("day", "DATE")]
    clients.tables.update_table(table, ["schema"])
    if not mended:
        with pytest.raises(GoogleAPICallError):
            clients.tables.query(f"SELECT day FROM `{name}`").result(retry=None, job_retry=None)
        return
    clients.tables.query(f"UPDATE `{name}` SET day = DATE '2026-01-01' WHERE k = 'a'").result()
    (row,) = clients.tables.query(f"SELECT day, detail FROM `{name}`").result()
    assert row.day == date(2026, 1, 1)
