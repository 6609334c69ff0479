"""A source at an https address: one file, fetched before it is read."""

from __future__ import annotations

import re
from atexit import register
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from fsq.errors import InputError, StoreError
from fsq.masking import mask_secrets

if TYPE_CHECKING:
    import httpx

_ATTEMPTS, _FIRST_WAIT, _LONGEST_WAIT = 4, 0.5, 30.0
_TIMEOUT = 30.0  # seconds without a byte
_LOCAL = ("localhost", "127.0.0.1", "::1")  # which no network lies before
# What names a format where the address does not.
_ENDINGS = {
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/x-ndjson": ".ndjson",
    "application/vnd.apache.parquet": ".parquet",
}


class _Fetched(NamedTuple):
    """A file, and what the server says to tell its versions apart; None if it does not."""

    path: Path
    tag: str | None


class _UnavailableError(Exception):
    """What may be different a moment later."""


_files: dict[str, _Fetched] = {}


def is_web_uri(uri: str) -> bool:
    """Whether a source lies on a web server.

    >>> is_web_uri("https://example.org/rows.csv"), is_web_uri("s3://lake/rows.csv")
    (True, False)
    """
    return uri.partition("://")[0].lower() in ("http", "https") and "://" in uri


@contextmanager
def fetched(uri: str) -> Iterator[str]:
    """Fetch a file, and name it by its address in errors of the block.

    It is kept until the process ends; fetched again, it is transferred only if it has changed.

    Args:
        uri: its address; one without TLS only on this machine.

    Raises:
        InputError: the address cannot be used, or nothing is there.
        StoreError: the server refuses, or cannot be reached.
    """
    _require_plain(uri)
    path = str(_fetch(uri))
    try:
        yield path
    except InputError as error:
        head = str(error).partition(" (")[0]
        raise InputError([p.replace(path, uri) for p in error.problems], head) from error


def _require_plain(uri: str) -> None:
    parts = urlsplit(uri)
    problem = None
    if not parts.hostname:
        problem = f"{mask_secrets(uri)} names no server; write https://server/path.parquet"
    elif "@" in parts.netloc:
        problem = "an https:// address has a login in it; leave it out, and use a signed address"
    elif parts.scheme.lower() == "http" and parts.hostname not in _LOCAL:
        problem = f"{mask_secrets(uri)} has no TLS, so anybody may change the rows; write https://"
    if problem is not None:
        raise InputError([problem], "the address cannot be used")


def _fetch(uri: str) -> Path:
    """The file of an address, fetched unless it has not changed since."""
    import httpx
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

    from fsq.utils.http import open_client

    retrying = Retrying(
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT),
        retry=retry_if_exception_type((httpx.TransportError, _UnavailableError)),
        reraise=True,
    )
    with open_client(_TIMEOUT, follow_redirects=True) as client:
        try:
            found: _Fetched = retrying(_transfer, client, uri)
        except (httpx.HTTPError, httpx.InvalidURL, _UnavailableError) as error:
            said = mask_secrets(str(error) or type(error).__name__)
            raise StoreError(f"{mask_secrets(uri)} cannot be read: {said}; run it again") from error
        except OSError as error:
            raise StoreError(f"{mask_secrets(uri)} cannot be kept: {error}") from error
    _files[uri] = found
    return found.path


def _transfer(client: httpx.Client, uri: str) -> _Fetched:
    before = _files.get(uri)
    headers = {"User-Agent": "fsq", "Accept-Encoding": "identity"}
    if before is not None and before.tag is not None:
        headers["If-None-Match"] = before.tag
    with client.stream("GET", uri, headers=headers) as answer:
        if answer.status_code == 304 and before is not None:
            return before
        _require_found(uri, answer)
        path = _choose_path(uri, answer.headers.get("Content-Type", ""))
        with path.open("wb") as file:
            for part in answer.iter_raw():
                file.write(part)
        return _Fetched(path, answer.headers.get("ETag"))


def _require_found(uri: str, answer: httpx.Response) -> None:
    from fsq.utils.http import RETRIED

    status, shown = answer.status_code, mask_secrets(uri)
    hops = {hop.url.scheme for hop in (*answer.history, answer)}
    if urlsplit(uri).scheme.lower() == "https" and hops != {"https"}:
        raise StoreError(f"{shown} cannot be read: the server leads to an address without TLS")
    if status in (404, 410):
        raise InputError([f"{shown}: there is no such file ({status}); correct the address"])
    if status in RETRIED:
        raise _UnavailableError(f"the server answered {status}")
    if status in (401, 403):
        cure = "use an address that needs no login, such as a signed one"
        raise StoreError(f"{shown} cannot be read: the server refused it ({status}); {cure}")
    if status != 200:
        raise StoreError(f"{shown} cannot be read: the server answered {status}")


def _choose_path(uri: str, kind: str) -> Path:
    """A new place for the file, with the name that its address, or its type, gives it."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", urlsplit(uri).path.rpartition("/")[2])[-100:]
    ending = "" if "." in name else _ENDINGS.get(kind.partition(";")[0].strip().lower(), "")
    return Path(mkdtemp(dir=_make_folder())) / f"{name or 'rows'}{ending}"


@lru_cache(maxsize=1)
def _make_folder() -> str:
    """The folder of this process's files, which goes with it."""
    folder = mkdtemp(prefix="fsq-")
    register(rmtree, folder, ignore_errors=True)
    return folder
