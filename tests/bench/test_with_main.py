"""When a figure counts as grown, compared with the branch in turns."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.with_main import summarize


def document(seconds: float) -> dict[str, Any]:
    times = {"median": seconds, "best": seconds, "worst": seconds}
    one = {"median": 1.0, "best": 1.0, "worst": 1.0}
    common = {"seconds": one, "peak_bytes": 1}
    return {
        "context": {"contract_version": "one"},
        "processes": [
            {"name": "import polars", "processor_s": one, **common},
            {"name": "fsq check", "processor_s": times, **common},
        ],
    }


@pytest.mark.parametrize(
    ("now", "grew"),
    [
        ([2.0, 2.0, 2.0], False),
        ([2.2, 2.2, 2.2], False),  # within the share
        ([2.0, 9.0, 2.0], False),  # a busy moment
        ([2.4, 2.0, 2.4], True),
        ([2.4, 2.5, 2.4], True),
        ([2.4], True),
        ([1.0, 1.0, 1.0], False),
    ],
)
def test_a_figure_grew_if_it_did_in_nearly_all_rounds(now: list[float], grew: bool) -> None:
    found = summarize([[document(2.0), document(seconds)] for seconds in now], 0.15)
    assert {name: one for name, _, one in found} == {
        "fsq check": grew,
        "fsq check: peak memory": False,
    }
