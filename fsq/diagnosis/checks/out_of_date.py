"""Quality that is out of date: rows that were changed after they were scored."""

from __future__ import annotations

from collections.abc import Iterable
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
from fsq.diagnosis.long_detail import Condense
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.moments import SCORED_AT, get_hours
from fsq.diagnosis.stored_forms import FLAT_SOURCE, FORMS, compare_forms, list_columns, name_flat
from fsq.profile.rows import Mask

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
            f"Their {e['column']} is later than {SCORED_AT}, so their quality may be that of "
            "values that they no longer have. Score them again.",
        )
    differ = "differs" if len(f.features) == 1 else "differ"
    if e["labels_differ"]:
        source = "source" if len(f.features) == 1 else "sources"
        return Text(
            f"the {source} of {f.feature} {differ} from {e['column']} in {f.rows}",
            "The table states the sources twice, and they disagree: one may call a default what "
            "the other calls measured. Find out which is right, make them agree, and score the "
            "rows again.",
        )
    if e["forms_differ"]:
        cause = (
            f"The table holds the features twice, and its two forms disagree: {e['scored']} was "
            f"scored, {e['column']} holds something else. Find out which was corrected, and make "
            "them agree."
        )
    else:
        cause = (
            f"The rows were changed after they were scored: {e['column']} holds other values than "
            "the detail, which models and gates read. Score them again; if they still differ, "
            "find out which form is right."
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
        return [SCORED_AT, *_CHANGED]

    def list_raw_columns(self, contract: Contract) -> Iterable[str]:
        """The arrays and the flat columns."""
        return list_columns(contract)

    def condense(self, rows: pl.LazyFrame, contract: Contract) -> Condense:
        """Where the forms that the rows keep differ from what was scored."""
        return lambda part: {_name(f): differs for f, differs in compare_forms(part).items()}

    def find(self, ctx: Context) -> None:
        """Report differing values; without any, rows that were changed later."""
        seen: Mask = np.zeros(len(ctx.date_index), dtype=np.bool_)
        forms = [form for form in FORMS if _name(form) in ctx.long.cells]
        for form in forms:
            rows = _find_rows(ctx, form)
            seen |= rows
            _report_values(ctx, form, rows, forms[0])
        _report_changed(ctx, seen, keeps_values=bool(forms))


def _find_rows(ctx: Context, form: str) -> Mask:
    """The records of which a value differs."""
    name = _name(form)
    return ctx.remember(f"rows: {name}", lambda: ctx.find_any(name, ctx.contract.features))


def _name(form: str) -> str:
    """What is kept of each record and feature: whether this form differs from what was scored."""
    return f"differs: {form}"


def _report_values(ctx: Context, form: str, rows: Mask, scored: str) -> None:
    if not rows.any():
        return
    limits = ChangeThresholds.of(ctx.contract)
    counts = ctx.remember(_name(form), lambda: ctx.count_kept(_name(form)))
    per_date = ctx.count_per_date(rows)
    for at, _ in ctx.iterate_dates():
        features = [f for f in ctx.contract.features if counts[at, f.index]]
        if not features:
            continue
        share = per_date[at] / ctx.rows[at]
        severity: Severity = "red" if share >= limits.differing_share_red else "yellow"
        facts: dict[str, Any] = {
            "column": name_flat(features[0].index, form) if len(features) == 1 else form,
            "scored": scored,
            "forms_differ": form != scored,
            "labels_differ": form == FLAT_SOURCE,
            "share": round(float(share), 4),
        }
        OUT_OF_DATE.report(ctx, at, severity, form, features, per_date[at], named=rows, **facts)


def _report_changed(ctx: Context, told: Mask, *, keeps_values: bool) -> None:
    """Report rows that say that they were changed later than scored."""
    scored = get_hours(ctx, SCORED_AT)
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
