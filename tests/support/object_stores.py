"""Object stores on this machine: S3 by moto, Azure by azurite, Cloud Storage by our own server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from html import unescape
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import polars as pl

from tests.support.gcs_server import GcsServer, QuietServer

BUCKET = "lake"
KINDS = ("s3", "gs", "az")
_ROOT = Path(__file__).parents[2]
# Where `.ci/run` installs it; another place can be named.
AZURITE = Path(os.environ.get("FSQ_AZURITE", _ROOT / "build/azurite/node_modules/azurite"))
_ACCOUNT = "devstoreaccount1"
# Azurite's well-known key; it opens nothing else.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class ObjectStores:
    """A running server.

    Attributes:
        bucket: the URI of a bucket that exists.
        environment: the variables by which clients find it.
    """

    bucket: str
    environment: dict[str, str]


def find_missing(kind: str) -> str | None:
    """What a server needs that is not here; None if it can run."""
    if kind != "az":
        return None
    if shutil.which("node") is None:
        return "node is not installed"
    return None if AZURITE.is_dir() else f"azurite is not installed in {AZURITE}"


def put(uri: str, data: bytes) -> None:
    """Write an object."""
    import obstore

    from fsq.stores.objects.bucket import open_bucket
    from fsq.stores.objects.uri import split_uri

    obstore.put(open_bucket(uri), split_uri(uri)[1], data)


def make_parquet(rows: pl.DataFrame) -> bytes:
    """A Parquet file of rows."""
    rows.write_parquet(file := io.BytesIO())
    return file.getvalue()


@contextmanager
def serve(kind: str, *, conditions: bool = True) -> Iterator[ObjectStores]:
    """Run a server of one of ``KINDS`` for the block.

    Args:
        kind: of the server.
        conditions: False for one that replaces objects that must not be, as some servers do.
    """
    if kind == "az":
        with _serve_azure() as served:
            yield served
        return
    with _run_apart(kind, *([] if conditions else ["careless"])) as url:
        yield _describe(kind, url)


@contextmanager
def _run_apart(*words: str) -> Iterator[str]:
    """Run a server of this file in a process of its own; its URL.

    In this one it could not answer: delta-rs holds Python's lock while it waits for some answers.
    """
    command = [sys.executable, "-m", "tests.support.object_stores", *words]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, "the server did not start"
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _describe(kind: str, url: str) -> ObjectStores:
    if kind == "s3":
        environment = {
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": url,
            "AWS_ALLOW_HTTP": "true",
        }
        return ObjectStores(f"s3://{BUCKET}", environment)
    blank = dict.fromkeys(("client_email", "private_key", "private_key_id"), "")
    account = json.dumps({"gcs_base_url": url, "disable_oauth": True, **blank})
    environment = {"GOOGLE_SERVICE_ACCOUNT_KEY": account, "GOOGLE_ALLOW_HTTP": "true"}
    return ObjectStores(f"gs://{BUCKET}", environment)


def _run_s3(*, conditions: bool) -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Silent(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, type: str, message: str, *args: Any) -> None:
            pass

    service, lock = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def application(environ: dict[str, Any], start: Any) -> Any:
        if not conditions:
            environ.pop("HTTP_IF_NONE_MATCH", None)
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return service(environ, start)
        with lock:  # moto looks, then writes; the service does both at once
            return service(environ, start)

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    request = urllib.request.Request(f"{url}/{BUCKET}", method="PUT")
    urllib.request.urlopen(request).close()
    print(url, flush=True)
    threading.Event().wait()


def _run_gcs(*, conditions: bool) -> None:
    print(GcsServer(BUCKET, preconditions=conditions).url, flush=True)
    threading.Event().wait()


@contextmanager
def _serve_azure() -> Iterator[ObjectStores]:
    """Azure Blob Storage: azurite, behind a front that knows where a listing is to start."""
    port = _find_port()
    main = AZURITE / "dist/src/blob/main.js"
    words = ["--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    process = subprocess.Popen(
        ["node", str(main), "--blobPort", str(port), *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        _create_container(f"http://127.0.0.1:{port}/{_ACCOUNT}")
        with _run_apart("az", str(port)) as front:
            yield ObjectStores(
                f"az://{BUCKET}",
                {
                    "AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT,
                    "AZURE_STORAGE_ACCOUNT_KEY": _KEY,
                    "AZURE_STORAGE_ENDPOINT": f"{front}/{_ACCOUNT}",
                    "AZURE_ALLOW_HTTP": "true",
                },
            )
    finally:
        process.terminate()
        process.wait(20)


def _find_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("azurite did not start")


def _create_container(url: str) -> None:
    """One request, signed with the account's key, as Azure's REST reference describes it."""
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    signed = "".join(f"{name}:{value}\n" for name, value in headers.items())
    text = f"PUT{chr(10) * 12}{signed}/{_ACCOUNT}/{_ACCOUNT}/{BUCKET}\nrestype:container"
    digest = hmac.new(base64.b64decode(_KEY), text.encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {_ACCOUNT}:{base64.b64encode(digest).decode()}"
    headers["Content-Length"] = "0"
    request = urllib.request.Request(
        f"{url}/{BUCKET}?restype=container", method="PUT", headers=headers
    )
    urllib.request.urlopen(request).close()


class _AzureFront(BaseHTTPRequestHandler):
    """Passes requests on, and leaves out what is listed before ``startFrom``.

    Azure begins a listing there; azurite does not know the parameter, and delta-rs relies on it.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    azurite: ClassVar[int]

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        connection = HTTPConnection("127.0.0.1", self.azurite, timeout=60)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if start := parse_qs(urlsplit(self.path).query).get("startFrom"):
            data = re.sub(
                rb"<Blob><Name>([^<]*)</Name>.*?</Blob>",
                lambda blob: blob[0] if unescape(blob[1].decode()) >= start[0] else b"",
                data,
                flags=re.DOTALL,
            )
        self.send_response(answer.status)
        own = ("transfer-encoding", "content-length", "connection", "keep-alive", "date", "server")
        for name, value in answer.getheaders():
            if name.lower() not in own:
                self.send_header(name, value)
        size = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        self.send_header("Content-Length", size or "0")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on  # noqa: N815


def _run_front(port: int) -> None:
    _AzureFront.azurite = port
    server = QuietServer(("127.0.0.1", 0), _AzureFront)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "az":
        _run_front(int(sys.argv[2]))
    else:
        {"s3": _run_s3, "gs": _run_gcs}[sys.argv[1]](conditions="careless" not in sys.argv)
