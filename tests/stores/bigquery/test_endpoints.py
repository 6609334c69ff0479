"""Where requests are sent: public, regional and private endpoints, other universes."""

from __future__ import annotations

from typing import Any

import google.auth
import grpc
import pytest
import requests
from google.auth.credentials import AnonymousCredentials

import fsq
from fsq.errors import InputError, StoreError
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.endpoints import ENDPOINT_VARIABLE
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.variables import GRPC_VARIABLE, REST_VARIABLE

REGIONAL = "bigquery.europe-west3.rep.googleapis.com"
PAIRS = {
    "": ("bigquery.googleapis.com", "bigquerystorage.googleapis.com"),
    REGIONAL: (REGIONAL, "bigquerystorage.europe-west3.rep.googleapis.com"),
    "bigquery-corp.p.googleapis.com": (
        "bigquery-corp.p.googleapis.com",
        "bigquerystorage-corp.p.googleapis.com",
    ),
    "asia-northeast1-bigquery.googleapis.com": (
        "asia-northeast1-bigquery.googleapis.com",
        "asia-northeast1-bigquerystorage.googleapis.com",
    ),
    "bq.corp.example,rows.corp.example:8443": ("bq.corp.example", "rows.corp.example:8443"),
}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> AnonymousCredentials:
    """Credentials that need no server, and an environment that names none."""
    found = AnonymousCredentials()
    monkeypatch.setattr(google.auth, "default", lambda *args, **kwargs: (found, "p"))
    for name in (REST_VARIABLE, GRPC_VARIABLE, ENDPOINT_VARIABLE, "GOOGLE_CLOUD_UNIVERSE_DOMAIN"):
        monkeypatch.delenv(name, raising=False)
    return found


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The server of the last request to each API; none of them is sent."""
    found: dict[str, str] = {}

    def request(self: Any, method: str, url: str, **kwargs: Any) -> Any:
        found["rest"] = url.partition("/bigquery/v2/")[0]
        raise requests.exceptions.InvalidURL("not sent")

    def channel(target: str, *args: Any, **kwargs: Any) -> Any:
        found["storage"] = target.removesuffix(":443")
        return open_channel(target, *args, **kwargs)

    open_channel = grpc.secure_channel
    monkeypatch.setattr(requests.Session, "request", request)
    monkeypatch.setattr(grpc, "secure_channel", channel)
    return found


@pytest.mark.parametrize("by_variable", [False, True])
@pytest.mark.parametrize("endpoint", PAIRS)
def test_where_requests_go(
    endpoint: str, by_variable: bool, asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = "bigquery://p.d.t"
    if by_variable:
        monkeypatch.setenv(ENDPOINT_VARIABLE, endpoint)
    elif endpoint:
        uri += f"?location=EU&endpoint={endpoint}"
    with pytest.raises(StoreError, match="not sent"):
        fsq.open_store(uri, "v2_33features").read()
    rest, storage = PAIRS[endpoint]
    assert asked == {"rest": f"https://{rest}", "storage": storage}


def test_the_uri_comes_before_the_environment(
    asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT_VARIABLE, "bigquery-other.p.googleapis.com")
    with pytest.raises(StoreError, match="not sent"):
        fsq.open_store(f"bigquery://p.d.t?endpoint={REGIONAL}", "v2_33features").read()
    assert asked["rest"] == f"https://{REGIONAL}"


@pytest.mark.parametrize(
    ("endpoint", "problem"),
    [
        ("", "is not the name of a server"),
        ("bigquery", "is not the name of a server"),
        ("https://bigquery.googleapis.com", "is not the name of a server"),
        ("bigquery.googleapis.com/path", "is not the name of a server"),
        ("me@bigquery.googleapis.com", "is not the name of a server"),
        ("bigquery.a.b,rows.a.b,c.a.b", "is not the name of a server"),
        ("bq.corp.example", "does not name bigquery; add the storage API's server"),
        ("mybigquery2.corp.example", "does not name bigquery"),
    ],
)
def test_what_names_no_endpoint(
    endpoint: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=problem):
        TableName.parse(f"bigquery://p.d.t?endpoint={endpoint}")
    if endpoint:
        monkeypatch.setenv(ENDPOINT_VARIABLE, endpoint)
        with (
            pytest.raises(InputError, match=f"{ENDPOINT_VARIABLE}: .*{problem}"),
            open_clients("p"),
        ):
            pass


def test_another_universe(
    asked: dict[str, str], credentials: AnonymousCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Google's clients look for it themselves, and compare it with the credentials."""
    monkeypatch.setenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "sovereign.example")
    store = fsq.open_store("bigquery://p.d.t", "v2_33features")
    with pytest.raises(InputError, match="does not match the universe domain found in the cred"):
        store.read()
    credentials._universe_domain = "sovereign.example"
    with pytest.raises(StoreError, match="not sent"):
        store.read()
    assert asked == {
        "rest": "https://bigquery.sovereign.example",
        "storage": "bigquerystorage.sovereign.example",
    }


def test_an_emulator_comes_first(asked: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REST_VARIABLE, "http://127.0.0.1:9050")
    monkeypatch.setenv(GRPC_VARIABLE, "127.0.0.1:9060")
    with pytest.raises(StoreError, match="not sent"):
        fsq.open_store(f"bigquery://p.d.t?endpoint={REGIONAL}", "v2_33features").read()
    assert asked == {"rest": "http://127.0.0.1:9050"}
