"""A temporary file for what is too large to be kept in memory."""

from __future__ import annotations

import tempfile
import weakref
from functools import cached_property
from typing import IO

from fsq.errors import StoreError


class SpillFile:
    """Pieces of bytes in a temporary file, which goes once nobody refers to it."""

    def __init__(self) -> None:
        self._end = 0

    @cached_property
    def _file(self) -> IO[bytes]:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this object
        weakref.finalize(self, file.close)
        return file

    def write(self, data: bytes) -> int:
        """Add a piece; give the position where it starts.

        Raises:
            StoreError: the temporary file cannot be written.
        """
        start = self._end
        try:
            self._file.seek(start)
            self._file.write(data)
        except OSError as error:
            problem = f"{tempfile.gettempdir()}: no temporary file can be written: {error}"
            cure = "free some space there, or name another folder in TMPDIR"
            raise StoreError(f"{problem}; {cure}") from error
        self._end += len(data)
        return start

    def read(self, start: int, size: int) -> bytes:
        """A piece that was added."""
        self._file.seek(start)
        return self._file.read(size)
