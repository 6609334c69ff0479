"""Files from strangers, read in a process of their own.

Over some damaged pages a decoder asks for more memory than there is, and ends its process. Such
a process, started for the purpose, copies the files into an Arrow file that fsq then reads.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError, StoreError

_COPIER = "fsq.backfilling.copying"


class Copies:
    """The copies of a block, in a folder that goes with it."""

    def __init__(self, folder: Path) -> None:
        """Copy into this folder."""
        self.folder = folder
        self._paths: dict[tuple[str, str | None], Path] = {}

    def scan(self, uri: str, contract: Contract | None) -> pl.LazyFrame:
        """The rows of a source of files, lazily, copied by another process once.

        Raises:
            InputError: they cannot be read, or end the process that reads them.
            StoreError: their bucket cannot be read.
        """
        key = uri, None if contract is None else contract.version_hash
        if key not in self._paths:
            path = self.folder / f"{len(self._paths)}.arrow"
            _copy(uri, contract, path)
            self._paths[key] = path
        return pl.scan_ipc(self._paths[key], glob=False)


_COPIES: ContextVar[Copies | None] = ContextVar("_COPIES", default=None)


@contextmanager
def read_apart(*, wanted: bool = True) -> Iterator[None]:
    """While the block runs, files of sources are read by another process, which may end.

    Args:
        wanted: False for a block that reads them itself.
    """
    if not wanted:
        yield
        return
    with TemporaryDirectory(prefix="fsq-untrusted-") as folder:
        token = _COPIES.set(Copies(Path(folder)))
        try:
            yield
        finally:
            _COPIES.reset(token)


def find_copies() -> Copies | None:
    """Where to copy files; None outside of ``read_apart``."""
    return _COPIES.get()


def _copy(uri: str, contract: Contract | None, path: Path) -> None:
    data = contract and contract.model_dump(mode="json")
    run = subprocess.run(  # noqa: S603 - fsq itself
        [sys.executable, "-P", "-m", _COPIER],
        input=json.dumps({"uri": uri, "contract": data, "copy": str(path)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a decoder's last words, in many lines
        text=True,
        encoding="utf-8",
        cwd=Path.cwd(),
    )
    if run.returncode == 0:
        return
    try:
        said = json.loads(run.stdout)
    except ValueError:
        how = _describe_end(run.returncode)
        cure = "it is damaged, or larger than memory: write it again"
        raise InputError([f"{uri}: the process that read it {how}; {cure}"]) from None
    if said["problems"] is None:
        raise StoreError(said["message"])
    raise InputError(said["problems"], said["headline"])


def _describe_end(status: int) -> str:
    if status >= 0:
        return f"failed with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
