"""What fsq does with objects itself: it lists them, and finds out whether writes can be atomic."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from fsq.errors import StoreRefusedError
from fsq.stores.objects.errors import object_errors
from fsq.stores.objects.uri import get_scheme, split_uri

if TYPE_CHECKING:  # imported where it is needed, so that folders do without it
    from obstore.store import ObjectStore

# Objects below a table's place that begin so are no data; a killed process may leave one.
PROBE = "_fsq/probe-"
_TRUE = ("1", "true", "yes", "on", "y", "ok")
# With this lock, delta-rs needs no conditional writes.
_LOCK = "AWS_S3_LOCKING_PROVIDER"
_UNSAFE = "AWS_S3_ALLOW_UNSAFE_RENAME"


class StoredObject(NamedTuple):
    """An object of a bucket.

    Attributes:
        uri: of the object.
        size: bytes.
    """

    uri: str
    size: int


def open_bucket(uri: str) -> ObjectStore:
    """The bucket of a URI, with the credentials of the environment.

    Raises:
        StoreError: they are incomplete.
    """
    from obstore.store import from_url

    with object_errors(uri):
        return from_url(split_uri(uri)[0])


def list_objects(uri: str) -> Iterator[StoredObject]:
    """Every object below a prefix, at any depth; a whole part of the path must match.

    Raises:
        StoreError: the bucket cannot be listed.
    """
    import obstore

    root, prefix = split_uri(uri)
    with object_errors(uri):
        for batch in obstore.list(open_bucket(uri), prefix=prefix or None):
            for found in batch:
                yield StoredObject(f"{root}/{found['path']}", found["size"])


def find_object(uri: str) -> StoredObject | None:
    """The object at exactly this URI; None if there is none.

    Raises:
        StoreError: the bucket cannot be read.
    """
    import obstore

    key = split_uri(uri)[1]
    if not key:
        return None
    with object_errors(uri):
        try:
            return StoredObject(uri, obstore.head(open_bucket(uri), key)["size"])
        except FileNotFoundError:
            return None


def read_object(uri: str) -> bytes:
    """The content of an object.

    Raises:
        StoreError: it cannot be read.
    """
    import obstore

    with object_errors(uri):
        return bytes(obstore.get(open_bucket(uri), split_uri(uri)[1]).bytes())


def write_object(uri: str, content: bytes | memoryview) -> None:
    """Write an object, all of it or nothing.

    Raises:
        StoreError: it cannot be written.
    """
    import obstore

    key = split_uri(uri)[1]
    with object_errors(uri, "cannot be written"):
        obstore.put(open_bucket(uri), key, content)


def require_atomic_writes(uri: str) -> None:
    """Refuse a store in which two writers could both believe that they committed first.

    A commit is an object that may be created but not replaced. Some stores that speak the protocol
    of S3 ignore that condition, and replace it; the other commit would be lost.

    Raises:
        StoreRefusedError: the store ignores conditions, or they are switched off.
        StoreError: it cannot be written at all.
    """
    is_s3 = get_scheme(uri) in ("s3", "s3a")
    if is_s3 and os.environ.get(_UNSAFE, "").lower() in _TRUE:
        raise StoreRefusedError(
            f"{uri}: {_UNSAFE} is set, and lets writers overwrite each other's commits; unset it"
        )
    if is_s3 and os.environ.get(_LOCK):
        return
    _probe(split_uri(uri)[0], f"{split_uri(uri)[1]}/{PROBE}", os.getpid())


@cache
def _probe(bucket: str, prefix: str, process: int) -> None:
    """Create an object twice, once per process: the second time must be refused."""
    import obstore
    from obstore.exceptions import AlreadyExistsError, NotSupportedError

    uri = f"{bucket}/{prefix}"
    store, key = open_bucket(bucket), f"{prefix}{secrets.token_hex(8)}"
    problem = "does not support conditional writes"
    with object_errors(uri, "cannot be written"):
        try:
            obstore.put(store, key, b"fsq", mode="create", use_multipart=False)
            obstore.put(store, key, b"fsq", mode="create", use_multipart=False)
            problem = "ignores that an object must not be replaced"
        except AlreadyExistsError:
            return
        except (NotSupportedError, NotImplementedError):
            pass
        finally:
            _delete_quietly(store, key)
    raise StoreRefusedError(
        f"{bucket} {problem}, so concurrent writers could lose commits; nothing was written; "
        f"use a release of its server with conditional writes, or {_LOCK}=dynamodb"
    )


def _delete_quietly(store: ObjectStore, key: str) -> None:
    """Delete the probe where that is allowed; it has three bytes, and nobody reads it."""
    import obstore

    with suppress(Exception):
        obstore.delete(store, key)
