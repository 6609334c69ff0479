"""Hypothesis strategies: wide rows drawn from small domains, so that boundaries meet."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import polars as pl
from hypothesis import strategies as st

from tests.support.oracle import KNOWN, SOURCES
from tests.support.oracle_contracts import OracleContract, OracleFeature

DAYS = [date(2026, 2, 6), date(2026, 2, 7)]
NOW = datetime(2026, 2, 7, 18, tzinfo=UTC)
_AS_OF = datetime(2026, 2, 7, tzinfo=UTC)
_HOURS = [0, 24, 48, 24.0001, 48.0001, 23.9, -3, 100]
MOMENTS = st.sampled_from([None, *(_AS_OF - timedelta(hours=h) for h in _HOURS)])
SAMPLES = st.sampled_from([None, 0, 4, 5, 9, 10, 12])
WORDS = st.sampled_from([None, *SOURCES])
GAMES = st.sampled_from([None, [], ["0022500001"], ["0022500001", None], [None]])
TEXTS = st.sampled_from([None, "", "a1", "b2"])


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
def wide_frames(draw: st.DrawFn, contract: OracleContract) -> pl.DataFrame:
    """Up to six wide rows; mostly sound, with a few features in every possible trouble."""
    count = draw(st.integers(1, 6))
    names = st.sampled_from(contract.features)
    troubled = draw(st.lists(names, max_size=12, unique_by=lambda f: f.index))
    calm = draw(st.sampled_from(["phase4", "phase3", "calculated", "default", "vegas"]))
    columns: dict[str, pl.Series] = {
        "player_lookup": pl.Series([f"player{i}" for i in range(count)]),
        "game_date": pl.Series(draw(_column(st.sampled_from(DAYS), count)), dtype=pl.Date),
    }
    usual = draw(st.sampled_from([0, 1]))  # in the middle of the range, or as expected
    for f in contract.features:
        values: list[Any] = [_values(f)[usual]] * count
        words: list[Any] = [calm] * count
        if f in troubled:
            values = draw(_column(st.sampled_from(_values(f)), count))
            words = draw(_column(WORDS, count))
        columns[f.name] = _typed(draw, pl.Series(values, dtype=pl.Float64))
        kind = draw(st.sampled_from([pl.String(), pl.Categorical(), pl.Enum(list(SOURCES))]))
        columns[f"{f.name}__source"] = pl.Series(words, dtype=pl.String).cast(kind)
    for f in troubled:
        _provenance(draw, columns, f, count)
    _record_columns(draw, columns, count)
    return pl.DataFrame(columns)


def _typed(draw: st.DrawFn, values: pl.Series) -> pl.Series:
    """The values as another type of number, where they all fit into it."""
    if not values.drop_nulls().is_finite().all():
        return values
    kind = draw(st.sampled_from([pl.Float64(), pl.Int16(), pl.Decimal(12, 3), pl.Boolean()]))
    if isinstance(kind, pl.Boolean) and not values.drop_nulls().is_in([0.0, 1.0]).all():
        return values
    return values.cast(kind)


def _column(element: st.SearchStrategy[Any], count: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(element, min_size=count, max_size=count)


def _provenance(draw: st.DrawFn, columns: dict[str, pl.Series], f: OracleFeature, n: int) -> None:
    units: list[Literal["us", "ms", "ns"]] = ["us", "ms", "ns"]
    unit = draw(st.sampled_from(units))
    zone = draw(st.sampled_from([None, "UTC", "America/New_York"]))
    micros = pl.Datetime("us", "UTC")
    kinds: list[tuple[str, list[str | None], st.SearchStrategy[Any], pl.DataType]] = [
        ("last_updated", [f.name, f.upstream_table], MOMENTS, micros),
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
            if suffix == "last_updated":
                series = series.dt.cast_time_unit(unit)
                naive = series.dt.replace_time_zone(None)
                series = naive if zone is None else series.dt.convert_time_zone(zone)
            columns[name] = series


def _record_columns(draw: st.DrawFn, columns: dict[str, pl.Series], n: int) -> None:
    micros = pl.Datetime("us", "UTC")
    done = st.lists(st.sampled_from([*KNOWN, "Zeta", "Alpha"]), unique=True, max_size=10)
    optional: list[tuple[str, st.SearchStrategy[Any], pl.DataType]] = [
        ("computed_at", MOMENTS, micros),
        ("as_of", MOMENTS, micros),
        ("pipeline_run_id", TEXTS, pl.String()),
        ("processors_completed", st.none() | done, pl.List(pl.String)),
        ("primary_data_source", TEXTS, pl.String()),
        ("matchup_data_status", TEXTS, pl.String()),
    ]
    for name, element, dtype in optional:
        if draw(st.booleans()):
            columns[name] = pl.Series(draw(_column(element, n)), dtype=dtype)
