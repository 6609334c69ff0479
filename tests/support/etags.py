"""What the emulator lacks: a REST front where others change a table meanwhile, as in BigQuery."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_LOST = {"error": {"code": 503, "message": "Try again.", "errors": [{"reason": "backendError"}]}}
_REFUSAL = {
    "error": {
        "code": 412,
        "message": "Precondition check failed.",
        "errors": [{"reason": "conditionNotMet"}],
    }
}


_CONFLICT = {
    "reason": "invalidQuery",
    "message": "Could not serialize access to table t due to concurrent update",
}


class _Front(ThreadingHTTPServer):
    backend: str
    before_patch: Callable[[int], None]
    lose_answer_of: int
    merges_to_lose: int
    after_merge: Callable[[], object]
    patches = 0


class _Handler(BaseHTTPRequestHandler):
    server: _Front

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command == "PATCH":
            self.server.patches += 1
            self.server.before_patch(self.server.patches)
            wanted = self.headers.get("If-Match")
            _, now = self._asked("GET", b"")
            if wanted is not None and json.loads(now)["etag"] != wanted:
                self._answer(412, json.dumps(_REFUSAL).encode())
                return
        if self.command == "POST" and b"MERGE" in body and self.server.merges_to_lose:
            self.server.merges_to_lose -= 1
            job = json.loads(body) | {"status": {"state": "DONE", "errorResult": _CONFLICT}}
            self._answer(200, json.dumps(job).encode())
            return
        answer = self._asked(self.command, body)
        if self.command == "POST" and b"MERGE" in body:
            self.server.after_merge()
        if self.command == "PATCH" and self.server.patches == self.server.lose_answer_of:
            answer = 503, json.dumps(_LOST).encode()
        self._answer(*answer)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _forward  # noqa: N815

    def _asked(self, method: str, body: bytes) -> tuple[int, bytes]:
        request = urllib.request.Request(
            self.server.backend + self.path,
            body or None,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def guarded(
    backend: str,
    before_patch: Callable[[int], None] = lambda number: None,
    lose_answer_of: int = 0,
    merges_to_lose: int = 0,
    after_merge: Callable[[], object] = lambda: None,
) -> Iterator[_Front]:
    """A front of the emulator at ``backend``.

    The hook is called before each patch, from 1 on; of one patch the answer may be lost. So many
    merges, the first ones, end as if another writer had changed the table meanwhile; after each of
    the others a hook is called.
    """
    front = _Front(("127.0.0.1", 0), _Handler)
    front.backend, front.before_patch = backend, before_patch
    front.lose_answer_of, front.merges_to_lose = lose_answer_of, merges_to_lose
    front.after_merge = after_merge
    thread = threading.Thread(target=front.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield front
    finally:
        front.shutdown()
        thread.join()
        front.server_close()
