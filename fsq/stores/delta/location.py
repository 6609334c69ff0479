"""Where a Delta table lies: in a folder, or below a prefix in a bucket."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from pathlib import Path

import pyarrow.fs as pafs
from deltalake import DeltaTable

from fsq.errors import InputError, StoreError, StoreRefusedError
from fsq.masking import mask_secrets
from fsq.stores.objects.bucket import PROBE, list_objects, require_atomic_writes
from fsq.stores.objects.errors import object_errors
from fsq.stores.objects.files import open_folder
from fsq.stores.objects.uri import clean_uri, identify_uri, is_object_uri

# delta-rs decodes these in a path, which leads elsewhere, or panics.
_MISREAD = re.compile(r"%[0-9A-Fa-f]{2}|[\[\]|^\\\x00-\x1f\x7f]")
# In a URI these end the path.
_MISREAD_IN_URI = re.compile(rf"{_MISREAD.pattern}|[?#*%]")
_LOG = "_delta_log"
# How files of data are called; a folder of such a name would surprise.
_FILE = re.compile(
    r"\.(parquet|pq|csv|tsv|tab|txt|json|ndjson|jsonl|arrows?|ipc|feather|xlsx?|orc|avro)"
    r"(\.(gz|zst|bz2|xz|zip))?$"
)


class Location(ABC):
    """A place for a Delta table, which need not exist yet.

    Attributes:
        given: how the user named it, for messages.
        path: how delta-rs is told.
    """

    given: str
    path: str

    @abstractmethod
    def is_table(self) -> bool:
        """Whether there is a table.

        Raises:
            StoreError: the place cannot be read.
        """

    @abstractmethod
    def is_occupied(self) -> bool:
        """Whether there is something else than the log of a table, or a probe."""

    def open_files(self) -> pafs.FileSystem:
        """The files of the table; their paths are relative to it."""
        return open_folder(self.path)

    @abstractmethod
    def get_sibling(self, name: str) -> str:
        """The place beside this one that has another name."""

    @abstractmethod
    def require_atomic_writes(self) -> None:
        """Refuse a place in which commits cannot be atomic.

        Raises:
            StoreRefusedError: writers could overwrite each other's commits.
        """

    def require_free(self) -> None:
        """Refuse a place without a table that holds something else, or is called like a file.

        Raises:
            InputError: it is called like a file, so that a file was probably meant.
            StoreRefusedError: it holds something else.
        """
        # Another writer may have created the table after this one looked for it.
        if self.is_occupied() and not self.is_table():
            raise StoreRefusedError(f"{self.given} is not a Delta table; name another folder")
        if _FILE.search(self.given.lower()):
            problem = f"{self.given} is called like a file, and a store is a folder of files"
            cure = "name it without an ending; `fsq score` writes single files, as .parquet"
            raise InputError([f"{problem}; {cure}"], "the store cannot be opened")


class _Folder(Location):
    def __init__(self, path: str) -> None:
        self.given = path
        # In an absolute path, delta-rs cannot take what is before a colon for a scheme.
        self.path = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
        _require_readable(_MISREAD, self.path, path)

    def is_table(self) -> bool:
        # If its creator was killed, a log may lack the first commit: no table yet.
        return (Path(self.path) / _LOG).is_dir() and DeltaTable.is_deltatable(self.path)

    def is_occupied(self) -> bool:
        folder = Path(self.path)
        return folder.is_file() or (
            folder.is_dir() and any(f.name != _LOG for f in folder.iterdir())
        )

    def get_sibling(self, name: str) -> str:
        return str(Path(self.path).resolve().parent / name)

    def require_atomic_writes(self) -> None:
        """A file system renames files atomically."""


class _Prefix(Location):
    def __init__(self, uri: str) -> None:
        self.given = self.path = clean_uri(uri)
        _require_readable(_MISREAD_IN_URI, self.path, self.path)

    def is_table(self) -> bool:
        with object_errors(self.given):
            return DeltaTable.is_deltatable(self.path)

    def is_occupied(self) -> bool:
        # A writer that is about to create the table probes the place first.
        own = (f"{self.path}/{_LOG}/", f"{self.path}/{PROBE}")
        others = (found for found in list_objects(self.path) if not found.uri.startswith(own))
        return next(others, None) is not None

    def get_sibling(self, name: str) -> str:
        return f"{identify_uri(self.path).rpartition('/')[0]}/{name}"

    def require_atomic_writes(self) -> None:
        require_atomic_writes(self.path)


def locate(uri: str) -> Location:
    """The place that a path or an object's URI names.

    Raises:
        InputError: the URI names no bucket, or has credentials in it.
        StoreError: delta-rs would misread it.
    """
    return _Prefix(uri) if is_object_uri(uri) else _Folder(uri)


def _require_readable(misread: re.Pattern[str], text: str, given: str) -> None:
    if found := misread.search(text):
        raise StoreError(
            f"{mask_secrets(given)}: {found[0]!r} in its path would be misread as part of a URL; "
            "name another folder"
        )
