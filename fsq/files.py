"""Files that appear as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from fsq.errors import StoreError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write to a file beside the target, and rename it once it is whole.

    Raises:
        StoreError: it cannot be written; a former file is then still there.
    """
    data = content.encode() if isinstance(content, str) else content
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_bytes(data)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error}") from error
