"""Hypothesis strategies: wide rows of any contract, from small domains, so that boundaries meet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import polars as pl
from hypothesis import strategies as st

from tests.support.oracle_model import OracleContract, OracleFeature
from tests.support.oracle_rules import date_end

DAYS = [date(2026, 2, 6), date(2026, 2, 7)]
# Dates that end by another clock than they began: in New York, Havana and Cairo.
CLOCK_CHANGES = [date(2026, 3, 7), date(2026, 3, 8), date(2026, 4, 23), date(2026, 10, 31)]
NOW = datetime(2026, 2, 7, 18, tzinfo=UTC)
SAMPLES = st.sampled_from([None, 0, 1, 2, 3, 4, 5, 9, 10, 12])
GAMES = st.sampled_from([None, [], ["0022500001"], ["0022500001", None], [None]])
TEXTS = st.sampled_from([None, "", "a1", "b2"])
_MICROS = pl.Datetime("us", "UTC")
# Columns of other tables, which mean nothing where the contract does not name them.
_OTHERS = ["player_lookup", "game_date", "game_id", "event", "matchup_data_status"]


def _values(f: OracleFeature) -> list[float | None]:
    middle = (f.min + f.max) / 2 + 0.125
    expected = f.min if f.expected is None else float(f.expected)
    return [
        middle,
        expected,
        float(f.min),
        float(f.max),
        f.min - 1.0,
        f.max + 1.0,
        None,
        float("nan"),
        float("inf"),
        float("-inf"),
    ]


@st.composite
def wide_frames(
    draw: st.DrawFn, contract: OracleContract, days: Sequence[date] = DAYS
) -> pl.DataFrame:
    """Up to six wide rows; mostly sound, with a few features in every possible trouble."""
    features, most = st.sampled_from(contract.features), min(12, (len(contract.features) + 1) // 2)
    some = st.lists(features, max_size=most, unique_by=lambda f: f.index)
    troubled, traced = draw(some), draw(some)
    columns, anchors = _keys(draw, contract, days)
    count = len(next(iter(columns.values())))
    anchor = draw(st.sampled_from(anchors))
    moments = st.sampled_from([None, *(anchor - timedelta(hours=h) for h in _hours(contract))])
    sound = [w for w, (kind, _, _) in contract.sources.items() if kind != "default"]
    calm = draw(st.sampled_from([*sound * 3, "default"]))
    words = st.sampled_from([None, *contract.sources])
    usual = draw(st.sampled_from([0, 1]))  # in the middle of the range, or as expected
    labels: dict[str, list[Any]] = {}
    for f in contract.features:
        values: list[Any] = [_values(f)[usual]] * count
        labels[f.name] = [calm] * count
        if f in troubled:
            values = draw(_column(st.sampled_from(_values(f)), count))
            labels[f.name] = draw(_column(words, count))
        columns[f.name] = _typed(draw, pl.Series(values, dtype=pl.Float64))
    _add_labels(draw, columns, labels, contract)
    for f in [*troubled, *traced]:
        _provenance(draw, columns, f, moments, count)
    _record_columns(draw, columns, contract, moments, count)
    return pl.DataFrame(columns)


def _hours(contract: OracleContract) -> list[float]:
    """Ages at every threshold, and just beside it."""
    names = ("stale_hours", "very_stale_hours")
    limits = {contract.threshold(f, n) for f in contract.features for n in names}
    return [0, -3, 100, *(h + by for h in sorted(limits) for by in (0, 0.0001, -0.1))]


def _keys(
    draw: st.DrawFn, contract: OracleContract, days: Sequence[date]
) -> tuple[dict[str, pl.Series], list[datetime]]:
    """Key columns without duplicates, and the moment for which each row is judged by default."""
    entity = st.tuples(*(st.integers(1, 3) for _ in contract.keys))
    offset = st.sampled_from([0.5, 6, 12, 22.5] if contract.time else [0])
    key = st.tuples(entity, st.sampled_from(days), offset)
    rows = draw(st.lists(key, min_size=1, max_size=6, unique=True))
    columns: dict[str, pl.Series] = {}
    for i, name in enumerate(contract.keys):
        numbers = pl.Series([row[0][i] for row in rows])
        kinds: list[pl.DataType] = [pl.String(), pl.Categorical(), pl.Int64(), pl.UInt8()]
        kind = draw(st.sampled_from(kinds))
        columns[name] = numbers.cast(kind) if kind.is_integer() else _texts(numbers).cast(kind)
    ends = [date_end({contract.date: row[1]}, contract) for row in rows]
    moments = [end - timedelta(hours=row[2]) for end, row in zip(ends, rows, strict=True)]
    if contract.time is None or draw(st.booleans()):
        columns[contract.date] = pl.Series([row[1] for row in rows], dtype=pl.Date)
    if contract.time is not None:
        columns[contract.time] = _stamped(draw, pl.Series(moments, dtype=_MICROS))
    return columns, moments


def _texts(numbers: pl.Series) -> pl.Series:
    return pl.Series([f"player{n}" for n in numbers], dtype=pl.String)


def _add_labels(
    draw: st.DrawFn,
    columns: dict[str, pl.Series],
    labels: dict[str, list[Any]],
    contract: OracleContract,
) -> None:
    """A source column per feature; some or all may be lacking where the contract allows it."""
    ways = [labels]
    if contract.unlabelled is not None:
        ways += [{}, {n: w for n, w in labels.items() if draw(st.booleans())}]
    given = draw(st.sampled_from(ways))
    for name, words in given.items():
        kinds = [pl.String(), pl.Categorical(), pl.Enum(list(contract.sources))]
        kind = draw(st.sampled_from(kinds))
        columns[f"{name}__source"] = pl.Series(words, dtype=pl.String).cast(kind)
    if len(given) < len(labels) and contract.legacy is not None and draw(st.booleans()):
        count = len(next(iter(labels.values())))
        by_row = [{str(i): w[r] for i, w in enumerate(labels.values())} for r in range(count)]
        stated = [{i: w for i, w in row.items() if w is not None} for row in by_row]
        columns["feature_sources"] = pl.Series([json.dumps(row) for row in stated])


def _typed(draw: st.DrawFn, values: pl.Series) -> pl.Series:
    """The values as another type of number, where they all fit into it."""
    if not values.drop_nulls().is_finite().all():
        return values
    kind = draw(st.sampled_from([pl.Float64(), pl.Int16(), pl.Decimal(12, 3), pl.Boolean()]))
    if isinstance(kind, pl.Boolean) and not values.drop_nulls().is_in([0.0, 1.0]).all():
        return values
    return values.cast(kind)


def _stamped(draw: st.DrawFn, moments: pl.Series) -> pl.Series:
    """The moments in some unit, and in some zone or none."""
    units: list[Literal["us", "ms", "ns"]] = ["us", "ms", "ns"]
    zone = draw(st.sampled_from([None, "UTC", "America/New_York"]))
    series = moments.dt.cast_time_unit(draw(st.sampled_from(units)))
    naive = series.dt.replace_time_zone(None)
    return naive if zone is None else series.dt.convert_time_zone(zone)


def _column(element: st.SearchStrategy[Any], count: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(element, min_size=count, max_size=count)


def _provenance(
    draw: st.DrawFn,
    columns: dict[str, pl.Series],
    f: OracleFeature,
    moments: st.SearchStrategy[Any],
    n: int,
) -> None:
    kinds: list[tuple[str, list[str | None], st.SearchStrategy[Any], pl.DataType]] = [
        ("last_updated", [f.name, f.upstream_table], moments, _MICROS),
        ("data_hash", [f.name, f.upstream_table], TEXTS, pl.String()),
        ("sample_size", [f.name, f.window], SAMPLES, pl.Int32()),
        ("game_ids", [f.name, f.window], GAMES, pl.List(pl.String)),
        ("upstream_table", [f.name], TEXTS, pl.String()),
        ("fallback_reason", [f.name], TEXTS, pl.String()),
        ("duration_ms", [f.name], SAMPLES, pl.Int16()),
        ("original_value", [f.name], st.sampled_from([None, *_values(f)[:2], 999.0]), pl.Float64()),
    ]
    for suffix, owners, element, dtype in kinds:
        for owner in owners:
            name = f"{owner}__{suffix}"
            if owner is None or name in columns or not draw(st.booleans()):
                continue
            series = pl.Series(draw(_column(element, n)), dtype=dtype)
            columns[name] = _stamped(draw, series) if suffix == "last_updated" else series


def _record_columns(
    draw: st.DrawFn,
    columns: dict[str, pl.Series],
    contract: OracleContract,
    moments: st.SearchStrategy[Any],
    n: int,
) -> None:
    jobs = st.sampled_from([*contract.processors, "Zeta", "Alpha"])
    done = st.lists(jobs, unique=True, max_size=10)
    optional: list[tuple[str, st.SearchStrategy[Any], pl.DataType]] = [
        ("computed_at", moments, _MICROS),
        ("as_of", moments, _MICROS),
        ("pipeline_run_id", TEXTS, pl.String()),
        ("processors_completed", st.none() | done, pl.List(pl.String)),
        *((name, TEXTS, pl.String()) for name in contract.legacy_columns[1:]),
    ]
    taken = {*columns, *contract.key, *contract.columns}
    optional += [(name, TEXTS, pl.String()) for name in _OTHERS if name not in taken]
    for name, element, dtype in optional:
        if draw(st.booleans()):
            columns[name] = pl.Series(draw(_column(element, n)), dtype=dtype)
