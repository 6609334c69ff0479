"""Delta tables in folders and buckets of any name, with partitions of any value."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable
from deltalake.table import ProtocolVersions

from fsq.errors import StoreError
from fsq.stores.delta.protocol import LOG_ONLY, WIDENED


class LakeTable(DeltaTable):
    """A table that names its files as Polars and Arrow do: by paths, or by URIs without escapes.

    delta-rs names them as URLs below the table's URL. In that, a blank or an accent is escaped;
    the rest is the path in the log, which keeps a folder such as ``venue=Ball%20Arena`` as it
    is.
    """

    def file_uris(self, *filters: Any, **named: Any) -> list[str]:
        """Paths of the table's files.

        Raises:
            StoreError: a path in the log leads out of the table with ``..``.
        """
        paths = [self._to_path(uri) for uri in super().file_uris(*filters, **named)]
        if outside := [p for p in map(unquote, paths) if ".." in p.split("/")]:
            raise StoreError(f"{outside[0]!r}: the table's log names a file outside the table")
        return paths

    def deletion_vectors(self) -> Any:
        """Which rows of which files are deleted, under the same paths as in ``file_uris``.

        Polars looks them up by path: under another one, deleted rows would come back. delta-rs
        gives URLs here.

        Raises:
            StoreError: they are of files that the table does not have.
        """
        vectors = pl.DataFrame(super().deletion_vectors())
        paths = [unquote(uri.removeprefix("file://")) for uri in vectors["filepath"]]
        if unknown := set(paths).difference(self.file_uris()):
            raise StoreError(f"{min(unknown)!r} has deleted rows, but is not a file of the table")
        return vectors.with_columns(filepath=pl.Series(paths, dtype=pl.String)).to_arrow()

    def protocol(self) -> ProtocolVersions:
        """The protocol without the features that Polars need not know to read the files."""
        full = super().protocol()
        if full.reader_features is None:
            return full
        features = [f for f in full.reader_features if f not in LOG_ONLY | WIDENED]
        return full._replace(reader_features=features)

    def full_protocol(self) -> ProtocolVersions:
        """The protocol as the table's log states it."""
        return super().protocol()

    def _to_path(self, uri: str) -> str:
        root = self.table_uri.removeprefix("file://").removesuffix("/")
        path = uri.removeprefix("file://")
        if path.startswith(f"{root}/"):
            return unquote(root) + path.removeprefix(root)
        return unquote(path)
