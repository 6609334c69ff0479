"""The detail column: what the rules decided and what each feature row states, as structs."""

from __future__ import annotations

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.intake.batch_query import Array
from fsq.intake.columnar import FieldColumns, to_matrix
from fsq.schema.columns import DETAIL_FIELDS
from fsq.schema.provenance import PROVENANCE
from fsq.scoring.constants import repeat_constants
from fsq.scoring.feature_rules import FLAGS
from fsq.scoring.indicators import RuleInputs
from fsq.scoring.signature_cache import ScoredSignatures
from fsq.utils.timing import stage

_NULL = pl.Series([None], dtype=pl.Boolean)


@stage("nest")
def build_detail_column(
    fields: dict[str, FieldColumns],
    inputs: RuleInputs,
    scored: ScoredSignatures,
    contract: Contract,
    *,
    encoded: bool = False,
) -> pl.Series:
    """The 23 fields of every feature row as one list of structs per record.

    Args:
        fields: what the input states.
        inputs: what rules look at.
        scored: what they decided.
        contract: the contract.
        encoded: give texts of a few different values as codes of an Enum: a quarter of the
            memory, and half the work of writing them.
    """
    records, width = inputs.value.shape[1], len(contract.features)
    constants = repeat_constants(contract, records, encoded=encoded)
    columns = _expand_signatures(scored, encoded=encoded)
    clamped = bool(scored.feature_rows["clamped"].any())
    columns["feature_value"] = _clamp_values(inputs, contract, clamped=clamped)
    if clamped:
        columns["original_value"] = _find_originals(fields, inputs, contract)
    columns["confidence_pct"] = _compute_confidence(columns["certainty"], fields, contract)
    columns["fallback_reason"] = _choose_reasons(columns, fields)
    for suffix, field in PROVENANCE.items():
        if suffix in fields and not field.has_rule_value:
            name = field.detail_field
            columns[name] = _copy_field(fields[suffix], constants[name])
    in_order = {
        f.name: columns[f.name] if f.name in columns else constants[f.name] for f in DETAIL_FIELDS
    }
    long = pl.DataFrame(in_order).to_struct("feature_quality_detail")
    return long.reshape((records, width)).arr.to_list()


def _expand_signatures(scored: ScoredSignatures, *, encoded: bool) -> dict[str, pl.Series]:
    """What a signature alone decides, repeated for the feature rows of all records."""
    by_rule = {f.name for f in DETAIL_FIELDS} - {"feature_index", "feature_name", *FLAGS}
    names = [c for c in scored.feature_rows.columns if c in by_rule]
    decided = scored.feature_rows[[*names, "certainty", "flags"]]
    if encoded:
        decided = decided.with_columns(scored.codes[[c for c in names if c in scored.codes]])
    rows = decided[scored.feature_row_numbers()]
    out = {c.name: c for c in rows}
    flags = out.pop("flags")
    flag = {name: (flags & (1 << i)).cast(pl.Boolean) for i, name in enumerate(FLAGS)}
    missing = flag.pop("missing")
    flag["value_range_valid"] = flag["value_range_valid"].zip_with(~missing, _NULL)
    return out | flag


def _copy_field(columns: FieldColumns, constant: pl.Series) -> pl.Series:
    """A field as the input states it, or as the contract does where the input has NULL."""
    stated = columns.feature_rows(absent=[] if constant.dtype == pl.List else None)
    if constant.null_count() == len(constant) or not stated.has_nulls():
        return stated
    return stated.zip_with(stated.is_not_null(), constant.cast(stated.dtype))


def _clamp_values(inputs: RuleInputs, contract: Contract, *, clamped: bool) -> pl.Series:
    value = inputs.value
    if clamped:
        low, high = _clamp_bounds(contract)
        value = np.clip(value, low, high)
    return pl.Series(value.T.ravel(), nan_to_null=True)


def _clamp_bounds(contract: Contract) -> tuple[Array, Array]:
    """The bounds that values are clamped to, per feature; infinite where they are not clamped."""
    low = [f.min if f.on_violation == "clamp" else -np.inf for f in contract.features]
    high = [f.max if f.on_violation == "clamp" else np.inf for f in contract.features]
    return np.array(low)[:, None], np.array(high)[:, None]


def _find_originals(
    fields: dict[str, FieldColumns], inputs: RuleInputs, contract: Contract
) -> pl.Series:
    """Values before clamping: what upstream states, else the value that was clamped here."""
    low, high = _clamp_bounds(contract)
    original, known = inputs.value, (inputs.value < low) | (inputs.value > high)
    if stated := fields.get("original_value"):
        changed = inputs.mask("changed")
        values = stated.by_feature(to_matrix(stated.columns), np.nan)
        original, known = np.where(changed, values, original), known | changed
    mask = pl.Series("known", known.T.ravel())
    return pl.select(pl.when(mask).then(pl.lit(pl.Series(original.T.ravel())))).to_series()


def _compute_confidence(
    certainty: pl.Series, fields: dict[str, FieldColumns], contract: Contract
) -> pl.Series:
    """Certainty times the share of its window that a sample fills; 1 if either is unknown."""
    sizes = fields.get("sample_size")
    if sizes is None:
        return certainty
    windows = [contract.windows[f.window].size if f.window else None for f in contract.features]
    # A share is computed once for each pair of a column and a window's size.
    pair_of_feature = [
        (column, size) if size is not None and column < sizes.columns.width else None
        for column, size in zip(sizes.column_of_feature, windows, strict=True)
    ]
    pairs = list(dict.fromkeys(p for p in pair_of_feature if p is not None))
    if not pairs:
        return certainty
    shares = sizes.columns.select(
        (pl.nth(column) / size).clip(0, 1).fill_null(1.0).alias(str(i))
        for i, (column, size) in enumerate(pairs)
    )
    share_of_feature = tuple(len(pairs) if p is None else pairs.index(p) for p in pair_of_feature)
    return certainty * FieldColumns(shares, share_of_feature).feature_rows(absent=1.0)


def _choose_reasons(columns: dict[str, pl.Series], fields: dict[str, FieldColumns]) -> pl.Series:
    """Why a default fell back: what upstream states, else what the rule says."""
    if "fallback_reason" not in fields:
        return columns["fallback_reason"]
    stated = fields["fallback_reason"].feature_rows()
    by_rule = stated.is_null() | ~columns["is_default"]
    return columns["fallback_reason"].cast(stated.dtype).zip_with(by_rule, stated)
