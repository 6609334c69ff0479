"""Atomic writing, and reading with a limit."""

from __future__ import annotations

import codecs
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from fsq.errors import InputError, StoreError

# A path makes one slash of two. Windows' drives have a single letter.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[/\\]")


def expand_home(path: str | PathLike[str]) -> str:
    """A path as text, with ``~`` or ``~user`` at its start as that user's folder.

    >>> expand_home("season.parquet"), expand_home("bigquery://p.d.t")
    ('season.parquet', 'bigquery://p.d.t')
    """
    return os.path.expanduser(os.fspath(path))  # noqa: PTH111 - a URI is no path


def read_target(path: str | PathLike[str]) -> Path:
    """Where on this machine to write.

    Raises:
        InputError: it is a URL; a folder of that name would be made, and nobody would find it.

    >>> read_target(Path("s3://lake/report.html"))
    Traceback (most recent call last):
    ...
    fsq.errors.InputError: nothing was written (1 problem):
      - s3:/lake/report.html is a URL; name a file or folder on this machine, and copy it from there
    """
    target = expand_home(path)
    if _URL.match(target):
        cure = "name a file or folder on this machine, and copy it from there"
        raise InputError([f"{target} is a URL; {cure}"], "nothing was written")
    return Path(target)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file that is complete as soon as it is visible.

    Raises:
        InputError: it is a URL.
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
        InputError: it is a URL.
        StoreError: it cannot be written; an existing file is left as it was.
    """
    path = read_target(path)
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

    Editors on Windows begin files with a byte order mark, end lines with CR and LF, and some write
    UTF-16: the text is the same.

    Raises:
        OSError: it is missing, larger, or a pipe or device, which may never end.
        UnicodeDecodeError: it is neither UTF-8 nor UTF-16 with its mark.
    """
    path = Path(expand_home(path))
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is not a regular file")
    with path.open("rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise OSError(f"larger than {max_bytes} bytes")
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if wide else "utf-8-sig").replace("\r\n", "\n")
