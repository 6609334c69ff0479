"""Delta tables in folders of any name."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from deltalake import DeltaTable

from fsq.errors import StoreError


class LocalTable(DeltaTable):
    """A table whose files are named as the file system names them.

    delta-rs names them as URLs do, so that a folder with a blank or an accent in its name was
    written and then not found by Polars and Arrow, which read its files.
    """

    def file_uris(self, *filters: Any, **named: Any) -> list[str]:
        """Paths of the table's files.

        Raises:
            StoreError: its log names a file that a path upwards leads to, outside of the table.
        """
        found: list[str] = super().file_uris(*filters, **named)
        paths = [unquote(uri.removeprefix("file://")) for uri in found]
        if outside := [p for p in paths if ".." in p.split("/")]:
            raise StoreError(f"{outside[0]!r}: the table's log names a file outside of the table")
        return paths
