"""A bucket that refuses a request for its time says that the clock is wrong, not the keys."""

from __future__ import annotations

import pytest

from fsq.stores.objects.errors import describe_object_error

# What the services answer, and how the library below delta-rs and Polars passes it on.
S3 = (
    "Generic S3 error: Error performing GET https://s3.example/lake in 1ms - Server returned "
    "non-2xx status code: 403 Forbidden: <Error><Code>RequestTimeTooSkewed</Code><Message>The "
    "difference between the request time and the current time is too large.</Message></Error>"
)
AZURE = (
    "Generic MicrosoftAzure error: Server returned non-2xx status code: 403 Forbidden: <Error>"
    "<Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.\nTime:"
    "2026-02-10</Message><AuthenticationErrorDetail>Request date header too old: 'Wed, 04 Feb "
    "2026 18:02:12 GMT'</AuthenticationErrorDetail></Error>"
)
GCS = (
    'Generic GCS error: Error performing token request: 400 Bad Request: {"error":"invalid_grant",'
    '"error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a '
    'reasonable timeframe. Check your iat and exp values in the JWT claim."}'
)
TLS = "Generic S3 error: error sending request\n↳ invalid peer certificate: NotValidYet"


@pytest.mark.parametrize(
    ("said", "service"), [(S3, "S3"), (AZURE, "Azure"), (GCS, "Cloud Storage"), (TLS, "S3")]
)
def test_a_clock_that_is_wrong(said: str, service: str) -> None:
    told = describe_object_error(said)
    assert told is not None
    assert told.startswith(f"{service} refused: ")
    assert told.endswith("; this machine's clock is wrong: set it")
    assert "KEY" not in told
