"""How the C library of Linux hands out memory, chosen for a process that ends soon."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping

# Options of glibc's ``mallopt``: see its manual page.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_CHOICES = {_TRIM_THRESHOLD: 64 * 2**20, _MMAP_THRESHOLD: 8 * 2**20, _ARENA_MAX: 1}


def keep_freed_memory() -> bool:
    """Let the process keep up to 64 MB of what it frees, to use it again; tell whether it does.

    Else arrays of a megabyte or two go back to the system one by one, which clears each again for
    the next: of a check of one date that took a twentieth of the time. What users choose by the
    environment stays; other C libraries have no such options.
    """
    if sys.platform != "linux" or _is_chosen(os.environ):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return min(int(mallopt(option, number)) for option, number in _CHOICES.items()) == 1


def _is_chosen(environment: Mapping[str, str]) -> bool:
    """Whether users have chosen how memory is handed out."""
    return any(n.startswith("MALLOC_") or n == "GLIBC_TUNABLES" for n in environment)
