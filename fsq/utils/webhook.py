"""Posting a JSON document to a URL; a receiver that fails never fails the caller."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential

from fsq.utils.documents import encode_json
from fsq.utils.http import RETRIED, open_client

ATTEMPTS, TIMEOUT, WAIT = 3, 5.0, 0.5  # attempts, seconds each, seconds before the second
LONGEST_WAIT = 30.0  # seconds between two attempts, whatever the receiver asks for


class _RefusedError(Exception):
    """The receiver's answer, or what kept it away, in words that hold no secret."""


class _FailedError(_RefusedError):
    """The same, where another attempt may help; ``after`` is when, in seconds, if it was told."""

    def __init__(self, problem: str, after: float | None = None) -> None:
        super().__init__(problem)
        self.after = after


def find_url_problem(url: str) -> str | None:
    """Say why a URL cannot be posted to; None if it can.

    >>> find_url_problem("file:///etc/passwd")
    'only http and https URLs can be posted to'
    """
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        return "it is not a URL"
    if parts.scheme not in ("http", "https"):
        return "only http and https URLs can be posted to"
    if not parts.hostname or not port_is_valid or any(c.isspace() for c in url):
        return "it is not a URL"
    return None


def post(
    url: str,
    document: Mapping[str, Any],
    attempts: int = ATTEMPTS,
    timeout: float = TIMEOUT,
    wait: float = WAIT,
) -> str | None:
    """Post the document as JSON.

    Args:
        url: http or https; its user and password, if any, are sent as they are in other clients.
        document: what to post.
        attempts: how often to try; a permanent refusal is not retried, a redirect not followed.
        timeout: seconds to wait for a connection, and for each part of the answer.
        wait: seconds before the second attempt; each later one waits twice as long, or as long as
            the receiver's ``Retry-After`` says, but never longer than ``LONGEST_WAIT``.

    Returns:
        None once the receiver has accepted it, else what went wrong. The text names only the
        host of the URL, since such URLs are often secrets.
    """
    if problem := find_url_problem(url):
        return problem
    body = encode_json(document).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "fsq"}
    retrying = Retrying(
        stop=stop_after_attempt(attempts),
        wait=lambda state: _choose_wait(state, wait),
        retry=retry_if_exception_type(_FailedError),
        reraise=True,
    )
    with open_client(timeout, headers=headers) as client:
        try:
            retrying(_send, client, url, body)
        except _FailedError as error:
            return f"{error} ({attempts} attempts)"
        except _RefusedError as error:
            return str(error)
    return None


def _send(client: httpx.Client, url: str, body: bytes) -> None:
    """One attempt; the answer's text is of no interest, and may have no end.

    Raises:
        _RefusedError: it was not accepted.
    """
    host = urlsplit(url).hostname
    try:
        with client.stream("POST", url, content=body) as answer:
            status, after = answer.status_code, answer.headers.get("Retry-After")
    except httpx.RemoteProtocolError:  # its text has what was sent, an echo of the URL at worst
        raise _FailedError(f"{host} did not answer in HTTP") from None
    except (httpx.HTTPError, OSError, ValueError) as error:
        raise _FailedError(f"{host}: {error or type(error).__name__}") from None
    if status in RETRIED:
        raise _FailedError(f"{host} answered {status}", _read_seconds(after))
    if not 200 <= status < 300:
        raise _RefusedError(f"{host} answered {status}")


def _choose_wait(state: RetryCallState, first: float) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    asked = error.after if isinstance(error, _FailedError) else None
    usual = wait_exponential(multiplier=first, max=LONGEST_WAIT)(state)
    return min(max(usual, asked or 0.0), LONGEST_WAIT)


def _read_seconds(text: str | None) -> float | None:
    """The seconds that a ``Retry-After`` asks for, as a number or a date; None if it has neither.

    >>> _read_seconds("7"), _read_seconds("Wed, 21 Oct 2015 07:28:00 GMT"), _read_seconds("soon")
    (7.0, 0.0, None)
    """
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
