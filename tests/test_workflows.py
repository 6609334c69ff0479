"""Workflows run only code that is pinned, with only the rights that each job states."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / ".github/workflows"
WORKFLOWS = sorted(FOLDER.glob("*.y*ml"))
# What a job may do besides reading; nothing else writes, and none of these runs the project's code.
WRITERS = {
    "attest": {"id-token", "attestations"},
    "publish": {"id-token"},
    "release": {"contents"},
    "deploy": {"pages", "id-token"},
}


def split_jobs(path: Path) -> dict[str, str]:
    parts = re.split(r"^  (\w+):\n", path.read_text("utf-8").partition("\njobs:\n")[2], flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    used = re.findall(r"uses: (\S.*)", path.read_text("utf-8"))
    assert used
    for action in used:
        assert action.startswith("./") or re.fullmatch(r"\S+@[0-9a-f]{40} # v\S+", action), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_a_token_may_only_read_unless_its_job_says_otherwise(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.search(r"^permissions:\n  contents: read\n\n", text, re.M)
    assert "secrets." not in text
    for name, job in split_jobs(path).items():
        written = set(re.findall(r"^      ([\w-]+): write\b", job, re.M))
        assert written == WRITERS.get(name, set()), name
        assert not (written and "run: make" in job), name
        if "actions/checkout" in job:
            assert job.count("persist-credentials: false") == job.count("actions/checkout@")


def test_the_jobs_that_write_are_found() -> None:
    found = {name for path in WORKFLOWS for name in split_jobs(path)}
    assert found >= WRITERS.keys()
