"""Thresholds that checks declare as keys of a contract's ``[diagnosis]``, each with a default.

The checks lie in a layer above, so they declare their thresholds here when they are imported.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from itertools import pairwise
from textwrap import dedent
from typing import Any, ClassVar, Self, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from fsq.contract.model import Contract
from fsq.contract.rules import DiagnosisRules

# Importing these packages declares every threshold.
_DECLARING = ("fsq.diagnosis.checks",)


class Thresholds(BaseModel):
    """The thresholds of one check: each field is a key of ``[diagnosis]`` and has a default.

    >>> from fsq.contract import load_contract
    >>> class Spikes(Thresholds):
    ...     spike_share_yellow: float = 0.1
    ...     spike_share_red: float = 0.5
    ...     rising = (("spike_share_yellow", "spike_share_red"),)
    >>> Spikes.of(load_contract()).spike_share_red
    0.5
    """

    # Built when first used: a contract that is only read in builds no more than it needs.
    model_config = ConfigDict(frozen=True, allow_inf_nan=False, defer_build=True)
    rising: ClassVar[tuple[tuple[str, str], ...]] = ()  # pairs: the first is never above the second

    @classmethod
    def of(cls, contract: Contract) -> Self:
        """A contract's values, and the defaults of those that it does not state."""
        return cast(Self, _read_of(cls, contract))

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Self:
        """The values of a table, and the defaults of those that it does not state.

        Defaults need no validation: without it, pydantic has nothing to build, which takes longer
        than all the rest.

        Raises:
            ValidationError: a value is not allowed.
        """
        defaults = {name: field.get_default() for name, field in cls.model_fields.items()}
        if all(_is_same(table[name], value) for name, value in defaults.items() if name in table):
            return cls.model_construct()
        return cls.model_validate(table)


@lru_cache(maxsize=256)  # checks ask for them date by date
def _read_of(thresholds: type[Thresholds], contract: Contract) -> Thresholds:
    return thresholds.read(contract.diagnosis.model_dump())


def _is_same(value: object, default: object) -> bool:
    """Whether a value is the default, also one of its type."""
    if isinstance(value, list) and isinstance(default, tuple):  # JSON and TOML have no tuples
        value = tuple(value)
    if isinstance(value, tuple) and isinstance(default, tuple):
        same_types = [*map(type, value)] == [*map(type, default)]
        return same_types and value == default
    return type(value) is type(default) and value == default


def describe_thresholds(thresholds: type[Thresholds]) -> dict[str, str]:
    """What the string after each field says of it.

    Pydantic would read them whenever the class is made, which takes longer than all the rest.

    >>> from fsq.diagnosis.checks.out_of_range import RangeThresholds
    >>> len(describe_thresholds(RangeThresholds)) == len(RangeThresholds.model_fields)
    True
    """
    source = ast.parse(dedent(inspect.getsource(thresholds)))
    body = next(node.body for node in source.body if isinstance(node, ast.ClassDef))
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


_declared: list[type[Thresholds]] = []


def declare_thresholds(thresholds: type[Thresholds]) -> None:
    """Make a check's thresholds known to every contract that is loaded from now on.

    Raises:
        ValueError: a key is taken, or has no default.
    """
    taken = {*DiagnosisRules.model_fields, *(n for t in _declared for n in t.model_fields)}
    for name, field in thresholds.model_fields.items():
        if name in taken:
            raise ValueError(f"the threshold {name} is declared twice; rename one")
        if field.is_required():
            raise ValueError(f"the threshold {name} has no default; give it one")
    _declared.append(thresholds)


def withdraw_thresholds(thresholds: type[Thresholds]) -> None:
    """Undo ``declare_thresholds``."""
    _declared.remove(thresholds)


def list_declared() -> list[type[Thresholds]]:
    """The thresholds of every check."""
    for package in _DECLARING:
        import_module(package)
    return list(_declared)


def complete_thresholds(table: Any) -> tuple[Any, list[tuple[str, str]]]:
    """Check a ``[diagnosis]`` table and fill in the defaults of the checks.

    Args:
        table: as it is in the file.

    Returns:
        The table with every threshold, and the problems: a key and what is wrong with it.
    """
    if not isinstance(table, dict):
        return table, []  # the contract's own model says what is wrong
    known, filled, problems = set(DiagnosisRules.model_fields), dict(table), []
    for thresholds in list_declared():
        known |= set(thresholds.model_fields)
        try:
            values = thresholds.read(table)
        except ValidationError as error:
            for e in error.errors():
                problems.append((".".join(str(part) for part in e["loc"]), e["msg"]))
            continue
        filled |= dict(values)
        problems += [
            (low, f"is above {high}; swap them")
            for low, high in thresholds.rising
            if getattr(values, low) > getattr(values, high)
        ]
        problems += [
            (name, "the first value is above the second; swap them")
            for name, value in values
            if isinstance(value, tuple) and list(value) != sorted(value)
        ]
    unknown = sorted(str(key) for key in table.keys() - known)
    return filled, [*problems, *((key, "Extra inputs are not permitted") for key in unknown)]
