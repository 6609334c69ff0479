"""The options of a training set: validated once, with every problem reported together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias, get_args

import polars as pl

from fsq.contract import Contract
from fsq.diagnosis import Diagnosis
from fsq.errors import InputError, short
from fsq.training import gates
from fsq.training.exclusion import MODES, ExcludeMode
from fsq.training.gates import Condition, OnDefault
from fsq.training.source import Source
from fsq.utils.arguments import (
    DateLike,
    MomentLike,
    Names,
    read_dates,
    read_moment,
    read_names,
    read_number,
)
from fsq.utils.spelling import describe_missing, suggest_spelling

HEADLINE = "the training set cannot be built"
# "default" depends on on_default: findings where records are dropped, else nothing.
Exclude: TypeAlias = (
    DateLike | Iterable[DateLike] | Diagnosis | ExcludeMode | Literal["default"] | None
)


@dataclass(frozen=True)
class Options:
    """How to build a training set, with every default filled in.

    Attributes:
        contract: the contract that the rows were scored under.
        features: columns of the matrix, in this order.
        label: column to predict, or None.
        carry: further columns of the scored rows to keep.
        on_default: what happens to records with untrusted values.
        conditions: tests of flat columns that drop records.
        min_quality: least points of a feature's values, 0 to 100.
        max_age: largest age of a feature's values, in hours.
        exclude: what to leave out before the gates: dates, or what a diagnosis says.
        drop_late: whether to drop records with a value updated after their ``as_of``.
        leak_from: correlation with the label at which a feature becomes a finding.
        group: column that groups the entities; None for the label, or for their number of records.
        now: the moment after which an event is still to come, with a time zone.
    """

    contract: Contract
    features: tuple[str, ...]
    label: str | None
    carry: tuple[str, ...]
    on_default: OnDefault
    conditions: tuple[Condition, ...]
    min_quality: dict[str, float]
    max_age: dict[str, float]
    exclude: ExcludeMode | tuple[date, ...] | Diagnosis
    drop_late: bool
    leak_from: float
    group: str | None
    now: datetime

    @property
    def indices(self) -> list[int]:
        """Positions of the features in the contract's list."""
        return [self.contract.names.index(f) for f in self.features]

    def as_filter(self) -> dict[str, Any]:
        """Everything but the exclusion that decides which rows and values are in the set."""
        conditions = [
            {
                "gate": c.name,
                "column": c.column,
                "test": c.test,
                "value": list(c.value) if isinstance(c.value, tuple) else c.value,
            }
            for c in self.conditions
        ]
        return {
            "features": list(self.features),
            "label": self.label,
            "on_default": self.on_default,
            "gates": conditions,
            "min_quality": self.min_quality,
            "max_age_hours": self.max_age,
            "drop_late": self.drop_late,
        }


@dataclass(frozen=True)
class Arguments:
    """The arguments of ``training_set``, not validated yet."""

    label: str | None
    on_default: str
    features: Names | None
    training_ready: bool | None
    critical_features: bool
    min_training_quality: int | None
    min_quality: float | Mapping[str, float] | None
    max_age_hours: float | Mapping[str, float] | None
    exclude: Exclude
    drop_late: bool
    carry: Names
    leak_from: float
    group: str | None
    now: MomentLike | None


def resolve_options(given: Arguments, contract: Contract, source: Source) -> Options:
    """Validate the arguments against the contract and the rows, and fill in defaults.

    Raises:
        InputError: arguments are wrong; all problems are in ``.problems``.
    """
    problems = [
        f"{what} is {short(repr(name))}; pass the name of one column"
        for what, name in (("label", given.label), ("group", given.group))
        if not isinstance(name, str | None)
    ]
    if problems:
        raise InputError(problems, HEADLINE)
    names = read_names(given.features, "features", HEADLINE)
    features = contract.names if names is None else names
    problems += _list_unknown("feature", features, contract.names)
    if not features:
        problems.append("features is empty; name at least one")
    if len(set(features)) < len(features):
        problems.append("features: a name occurs twice; list each once")
    carry = tuple(dict.fromkeys(read_names(given.carry, "carry", HEADLINE) or ()))
    columns = [c for c in (given.label, given.group, *carry) if c is not None]
    others = [c for c in columns if c not in contract.names]
    problems += _list_unknown("column", others, source.schema)
    if given.group in contract.names and given.group not in features:
        problems.append(f"group {given.group} is not among the features; add it")
    problems += [
        f"column {c} has a feature's name; rename the column"
        for c in (given.label, *carry)
        if c in contract.names
    ]
    if given.label is not None and given.label in source.schema:
        dtype = source.schema[given.label]
        if not (dtype.is_numeric() or dtype == pl.Boolean):
            problems.append(f"label {given.label} is {dtype}; cast it to a number")
    modes = get_args(OnDefault)
    if given.on_default not in modes:
        problems.append(f"on_default is {given.on_default!r}; use one of {list(modes)}")
    min_quality = _resolve_bounds(
        "min_quality", given.min_quality, contract, features, 100.0, problems
    )
    max_age = _resolve_bounds(
        "max_age_hours", given.max_age_hours, contract, features, None, problems
    )
    if given.on_default == "keep" and (min_quality or max_age):
        cure = "use on_default='drop' or 'mask'"
        problems.append(f"min_quality and max_age_hours have no effect with 'keep'; {cure}")
    count = read_number(given.min_training_quality, "min_training_quality", HEADLINE)
    leak_from = read_number(given.leak_from, "leak_from", HEADLINE) or 0.0
    least = int(count) if count is not None and count.is_integer() else None
    if count is not None and (least is None or not 0 <= least <= len(contract.names)):
        problems.append(f"min_training_quality is {count:g}; use 0 to {len(contract.names)}")
    if not 0 < leak_from <= 1:
        problems.append(f"leak_from is {leak_from:g}; use a correlation above 0 and up to 1")
    exclude = _resolve_exclude(given.exclude, given.on_default, problems)
    conditions = _list_conditions(given, contract, least)
    needed = {*contract.table.key, *(c.column for c in conditions)}
    missing = [c for c in sorted(needed) if c not in source.columns]
    problems += describe_missing(missing, source.columns)
    if problems:
        raise InputError(problems, HEADLINE)
    mode: OnDefault = next(m for m in modes if m == given.on_default)
    return Options(
        contract,
        features,
        given.label,
        carry,
        mode,
        conditions,
        min_quality,
        max_age,
        exclude,
        given.drop_late,
        leak_from,
        given.group,
        read_moment(given.now, "now", HEADLINE) or datetime.now(UTC),
    )


def _list_conditions(
    given: Arguments, contract: Contract, training_quality: int | None
) -> tuple[Condition, ...]:
    ready = given.on_default == "drop" if given.training_ready is None else given.training_ready
    conditions = gates.list_training_ready_conditions(contract) if ready else ()
    if given.critical_features:
        conditions += (gates.CRITICAL_QUALITY,)
    if training_quality is not None:
        conditions += (gates.make_training_quality_condition(training_quality),)
    return conditions


def _list_unknown(what: str, names: Iterable[str], known: Iterable[str]) -> list[str]:
    choices, strangers = sorted(set(known)), list[str]()
    problems = []
    for name in names:
        if name not in choices:
            near = get_close_matches(str(name), choices, 3)
            if spelling := suggest_spelling([str(name)], choices):
                problems.append(f"no {what} {name}; did you mean {spelling}?")
            elif near:
                problems.append(f"no {what} {name}; did you mean {near}?")
            else:
                strangers.append(short(name))
    if strangers:
        rest = f" and {len(strangers) - 5} more" if len(strangers) > 5 else ""
        problems.append(f"no {what} {', '.join(strangers[:5])}{rest}; use one of {choices}")
    return problems


def _resolve_bounds(
    name: str,
    given: float | Mapping[str, float] | None,
    contract: Contract,
    features: tuple[str, ...],
    most: float | None,
    problems: list[str],
) -> dict[str, float]:
    """A bound per feature; a single number applies to every required one."""
    if given is None:
        return {}
    if isinstance(given, Mapping):
        read = {str(f): read_number(v, f"{name} of {f}", HEADLINE) for f, v in given.items()}
        bounds = {f: v for f, v in read.items() if v is not None}
        problems += [f"{name}: {p}" for p in _list_unknown("feature", bounds, features)]
    else:
        required = gates.list_required_features(contract)
        least = read_number(given, name, HEADLINE) or 0.0
        bounds = dict.fromkeys((f for f in required if f in features), least)
    limit = "at least 0" if most is None else f"0 to {most:g}"
    for f, value in bounds.items():
        if not (0 <= value <= (float("inf") if most is None else most)):
            problems.append(f"{name} of {f} is {value:g}; use {limit}")
    return bounds


def _resolve_exclude(
    given: Exclude, on_default: str, problems: list[str]
) -> ExcludeMode | tuple[date, ...] | Diagnosis:
    if given is None:
        return "nothing"
    if isinstance(given, Diagnosis):
        return given
    if isinstance(given, str):
        if given == "default":
            return "findings" if on_default == "drop" else "nothing"
        for mode in MODES:
            if given == mode:
                return mode
    try:
        return tuple(read_dates(given, "exclude", HEADLINE) or ())
    except InputError as error:
        cure = f"or pass a diagnosis, None or one of {', '.join(MODES)}"
        problems += [f"{p}; {cure}" for p in error.problems]
        return ()
