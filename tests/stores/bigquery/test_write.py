"""Whatever goes wrong on the wire: no row lost, none twice."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from fsq.errors import FsqError, InputError, StoreError
from fsq.stores.bigquery.retry import Retry
from fsq.stores.bigquery.write import write_rows
from tests.support.fake_write import FakeWrite

ROWS = pa.table({"id": list(range(400)), "text": ["x" * 500] * 400})
QUICK = Retry(attempts=4, first=0.005, longest=0.02, silence=0.6)
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
