"""Files that appear as a whole or not at all, and files that are read no further than they may."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fsq.errors import StoreError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write to a file beside the target, and rename it once it is whole.

    Raises:
        StoreError: it cannot be written; a former file is then still there.
    """
    with atomic_write(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """A file to write to that takes the target's place at the end of the block, if none failed.

    It is new and has a name that nobody foresees, so that no link laid there leads the writing
    elsewhere; a target that is a link is replaced, not followed.

    Raises:
        StoreError: it cannot be written; a former file is then still there.
    """
    beside = path.with_name(f".{path.name[:200]}.{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("xb") as file:
                yield file
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error}") from error


def read_text(path: Path, most: int) -> str:
    """The text of a regular file of at most ``most`` bytes.

    Raises:
        OSError: it is absent, larger, or a pipe or device, which may never end.
        UnicodeDecodeError: it is not UTF-8.
    """
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is not a regular file")
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(f"larger than {most} bytes")
    return data.decode()
