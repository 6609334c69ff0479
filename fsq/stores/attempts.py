"""How often a write is tried when other writers are first, and how long it waits in between."""

from __future__ import annotations

import random
import time

ATTEMPTS = 8


def wait_before_retry(attempt: int) -> None:
    """Wait at random, so that writers who collided do not collide again.

    Args:
        attempt: number of the attempt that failed, from 0.
    """
    time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - only spreads attempts
