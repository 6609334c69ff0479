"""The nested detail: what the rules decided and what is each line's own, as structs per record."""

from __future__ import annotations

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.intake.columnar import Array, FieldColumns, to_matrix
from fsq.schema.columns import DETAIL_FIELDS
from fsq.scoring.constants import constants
from fsq.scoring.feature_rules import FLAGS, TEXT_FIELDS
from fsq.scoring.indicators import RuleInputs
from fsq.scoring.signature_cache import ScoredSignatures
from fsq.utils.timing import stage

# Fields that a line brings along, and the kind that holds them.
_BROUGHT = {
    "upstream_table": "upstream_table",
    "upstream_data_hash": "data_hash",
    "last_updated": "last_updated",
    "sample_size": "sample_size",
    "contributing_game_ids": "game_ids",
    "computation_duration_ms": "duration_ms",
}


@stage("nest")
def build_detail_column(
    kinds: dict[str, FieldColumns], signs: RuleInputs, judged: ScoredSignatures, contract: Contract
) -> pl.Series:
    """The 23 fields of every line as one list of structs per record, in field order."""
    records, width = signs.value.shape[1], len(contract.features)
    fixed, lines = constants(contract, records), _decided(judged)
    clamped = bool(judged.lines["clamped"].any())
    lines["feature_value"] = _values(signs, contract, clamped=clamped)
    if clamped:
        lines["original_value"] = _originals(kinds, signs, contract)
    lines["confidence_pct"] = _confidence(lines["certainty"], kinds, contract)
    lines["fallback_reason"] = _reasons(lines, kinds)
    for field, kind in _BROUGHT.items():
        if kind in kinds:
            lines[field] = _brought(kinds[kind], fixed[field])
    fields = {f.name: lines[f.name] if f.name in lines else fixed[f.name] for f in DETAIL_FIELDS}
    long = pl.DataFrame(fields).to_struct("feature_quality_detail")
    return long.reshape((records, width)).arr.to_list()


def _decided(judged: ScoredSignatures) -> dict[str, pl.Series]:
    """The fields that a pattern of signs decides alone, handed to the lines of all records."""
    out = {c.name: c for c in judged.lines[_DECIDED][judged.places()]}
    flags = out.pop("flags")
    flag = {name: (flags & (1 << i)).cast(pl.Boolean) for i, name in enumerate(FLAGS)}
    missing = flag.pop("missing")
    flag["value_range_valid"] = flag["value_range_valid"].zip_with(~missing, _NULL)
    return out | flag


_DECIDED = ["quality_score", "certainty", "fallback_reason", *TEXT_FIELDS, "flags"]
_NULL = pl.Series([None], dtype=pl.Boolean)


def _brought(kind: FieldColumns, otherwise: pl.Series) -> pl.Series:
    """The lines of a kind; where it is NULL, what is there otherwise, if anything is."""
    own = kind.lines(absent=[] if otherwise.dtype == pl.List else None)
    if otherwise.null_count() == len(otherwise) or not own.has_nulls():
        return own
    return own.zip_with(own.is_not_null(), otherwise)


def _values(signs: RuleInputs, contract: Contract, *, clamped: bool) -> pl.Series:
    value = signs.value
    if clamped:
        low, high = _bounds(contract)
        value = np.clip(value, low, high)
    return pl.Series(value.T.ravel(), nan_to_null=True)


def _bounds(contract: Contract) -> tuple[Array, Array]:
    """The bounds that values are clamped to, per feature; infinite where they are not."""
    low = [f.min if f.on_violation == "clamp" else -np.inf for f in contract.features]
    high = [f.max if f.on_violation == "clamp" else np.inf for f in contract.features]
    return np.array(low)[:, None], np.array(high)[:, None]


def _originals(kinds: dict[str, FieldColumns], signs: RuleInputs, contract: Contract) -> pl.Series:
    """Values before clamping: upstream's word for it, else the value that was clamped here."""
    low, high = _bounds(contract)
    before, known = signs.value, (signs.value < low) | (signs.value > high)
    if own := kinds.get("original_value"):
        changed = signs.of("changed")
        before, known = (
            np.where(changed, own.spread(to_matrix(own.columns), np.nan), before),
            known | changed,
        )
    there = pl.Series("there", known.T.ravel())
    return pl.select(pl.when(there).then(pl.lit(pl.Series(before.T.ravel())))).to_series()


def _confidence(
    certainty: pl.Series, kinds: dict[str, FieldColumns], contract: Contract
) -> pl.Series:
    """Certainty times the share of its window that a sample fills; 1 if either is unknown."""
    sizes = kinds.get("sample_size")
    if sizes is None:
        return certainty
    windows = [contract.windows[f.window].size if f.window else None for f in contract.features]
    pairs = [
        (at, size) if size is not None and at < sizes.columns.width else None
        for at, size in zip(sizes.of, windows, strict=True)
    ]
    known = list(dict.fromkeys(p for p in pairs if p is not None))
    if not known:
        return certainty
    shares = sizes.columns.select(
        (pl.nth(at) / size).clip(0, 1).fill_null(1.0).alias(str(i))
        for i, (at, size) in enumerate(known)
    )
    of = tuple(len(known) if p is None else known.index(p) for p in pairs)
    return certainty * FieldColumns(shares, of).lines(absent=1.0)


def _reasons(lines: dict[str, pl.Series], kinds: dict[str, FieldColumns]) -> pl.Series:
    """Why a default fell back: upstream's word for it, else the rule's."""
    if "fallback_reason" not in kinds:
        return lines["fallback_reason"]
    own = kinds["fallback_reason"].lines()
    return lines["fallback_reason"].zip_with(own.is_null() | ~lines["is_default"], own)
