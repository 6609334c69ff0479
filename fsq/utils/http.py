"""Speaking HTTP: the certificates that the machine trusts, and no log that has an address."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

# Answers after which another attempt may help.
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


@contextmanager
def open_client(timeout: float, **options: Any) -> Iterator[httpx.Client]:
    """A client for the block.

    Args:
        timeout: seconds to wait for a connection, and for each part of an answer.
        options: others of ``httpx.Client``; by default, no redirect is followed.
    """
    # A company's own certificates among them, which httpx' list has not.
    trusted = ssl.create_default_context()
    with _silent(), httpx.Client(verify=trusted, timeout=timeout, **options) as client:
        yield client


@contextmanager
def _silent() -> Iterator[None]:
    """Without the logs of httpx and of what is below it, which have URLs and headers."""
    names = [n for n in logging.root.manager.loggerDict if n.startswith(("httpx", "httpcore"))]
    logs = [logging.getLogger(name) for name in names]
    before = [log.disabled for log in logs]
    for log in logs:
        log.disabled = True
    try:
        yield
    finally:
        for log, was in zip(logs, before, strict=True):
            log.disabled = was
