"""Tests that share what takes long to make run in one worker."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("one_worker")
def test_groups_are_kept(request: pytest.FixtureRequest) -> None:
    """A pytest that xdist does not know drops the groups without a word."""
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("runs in one process, or without --dist loadgroup")
    assert request.node.nodeid.endswith("@one_worker")
