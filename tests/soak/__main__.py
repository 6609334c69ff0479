"""``python -m tests.soak``: large inputs, at full size; ``tests.soak.faults`` kills and races."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.soak import load


def main() -> None:
    """A line on each command: how long it took, and the most memory so far."""
    with tempfile.TemporaryDirectory(prefix="fsq-soak-") as name:
        folder = Path(name)
        load.many_dates(folder, 3_000)
        load.many_commits(folder, 300)
        load.broad(folder, 200)
        load.long_day(folder, 200_000)


if __name__ == "__main__":
    main()
