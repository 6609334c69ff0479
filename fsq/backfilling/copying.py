"""``python -m fsq.backfilling.copying``: the process that reads untrusted files, and may end."""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

from fsq.backfilling.source import scan_source, source_read_errors
from fsq.contract.loading import restore_contract
from fsq.errors import FsqError


def main() -> int:
    """Copy the files that a job on stdin names; print what is wrong with them as JSON.

    Returns:
        The exit status: 0 if the copy is there, 1 if the files are refused.
    """
    job = json.load(sys.stdin)
    _limit_memory()
    try:
        _copy(job)
    except FsqError as error:
        problems = getattr(error, "problems", None)
        headline = str(error).partition(" (")[0]
        said = {"message": str(error), "problems": problems, "headline": headline}
        sys.stdout.write(json.dumps(said))
        return 1
    return 0


def _copy(job: dict[str, Any]) -> None:
    data = job["contract"]
    contract = None if data is None else restore_contract(data, "the contract")
    with source_read_errors(job["uri"]):
        scan_source(job["uri"], contract).sink_ipc(job["copy"])


def _limit_memory() -> None:
    """To that of the machine: without swap or with much of it, others would suffer."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main())
