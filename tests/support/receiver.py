"""A receiver of webhooks on this machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar


class Receiver(BaseHTTPRequestHandler):
    """Answers with the codes that it was given, one per request, and keeps what it got."""

    answers: ClassVar[list[int]] = []
    got: ClassVar[list[dict[str, Any]]] = []
    headers_sent: ClassVar[dict[str, str]] = {}

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).got.append(json.loads(body))
        code = type(self).answers.pop(0) if type(self).answers else 200
        if code == 0:
            time.sleep(1.0)
            code = 200
        self.send_response(code)
        for name, value in type(self).headers_sent.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def receive() -> Iterator[str]:
    """Run a receiver for the block; its URL has a secret in it."""
    Receiver.answers.clear()
    Receiver.got.clear()
    Receiver.headers_sent.clear()
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook?token=secret"
    server.shutdown()
    server.server_close()
    thread.join()
