"""Whatever goes wrong on the wire: no row lost, none twice."""

from __future__ import annotations

import time
from typing import Any

import pyarrow as pa
import pytest

from fsq.errors import FsqError, InputError, StoreError
from fsq.stores.bigquery.retry import Retry
from fsq.stores.bigquery.write import write_rows
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


def test_about_a_minute_is_waited() -> None:
    assert Retry().propagation == 60


def test_one_bad_stream_stops_the_others() -> None:
    with FakeWrite(append=[None, "abort:PERMISSION_DENIED"]) as service:
        with pytest.raises(StoreError, match="PERMISSION_DENIED"):
            published(service, 3)
        assert service.visible == []
        assert service.calls["commit"] == 0


def test_no_rows_ask_nothing() -> None:
    with FakeWrite() as service:
        assert write_rows(service.client, PARENT, ROWS.slice(0, 0)) == 0
        assert not service.calls
