"""Whatever goes wrong on the wire: no row lost, none twice."""

from __future__ import annotations

import time
from typing import Any

import pyarrow as pa
import pytest

from fsq.errors import FsqError, InputError, StoreError
from fsq.stores.bigquery.retry import Retry
from fsq.stores.bigquery.stream import split_requests
from fsq.stores.bigquery.write import commit_streams, fill_stream, finalize_streams, write_rows
from fsq.utils.version import VERSION
from tests.support.fake_write import FakeWrite

ROWS = pa.table({"id": list(range(400)), "text": ["x" * 500] * 400})
QUICK = Retry(attempts=4, first=0.005, longest=0.02, silence=0.6, propagation=1.2)
PARENT = "projects/p/datasets/d/tables/t"


def published(service: FakeWrite, streams: int) -> int:
    return write_rows(service.client, PARENT, ROWS, streams, QUICK, limit=40_000)


RECOVERED: dict[str, dict[str, Any]] = {
    "nothing goes wrong": {},
    "UNAVAILABLE before the first": {"append": ["abort:UNAVAILABLE"]},
    "UNAVAILABLE in mid-stream": {"append": [None, None, None, "abort:UNAVAILABLE"]},
    "UNAVAILABLE again and again": {
        "append": [None, "abort:UNAVAILABLE", "abort:UNAVAILABLE", None, "abort:UNAVAILABLE"]
    },
    "INTERNAL in mid-stream": {"append": [None, "abort:INTERNAL"]},
    "ABORTED in an answer": {"append": [None, "error:ABORTED"]},
    "CANCELLED by the server": {"append": [None, None, "abort:CANCELLED"]},
    "DEADLINE_EXCEEDED in an answer": {"append": ["error:DEADLINE_EXCEEDED"]},
    "the first acknowledgement is lost": {"append": ["lost"]},
    "an acknowledgement is lost": {"append": [None, None, "lost"]},
    "two acknowledgements are lost": {"append": [None, "lost", None, "lost"]},
    "ALREADY_EXISTS": {"append": [None, "again"]},
    "OUT_OF_RANGE": {"append": [None, "error:OUT_OF_RANGE"]},
    "RESOURCE_EXHAUSTED in an answer": {"append": [None, "error:RESOURCE_EXHAUSTED"]},
    "RESOURCE_EXHAUSTED ends the call": {"append": [None, "abort:RESOURCE_EXHAUSTED"]},
    "NOT_FOUND on a new stream": {"append": ["abort:NOT_FOUND"]},
    "the schema is not there yet": {"append": ["schema"]},
    "the schema is not there yet, by its code": {
        "append": ["storage:SCHEMA_MISMATCH_EXTRA_FIELDS"]
    },
    "an offset out of range, by its code": {"append": [None, "storage:OFFSET_OUT_OF_RANGE"]},
    "the call ends for the schema": {"append": ["abort:storage:SCHEMA_MISMATCH_EXTRA_FIELDS"]},
    "the connection ends early": {"append": [None, None, "end"]},
    "the server hangs": {"append": [None, None, "hang"]},
    "no stream at first": {"create": ["UNAVAILABLE", "NOT_FOUND"]},
    "finalize fails at first": {"finalize": ["UNAVAILABLE"]},
    "commit fails at first": {"commit": ["UNAVAILABLE", "INTERNAL"]},
    "commit is answered late": {"commit": ["late"]},
    "commit's answer is lost": {"commit": ["lost"]},
    "commit hangs": {"commit": ["hang"]},
}


@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("case", RECOVERED)
def test_no_row_is_lost_and_none_is_there_twice(case: str, streams: int) -> None:
    with FakeWrite(**RECOVERED[case]) as service:
        assert published(service, streams) == 400
        assert service.visible == list(range(400))
        assert max(service.sizes) <= 40_000
        assert not any(service.faults.values()), "the fault was not met"


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "row_errors": ({"append": [None, "row_errors"]}, InputError, "planned: too long"),
    "PERMISSION_DENIED": ({"append": ["abort:PERMISSION_DENIED"]}, StoreError, "Data Editor"),
    "INVALID_ARGUMENT": ({"append": [None, "error:INVALID_ARGUMENT"]}, StoreError, "planned"),
    "NOT_FOUND in mid-stream": ({"append": [None, "error:NOT_FOUND"]}, StoreError, "dropped"),
    "another offset": ({"append": [None, "wrong_offset"]}, StoreError, "offset"),
    "a stream that may not be made": ({"create": ["PERMISSION_DENIED"]}, StoreError, "planned"),
    "finalize counts too few": ({"finalize": ["short"]}, StoreError, "acknowledged"),
    "stream_errors": ({"commit": ["stream_errors"]}, StoreError, "did not commit"),
    "a commit without an answer": ({"commit": ["silent"]}, StoreError, "did not say"),
    "a commit that is refused": ({"commit": ["PERMISSION_DENIED"]}, StoreError, "planned"),
    "a key that may not be used": (
        {"append": ["storage:KMS_PERMISSION_DENIED"]},
        StoreError,
        "CryptoKey",
    ),
    "a key that may not be used ends the call": (
        {"create": ["storage:KMS_PERMISSION_DENIED"]},
        StoreError,
        "KMS_PERMISSION_DENIED.*\n.*CryptoKey",
    ),
    "a stream that is gone": ({"commit": ["storage:STREAM_NOT_FOUND"]}, StoreError, "24 hours"),
    "never available": ({"append": ["abort:UNAVAILABLE"] * 60}, StoreError, "4 tries"),
    "always hanging": ({"append": ["hang"] * 60}, StoreError, "4 tries"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_mended_says_so_and_shows_no_row(case: str) -> None:
    faults, kind, words = REFUSED[case]
    with FakeWrite(**faults) as service:
        with pytest.raises(kind, match=words) as caught:
            published(service, 1)
        assert isinstance(caught.value, FsqError)
        assert service.visible == []
        if "tries" not in words:
            assert service.calls["append"] <= 20  # at once


STEPS = ("create", "append", "finalize", "commit")


@pytest.mark.parametrize("times", [1, 12])
@pytest.mark.parametrize("refusal", ["MASKED", "NOT_FOUND"])
@pytest.mark.parametrize("step", STEPS)
def test_a_table_just_made_that_is_not_there_yet_is_waited_for(
    step: str, refusal: str, times: int
) -> None:
    """More often than other failures are retried; then all rows are there once."""
    fault = f"abort:{refusal}" if step == "append" else refusal
    planned: dict[str, Any] = {step: [fault] * times}
    with FakeWrite(**planned) as service:
        assert published(service, 1) == 400
        assert service.visible == list(range(400))
        assert service.calls[step] > times


@pytest.mark.parametrize(
    ("refusal", "hint"), [("MASKED", "Data Editor"), ("NOT_FOUND", "table's name")]
)
@pytest.mark.parametrize("step", STEPS)
def test_a_table_that_stays_away_is_given_up_after_a_while(
    step: str, refusal: str, hint: str
) -> None:
    fault = f"abort:{refusal}" if step == "append" else refusal
    planned: dict[str, Any] = {step: [fault] * 100_000}
    with FakeWrite(**planned) as service:
        before = time.monotonic()
        with pytest.raises(StoreError, match=hint):
            published(service, 1)
        assert time.monotonic() - before >= QUICK.propagation
        assert service.visible == []
        assert service.calls[step] > QUICK.attempts


@pytest.mark.parametrize("step", STEPS)
def test_a_permission_that_is_plainly_missing_is_not_waited_for(step: str) -> None:
    fault = "abort:PERMISSION_DENIED" if step == "append" else "PERMISSION_DENIED"
    planned: dict[str, Any] = {step: [fault] * 10}
    with FakeWrite(**planned) as service:
        with pytest.raises(StoreError, match="Data Editor"):
            published(service, 1)
        assert service.calls[step] == 1


def test_streams_wait_for_their_commit_for_hours() -> None:
    """Tasks of a long run fill them; only the driver's commit finalizes them."""
    batches = split_requests(ROWS.combine_chunks().to_batches()[0], 40_000)
    with FakeWrite() as service:
        transport = service.client.transport
        streams = [fill_stream(transport, PARENT, b, QUICK) for b in (batches[:2], batches[2:])]
        assert service.calls["finalize"] == 0
        service.hours = 23
        rows = {s.name: s.rows for s in streams}
        finalize_streams(transport, rows, QUICK)
        assert service.visible == []
        commit_streams(transport, PARENT, [*rows], QUICK)
        assert service.visible == list(range(400))


@pytest.mark.parametrize(("filled", "committed", "hint"), [(0, 5, "4 hours"), (25, 25, "24 hours")])
def test_streams_that_are_too_old_say_so(filled: float, committed: float, hint: str) -> None:
    batches = split_requests(ROWS.combine_chunks().to_batches()[0], 40_000)
    with FakeWrite() as service:
        transport = service.client.transport
        stream = fill_stream(transport, PARENT, batches, QUICK)

        def commit_late() -> None:
            service.hours = filled
            finalize_streams(transport, {stream.name: stream.rows}, QUICK)
            service.hours = committed
            commit_streams(transport, PARENT, [stream.name], QUICK)

        with pytest.raises(StoreError, match=hint):
            commit_late()
        assert service.visible == []


def test_a_stream_is_finalized_before_it_is_committed() -> None:
    batches = split_requests(ROWS.combine_chunks().to_batches()[0], 40_000)
    with FakeWrite() as service:
        stream = fill_stream(service.client.transport, PARENT, batches, QUICK)
        with pytest.raises(StoreError, match="INVALID_STREAM_STATE"):
            commit_streams(service.client.transport, PARENT, [stream.name], QUICK)


def test_about_a_minute_is_waited() -> None:
    assert Retry().propagation == 60


def test_pauses_grow_up_to_the_longest_and_differ_by_writer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Many writers that failed together do not all come again at the same moment."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    for failures in (1, 2, 3, 50):
        for _ in range(20):
            Retry(first=1, longest=10).pause(failures)
    for at, most in enumerate((1, 2, 4, 10)):
        pauses = slept[20 * at : 20 * at + 20]
        assert len(set(pauses)) > 1
        assert all(most / 2 <= pause <= most for pause in pauses)


def test_one_bad_stream_stops_the_others() -> None:
    with FakeWrite(append=[None, "abort:PERMISSION_DENIED"]) as service:
        with pytest.raises(StoreError, match="PERMISSION_DENIED"):
            published(service, 3)
        assert service.visible == []
        assert service.calls["commit"] == 0


def test_every_connection_says_who_writes() -> None:
    with FakeWrite(append=[None, "abort:UNAVAILABLE"]) as service:
        published(service, streams=2)
    assert len(service.traces) == 3
    assert set(service.traces) == {f"fsq:{VERSION}"}


def test_no_rows_ask_nothing() -> None:
    with FakeWrite() as service:
        assert write_rows(service.client, PARENT, ROWS.slice(0, 0)) == 0
        assert not service.calls
