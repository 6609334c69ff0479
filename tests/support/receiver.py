"""Somebody who is notified: keeps the JSON that is posted to it, and answers as it is told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Receiver(ThreadingHTTPServer):
    """A server that is running.

    Attributes:
        got: what was posted, in order.
        answers: the statuses of the next answers, 200 after them; 0 is 200 after a second.
        headers: what else is sent with an answer.
        refused: what the paths hold that are answered with status 500.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.headers: dict[str, str] = {}
        self.refused = "refuse"

    @property
    def host(self) -> str:
        """Its address and port."""
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        """Where to post; it has a secret in it."""
        return f"http://{self.host}/hook?token=secret"

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a sender that was killed."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(json.loads(body))
        refuses = self.server.refused in self.path
        status = self.server.answers.pop(0) if self.server.answers else 500 if refuses else 200
        if status == 0:
            time.sleep(1.0)
        self.send_response(status or 200)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def receive() -> Iterator[Receiver]:
    """Run one for the block."""
    with Receiver() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
