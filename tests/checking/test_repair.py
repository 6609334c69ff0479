"""A round of commands: each is said, what it prints too, and the first that fails ends it."""

from __future__ import annotations

import shlex
import sys

from fsq.checking.repair import _run_round


def _command(code: str) -> str:
    return shlex.join([sys.executable, "-c", code])


def test_a_command_that_fails_ends_the_round_and_says_how() -> None:
    said: list[str] = []
    commands = [_command("print('one')"), _command("print('two'); exit(3)"), _command("print(4)")]
    made = _run_round(commands, said.append)
    assert [(a.command, a.exit_status) for a in made] == [(commands[0], 0), (commands[1], 3)]
    assert said == [f"$ {commands[0]}", "  one", f"$ {commands[1]}", "  two", "exit status 3"]
    assert made[0].at <= made[1].at


def test_a_round_without_a_failure_runs_every_command_once() -> None:
    said: list[str] = []
    made = _run_round([_command("pass"), "true  # a comment is no argument"], said.append)
    assert [a.exit_status for a in made] == [0, 0]
    assert not any("exit status" in line for line in said)
    assert _run_round([], said.append) == []
