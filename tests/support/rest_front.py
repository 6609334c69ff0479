"""A front of the emulator's REST service: it records requests, and answers some of them."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from fsq.stores.bigquery.variables import REST_VARIABLE


@dataclass(frozen=True)
class Request:
    """A request that the front received."""

    method: str
    path: str
    body: dict[str, Any]

    @property
    def is_job(self) -> bool:
        """Whether it submits a job."""
        return self.method == "POST" and self.path.partition("?")[0].endswith("/jobs")

    @property
    def sql(self) -> str:
        """The statement of the job; empty for other requests."""
        found = self.body.get("configuration", {}).get("query", {}).get("query", "")
        return str(found) if self.is_job else ""


Answer = tuple[int, dict[str, Any]]
# Answers a request itself, or leaves it to the emulator.
Before = Callable[[Request], Answer | None]
# Changes the emulator's answer.
After = Callable[[Request, int, dict[str, Any]], Answer]


class _Front(ThreadingHTTPServer):
    backend: str
    before: Before
    after: After
    requests: list[Request]


class _Handler(BaseHTTPRequestHandler):
    server: _Front

    def _serve(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, json.loads(data or b"{}"))
        self.server.requests.append(request)
        status, body = self.server.before(request) or self._forward(request, data)
        content = json.dumps(body).encode() if body or status != 204 else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815

    def _forward(self, request: Request, data: bytes) -> Answer:
        asked = urllib.request.Request(
            self.server.backend + self.path,
            data or None,
            method=self.command,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(asked) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, content = error.code, error.read()
        return self.server.after(request, status, json.loads(content or b"{}"))

    def log_message(self, *_: object) -> None:
        pass


def refusal(status: int, reason: str, message: str) -> Answer:
    """An answer that refuses a request."""
    errors = [{"reason": reason, "message": message}]
    return status, {"error": {"code": status, "message": message, "errors": errors}}


def failed_job(request: Request, reason: str, message: str) -> Answer:
    """The answer for a job that was taken and failed."""
    error = {"reason": reason, "message": message}
    status = {"state": "DONE", "errorResult": error, "errors": [error]}
    return 200, request.body | {"status": status}


@contextmanager
def fronted(
    monkeypatch: pytest.MonkeyPatch,
    emulator: dict[str, str],
    before: Before = lambda request: None,
    after: After = lambda request, status, body: (status, body),
) -> Iterator[list[Request]]:
    """Send everything in the block through a front; the requests, as they come."""
    front = _Front(("127.0.0.1", 0), _Handler)
    front.backend, front.before, front.after = emulator[REST_VARIABLE], before, after
    front.requests = []
    thread = threading.Thread(target=front.serve_forever, args=(0.05,))
    thread.start()
    try:
        with monkeypatch.context() as patch:
            patch.setenv(REST_VARIABLE, f"http://127.0.0.1:{front.server_port}")
            yield front.requests
    finally:
        front.shutdown()
        thread.join()
        front.server_close()
