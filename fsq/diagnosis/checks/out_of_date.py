"""Quality that is out of date: rows that were changed after they were scored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import numpy as np
import polars as pl
from pydantic import Field

from fsq.contract import Contract
from fsq.contract.sections import Hours, Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import Check, Kind, Need, Stage
from fsq.diagnosis.context import Context
from fsq.diagnosis.findings import Severity
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.moments import get_hours
from fsq.intake.formats import VALUE_ARRAYS
from fsq.profile.rows import Mask, Matrix

_SCORED = "quality_computed_at"
_CHANGED = ("updated_at", "computed_at")


class ChangeThresholds(Thresholds):
    """How many rows may differ from what was scored."""

    differing_share_red: Share = 0.5
    """Share of rows whose own columns differ from the detail, for red."""
    changed_hours: Annotated[Hours, Field(gt=0)] = 0.25
    """Hours after the scoring from which a row counts as changed since."""


def _describe(f: Facts) -> Text:
    e = f.evidence
    if e["column"] in _CHANGED:
        return Text(
            f"{f.rows} were changed {e['hours']:g} hours after they were scored",
            f"Their {e['column']} is later than {_SCORED}, so their quality may be that of values "
            "that they no longer have. Score them again.",
        )
    differ = "differs" if len(f.features) == 1 else "differ"
    if e["forms_differ"]:
        cause = (
            f"The table holds the features twice, and its two forms disagree: {e['scored']} was "
            f"scored, {e['column']} holds something else. Find out which was corrected, and make "
            "them agree."
        )
    else:
        cause = (
            f"The rows were changed after they were scored: {e['column']} holds other values than "
            "the detail, which models and gates read. Score them again."
        )
    return Text(f"{f.feature} {differ} from {e['column']} in {f.rows}", cause)


OUT_OF_DATE = Kind(
    "quality_out_of_date",
    "rows hold other values than those that were scored, or were changed since",
    ("red", "yellow"),
    _describe,
    (
        Need(
            "rows that keep their own values, or say when they were changed",
            "the rows keep no values but the scored ones",
        ),
    ),
    in_sql=False,
)


class OutOfDate(Check):
    """Compare the detail with the row's own arrays and columns, where a table keeps them."""

    stage = Stage.MOMENTS
    kinds = (OUT_OF_DATE,)
    thresholds = ChangeThresholds
    fields = ("original_value",)

    def list_columns(self, contract: Contract, schema: pl.Schema) -> Iterable[str]:
        """The arrays, the flat columns, and the moments, as far as they are there."""
        return [*VALUE_ARRAYS, "feature_names", *_list_flat(contract), _SCORED, *_CHANGED]

    def find(self, ctx: Context) -> None:
        """Report differing values; without any, rows that were changed later."""
        seen: Mask = np.zeros(len(ctx.date_index), dtype=np.bool_)
        forms = ctx.remember("own values", lambda: _compare_forms(ctx))
        for column, names, differs in forms:
            seen |= differs.any(axis=1)
            _report_values(ctx, column, names, differs, forms[0][0])
        _report_changed(ctx, seen)


def _list_flat(contract: Contract) -> list[str]:
    return [f"feature_{i}_value" for i in range(len(contract.features))]


def _compare_forms(ctx: Context) -> list[tuple[str, list[str], Mask]]:
    """The name of each form that the rows keep, its column per feature, and what differs."""
    return [(form, columns, _compare(ctx, own)) for form, columns, own in _read_forms(ctx)]


def _read_forms(ctx: Context) -> Iterator[tuple[str, list[str], Matrix]]:
    """The name of each form that the rows keep, its column per feature, and its values."""
    records, names = ctx.long.records, list(ctx.contract.names)
    arrays = next((v for v in VALUE_ARRAYS if v in records.columns), None)
    if arrays is not None and "feature_names" in records.columns:
        yield arrays, [arrays] * len(names), _read_arrays(records, arrays, names)
    flat = _list_flat(ctx.contract)
    if all(c in records.columns for c in flat):
        own = records.select(pl.col(c).cast(pl.Float64).fill_null(np.nan) for c in flat)
        yield "feature_N_value", flat, own.to_numpy()


def _read_arrays(records: pl.DataFrame, column: str, names: list[str]) -> Matrix:
    """Records × features: the arrays' values by their names; NaN where there is none."""
    listed = records.select(
        pl.col("feature_names").cast(pl.List(pl.String)),
        pl.col(column).cast(pl.List(pl.Float64), strict=False).alias("values"),
    ).with_row_index("row")
    out = np.full((records.height, len(names)), np.nan)
    for _, part in listed.group_by(pl.col("feature_names").list.join("\n")):
        own = part["feature_names"][0]
        place = {} if own is None else {n: i for i, n in enumerate(own.to_list())}
        known = [(at, place[n]) for at, n in enumerate(names) if n in place]
        values = part.select(
            pl.col("values").list.get(i, null_on_oob=True).fill_null(np.nan).alias(str(at))
            for at, i in known
        )
        columns = np.array([at for at, _ in known], dtype=np.int64)
        out[part["row"].to_numpy()[:, None], columns] = values.to_numpy()
    return out


def _compare(ctx: Context, own: Matrix) -> Mask:
    """Records × features: whether the values differ from those that were scored.

    Scoring may have clamped a value, and a default may stand for none.
    """
    scored = ctx.get_cells("feature_value")
    equal = np.isclose(own, scored, rtol=1e-5, atol=1e-6, equal_nan=True)
    if "original_value" in ctx.long.fields.columns:
        equal |= np.isclose(own, ctx.get_cells("original_value"), rtol=1e-5, atol=1e-6)
    filled = np.isnan(own) & ~np.isnan(scored) & ctx.is_default
    return np.asarray(~equal & ~filled)


def _report_values(ctx: Context, form: str, columns: list[str], differs: Mask, scored: str) -> None:
    if not differs.any():
        return
    limits = ChangeThresholds.of(ctx.contract)
    counts = ctx.count_cells(differs)
    rows = np.asarray(differs.any(axis=1))
    per_date = ctx.count_per_date(rows)
    for at, _ in ctx.iterate_dates():
        features = [f for f in ctx.contract.features if counts[at, f.index]]
        if not features:
            continue
        share = per_date[at] / ctx.rows[at]
        severity: Severity = "red" if share >= limits.differing_share_red else "yellow"
        facts: dict[str, Any] = {
            "column": columns[features[0].index] if len(features) == 1 else form,
            "scored": scored,
            "forms_differ": form != scored,
            "share": round(float(share), 4),
        }
        OUT_OF_DATE.report(ctx, at, severity, form, features, per_date[at], named=rows, **facts)


def _report_changed(ctx: Context, told: Mask) -> None:
    """Report rows that say that they were changed later than scored."""
    scored = get_hours(ctx, _SCORED)
    column = next((c for c in _CHANGED if c in ctx.long.records.columns), None)
    if column is None or np.isnan(scored).all():
        if not _keeps_values(ctx):
            for at, _ in ctx.iterate_dates():
                OUT_OF_DATE.note_unmet(ctx, at, OUT_OF_DATE.needs[0])
        return
    later = get_hours(ctx, column) - scored
    kind = ctx.long.records.schema[column]
    # A moment without a zone may be that of any zone.
    least = ChangeThresholds.of(ctx.contract).changed_hours
    least = least if getattr(kind, "time_zone", None) else max(least, 14.0)
    changed = (later >= least) & ~told
    counts = ctx.count_per_date(changed)
    for at, _ in ctx.iterate_dates():
        if counts[at]:
            hours = float(np.median(later[changed & (ctx.date_index == at)]))
            OUT_OF_DATE.report(
                ctx,
                at,
                "yellow",
                column,
                list(ctx.contract.features),
                counts[at],
                named=changed,
                column=column,
                hours=round(hours, 1),
            )


def _keeps_values(ctx: Context) -> bool:
    return any(c in ctx.long.records.columns for c in (*VALUE_ARRAYS, "feature_0_value"))
