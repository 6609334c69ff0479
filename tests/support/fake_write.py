"""A BigQueryWrite service on a real socket that does what a test plans, and remembers all rows.

``faults`` holds, for each method, what happens at its next calls; for ``append`` at each request,
in order of arrival over all connections. Without a fault a request is served as the real service
does: offsets are checked, rows become visible at the commit, all streams' or none's.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pyarrow as pa
from google.cloud.bigquery_storage_v1 import types
from google.cloud.bigquery_storage_v1.services.big_query_write import BigQueryWriteClient
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import (
    BigQueryWriteGrpcTransport,
)
from google.rpc import status_pb2

OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
Code = grpc.StatusCode
# What the service says of a table that was just made, or that you may not write to.
MASKED = "Permission 'TABLES_UPDATE_DATA' denied on resource 'projects/p' (or it may not exist)."
ErrorCode: Any = types.StorageError.StorageErrorCode


def client_of(address: str) -> Any:
    """Google's client of a service at an address."""
    channel = grpc.insecure_channel(address, options=OPTIONS)
    return BigQueryWriteClient(transport=BigQueryWriteGrpcTransport(channel=channel))


class FakeWrite(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc ships no types
    """One service; a context manager."""

    def __init__(self, keep: bool = True, **faults: list[str | None]) -> None:
        self.faults = {name: deque(plan) for name, plan in faults.items()}
        self.calls: dict[str, int] = defaultdict(int)
        self.sizes: list[int] = []
        # The trace id of each request that opens a connection.
        self.traces: list[str] = []
        self.pending: dict[str, list[pa.Table]] = {}
        self.rows: dict[str, int] = {}
        self.committed: list[pa.Table] = []
        self.done: set[str] = set()
        # A clock that tests set: a pending stream lives for a day, a finalized one for 4 hours.
        self.hours = 0.0
        self.created: dict[str, float] = {}
        self.finalized: dict[str, float] = {}
        self._keep, self._lock, self._over = keep, threading.Lock(), threading.Event()

    def __enter__(self) -> FakeWrite:
        self._server = grpc.server(ThreadPoolExecutor(16), [self], options=OPTIONS)
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self.address = f"127.0.0.1:{port}"
        self.client = client_of(self.address)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.client.transport.close()
        self._server.stop(None).wait(5)

    @property
    def visible(self) -> list[int]:
        """Ids of the committed rows, sorted."""
        return sorted(v for t in self.committed for v in t["id"].to_pylist())

    def service(self, details: Any) -> Any:
        name = details.method.rpartition("/")[2]
        if name == "AppendRows":
            return grpc.stream_stream_rpc_method_handler(self._append)
        served: dict[str, tuple[Any, Any]] = {
            "CreateWriteStream": (self._create, types.CreateWriteStreamRequest),
            "FinalizeWriteStream": (self._finalize, types.FinalizeWriteStreamRequest),
            "BatchCommitWriteStreams": (self._commit, types.BatchCommitWriteStreamsRequest),
        }
        call, kind = served[name]
        return grpc.unary_unary_rpc_method_handler(
            lambda data, context: call(kind.deserialize(data), context)
        )

    def _fault(self, name: str) -> str | None:
        with self._lock:
            self.calls[name] += 1
            plan = self.faults.get(name)
            return plan.popleft() if plan else None

    def _hang(self) -> None:
        self._over.wait(20)

    def _create(self, request: Any, context: Any) -> bytes:
        if fault := self._fault("create"):
            _abort(context, fault)
        with self._lock:
            name = f"{request.parent}/streams/s{len(self.pending)}"
            self.pending[name], self.rows[name] = [], 0
            self.created[name] = self.hours
        return bytes(types.WriteStream.serialize(types.WriteStream(name=name)))

    def _append(self, messages: Iterator[bytes], context: Any) -> Iterator[bytes]:
        schema = None
        for data in messages:
            self.sizes.append(len(data))
            request = types.AppendRowsRequest.deserialize(data)
            name = request.write_stream
            written = request.arrow_rows.writer_schema.serialized_schema
            self.traces += [request.trace_id] * bool(written)
            schema = pa.ipc.read_schema(pa.py_buffer(written)) if written else schema
            fault = self._fault("append")
            if fault == "hang":
                self._hang()
                return
            if fault == "end":
                return
            if fault and fault.startswith("abort:"):
                _abort(context, fault[6:])
            if fault == "row_errors":
                bad = [types.RowError(index=1, message="planned: too long")]
                yield _answer(name, row_errors=bad)
                continue
            if fault and fault.startswith("error:"):
                yield _answer(name, code=Code[fault[6:]], message="planned")
                continue
            if fault == "schema":
                message = "Input schema has more fields than BigQuery schema"
                yield _answer(name, code=Code.INVALID_ARGUMENT, message=message)
                continue
            if fault and fault.startswith("storage:"):
                yield _answer(
                    name,
                    code=Code.INVALID_ARGUMENT,
                    message="planned",
                    storage_code=ErrorCode[fault[8:]],
                )
                continue
            with self._lock:
                held = self.rows[name]
                if request.offset < held:
                    code = Code.ALREADY_EXISTS
                elif request.offset > held:
                    code = Code.OUT_OF_RANGE
                else:
                    code = Code.OK
                    buffer = pa.py_buffer(request.arrow_rows.rows.serialized_record_batch)
                    batch = pa.ipc.read_record_batch(buffer, schema)
                    self.rows[name] += batch.num_rows
                    if self._keep:
                        self.pending[name].append(pa.Table.from_batches([batch]))
            if fault == "lost":  # taken, but nobody hears of it
                context.abort(Code.UNAVAILABLE, "planned")
            if fault == "again":
                # The answer that a client gets whose first copy was taken.
                code = Code.ALREADY_EXISTS
            offset = request.offset + (1 if fault == "wrong_offset" else 0)
            yield _answer(name, code=code, message=code.name, offset=offset)

    def _finalize(self, request: Any, context: Any) -> bytes:
        fault = self._fault("finalize")
        count = self.rows[request.name]
        if fault == "short":
            count -= 1
        elif fault:
            _abort(context, fault)
        if self.hours - self.created[request.name] > 24:
            _abort(context, "INVALID_ARGUMENT", ErrorCode.STREAM_NOT_FOUND)
        self.finalized.setdefault(request.name, self.hours)
        answer = types.FinalizeWriteStreamResponse(row_count=count)
        return bytes(types.FinalizeWriteStreamResponse.serialize(answer))

    def _commit(self, request: Any, context: Any) -> bytes:
        fault = self._fault("commit")
        kind = types.BatchCommitWriteStreamsResponse
        if fault == "stream_errors":
            error = types.StorageError(code=ErrorCode.INVALID_STREAM_STATE, error_message="planned")
            return bytes(kind.serialize(kind(stream_errors=[error])))
        if fault == "hang":
            self._hang()
        if fault == "silent":
            return bytes(kind.serialize(kind()))
        if fault == "MASKED" or fault in Code.__members__ or str(fault).startswith("storage:"):
            _abort(context, str(fault))
        names = list(request.write_streams)
        if self.done & set(names):
            code = ErrorCode.STREAM_ALREADY_COMMITTED
            twice = [types.StorageError(code=code, entity=n) for n in names]
            return bytes(kind.serialize(kind(stream_errors=twice)))
        state = ErrorCode.INVALID_STREAM_STATE
        late = [n for n in names if self.hours - self.finalized.get(n, -1e9) > 4]
        if late:
            errors = [types.StorageError(code=state, entity=n, error_message="late") for n in late]
            return bytes(kind.serialize(kind(stream_errors=errors)))
        self.done |= set(names)
        self.committed += [t for n in names for t in self.pending[n]]
        if fault == "late":  # committed, but the answer does not arrive in time
            self._hang()
        if fault == "lost":
            context.abort(Code.UNAVAILABLE, "planned")
        return bytes(kind.serialize(kind(commit_time=_now())))


def _abort(context: Any, fault: str, storage_code: Any = None) -> None:
    if fault == "MASKED":
        context.abort(Code.PERMISSION_DENIED, MASKED)
    if fault.startswith("storage:"):
        fault, storage_code = "INVALID_ARGUMENT", ErrorCode[fault[8:]]
    message = f"planned {fault}"
    if storage_code is not None:
        status = _status(Code[fault], message, storage_code)
        context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
    context.abort(Code[fault], message)


def _status(code: grpc.StatusCode, message: str, storage_code: Any = None) -> Any:
    """The status of an error; its code of the Storage Write API stands in the details."""
    status = status_pb2.Status(code=code.value[0], message=message)
    if storage_code is not None:
        detail = types.StorageError(code=storage_code, error_message=message)
        url = "type.googleapis.com/google.cloud.bigquery.storage.v1.StorageError"
        status.details.add(type_url=url, value=types.StorageError.serialize(detail))
    return status


def _now() -> Any:
    from google.protobuf.timestamp_pb2 import Timestamp

    return Timestamp(seconds=int(time.time()))


def _answer(
    stream: str,
    code: grpc.StatusCode = Code.OK,
    message: str = "",
    offset: int | None = None,
    row_errors: list[Any] | None = None,
    storage_code: Any = None,
) -> bytes:
    kind = types.AppendRowsResponse
    answer = kind(write_stream=stream, row_errors=row_errors or [])
    if row_errors:
        answer.error = status_pb2.Status(code=Code.INVALID_ARGUMENT.value[0], message="rows")
    elif code is Code.OK:
        answer.append_result = kind.AppendResult(offset=offset)
    else:
        answer.error = _status(code, message, storage_code)
    return bytes(kind.serialize(answer))
