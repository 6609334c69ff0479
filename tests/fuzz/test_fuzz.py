"""A little of what ``make fuzz`` does at length: the same inputs each time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.targets import TARGETS
from tests.fuzz.worker import outcome

# Parts that cost little per input get more of them; models are built by slow libraries.
COUNTS = {"uris": 500, "urls": 500, "provenance": 60, "run_context": 60, "people": 1}


@pytest.mark.parametrize("target", sorted(TARGETS.keys() - {"model"}))
def test_hostile_input_is_answered_or_refused(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    count = COUNTS.get(target, 15)
    met = Counter(
        outcome(TARGETS[target], Random(f"0:{target}:{number}"), tmp_path)
        for number in range(count)
    )
    assert met.keys() <= {"answered", "refused"}
    assert met["answered"]
