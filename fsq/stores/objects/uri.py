"""URIs of objects: which ones fsq knows, and how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fsq.errors import InputError
from fsq.masking import mask_secrets

_S3, _GCS, _AZURE = ("s3", "s3a"), ("gs",), ("az", "azure", "adl", "abfs", "abfss")
SCHEMES = (*_S3, *_GCS, *_AZURE)
# Schemes that mean the same as another.
_SAME = {"s3a": "s3", "azure": "az", "adl": "az", "abfs": "abfss"}
# What begins the names of the variables that the services' clients read.
PREFIXES = ("AWS_", "AZURE_", "GOOGLE_")
# Azure names a container and an account as if they were a user and a host.
_WITH_ACCOUNT = ("abfs", "abfss")
# A signed URL: in a glob, hardly anything else looks like it.
_QUERY = re.compile(r"\?[A-Za-z][\w.-]*=[^/]*(&|$)")


def get_scheme(uri: str) -> str | None:
    """The scheme of an object's URI; None for paths and other URIs.

    >>> get_scheme("s3://lake/features"), get_scheme("warehouse/features")
    ('s3', None)
    """
    scheme, found, _ = uri.partition("://")
    return scheme if found and scheme in SCHEMES else None


def is_object_uri(uri: str) -> bool:
    """Whether a URI names an object, or all objects below a prefix."""
    return get_scheme(uri) is not None


def clean_uri(uri: str) -> str:
    """The URI of a place in a bucket, without slashes at its end.

    Raises:
        InputError: it names no bucket, has credentials in it, or leads upwards.

    >>> clean_uri("s3://lake/features/")
    's3://lake/features'
    """
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    at = "@" in bucket
    problems = []
    if ":" in bucket or "?" in bucket or _QUERY.search(uri) or (at and scheme not in _WITH_ACCOUNT):
        # What is a secret in it, and what is not, nobody can tell.
        cure = "leave them out, and set the environment variables of the service"
        problems.append(f"a {scheme}:// URI has credentials in it; {cure}")
    elif not bucket:
        problems.append(f"{uri} names no bucket; write {scheme}://bucket/path")
    elif scheme in _WITH_ACCOUNT and not at:
        cure = (
            f"write {scheme}://container@account.dfs.core.windows.net/path, or az://container/path"
        )
        problems.append(f"{uri} names no account; {cure}")
    elif {".", "..", ""}.intersection(key.rstrip("/").split("/")) and key.strip("/"):
        problems.append(
            f"{mask_secrets(uri)} has an empty part, '.' or '..' in its path; name it plainly"
        )
    if problems:
        raise InputError(problems, "the URI cannot be used")
    return uri.rstrip("/")


def identify_uri(uri: str) -> str:
    """The same name for every URI of one place.

    >>> identify_uri("s3a://lake/features/")
    's3://lake/features'
    """
    scheme, _, rest = clean_uri(uri).partition("://")
    return f"{_SAME.get(scheme, scheme)}://{rest}"


def split_uri(uri: str) -> tuple[str, str]:
    """The URI of the bucket, and the path of a place in it.

    >>> split_uri("s3://lake/nba/features")
    ('s3://lake', 'nba/features')
    """
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    return f"{scheme}://{bucket}", key


def read_options(pairs: Iterable[str]) -> dict[str, str]:
    """Storage options as environment variables, under which every client finds them.

    An option may be named as its variable, or as delta-rs names it.

    Args:
        pairs: such as ``aws_region=eu-west-1`` or ``region=eu-west-1``.

    Raises:
        InputError: one is no pair, or has a name that no client can know.

    >>> read_options(["aws_region=eu-west-1"])
    {'AWS_REGION': 'eu-west-1'}
    >>> sorted(read_options(["allow_http=true"]))
    ['AWS_ALLOW_HTTP', 'AZURE_ALLOW_HTTP', 'AZURE_STORAGE_ALLOW_HTTP', 'GOOGLE_ALLOW_HTTP']
    """
    out: dict[str, str] = {}
    problems = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            # What follows may be a secret.
            problems.append(
                "a storage option is not of the form NAME=VALUE, such as aws_region=eu-west-1"
            )
            continue
        name = name.upper()
        # A bare name is an option of whichever service the URI belongs to.
        prefixes = ("",) if name.startswith(PREFIXES) else (*PREFIXES, "AZURE_STORAGE_")
        out.update({f"{prefix}{name}": value for prefix in prefixes})
    if problems:
        raise InputError(problems, "the storage options cannot be used")
    return out
