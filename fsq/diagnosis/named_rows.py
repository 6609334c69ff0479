"""Which records the findings name, as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from fsq.diagnosis.context import Context
from fsq.diagnosis.findings import Finding, Signal
from fsq.diagnosis.named import FINDING, NamedRows
from fsq.diagnosis.showing import TOLD
from fsq.profile.rows import Mask


def list_named_rows(ctx: Context, made: Sequence[tuple[Finding, list[Signal]]]) -> NamedRows:
    """The records that red and yellow findings name, by the finding's position.

    A red finding about features that does not tell its records from the others of a date names
    them all; a yellow one names none then.
    """
    masks: dict[int, Mask] = {}
    for position, (finding, signals) in enumerate(made):
        if finding.severity != "info":
            chosen: Mask = np.zeros(ctx.long.records.height, dtype=np.bool_)
            for signal in signals:
                chosen |= _find_named(ctx, signal)
            masks[position] = chosen
    return NamedRows.of(ctx.long.records.narrow(ctx.key), masks)


def list_expected(ctx: Context, made: Sequence[tuple[Finding, list[Signal]]]) -> pl.DataFrame:
    """What the values of records should have been: keys, date, time, finding, and the rest.

    One row per record, feature and finding; see ``fsq.diagnosis.showing``.
    """
    empty = ctx.long.records.take(np.zeros(0, dtype=np.int64), ctx.key)
    nothing = [pl.lit(None, dtype).alias(name) for name, dtype in TOLD.items()]
    parts = [empty.with_columns(pl.lit(0, pl.Int64).alias(FINDING), *nothing)]
    for position, (_, signals) in enumerate(made):
        known = [s.expected for s in signals if s.expected is not None]
        at = pl.lit(position, pl.Int64).alias(FINDING)
        parts += [e.select(*ctx.key, at, *TOLD) for e in known]
    return pl.concat(parts)


def _find_named(ctx: Context, signal: Signal) -> Mask:
    if signal.named is not None:
        return signal.named
    if signal.severity != "red" or not signal.features or signal.day not in ctx.dates:
        return np.zeros(ctx.long.records.height, dtype=np.bool_)
    return np.asarray(ctx.date_index == ctx.dates.index(signal.day))
