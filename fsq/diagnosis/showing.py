"""What shows a finding: where its records are, how values usually lie, what they should have been.

It is looked up once the checks are done, for the red and yellow signals.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from fsq.diagnosis.checks import list_kinds
from fsq.diagnosis.context import Context
from fsq.diagnosis.findings import Signal
from fsq.diagnosis.past import describe_past, make_band, round_figure
from fsq.diagnosis.slices import Slicer
from fsq.profile import Band, Judgement, expect_values, measure_band
from fsq.profile.moves import follow_again
from fsq.profile.rows import Codes, Matrix

_EXAMPLES = 3
# What people grasp at once: preferred where it stands out, even if something else does so more.
_PLAIN = ("absent", "mean", "spread", "spike", "zero", "disagree", "contradict")
FEATURE, VALUE, EXPECTED, BY, OFF = "feature", "value", "expected", "told_by", "off"
# Columns of what is told of a value, beside the keys of its record.
TOLD = {
    FEATURE: pl.String, VALUE: pl.Float64, EXPECTED: pl.Float64, BY: pl.String, OFF: pl.Float64
}  # fmt: skip


def show_signals(ctx: Context) -> None:
    """Complete the red and yellow signals of a context.

    Their evidence gets ``where`` (the slice that holds the records), ``band`` and ``rows_shown``
    (examples), as far as they can be told; ``expected`` tells what values should have been.
    """
    place, kinds = {day: at for at, day in enumerate(ctx.dates)}, list_kinds()
    slicers: dict[int, Slicer] = {}
    suspects: dict[date, set[str]] = {}
    for signal in ctx.signals:
        suspects.setdefault(signal.day, set()).update(signal.features)
    for number, signal in enumerate(ctx.signals):
        at = place.get(signal.day)
        if at is None or signal.severity == "info":
            continue
        found: dict[str, Any] = {}
        where = expected = None
        if signal.named is not None:
            where = slicers.setdefault(at, Slicer(ctx, at)).find(signal.named)
        if where is not None:
            found["where"] = str(where)
        if kinds[signal.kind].of_values and signal.features:
            found |= _find_band(ctx, signal, at)
            expected = _expect(ctx, signal, at, suspects[signal.day])
            if expected is not None:
                found["rows_shown"] = _choose_examples(expected, ctx.keys)
        ctx.signals[number] = replace(
            signal, evidence=signal.evidence | found, expected=expected, where=where
        )


def _find_band(ctx: Context, signal: Signal, at: int) -> dict[str, Any]:
    """How the feature that stands out most usually lies; empty if nothing says so."""
    if signal.day in ctx.judgements:
        judged, strength = ctx.judgements[signal.day]
        chosen = _choose_measure(ctx, signal, strength, at)
        if chosen is not None:
            band = measure_band(judged, *chosen, at)
            if band is not None:
                return _describe_band(band, ctx.contract.names[band.feature])
    shares = [ctx.contract.names.index(f) for f in signal.features]
    if "default_share" not in signal.evidence:
        return {}
    f = max(shares, key=lambda f: ctx.default_share[at, f])
    name = ctx.contract.names[f]
    return describe_past(ctx, at, ctx.default_share[:, f], "share of defaults", name)


def _choose_measure(
    ctx: Context, signal: Signal, strength: dict[str, Matrix], at: int
) -> tuple[str, int] | None:
    """The metric and the feature of a signal's strongest alarm; None without one."""
    features = [ctx.contract.names.index(f) for f in signal.features]
    alarms = {
        (m, f): float(s[at, f]) for m, s in strength.items() for f in features if s[at, f] > 1
    }
    if "signals" in signal.evidence:  # those that the finding was made of
        wanted = tuple(signal.evidence["signals"])
    elif any(m == "absent" for m, _ in alarms):
        wanted = ("absent",)
    else:
        wanted = _PLAIN
    fitting = {k: v for k, v in alarms.items() if k[0] in wanted} or alarms
    return max(fitting, key=lambda k: fitting[k]) if fitting else None


def _describe_band(band: Band, feature: str) -> dict[str, Any]:
    return make_band(
        band.words,
        feature,
        zip(band.dates, band.values, strict=True),
        usual=band.usual,
        low=band.low,
        high=band.high,
        is_share=band.is_share,
        metric=band.metric,
        clean_dates=band.clean_dates,
        as_far=band.as_far,
    )


def _expect(ctx: Context, signal: Signal, at: int, suspects: set[str]) -> pl.DataFrame | None:
    """What the values of a signal should have been: one row per record and feature.

    Args:
        ctx: the dates.
        signal: one of a date.
        at: the date's position.
        suspects: the features that signals of the date name.
    """
    if signal.day not in ctx.judgements:
        return None
    judged, _ = ctx.judgements[signal.day]
    here = judged.rows.find_records(at)
    wanted = np.ones(len(here), np.bool_) if signal.named is None else signal.named[here]
    rows = ctx.remember(f"rows of {signal.day}", lambda: judged.rows.choose(here))
    step = ctx.remember("steps of all records", lambda: _follow(ctx, judged))
    index = {name: f for f, name in enumerate(ctx.contract.names)}
    named = sorted(index[f] for f in suspects)
    own = ctx.long.records
    keys = ctx.remember(f"keys of {signal.day}", lambda: own.take(here, ctx.key))
    found: list[tuple[Codes, Codes, Matrix, pl.Series]] = []
    for f in (index[name] for name in signal.features):
        expected, by = expect_values(
            rows, rows.values[:, f] - step[here, f], judged.profile.structure, f, named, wanted
        )
        told = np.flatnonzero(~np.isnan(expected))
        if told.size:
            found.append((told, np.full(len(told), f), expected[told], by[told]))
    if not found:
        return None
    told, features, expected = (np.concatenate([part[i] for part in found]) for i in range(3))
    value = rows.values[told, features]
    facts = {
        FEATURE: pl.Series(ctx.contract.names)[features],
        VALUE: value,
        EXPECTED: expected,
        BY: pl.concat([part[3] for part in found]),
        OFF: np.abs(value - expected) / _measure_spreads(ctx, judged)[features],
    }
    return keys[told.astype(np.uint32)].hstack(pl.DataFrame(facts, schema=TOLD))


def _measure_spreads(ctx: Context, judged: Judgement) -> Matrix:
    """Each feature's standard deviation over all records; 1 where it has none."""

    def measure() -> Matrix:
        spreads = [np.nanstd(v) if (~np.isnan(v)).any() else 0.0 for v in judged.rows.values.T]
        return np.where(np.array(spreads) == 0, 1.0, spreads)

    return ctx.remember("spreads of all records", measure)


def _follow(ctx: Context, judged: Judgement) -> Matrix:
    """The step of each record from one of a date without a fault; NaN without one."""
    rows = judged.rows.with_faulty(ctx.find_faulty())
    # A copy: evidence was measured on the steps as they are.
    moves = replace(judged.moves, step=judged.moves.step.copy())
    follow_again(rows, judged.profile.structure.carriers, moves)
    return moves.step


def _choose_examples(expected: pl.DataFrame, keys: list[str]) -> list[dict[str, Any]]:
    """The few records whose values are furthest from what they should have been."""
    order = np.argsort(-expected[OFF].to_numpy(), kind="stable")
    examples: dict[Any, dict[str, Any]] = {}
    for place in order.tolist():
        row = expected.row(place, named=True)
        examples.setdefault(tuple(row[k] for k in keys) if keys else place, row)
        if len(examples) == _EXAMPLES:
            break
    return [
        {
            "key": " ".join(str(row[k]) for k in keys),
            FEATURE: row[FEATURE],
            VALUE: round_figure(row[VALUE]),
            EXPECTED: round_figure(row[EXPECTED]),
            BY: row[BY],
        }
        for row in examples.values()
    ]
