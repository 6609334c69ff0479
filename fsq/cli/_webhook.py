"""Post a document to a URL; a webhook that fails is told, but never fails the check."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from fsq.cli._output import Output
from fsq.errors import InputError

_ATTEMPTS = 3
_SECONDS = 5.0


def checked(url: str) -> str:
    """The host of a URL that can be posted to; no more of it is ever told, it may hold a secret.

    Raises:
        InputError: the URL is not one of http or https.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(["--webhook: name a URL that begins with https:// or http://"],
                         "the webhook cannot be used")  # fmt: skip
    return parts.hostname


def post(url: str, document: Mapping[str, Any], out: Output) -> bool:
    """Post JSON, some times if need be; TRUE if it was taken."""
    host = checked(url)
    body = json.dumps(document, default=str, allow_nan=False).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "fsq"}
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - checked above
    told = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(0.2 * 2**attempt)
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310
                return True
        except (OSError, HTTPException) as error:
            told = getattr(error, "reason", None) or type(error).__name__
            if 400 <= getattr(error, "code", 500) < 500:
                break  # what the server refuses once, it refuses again
    out.note(f"Warning: the webhook at {host} did not take the result: {told}")
    return False
