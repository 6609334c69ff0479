"""A small server of Cloud Storage's XML API, as far as the ``object_store`` crate speaks it.

Objects with generations, ranges, listings, uploads in parts, and preconditions. The emulators of
this service know its JSON API only.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_PRECONDITION = "x-goog-if-generation-match"
_PAGE = 1000  # objects that one answer lists, as the service does


@dataclass(frozen=True)
class _Blob:
    data: bytes
    generation: int
    written: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.data, usedforsecurity=False).hexdigest()}"'

    @property
    def headers(self) -> dict[str, str]:
        return {
            "ETag": self.etag,
            "Last-Modified": format_datetime(self.written, usegmt=True),
            "x-goog-generation": str(self.generation),
        }


class QuietServer(ThreadingHTTPServer):
    """Says nothing of clients that were killed, or stopped reading."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class GcsServer(QuietServer):
    """Buckets in memory; without ``preconditions`` it ignores them, as some stores do."""

    def __init__(self, *buckets: str, preconditions: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.preconditions = preconditions
        self.buckets: dict[str, dict[str, _Blob]] = {name: {} for name in buckets}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.lock = threading.Lock()
        self._numbers = itertools.count(1)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next_number(self) -> int:
        return next(self._numbers)

    def store(self, bucket: str, key: str, data: bytes, wanted: str | None) -> _Blob | None:
        """Write an object; None if it is not of the generation that the writer expects."""
        with self.lock:
            objects = self.buckets[bucket]
            current = objects[key].generation if key in objects else 0
            if self.preconditions and wanted is not None and int(wanted) != current:
                return None
            objects[key] = _Blob(data, self.next_number())
            return objects[key]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: GcsServer

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _parse(self) -> tuple[str, str, dict[str, str]]:
        url = urlsplit(self.path)
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        query = parse_qs(url.query, keep_blank_values=True)
        return bucket, key, {name: values[0] for name, values in query.items()}

    def _read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _fail(self, status: int, code: str) -> None:
        self._answer(status, f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>".encode())

    def _find(self) -> tuple[str, str, dict[str, str]] | None:
        bucket, key, query = self._parse()
        if bucket in self.server.buckets:
            return bucket, key, query
        self._read_body()
        self._fail(404, "NoSuchBucket")
        return None

    def do_PUT(self) -> None:
        if (found := self._find()) is None:
            return
        bucket, key, query = found
        data = self._read_body()
        if "uploadId" in query:
            self.server.uploads[query["uploadId"]][int(query["partNumber"])] = data
            self._answer(200, headers={"ETag": f'"{query["partNumber"]}"'})
            return
        if source := self.headers.get("x-goog-copy-source"):
            place, _, name = unquote(source).lstrip("/").partition("/")
            if name not in self.server.buckets.get(place, {}):
                self._fail(404, "NoSuchKey")
                return
            data = self.server.buckets[place][name].data
        self._store(bucket, key, data)

    def _store(self, bucket: str, key: str, data: bytes, body: bytes = b"") -> None:
        blob = self.server.store(bucket, key, data, self.headers.get(_PRECONDITION))
        if blob is None:
            self._fail(412, "PreconditionFailed")
        else:
            self._answer(200, body, blob.headers)

    def do_POST(self) -> None:
        if (found := self._find()) is None:
            return
        bucket, key, query = found
        self._read_body()
        if "uploads" in query:
            upload = f"upload-{self.server.next_number()}"
            self.server.uploads[upload] = {}
            body = f"<UploadId>{upload}</UploadId>"
            tag = "InitiateMultipartUploadResult"
            self._answer(200, f"<{tag}>{body}</{tag}>".encode())
            return
        parts = self.server.uploads.pop(query["uploadId"])
        data = b"".join(parts[number] for number in sorted(parts))
        tag = "CompleteMultipartUploadResult"
        self._store(bucket, key, data, f"<{tag}><ETag>done</ETag></{tag}>".encode())

    def do_GET(self) -> None:
        if (found := self._find()) is None:
            return
        bucket, key, query = found
        if not key:
            self._list(bucket, query)
            return
        blob = self.server.buckets[bucket].get(key)
        if blob is None:
            self._fail(404, "NoSuchKey")
            return
        asked = self.headers.get("Range")
        if asked is None:
            self._answer(200, blob.data, blob.headers)
            return
        size = len(blob.data)
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start = int(first) if first else max(size - int(last), 0)
        end = min(int(last), size - 1) if first and last else size - 1
        span = {"Content-Range": f"bytes {start}-{end}/{size}"}
        self._answer(206, blob.data[start : end + 1], {**blob.headers, **span})

    def do_HEAD(self) -> None:
        if (found := self._find()) is None:
            return
        bucket, key, _ = found
        blob = self.server.buckets[bucket].get(key)
        if blob is None:
            self._answer(404)
        else:
            self._answer(200, headers={**blob.headers, "Content-Length": str(len(blob.data))})

    def do_DELETE(self) -> None:
        if (found := self._find()) is None:
            return
        bucket, key, query = found
        if "uploadId" in query:
            self.server.uploads.pop(query["uploadId"], None)
            self._answer(204)
        elif self.server.buckets[bucket].pop(key, None) is None:
            self._fail(404, "NoSuchKey")
        else:
            self._answer(204)

    def _list(self, bucket: str, query: dict[str, str]) -> None:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = max(query.get("continuation-token", ""), query.get("start-after", ""))
        with self.server.lock:
            objects = sorted(self.server.buckets[bucket].items())
        matching = [(k, b) for k, b in objects if k.startswith(prefix) and k > after]
        page = matching[:_PAGE]
        entries, folders = [], dict[str, None]()
        for key, blob in page:
            inside, found, _ = (
                key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            )
            if found:
                folders[f"{prefix}{inside}{delimiter}"] = None
                continue
            moment = blob.written.strftime("%Y-%m-%dT%H:%M:%S.000Z")
            entries.append(
                f"<Contents><Key>{escape(key)}</Key><Size>{len(blob.data)}</Size>"
                f"<LastModified>{moment}</LastModified><ETag>{escape(blob.etag)}</ETag></Contents>"
            )
        entries += [
            f"<CommonPrefixes><Prefix>{escape(f)}</Prefix></CommonPrefixes>" for f in folders
        ]
        if len(matching) > len(page):
            token = escape(page[-1][0])
            entries.append(f"<NextContinuationToken>{token}</NextContinuationToken>")
        body = f"<ListBucketResult>{''.join(entries)}</ListBucketResult>"
        self._answer(200, body.encode())
