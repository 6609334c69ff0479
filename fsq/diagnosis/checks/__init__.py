"""The checks: each module describes and finds one fault; every module here is discovered."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from fsq.contract.thresholds import declare_thresholds, withdraw_thresholds
from fsq.diagnosis.checks.base import Check, Kind

__all__ = ["list_checks", "list_kinds", "register", "unregister"]

_checks: list[Check] = []


def list_checks() -> tuple[Check, ...]:
    """Every check, in the order in which they run."""
    return tuple(_checks)


def list_kinds() -> dict[str, Kind]:
    """Every kind of finding by its name, in the order of the checks.

    >>> list_kinds()["range_violation"].severities
    ('red', 'yellow')
    """
    return {kind.name: kind for check in _checks for kind in check.kinds}


def register(check: Check) -> None:
    """Add a check. Modules of this package need not: they are discovered.

    Raises:
        ValueError: one of its kinds or thresholds is declared already.
    """
    if taken := sorted(list_kinds().keys() & {kind.name for kind in check.kinds}):
        raise ValueError(f"kinds of findings are declared twice: {taken}; rename them")
    if check.thresholds is not None:
        declare_thresholds(check.thresholds)
    _checks.append(check)
    _checks.sort(key=lambda c: (c.stage, type(c).__module__.rpartition(".")[2]))


def unregister(check: Check) -> None:
    """Remove a check again."""
    _checks.remove(check)
    if check.thresholds is not None:
        withdraw_thresholds(check.thresholds)


def _discover() -> None:
    for found in iter_modules(__path__):
        if found.name.startswith("_"):
            continue
        module = import_module(f"{__name__}.{found.name}")
        for member in vars(module).values():
            is_check = isinstance(member, type) and issubclass(member, Check)
            if is_check and member.__module__ == module.__name__ and member is not Check:
                register(member())


_discover()
