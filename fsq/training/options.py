"""What a training set was asked for: checked once, every problem at once, kept as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any, get_args

import polars as pl

from fsq.contract import Contract
from fsq.diagnosis import Diagnosis
from fsq.errors import InputError
from fsq.schema.columns import KEYS
from fsq.training import gates
from fsq.training.gates import Condition, OnDefault
from fsq.training.source import Source

HEADLINE = "the training set cannot be made"


@dataclass(frozen=True)
class Options:
    """How to make a training set, resolved: nothing is left to a default.

    Attributes:
        contract: of the scoring.
        features: columns of the matrix, in this order.
        label: column to predict, or None.
        carry: further columns of the scored rows to keep.
        on_default: what happens to records with untrusted values.
        conditions: tests of flat columns that drop records.
        min_quality: points that a feature's values must have.
        max_age: hours that a feature's values may be old.
        excluded: dates to leave out; None if that was not asked for.
        drop_late: whether records with values from after their ``as_of`` are dropped.
        leak_from: correlation with the label from which on a feature is a finding.
        group: column that parts players into groups; None for the label, or how many records
            they have.
    """

    contract: Contract
    features: tuple[str, ...]
    label: str | None
    carry: tuple[str, ...]
    on_default: OnDefault
    conditions: tuple[Condition, ...]
    min_quality: dict[str, float]
    max_age: dict[str, float]
    excluded: tuple[date, ...] | None
    drop_late: bool
    leak_from: float
    group: str | None

    @property
    def indices(self) -> list[int]:
        """Positions of the features in the contract."""
        return [self.contract.names.index(f) for f in self.features]

    def as_filter(self) -> dict[str, Any]:
        """What decides which rows and values are in the set, as JSON types."""
        asked = [
            {
                "gate": c.name,
                "column": c.column,
                "test": c.test,
                "value": list(c.value) if isinstance(c.value, tuple) else c.value,
            }
            for c in self.conditions
        ]
        excluded = None if self.excluded is None else [d.isoformat() for d in self.excluded]
        return {
            "features": list(self.features),
            "label": self.label,
            "on_default": self.on_default,
            "gates": asked,
            "min_quality": self.min_quality,
            "max_age_hours": self.max_age,
            "excluded_dates": excluded,
            "drop_late": self.drop_late,
        }


@dataclass(frozen=True)
class Asked:
    """The arguments of ``training_set``, as they came."""

    label: str | None
    on_default: str
    features: Iterable[str] | None
    training_ready: bool | None
    critical_features: bool
    min_training_quality: int | None
    min_quality: float | Mapping[str, float] | None
    max_age_hours: float | Mapping[str, float] | None
    exclude: Iterable[date] | Diagnosis | None
    drop_late: bool
    carry: Iterable[str]
    leak_from: float
    group: str | None


def resolve_options(asked: Asked, contract: Contract, source: Source) -> Options:
    """Check the arguments against contract and rows, and fill in what they leave open.

    Raises:
        InputError: with every problem.
    """
    problems: list[str] = []
    features = contract.names if asked.features is None else tuple(asked.features)
    problems += _unknown("feature", features, contract.names)
    if not features:
        problems.append("features: none is named; name at least one")
    if len(set(features)) < len(features):
        problems.append("features: one is named twice; name each once")
    carry = tuple(dict.fromkeys(asked.carry))
    named = [c for c in (asked.label, asked.group, *carry) if c is not None]
    flat = [c for c in source.columns if "." not in c]
    problems += _unknown("column", [c for c in named if c not in contract.names], flat)
    if asked.group in contract.names and asked.group not in features:
        problems.append(f"group {asked.group}: is not among the features; add it there")
    problems += [
        f"{c}: is a feature's name too; rename the column"
        for c in (asked.label, *carry)
        if c in contract.names
    ]
    if asked.label is not None and asked.label in source.schema:
        kind = source.schema[asked.label]
        if not (kind.is_numeric() or kind == pl.Boolean):
            problems.append(f"label {asked.label}: is {kind}; make it a number")
    modes = get_args(OnDefault)
    if asked.on_default not in modes:
        problems.append(f"on_default is {asked.on_default!r}; use one of {list(modes)}")
    least = _per_feature("min_quality", asked.min_quality, contract, features, 100.0, problems)
    oldest = _per_feature("max_age_hours", asked.max_age_hours, contract, features, None, problems)
    if asked.on_default == "keep" and (least or oldest):
        cure = "use on_default='drop' or 'mask'"
        problems.append(f"min_quality and max_age_hours do nothing where values are kept; {cure}")
    count = asked.min_training_quality
    if count is not None and not 0 <= count <= len(contract.names):
        problems.append(f"min_training_quality is {count}; use 0 to {len(contract.names)}")
    if not 0 < asked.leak_from <= 1:
        problems.append(f"leak_from is {asked.leak_from:g}; use a correlation above 0, at most 1")
    excluded = _excluded(asked.exclude, problems)
    conditions = _conditions(asked, contract)
    needed = {*KEYS, *(c.column for c in conditions)}
    problems += [
        f"no column {c}; pass the result of fsq.score"
        for c in sorted(needed)
        if c not in source.columns
    ]
    if problems:
        raise InputError(problems, HEADLINE)
    mode: OnDefault = next(m for m in modes if m == asked.on_default)
    return Options(
        contract,
        features,
        asked.label,
        carry,
        mode,
        conditions,
        least,
        oldest,
        excluded,
        asked.drop_late,
        asked.leak_from,
        asked.group,
    )


def _conditions(asked: Asked, contract: Contract) -> tuple[Condition, ...]:
    ready = asked.on_default == "drop" if asked.training_ready is None else asked.training_ready
    out = gates.training_ready(contract) if ready else ()
    if asked.critical_features:
        out += (gates.CRITICAL_QUALITY,)
    if asked.min_training_quality is not None:
        out += (gates.training_quality(asked.min_training_quality),)
    return out


def _unknown(what: str, names: Iterable[str], known: Iterable[str]) -> list[str]:
    have = sorted(set(known))
    out = []
    for name in names:
        if name not in have:
            near = get_close_matches(str(name), have, 3)
            out.append(f"no {what} {name}; " + (f"did you mean {near}?" if near else f"use {have}"))
    return out


def _per_feature(
    name: str,
    given: float | Mapping[str, float] | None,
    contract: Contract,
    features: tuple[str, ...],
    most: float | None,
    problems: list[str],
) -> dict[str, float]:
    """A bound per feature; a single number is that of every required one."""
    if given is None:
        return {}
    if isinstance(given, Mapping):
        bounds = {str(f): float(v) for f, v in given.items()}
        problems += [f"{name}: {p}" for p in _unknown("feature", bounds, features)]
    else:
        bounds = dict.fromkeys((f for f in gates.required(contract) if f in features), float(given))
    limit = "at least 0" if most is None else f"0 to {most:g}"
    for f, value in bounds.items():
        if not (0 <= value <= (float("inf") if most is None else most)):
            problems.append(f"{name} of {f} is {value:g}; use {limit}")
    return bounds


def _excluded(
    given: Iterable[date] | Diagnosis | None, problems: list[str]
) -> tuple[date, ...] | None:
    if given is None:
        return None
    if isinstance(given, Diagnosis):
        return tuple(sorted(d for d, verdict in given.dates.items() if verdict == "red"))
    days = [] if isinstance(given, str) else list(given)
    if isinstance(given, str) or not all(type(d) is date for d in days):
        problems.append("exclude: pass dates, a diagnosis, or 'red'")
        return ()
    return tuple(sorted(set(days)))
