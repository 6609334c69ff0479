"""Sources at an address: one file, fetched whole, with one clear error where that fails."""

from __future__ import annotations

import io
import logging
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from fsq.backfilling import web
from fsq.backfilling.source import scan_source
from fsq.errors import InputError, StoreError
from tests.support.cli import Command
from tests.support.frames import wide

ROWS = pl.DataFrame({"player": ["a", "b"], "day": [date(2026, 2, 6)] * 2, "pace": [1.5, 2.5]})


class Server(BaseHTTPRequestHandler):
    """Answers with what it was given by path: status, body, headers; and counts what it sent."""

    files: ClassVar[dict[str, tuple[int, bytes, dict[str, str]]]] = {}
    failures: ClassVar[list[int]] = []
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        status, body, headers = type(self).files.get(path, (404, b"", {}))
        if type(self).failures:
            status, body = type(self).failures.pop(0), b""
        if "ETag" in headers and self.headers["If-None-Match"] == headers["ETag"]:
            status, body = 304, b""
        type(self).asked.append(f"{path} {status}")
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for kept in (Server.files, Server.failures, Server.asked, web._files):
        kept.clear()
    monkeypatch.setattr(web, "_FIRST_WAIT", 0.001)
    with Running(ThreadingHTTPServer(("127.0.0.1", 0), Server)) as url:
        yield url


class Running:
    """Serve in a thread for the block."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.server = server
        self.thread = threading.Thread(target=server.serve_forever, daemon=True)

    def __enter__(self) -> str:
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def put(path: str, body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> None:
    Server.files[path] = (status, body, headers or {})


def as_bytes(kind: str) -> bytes:
    buffer = io.BytesIO()
    getattr(ROWS, f"write_{kind}")(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("path", "kind", "headers"),
    [
        ("/rows.parquet", "parquet", {}),
        ("/rows.csv", "csv", {}),
        ("/rows.ndjson", "ndjson", {}),
        ("/rows.arrow", "ipc", {}),
        ("/export", "parquet", {}),
        ("/export", "csv", {"Content-Type": "text/csv; charset=utf-8"}),
        ("/a%20b/r%C3%B6ws%20.csv", "csv", {}),
    ],
)
def test_a_file_of_each_format(server: str, path: str, kind: str, headers: dict[str, str]) -> None:
    put(path, as_bytes(kind), headers)
    rows = scan_source(f"{server}{path}?sig=abc").collect()
    assert rows["pace"].to_list() == [1.5, 2.5]
    assert rows.columns == ROWS.columns


def test_a_file_is_transferred_again_only_if_it_has_changed(server: str) -> None:
    put("/rows.csv", as_bytes("csv"), {"ETag": '"1"'})
    first = scan_source(f"{server}/rows.csv")
    assert scan_source(f"{server}/rows.csv").collect().equals(first.collect())
    put("/rows.csv", as_bytes("csv").replace(b"2.5", b"3.5"), {"ETag": '"2"'})
    assert scan_source(f"{server}/rows.csv").collect()["pace"].to_list() == [1.5, 3.5]
    assert first.collect()["pace"].to_list() == [1.5, 2.5]  # what was opened stays as it was
    assert [a.split()[1] for a in Server.asked] == ["200", "304", "200"]


def test_what_may_pass_is_tried_again(server: str) -> None:
    put("/rows.csv", as_bytes("csv"))
    Server.failures[:] = [503, 429]
    assert scan_source(f"{server}/rows.csv").collect().height == 2
    Server.failures[:] = [500] * 9
    with pytest.raises(StoreError, match="cannot be read: the server answered 500; run it again"):
        scan_source(f"{server}/rows.csv")


def test_a_transfer_that_breaks_off_gives_no_rows(server: str) -> None:
    put("/rows.csv", as_bytes("csv"), {"Content-Length": "99999"})
    with pytest.raises(StoreError, match="cannot be read"):
        scan_source(f"{server}/rows.csv")


@pytest.mark.parametrize(
    ("path", "status", "kind", "told"),
    [
        ("/gone.csv", 404, InputError, r"there is no such file \(404\)"),
        ("/gone.csv", 410, InputError, r"there is no such file \(410\)"),
        ("/mine.csv", 403, StoreError, r"the server refused it \(403\); use an address"),
        ("/odd.csv", 418, StoreError, "the server answered 418"),
    ],
)
def test_what_the_server_says_is_told(
    server: str, path: str, status: int, kind: type[Exception], told: str
) -> None:
    put(path, b"", status=status)
    with pytest.raises(kind, match=told) as error:
        scan_source(f"{server}{path}?token=s3cret")
    assert "s3cret" not in str(error.value)
    assert len(Server.asked) == 1


def test_a_page_in_place_of_rows_is_told_with_its_address(server: str) -> None:
    put("/rows.parquet", b"<html>Please log in</html>")
    with pytest.raises(InputError, match=r"rows\.parquet cannot be read") as error:
        scan_source(f"{server}/rows.parquet")
    assert f"{server}/rows.parquet" in str(error.value)
    assert "/fsq-" not in str(error.value)


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("http://example.org/rows.csv", "has no TLS"),
        ("https://me:s3cret@example.org/rows.csv", "has a login in it"),
        ("https:///rows.csv", "names no server"),
        ("ftp://example.org/rows.csv", "ftp:// sources are not supported; use files, https://"),
    ],
)
def test_addresses_that_are_refused(uri: str, told: str) -> None:
    with pytest.raises((InputError, StoreError), match=told) as error:
        scan_source(uri)
    assert "s3cret" not in str(error.value)


def test_no_log_has_the_address(server: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    put("/rows.csv", as_bytes("csv"))
    scan_source(f"{server}/rows.csv?token=s3cret")
    assert "s3cret" not in caplog.text


def test_only_certificates_that_are_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = (
        f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {cert}"
    )
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(["openssl", *words.split(), *names], check=True, capture_output=True)
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(cert, key)
    put("/rows.csv", as_bytes("csv"))
    put("/to-http.csv", b"", {"Location": f"{server}/rows.csv"}, 302)
    secure = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    secure.socket = own.wrap_socket(secure.socket, server_side=True)
    with Running(secure) as url:
        url = url.replace("http://", "https://")
        with pytest.raises(StoreError, match="CERTIFICATE_VERIFY_FAILED"):
            scan_source(f"{url}/rows.csv")
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        assert scan_source(f"{url}/rows.csv").collect().height == 2
        with pytest.raises(StoreError, match="leads to an address without TLS"):
            scan_source(f"{url}/to-http.csv")


def test_commands_take_an_address(run: Command, server: str, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    wide(60, 3).write_parquet(buffer)
    put("/rows.parquet", buffer.getvalue())
    url, store = f"{server}/rows.parquet", tmp_path / "store"
    assert run("score", url, "--out", tmp_path / "scored.parquet").status == 0
    assert run("backfill", "--source", url, "--store", store).status == 0
    again = run("backfill", "--source", url, "--store", store)
    assert "3 up to date" in again.out
    remedy = run("check", "--store", store, "--json").document["findings"][0]["remedy"]
    assert any(f"--source {url}" in command for command in remedy)
    init = run("contract", "init", url, "--key", "player_lookup", "--date", "game_date")
    assert init.status == 0
    missing = run("score", f"{server}/none.parquet", "--out", tmp_path / "none.parquet")
    assert missing.status == 2
    assert "there is no such file (404)" in missing.err
    assert not (tmp_path / "none.parquet").exists()
