"""The command line: parses arguments, calls the library, prints. Nothing imports it."""

from __future__ import annotations

import gc
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; see ``fsq.cli.app.main``.

    >>> main(["contract", "diff", "v2_33features", "v2_33features"])
    0 differences
    0
    """
    if arguments is None:
        # What a command makes, it keeps until it ends: looking for garbage less often saves time,
        # and most of it while modules are loaded.
        gc.set_threshold(200_000, 20, 20)
    from fsq.cli.app import main as run

    return run(arguments)
