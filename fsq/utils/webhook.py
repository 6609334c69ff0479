"""Posts a JSON document to a URL; a receiver that fails never fails the caller."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

ATTEMPTS, TIMEOUT, WAIT = 3, 5.0, 0.5  # tries, seconds each, seconds before the second try
_AGAIN = {408, 425, 429, 500, 502, 503, 504}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """A POST that is redirected would arrive as a GET without its document."""


def problem_of(url: str) -> str | None:
    """Why a URL cannot be posted to; None if it can.

    >>> problem_of("file:///etc/passwd")
    'only http and https URLs can be posted to'
    """
    try:
        parts = urlsplit(url)
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        return "it is not a URL"
    if parts.scheme not in ("http", "https"):
        return "only http and https URLs can be posted to"
    if not parts.hostname or not port_is_sound or any(c.isspace() for c in url):
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
        url: http or https.
        document: what to post.
        attempts: how often to try; a refusal that would stay one is not tried again.
        timeout: seconds that one try may take.
        wait: seconds before the second try; each later one waits twice as long.

    Returns:
        None once the receiver has accepted it, else what went wrong, in words that hold
        nothing of the URL but its host, since such URLs are often secrets.
    """
    if problem := problem_of(url):
        return problem
    host = urlsplit(url).hostname
    body = json.dumps(document, default=str, allow_nan=False).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "fsq"}
    opener = urllib.request.build_opener(_NoRedirects)
    told = ""
    for attempt in range(attempts):
        if attempt:
            time.sleep(wait * 2 ** (attempt - 1))
        try:
            request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - http(s) only, see above
            with opener.open(request, timeout=timeout):
                return None
        except urllib.error.HTTPError as error:
            error.close()
            told = f"{host} answered {error.code}"
            if error.code not in _AGAIN:
                return told
        except (OSError, HTTPException, ValueError) as error:
            cause = getattr(error, "reason", None) or type(error).__name__
            told = f"{host}: {cause}"
    return f"{told} ({attempts} tries)"
