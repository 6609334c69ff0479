"""Errors of object stores, as one line that says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from fsq.errors import FsqError, StoreError
from fsq.masking import mask_secrets

# What delta-rs, Polars and obstore call the services, and what fsq calls them.
_SERVICES = {
    "S3": ("S3", "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION"),
    "GCS": ("Cloud Storage", "GOOGLE_APPLICATION_CREDENTIALS"),
    "MicrosoftAzure": ("Azure", "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"),
}
_SERVICE = re.compile(r"Generic (S3|GCS|MicrosoftAzure) error")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CODE, _MESSAGE = re.compile(r"<Code>([^<]+)</Code>"), re.compile(r"<Message>([^<]+)")
_STATUS = re.compile(r"non-2xx status code\s*:?\s*(\d{3} [A-Za-z ]+)")
_URL = re.compile(r"https?://[^\s?]+")
# Addresses at which machines in a cloud ask for their credentials; elsewhere nobody answers.
_METADATA = ("169.254.169.254", "169.254.170.2", "metadata.google.internal", "127.0.0.1:40342")
_NO_CREDENTIALS = (*_METADATA, "Account must be specified", "not authorized to retrieve")
_REFUSED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthenticationFailed",
            "AuthorizationFailure", "401 Unauthorized", "403 Forbidden", "ExpiredToken",
            "InvalidToken", "Unauthenticated", "invalid_grant")  # fmt: skip
# A signature holds for some minutes, and so may a certificate not yet or no longer.
_WRONG_CLOCK = ("RequestTimeTooSkewed", "Request date header too old", "reasonable timeframe",
                "NotValidYet")  # fmt: skip
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")
_UNREACHABLE = ("client error (Connect)", "error sending request", "dns error", "timed out",
                "kind: Connect")  # fmt: skip


def describe_object_error(text: str) -> str | None:
    """What failed at an object store, in one line and with a cure; no URL in it shows a secret.

    Args:
        text: what delta-rs, Polars or obstore say; they have the same library below them.

    Returns:
        None if the text is about something else.

    >>> describe_object_error("Generic S3 error: 404 <Code>NoSuchBucket</Code>")
    'there is no such bucket; create it, or name another one'
    """
    text = _COLOUR.sub("", text)
    found = _SERVICE.search(text)
    if found is None and "↳" not in text:
        return None
    service, variables = _SERVICES[found[1]] if found else ("the store", "the credentials")
    said = _summarize(text)
    if any(sign in text for sign in _NO_CREDENTIALS):
        return f"there are no credentials for {service}; set {variables}"
    if any(sign in text for sign in _NO_BUCKET):
        return "there is no such bucket; create it, or name another one"
    if any(sign in text for sign in _WRONG_CLOCK):
        return f"{service} refused: {said}; this machine's clock is wrong: set it"
    if any(sign in text for sign in _REFUSED):
        return f"{service} refused: {said}; check {variables}"
    if "scheme is not allowed" in text or "BadScheme" in text:
        prefix = variables.partition("_")[0]
        return f"its endpoint has no TLS; set {prefix}_ALLOW_HTTP=true if that is meant"
    if any(sign in text for sign in _UNREACHABLE):
        url = _URL.search(text)
        host = "/".join(url[0].split("/")[:3]) if url else service
        return f"{mask_secrets(host)} cannot be reached; check the network and the endpoint"
    return said


def _summarize(text: str) -> str:
    """What the service said, else the first and the last words of a chain of errors."""
    said = [found[1].strip() for p in (_CODE, _MESSAGE) if (found := p.search(text))]
    if said:
        return mask_secrets(": ".join(said).splitlines()[0])[:300]
    if status := _STATUS.search(text):
        return status[1].strip()
    head = text.partition("Debug source")[0]
    lines = [line.strip(" ↳") for line in head.splitlines() if line.strip()] or ["it failed"]
    chain = [lines[0], lines[-1]] if len(lines) > 1 and "↳" in text else lines[:1]
    return mask_secrets(": ".join(chain))[:300]


@contextmanager
def object_errors(uri: str, failed: str = "cannot be read") -> Iterator[None]:
    """Turn errors of an object store into one clear ``StoreError``.

    Args:
        uri: what is read or written.
        failed: what then cannot be done, for the message.

    Raises:
        StoreError: the store failed, or refused.
    """
    try:
        yield
    except FsqError:
        raise
    except Exception as error:
        # Named, not imported: most commands do without these libraries.
        modules = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
        names = {kind.__name__ for kind in type(error).__mro__}
        known = "obstore" in modules or "DeltaError" in names or isinstance(error, OSError)
        if not known:
            raise
        text = str(error)
        said = describe_object_error(text) or (text.splitlines() or ["it failed"])[0][:300]
        raise StoreError(f"{uri} {failed}: {mask_secrets(said)}") from error
