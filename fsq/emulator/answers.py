"""What the real service delivers of a table, and bqemulator 1.4.0 does not; see ``rules``."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pyarrow as pa
import sqlglot
from bqemulator.grpc_api import read_servicer
from google.cloud.bigquery_storage_v1 import types


def select_nested_fields() -> None:
    """Deliver single fields of structs, which ``selected_fields`` names with dots."""
    original_names, original_sql = (
        read_servicer._validate_column_names,
        read_servicer._build_read_sql,
    )
    original_session = read_servicer.create_read_session

    def validate(names: list[str]) -> None:
        original_names([part for name in names for part in name.split(".")])

    def build(target: str, selected: list[str] | None, *args: Any, **kwargs: Any) -> Any:
        columns = selected and [*dict.fromkeys(n.partition(".")[0] for n in selected)]
        return original_sql(target, columns, *args, **kwargs)

    def create(*, arrow_table: Any, selected_fields: list[str] | None, **kwargs: Any) -> Any:
        if selected_fields:
            arrow_table = _prune(arrow_table, selected_fields)
            selected_fields = [*dict.fromkeys(n.partition(".")[0] for n in selected_fields)]
        return original_session(arrow_table=arrow_table, selected_fields=selected_fields, **kwargs)

    read_servicer._validate_column_names = validate
    read_servicer._build_read_sql = build
    read_servicer.create_read_session = create


def _prune(table: Any, names: list[str]) -> Any:
    """Leave out fields of structs that are not named."""
    wanted: dict[str, set[str]] = {}
    for name in names:
        column, _, field = name.partition(".")
        wanted.setdefault(column, set()).add(field)
    for column, fields in wanted.items():
        if "" not in fields and column in table.column_names:
            at = table.column_names.index(column)
            chunks = [_prune_array(c, fields) for c in table[column].chunks]
            kind = _prune_array(pa.array([], table.schema.field(at).type), fields).type
            table = table.set_column(at, column, pa.chunked_array(chunks, kind))
    return table


def _prune_array(array: Any, fields: set[str]) -> Any:
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        inner = _prune_array(array.values, fields)
        mask = array.is_null() if array.null_count else None
        return type(array).from_arrays(array.offsets, inner, mask=mask)
    parts = [f for f in array.type if f.name in fields]
    values = [array.field(f.name) for f in parts]
    return pa.StructArray.from_arrays(values, fields=parts)


def compress_answers() -> None:
    """Compress the batches of sessions that ask for it in ``buffer_compression``."""
    handler = read_servicer.BigQueryReadHandler
    create, read = handler._handle_create_read_session, handler._handle_read_rows
    serialize = read_servicer.serialize_arrow_record_batch
    codecs: dict[str, str] = {}
    codec: ContextVar[str | None] = ContextVar("codec", default=None)

    def note_codec(self: Any, data: bytes, context: Any) -> bytes:
        answer: bytes = create(self, data, context)
        options = parse_session(data).read_options.arrow_serialization_options
        if answer and options.buffer_compression:
            name = options.buffer_compression.name.partition("_")[0].lower()
            codecs[types.ReadSession.deserialize(answer).name] = name
        return answer

    def answer_rows(self: Any, data: bytes, context: Any) -> Iterator[bytes]:
        stream = types.ReadRowsRequest.deserialize(data).read_stream
        wanted, answers = codecs.get(stream.rpartition("/streams/")[0]), read(self, data, context)
        while True:
            token = codec.set(wanted)
            try:
                answer = next(answers, None)
            finally:
                codec.reset(token)
            if answer is None:
                return
            yield answer

    def compress(batch: pa.RecordBatch) -> bytes:
        if codec.get() is None:
            plain: bytes = serialize(batch)
            return plain
        sink, options = pa.BufferOutputStream(), pa.ipc.IpcWriteOptions(compression=codec.get())
        with pa.ipc.new_stream(sink, batch.schema, options=options) as stream:
            stream.write_batch(batch)
        messages = pa.ipc.MessageReader.open_stream(sink.getvalue())
        messages.read_next_message()  # the schema travels separately
        content: bytes = messages.read_next_message().serialize().to_pybytes()
        return content

    handler._handle_create_read_session, handler._handle_read_rows = note_codec, answer_rows
    read_servicer.serialize_arrow_record_batch = compress


def read_texts_in_filters() -> None:
    """Accept words of SQL inside string literals of ``row_restriction``."""
    original = read_servicer._reject_dangerous_filter

    def reject(restriction: str) -> None:
        tokens = sqlglot.tokenize(restriction, read="bigquery")
        texts = {sqlglot.TokenType.STRING}
        original(" ".join("''" if t.token_type in texts else t.text for t in tokens))

    read_servicer._reject_dangerous_filter = reject


def parse_session(data: bytes) -> Any:
    """The session that a request asks for."""
    return types.CreateReadSessionRequest.deserialize(data).read_session
