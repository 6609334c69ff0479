"""Posting to a webhook: how often, how long, and what is told of it."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from fsq.utils import webhook
from tests.support.receiver import Receiver, receive


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receive() as started:
        yield started


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that would be waited."""
    found: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", found.append)
    return found


def test_what_may_pass_is_tried_again(receiver: Receiver, waits: list[float]) -> None:
    receiver.answers[:] = [503, 429, 200]
    assert webhook.post(receiver.url, {"a": 1}) is None
    assert receiver.got == [{"a": 1}] * 3
    assert waits == [0.5, 1.0]


def test_it_gives_up(receiver: Receiver, waits: list[float]) -> None:
    receiver.answers[:] = [500] * 4
    assert webhook.post(receiver.url, {}, attempts=4) == "127.0.0.1 answered 500 (4 attempts)"
    assert waits == [0.5, 1.0, 2.0]
    refused = webhook.post("http://127.0.0.1:1/secret", {}, attempts=2)
    assert refused == "127.0.0.1: [Errno 111] Connection refused (2 attempts)"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501])
def test_what_will_not_pass_is_not(receiver: Receiver, waits: list[float], status: int) -> None:
    receiver.answers[:] = [status]
    assert webhook.post(receiver.url, {}) == f"127.0.0.1 answered {status}"
    assert (len(receiver.got), waits) == (1, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(receiver: Receiver, status: int) -> None:
    receiver.answers[:] = [status]
    receiver.headers["Location"] = f"{receiver.url}/elsewhere"
    assert webhook.post(receiver.url, {}) == f"127.0.0.1 answered {status}"
    assert len(receiver.got) == 1


def in_ten_seconds() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=10), usegmt=True)


@pytest.mark.parametrize(
    ("after", "least", "most"),
    [
        ("7", 7, 7),
        ("date", 8, 10),
        ("86400", webhook.LONGEST_WAIT, webhook.LONGEST_WAIT),
        ("0", 0.5, 0.5),
        ("-5", 0.5, 0.5),
        ("soon", 0.5, 0.5),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.5, 0.5),
    ],
)
def test_the_receiver_says_when_to_come_back(
    receiver: Receiver, waits: list[float], after: str, least: float, most: float
) -> None:
    receiver.answers[:] = [429]
    receiver.headers["Retry-After"] = in_ten_seconds() if after == "date" else after
    assert webhook.post(receiver.url, {}) is None
    (waited,) = waits
    assert least <= waited <= most


def test_a_silent_receiver_is_left(receiver: Receiver) -> None:
    """It would answer after a second."""
    receiver.answers[:] = [0]
    assert webhook.post(receiver.url, {}, attempts=1, timeout=0.2) == (
        "127.0.0.1: timed out (1 attempts)"
    )


@pytest.mark.filterwarnings("error")
def test_what_does_not_speak_http_is_told_without_its_words(waits: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def echo() -> None:
            for _ in range(2):
                connection, _address = server.accept()
                with connection:
                    connection.sendall(connection.recv(4096))

        thread = threading.Thread(target=echo, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/s3cret"
        assert webhook.post(url, {}, attempts=2) == (
            "127.0.0.1 did not answer in HTTP (2 attempts)"
        )
        thread.join()


def test_no_log_has_the_url(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert webhook.post(receiver.url.replace("//", "//me:s3cret@"), {}) is None
    assert "secret" not in caplog.text
    assert "s3cret" not in caplog.text
    assert not logging.getLogger("httpx").disabled


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/y",
        "http://",
        "http://a b/",
        "nonsense",
        "http://x:99999/",
        "http://[::1",
        "http://x/\x00",
    ],
)
def test_what_is_no_url_is_not_posted_to(url: str) -> None:
    assert webhook.find_url_problem(url) is not None
    assert webhook.post(url, {}) == webhook.find_url_problem(url)
