"""Atomic writing, and reading with a limit."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fsq.errors import StoreError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file that is complete as soon as it is visible.

    Raises:
        StoreError: it cannot be written; an existing file is left as it was.
    """
    with atomic_write(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces the target at the end of the block, unless it fails.

    Its name is random, so that nobody can place a link there to redirect the write. A target that
    is a link is replaced, not followed.

    Raises:
        StoreError: it cannot be written; an existing file is left as it was.
    """
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                yield file
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error}") from error


def read_text(path: Path, max_bytes: int) -> str:
    """Read the text of a regular file of at most ``max_bytes``.

    Raises:
        OSError: it is missing, larger, or a pipe or device, which may never end.
        UnicodeDecodeError: it is not UTF-8.
    """
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is not a regular file")
    with path.open("rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise OSError(f"larger than {max_bytes} bytes")
    return data.decode()
