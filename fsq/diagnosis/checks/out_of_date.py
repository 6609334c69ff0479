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
from fsq.diagnosis.long_detail import VALUE, Condense, Part
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.moments import get_hours
from fsq.intake.formats import VALUE_ARRAYS
from fsq.profile.rows import Mask, Matrix

_FLAT = "feature_N_value"  # what the flat columns are called
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
        """The moments, as far as they are there."""
        return [_SCORED, *_CHANGED]

    def list_raw_columns(self, contract: Contract) -> Iterable[str]:
        """The arrays and the flat columns."""
        return [*VALUE_ARRAYS, "feature_names", *_list_flat(contract)]

    def condense(self, rows: pl.LazyFrame, contract: Contract) -> Condense:
        """Where the forms that the rows keep differ from what was scored."""
        return lambda part: {_name(form): _compare(part, own) for form, own in _read_forms(part)}

    def find(self, ctx: Context) -> None:
        """Report differing values; without any, rows that were changed later."""
        seen: Mask = np.zeros(len(ctx.date_index), dtype=np.bool_)
        forms = [form for form in (*VALUE_ARRAYS, _FLAT) if _name(form) in ctx.long.cells]
        for form in forms:
            rows = _find_rows(ctx, form)
            seen |= rows
            _report_values(ctx, form, rows, forms[0])
        _report_changed(ctx, seen, keeps_values=bool(forms))


def _list_flat(contract: Contract) -> list[str]:
    return [f"feature_{i}_value" for i in range(len(contract.features))]


def _find_rows(ctx: Context, form: str) -> Mask:
    """The records of which a value differs."""
    name = _name(form)
    return ctx.remember(f"rows: {name}", lambda: ctx.find_any(name, ctx.contract.features))


def _name(form: str) -> str:
    """What is kept of each record and feature: whether this form differs from what was scored."""
    return f"differs: {form}"


def _read_forms(part: Part) -> Iterator[tuple[str, Matrix]]:
    """The name of each form that the rows keep, and its values."""
    records, names = part.records, list(part.contract.names)
    arrays = next((v for v in VALUE_ARRAYS if v in records.columns), None)
    if arrays is not None and "feature_names" in records.columns:
        yield arrays, _read_arrays(records, arrays, names)
    flat = _list_flat(part.contract)
    if all(c in records.columns for c in flat):
        own = records.select(pl.col(c).cast(pl.Float64).fill_null(np.nan) for c in flat)
        yield _FLAT, own.to_numpy()


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


def _compare(part: Part, own: Matrix) -> Mask:
    """Records × features: whether the values differ from those that were scored.

    Scoring may have clamped a value, and a default may stand for none.
    """
    scored = part.get_cells(VALUE)
    equal = np.isclose(own, scored, rtol=1e-5, atol=1e-6, equal_nan=True)
    if "original_value" in part.fields.columns:
        equal |= np.isclose(own, part.get_cells("original_value"), rtol=1e-5, atol=1e-6)
    filled = np.isnan(own) & ~np.isnan(scored) & part.is_default
    return np.asarray(~equal & ~filled)


def _report_values(ctx: Context, form: str, rows: Mask, scored: str) -> None:
    if not rows.any():
        return
    limits, flat = ChangeThresholds.of(ctx.contract), _list_flat(ctx.contract)
    counts = ctx.remember(_name(form), lambda: ctx.count_kept(_name(form)))
    per_date = ctx.count_per_date(rows)
    for at, _ in ctx.iterate_dates():
        features = [f for f in ctx.contract.features if counts[at, f.index]]
        if not features:
            continue
        share = per_date[at] / ctx.rows[at]
        severity: Severity = "red" if share >= limits.differing_share_red else "yellow"
        facts: dict[str, Any] = {
            "column": flat[features[0].index] if form == _FLAT and len(features) == 1 else form,
            "scored": scored,
            "forms_differ": form != scored,
            "share": round(float(share), 4),
        }
        OUT_OF_DATE.report(ctx, at, severity, form, features, per_date[at], named=rows, **facts)


def _report_changed(ctx: Context, told: Mask, *, keeps_values: bool) -> None:
    """Report rows that say that they were changed later than scored."""
    scored = get_hours(ctx, _SCORED)
    column = next((c for c in _CHANGED if c in ctx.long.records.columns), None)
    if column is None or np.isnan(scored).all():
        if not keeps_values:
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
