"""Secrets in texts: what is masked, wherever it stands, and what is left as it is."""

from __future__ import annotations

import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsq.errors import (
    ContractError,
    FsqError,
    InputError,
    MissingExtraError,
    ModelIncompatibleError,
    StoreError,
)
from fsq.masking import mask_secrets

SECRET = "Zq7secretZq7"
SCHEMES = st.sampled_from(
    ["http", "https", "s3", "gs", "ftp", "postgresql+psycopg", "HTTPS", "json"]
)
# What a password may hold without being escaped, and what people leave unescaped.
PASSWORDS = st.text("abcXYZ019-._~!$&'()*+,;=:@/%\"#?", max_size=6).map(lambda t: f"{t}{SECRET}")
PARAMETERS = st.sampled_from(
    ["sig", "token", "access_token", "X-Amz-Signature", "X-Amz-Security-Token", "X-Goog-Signature",
     "Signature", "api_key", "apikey", "password", "client_secret", "key", "TOKEN",
     "X-Amz-Credential"]
)  # fmt: skip
VALUES = st.text("abcXYZ019-._~%+/=", max_size=6).map(lambda t: f"{t}{SECRET}")
FRAMES = st.sampled_from(
    ["{}", "'{}'", "cannot read {}: 404", '{{"url": "{}"}}', "a\n  - {}; retry"]
)


@st.composite
def urls(draw: st.DrawFn) -> str:
    """A URL with a secret in its login, its query or its fragment."""
    scheme, host = draw(SCHEMES), draw(st.sampled_from(["h", "h.example:8080", "[::1]", "bucket"]))
    slashes = draw(st.sampled_from(["://", ":/"]))
    if draw(st.booleans()):
        user = draw(st.sampled_from(["", "me", "me%40example.org"]))
        return f"{scheme}{slashes}{user}:{draw(PASSWORDS)}@{host}/rows.parquet"
    before = draw(st.sampled_from(["?", "?sv=2024&", "?a=b;", "#", "?x=1&y=2&"]))
    query = f"{before}{draw(PARAMETERS)}={draw(VALUES)}{draw(st.sampled_from(['', '&z=1']))}"
    return f"{scheme}{slashes}{host}/rows.parquet{query}"


@given(urls(), FRAMES)
def test_no_secret_of_a_url_is_shown(url: str, frame: str) -> None:
    text = frame.format(url)
    masked = mask_secrets(text)
    assert SECRET not in masked
    assert "***" in masked
    assert mask_secrets(masked) == masked


@given(urls(), FRAMES)
def test_no_error_tells_a_secret(url: str, frame: str) -> None:
    text = frame.format(url)
    errors = [
        FsqError(text),
        StoreError(text),
        InputError([text], text),
        ContractError(text, [text]),
        MissingExtraError(text, text, text),
        ModelIncompatibleError(text, [text], ["pace_score"], []),
    ]
    for error in errors:
        for told in (error, pickle.loads(pickle.dumps(error))):
            assert SECRET not in f"{told} {told!r} {told.args} {getattr(told, 'problems', '')}"


@pytest.mark.parametrize(
    "text",
    [
        "abfss://rows@account.dfs.core.windows.net/2026/x.parquet",
        "bigquery://p.d.t?location=EU&max_bytes_billed=1000",
        "https://example.org/@me/rows.parquet?page=2&design=old&monkey=3",
        "s3://lake/features/game_date=2026-02-06/part-0.parquet",
        "write to data@example.org, or --key carrier=UA",
        "the key of table t is player_lookup; key=value",
        "points_avg = minutes_avg * ppm_avg",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask_secrets(text) == text


@given(st.text())
def test_any_text_can_be_masked(text: str) -> None:
    assert isinstance(mask_secrets(text), str)


@pytest.mark.parametrize("part", ["a.", "?token", "token", "s3://a:", "'token=;", "&sig=", "a:/@"])
def test_a_long_text_takes_no_longer_than_its_length(part: str) -> None:
    text = part * (400_000 // len(part))
    began = time.process_time()
    mask_secrets(text)
    assert time.process_time() - began < 5
