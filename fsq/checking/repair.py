"""Repairing a date: run the remedies of its findings, once each, and check it again."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from fsq.checking.check import check_store
from fsq.checking.result import CheckOptions, StoreCheck
from fsq.contract import Contract, load_contract, shipped_contracts
from fsq.diagnosis import Diagnosis
from fsq.diagnosis.causes import SCORE_AGAIN
from fsq.errors import InputError
from fsq.incidents import note_repair, read_incidents
from fsq.stores import Store

_MOST_ROUNDS = 3
# As a shell reports a command that it cannot find or start.
_NOT_STARTED = 127


@dataclass(frozen=True, slots=True)
class Attempt:
    """One command that was run.

    Attributes:
        at: when it began, UTC.
        command: as the finding's remedy has it.
        exit_status: 0 if it says that it succeeded.
    """

    at: datetime
    command: str
    exit_status: int

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types."""
        at = self.at.isoformat(timespec="seconds")
        return {"at": at, "command": self.command, "exit_status": self.exit_status}


@dataclass(frozen=True, slots=True)
class Repair:
    """What a repair did.

    Attributes:
        before: the check before it.
        after: the check after it; the same if nothing was run.
        attempts: the commands that were run, in order.
    """

    before: StoreCheck
    after: StoreCheck
    attempts: tuple[Attempt, ...]


def repair_store(
    store: Store,
    options: CheckOptions,
    confirm: Callable[[Sequence[str], StoreCheck], bool],
    say: Callable[[str], None],
) -> Repair:
    """Run the remedies of what a check finds, check again, and enter all of it into the ledger.

    Each job is run once, without a shell, and what it wrote is scored again. What a repair
    uncovers is repaired in another round; there are at most three.

    Args:
        store: the store to repair.
        options: what to check; findings and what was run are recorded in any case.
        confirm: asked before each round with its commands and what they are to repair.
        say: gets every command, and what it prints, line by line.

    Raises:
        InputError: nothing says from which source to score again.
        StoreError: the store or its ledger cannot be read or written.
    """
    options = replace(options, record=True)
    before = after = check_store(store, options)
    attempts: list[Attempt] = []
    for _ in range(_MOST_ROUNDS):
        commands = _choose_commands(after.dx, attempts)
        if not commands:
            break
        _require_source(store, options)
        if not confirm(commands, after):
            break
        made = _run_round(commands, say)
        attempts += made
        _note(store, made)
        how = "repaired by " + "; ".join(f"`{a.command}`" for a in attempts)
        after = check_store(store, replace(options, how=how, now=None))
        if made[-1].exit_status:
            break
    return Repair(before, after, tuple(attempts))


def _list_remedies(dx: Diagnosis) -> list[str]:
    """The commands that repair its findings, each once: a job runs before what reads its table."""
    commands = [c for f in dx.findings if f.severity != "info" for c in f.remedy]
    # Of commands that several findings need, the last place is after all that it waits for.
    return list(dict.fromkeys(reversed(commands)))[::-1]


def _choose_commands(dx: Diagnosis, attempts: Sequence[Attempt]) -> list[str]:
    """The remedies that were not run yet; what a job then writes is scored again."""
    tried, remedies = {a.command for a in attempts}, _list_remedies(dx)
    if all(command in tried for command in remedies):
        return []
    return [c for c in remedies if c not in tried or c.startswith(f"{SCORE_AGAIN} ")]


def list_foreign_jobs(commands: Sequence[str], dx: Diagnosis, contract: Contract) -> list[str]:
    """Which of the commands are jobs that only the store's memory names.

    Whoever can write a store can change the contract that it remembers. Jobs that a shipped
    contract of this name states, too, are fsq's own.

    Args:
        commands: what is to be run.
        dx: the diagnosis whose findings they repair.
        contract: what the store remembers.
    """
    scored_again = {f.remedy[-1] for f in dx.findings if f.remedy}
    known = load_contract(contract.name) if contract.name in shipped_contracts() else None
    if known is not None and known.processors == contract.processors:
        return []
    return [c for c in commands if c not in scored_again]


def _require_source(store: Store, options: CheckOptions) -> None:
    if options.source is None and store.source is None:
        problem = f"{store.uri} remembers no source; name it with --source"
        raise InputError([problem], "nothing was repaired")


def _run_round(commands: Sequence[str], say: Callable[[str], None]) -> list[Attempt]:
    """Run the commands in order, until one fails."""
    made: list[Attempt] = []
    for command in commands:
        say(f"$ {command}")
        started = datetime.now(UTC)
        status = _run(command, say)
        made.append(Attempt(started, command, status))
        if status:
            say(f"exit status {status}")
            break
    return made


def _run(command: str, say: Callable[[str], None]) -> int:
    """Run a command without a shell; its exit status."""
    try:
        words = shlex.split(command, comments=True)
        if words[:1] == ["fsq"]:  # this one, whether or not it is on the path
            words = [sys.executable, "-m", *words]
        with subprocess.Popen(  # noqa: S603 - the operator's own contract states it, or it was asked
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout or ():
                say(f"  {line.rstrip()}")
    except (OSError, ValueError, IndexError) as error:
        say(f"  it cannot be started: {error}")
        return _NOT_STARTED
    return process.returncode


def _note(store: Store, attempts: Sequence[Attempt]) -> None:
    """Enter what was run into the incidents whose remedy it is."""
    commands = {a.command for a in attempts}
    names = [i.id for i in read_incidents(store) if not commands.isdisjoint(i.remedy)]
    note_repair(store, names, [a.to_dict() for a in attempts])
