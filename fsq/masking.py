"""Masking of secrets in text that people, logs and files get to see."""

from __future__ import annotations

import re

# With one slash, as a path spells a URL. Everything is bounded: a text may be megabytes long.
_URL = re.compile(r"(?i)(?<![a-z0-9])([a-z][a-z0-9+.-]{0,30}):(//?)([^\s<>]+)")
# Azure names a container and an account as if they were a user and a host.
_WITH_ACCOUNT = ("abfs", "abfss")
_WORDS = (
    "token|secret|passw(?:or)?d|passphrase|credential|signature|api[_-]?key|account[_-]?key"
    "|access[_-]?key|sas[_-]?key|private[_-]?key"
)
# In a query, short names can only be those of a signed URL; elsewhere, they may mean anything.
_IN_QUERY = "sig|se|sp|key|pwd|auth|authorization|x-(?:amz|goog)-[a-z-]+"
_PART = r"[\w.-]{0,60}"
_VALUE = r"""(?:[^&\s]*[^&\s'"`),.;:\]]|[^&\s]+)"""
_SECRET = re.compile(
    rf"(?im)((?:[?&;#](?:{_IN_QUERY}|{_PART}(?:{_WORDS}){_PART})"
    rf"|(?:^|(?<=[\s'\"]))(?:sig|{_PART}(?:{_WORDS}){_PART}))=){_VALUE}"
)


def mask_secrets(text: str) -> str:
    """A text in which no URL shows a login, a signature or a token.

    What might be a secret is taken for one.

    >>> mask_secrets("GET https://a.example/rows?se=2027&sig=AbC%3D failed")
    'GET https://a.example/rows?se=***&sig=*** failed'
    >>> mask_secrets("s3://key:secret@lake/features")
    's3://***@lake/features'
    >>> mask_secrets("abfss://rows@account.dfs.core.windows.net/x, AWS_SESSION_TOKEN=abc")
    'abfss://rows@account.dfs.core.windows.net/x, AWS_SESSION_TOKEN=***'
    """
    if "=" in text:
        text = _SECRET.sub(r"\1***", text)
    return _URL.sub(_mask_login, text) if "@" in text else text


def _mask_login(url: re.Match[str]) -> str:
    """The URL without what stands before its last ``@``, unless that can be no login."""
    scheme, slashes, rest = url.groups()
    # A secret may contain slashes, and ``@``.
    login, at, place = rest.rpartition("@")
    is_account = scheme.lower() in _WITH_ACCOUNT or "/" in login
    if not at or (is_account and ":" not in login):
        return url[0]
    return f"{scheme}:{slashes}***@{place}"
