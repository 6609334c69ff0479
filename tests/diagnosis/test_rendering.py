"""A finding as text: lines of the terminal's width, and commands that can be pasted."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import date

import pytest

from fsq.diagnosis.findings import Finding
from fsq.diagnosis.rendering import wrap_finding

STORE = "s3://a-bucket-with-a-long-name/warehouse/ml_feature_store_v2_of_this_season"
FINDING = Finding(
    "missing_rows", "red", "a third of the rows is missing", (date(2026, 2, 6),), (), 40, 120,
    None, None, "Some jobs wrote nothing. " * 5, {}, (),
)  # fmt: skip


def _list_commands(words: list[str], width: int) -> list[str]:
    """The lines of a finding whose remedy is a command of these words."""
    lines = wrap_finding(replace(FINDING, remedy=(shlex.join(words),)), width)
    first = next(i for i, line in enumerate(lines) if line.startswith("     remedy  "))
    return lines[first:]


@pytest.mark.parametrize("store", [STORE, "/data/two words/a  b", 'it\'s "here"', "/n\tt/x  y"])
@pytest.mark.parametrize("width", [30, 45, 80])
def test_a_command_that_is_pasted_is_the_same_command(store: str, width: int) -> None:
    words = ["fsq", "repair", "--store", store, "--date", "2026-02-06", "--reason", "why not?"]
    lines = _list_commands(words, width)
    pasted = "\n".join(lines).removeprefix("     remedy  ")
    assert shlex.split(pasted.replace("\\\n", " ")) == words
    assert all(line.endswith(" \\") for line in lines[:-1])


@pytest.mark.parametrize("width", [45, 80])
def test_lines_are_as_wide_as_the_terminal_unless_a_word_is_wider(width: int) -> None:
    lines = _list_commands(["fsq", "check", *(f"--option{i}" for i in range(20))], width)
    assert max(map(len, lines)) <= width
    assert min(map(len, lines[1:-1])) > width - len("--option10 ") - 2
    assert max(len(line) for line in wrap_finding(FINDING, width)) <= width
    whole = wrap_finding(FINDING, width, whole_commands=True)
    assert whole == wrap_finding(FINDING, width)


def test_the_first_line_of_each_part_says_what_it_is() -> None:
    shown = {"key": "a", "feature": "pace", "value": 130.0, "expected": 99.5, "told_by": "others"}
    finding = replace(FINDING, evidence={"rows_shown": [shown, shown]})
    said = [line[5:12].strip() for line in wrap_finding(finding) if line.startswith("     ")]
    assert [word for word in said if word] == ["when", "cause", "shows"]
