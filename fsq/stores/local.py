"""Delta tables in folders of any name."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from deltalake import DeltaTable


class LocalTable(DeltaTable):
    """A table whose files are named as the file system names them.

    delta-rs names them as URLs do, so that a folder with a blank or an accent in its name was
    written and then not found by Polars and Arrow, which read its files.
    """

    def file_uris(self, *filters: Any, **named: Any) -> list[str]:
        """Paths of the table's files."""
        found: list[str] = super().file_uris(*filters, **named)
        return [unquote(uri.removeprefix("file://")) for uri in found]
