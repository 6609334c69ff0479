"""What each column of the data is: key, date, time, label, feature, or none of these."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations

import polars as pl

from fsq.contract.output import OutputParts
from fsq.contract.table import Table
from fsq.contract.validation import RECORD_COLUMNS
from fsq.errors import InputError, short
from fsq.schema.polars_types import is_text
from fsq.schema.provenance import PROVENANCE

HEADLINE = "the contract cannot be drafted"
_SUFFIXES = ("source", *PROVENANCE)
FEATURE_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_COLUMN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_ID = re.compile(r"(^|_)(id|uuid|guid|key|code|lookup)$", re.IGNORECASE)
_LABEL = re.compile(r"(label|target|y|actual_.*|.*_(label|target))", re.IGNORECASE)
_MOST_FEATURES = 10_000
_TRIES = 8  # columns that are tried as keys, in all combinations of up to four


@dataclass(frozen=True)
class Roles:
    """Columns by what they are.

    Attributes:
        keys: columns that name the entity.
        date: the column of dates; None if it is derived from the time.
        time: the timestamp that is part of the key; None without one.
        label: what a model predicts; None if no column looks like it.
        features: numeric columns, in the order of the data.
        carried: the other columns, which pass through unchanged.
        left_out: numeric columns that are not features, and why.
    """

    keys: tuple[str, ...]
    date: str | None
    time: str | None
    label: str | None
    features: tuple[str, ...]
    carried: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> list[str]:
        """The columns of the data that together name a record."""
        return [*self.keys, *(c for c in (self.date, self.time) if c is not None)]


def assign_roles(
    rows: pl.LazyFrame,
    keys: Sequence[str],
    date: str | None,
    time: str | None,
    label: str | None,
) -> Roles:
    """Decide what each column is.

    Raises:
        InputError: key, date or time are not named, absent, of the wrong type, or do not name a
            record; or no column can be a feature. Columns that could serve are named.
    """
    schema = rows.collect_schema()
    problems = list(_find_problems(schema, keys, date, time, label))
    if not problems and not (keys and (date or time)):
        problems = _propose(rows, schema, keys, date, time)
    if problems:
        raise InputError(problems, HEADLINE)
    named = Roles(tuple(keys), date, time, label or _guess_label(schema, [*keys, date, time]), ())
    _require_unique(rows, schema, named)
    features, left_out = _find_features(schema, named)
    for outcome in _find_outcomes(rows, schema, features, named.label):
        features.remove(outcome)
        left_out[outcome] = (
            f"{named.label} is NULL exactly where it is 0, so it is known only afterwards"
        )
    if not features:
        wrong = [f"{short(c)!r}: {why}" for c, why in list(left_out.items())[:20]]
        cure = "a feature is a numeric column with a name such as temp_f"
        raise InputError([f"no column can be a feature; {cure}", *wrong], HEADLINE)
    taken = {*named.key, named.label, *features, *left_out}
    carried = [c for c in schema if c not in taken and not is_provenance(c)]
    return Roles(
        named.keys, date, time, named.label, tuple(features), tuple(carried), dict(left_out)
    )


def is_provenance(column: str) -> bool:
    """Whether a column says where a value came from.

    >>> is_provenance("weather__last_updated"), is_provenance("weather_temp")
    (True, False)
    """
    return column.rpartition("__")[2] in _SUFFIXES and "__" in column


def _find_problems(
    schema: pl.Schema, keys: Sequence[str], date: str | None, time: str | None, label: str | None
) -> Iterator[str]:
    if "feature_names" in schema and isinstance(schema["feature_names"], pl.List):
        yield "the features are in arrays; write a column for each, then draft again"
    named = [*keys, *(c for c in (date, time, label) if c is not None)]
    for column in named:
        if column not in schema:
            near = [c for c in schema if c.lower() == column.lower()] or list(schema)[:20]
            yield f"no column {short(column)!r}; the data has {[short(c) for c in near]}"
        elif column != label and not _COLUMN_NAME.fullmatch(column):
            yield f"{short(column)!r} cannot be a key; rename it to {_suggest(column)!r}"
    if len(set(named)) < len(named):
        yield f"keys, date, time and label must be different columns; found {named}"
    for key in keys:
        if key in schema and not _can_be_key(schema[key]):
            yield f"{key} is {schema[key]}; a key is a string or an integer"
    if date is not None and schema.get(date, pl.Date) != pl.Date:
        yield f"{date} is {schema[date]}; cast it to a date, or name a timestamp with --time"
    if time is not None and not isinstance(schema.get(time, pl.Datetime()), pl.Datetime):
        yield f"{time} is {schema[time]}; make it a timestamp"
    for column, dtype in schema.items():
        if column.endswith("__source") and not (is_text(dtype) or isinstance(dtype, pl.Null)):
            yield f"{short(column)} is {dtype}; make it a string, or rename it"
    if len(keys) > 8:
        yield f"{len(keys)} keys are too many; name at most 8"


def _propose(
    rows: pl.LazyFrame,
    schema: pl.Schema,
    keys: Sequence[str],
    date: str | None,
    time: str | None,
) -> list[str]:
    """Problems that name options that would do."""
    out = []
    dates = [c for c, t in schema.items() if t == pl.Date and not is_provenance(c)]
    moments = [c for c, t in schema.items() if isinstance(t, pl.Datetime) and not is_provenance(c)]
    found = [f"--date {shlex.quote(c)}" for c in dates]
    found += [f"--time {shlex.quote(c)}" for c in moments]
    day = date or time
    if day is None:
        cure = (
            f"add {' or '.join(found)}"
            if found
            else "add a column of dates, as 2026-02-06, or of timestamps"
        )
        out.append(f"no column of dates is named; {cure}")
        day = next(iter([*dates, *moments]), None)
    if not keys:
        sets = [] if day is None else _find_keys(rows, schema, day)
        cure = f"with {day}, a record is named by {_name_options(sets)}"
        cure = cure if sets else "name its columns by --key"
        out.append(f"no key is named; {cure}")
    return out


def _name_options(sets: Sequence[Sequence[str]]) -> str:
    """Sets of keys as options that can be copied.

    >>> _name_options([("carrier", "flight"), ("tail",)])
    '--key carrier --key flight, or --key tail'
    """
    return ", or ".join(" ".join(f"--key {key}" for key in keys) for keys in sets)


def _find_keys(
    rows: pl.LazyFrame, schema: pl.Schema, day: str, fixed: Sequence[str] = ()
) -> list[tuple[str, ...]]:
    """The smallest sets of columns that name a record of a day."""
    possible = [
        c
        for c, dtype in schema.items()
        if _can_be_key(dtype) and c not in (day, *fixed) and _COLUMN_NAME.fullmatch(c)
        if not is_provenance(c)
    ]
    frame = rows.select(day, *fixed, *possible).collect()
    complete = [c for c in possible if not frame[c].null_count()]
    complete.sort(key=lambda c: (not _ID.search(c), frame[c].dtype.is_integer()))
    tried, head = complete[:_TRIES], frame.head(2_000)
    for size in range(1, 5):
        sets = [
            s
            for s in combinations(tried, size)
            if _is_unique(head, [*fixed, *s, day]) and _is_unique(frame, [*fixed, *s, day])
        ]
        if sets:
            return sets[:3]
    return []


def _is_unique(frame: pl.DataFrame, columns: list[str]) -> bool:
    return frame.select(columns).n_unique() == frame.height


def _require_unique(rows: pl.LazyFrame, schema: pl.Schema, roles: Roles) -> None:
    frame = rows.select(roles.key).collect()
    if not frame.height:
        raise InputError(["there are no rows; draft from data that has some"], HEADLINE)
    problems = [
        f"{c}: NULL in {frame[c].null_count():,} rows; every row needs its key"
        for c in roles.key
        if frame[c].null_count()
    ]
    twice = frame.height - frame.n_unique()
    if twice and not problems:
        day = roles.time or roles.date or ""
        more = _find_keys(rows, schema, day, [k for k in roles.key if k != day])
        cure = f"add {_name_options(more)}" if more else "keep one row for each"
        problems.append(f"{roles.key} are the same in {twice:,} rows; {cure}")
    if problems:
        raise InputError(problems, HEADLINE)


def _can_be_key(dtype: pl.DataType) -> bool:
    return is_text(dtype) or dtype.is_integer()


def _guess_label(schema: pl.Schema, taken: Sequence[str | None]) -> str | None:
    fits = (c for c, t in schema.items() if t.is_numeric() and _LABEL.fullmatch(c))
    return next((c for c in fits if c not in taken and not is_provenance(c)), None)


def _find_features(schema: pl.Schema, roles: Roles) -> tuple[list[str], dict[str, str]]:
    """Numeric columns that are features, and those that are not, with the reason."""
    numeric = [
        c
        for c, dtype in schema.items()
        if (dtype.is_numeric() or dtype == pl.Boolean) and c not in (*roles.key, roles.label)
        if not is_provenance(c)
    ]
    with_source = {c.removesuffix("__source") for c in schema if c.endswith("__source")}
    features, left_out = [], {}
    lower = [c.lower() for c in schema]
    for name in numeric:
        if with_source and name not in with_source:
            left_out[name] = f"other features have a source, and it has not: {name}__source"
        elif _ID.search(name):
            left_out[name] = "it looks like an identifier"
        elif not FEATURE_NAME.fullmatch(name):
            left_out[name] = f"rename it to make it a feature, as in {short(_suggest(name), 40)}"
        elif name in _list_taken_names() or re.fullmatch(r"feature_\d+_(value|source)", name):
            left_out[name] = "the name is taken by fsq; rename it to make it a feature"
        elif lower.count(name) > 1:
            left_out[name] = "another column differs only by case; rename one"
        else:
            features.append(name)
    if len(features) > _MOST_FEATURES:
        problem = f"{len(features):,} columns can be features; {_MOST_FEATURES:,} can be scored"
        raise InputError([f"{problem}; select those that a model reads"], HEADLINE)
    return features, left_out


def _find_outcomes(
    rows: pl.LazyFrame, schema: pl.Schema, features: Sequence[str], label: str | None
) -> list[str]:
    """Columns such as ``played``, which say in each row whether there is a label."""
    yes_no = [f for f in features if schema[f] == pl.Boolean or schema[f].is_integer()]
    if label is None or not yes_no:
        return []
    known = pl.col(label).is_not_null()
    agrees = [((pl.col(f) == known.cast(pl.Int8)).all() & ~known.all()).alias(f) for f in yes_no]
    return [f for f, same in rows.select(agrees).collect().row(0, named=True).items() if same]


@cache
def _list_taken_names() -> frozenset[str]:
    """Columns that are read or written by their names, whatever the contract says."""
    table = Table(keys=("key",), date="date")
    output = OutputParts(table, (), (), {}, "compatible_models", {}, None).describe()
    return frozenset({*output.names, *RECORD_COLUMNS})


def _suggest(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:99]
    return plain if plain[:1].isalpha() else f"f_{plain}"[:99].rstrip("_") or "f"
