"""Delta tables in folders of any name."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from deltalake import DeltaTable

from fsq.errors import StoreError


class LocalTable(DeltaTable):
    """A table that names its files by their paths in the file system.

    delta-rs names them as URLs, in which a blank or an accent is escaped; Polars and Arrow, which
    read the files, do not find them under such names.
    """

    def file_uris(self, *filters: Any, **named: Any) -> list[str]:
        """Paths of the table's files.

        Raises:
            StoreError: a path in the log leads out of the table with ``..``.
        """
        uris: list[str] = super().file_uris(*filters, **named)
        paths = [unquote(uri.removeprefix("file://")) for uri in uris]
        if outside := [p for p in paths if ".." in p.split("/")]:
            raise StoreError(f"{outside[0]!r}: the table's log names a file outside the table")
        return paths
