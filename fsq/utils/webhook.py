"""Posting a JSON document to a URL; a receiver that fails never fails the caller."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from fsq.utils.documents import encode_json

ATTEMPTS, TIMEOUT, WAIT = 3, 5.0, 0.5  # attempts, seconds each, seconds before the second
_RETRIED = {408, 425, 429, 500, 502, 503, 504}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Redirected, a POST would arrive as a GET without its document."""


def find_url_problem(url: str) -> str | None:
    """Say why a URL cannot be posted to; None if it can.

    >>> find_url_problem("file:///etc/passwd")
    'only http and https URLs can be posted to'
    """
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
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
        url: http or https.
        document: what to post.
        attempts: how often to try; a permanent refusal is not retried.
        timeout: seconds that one attempt may take.
        wait: seconds before the second attempt; each later one waits twice as long.

    Returns:
        None once the receiver has accepted it, else what went wrong. The text names only the
        host of the URL, since such URLs are often secrets.
    """
    if problem := find_url_problem(url):
        return problem
    host = urlsplit(url).hostname
    body = encode_json(document).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "fsq"}
    opener = urllib.request.build_opener(_NoRedirects)
    problem = ""
    for attempt in range(attempts):
        if attempt:
            time.sleep(wait * 2 ** (attempt - 1))
        try:
            request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - http(s) only, see above
            with opener.open(request, timeout=timeout):
                return None
        except urllib.error.HTTPError as error:
            error.close()
            problem = f"{host} answered {error.code}"
            if error.code not in _RETRIED:
                return problem
        except (OSError, HTTPException, ValueError) as error:
            cause = getattr(error, "reason", None) or type(error).__name__
            problem = f"{host}: {cause}"
    return f"{problem} ({attempts} attempts)"
