"""The forms in which rows keep their own features, beside the detail that was scored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.diagnosis.long_detail import VALUE, Part
from fsq.intake.formats import VALUE_ARRAYS
from fsq.profile.rows import Codes, Mask, Matrix
from fsq.schema.vocabulary import DEFAULT

FLAT, FLAT_SOURCE = "feature_N_value", "feature_N_source"  # what the flat columns are called
FORMS = (*VALUE_ARRAYS, FLAT, FLAT_SOURCE)
_NAMES = "feature_names"


@dataclass(frozen=True)
class _Form:
    """What rows keep of their own: records × features.

    Attributes:
        values: NaN where there is none.
        stated: whether the form holds the feature at all.
        defaults: cells that may stand for no value.
    """

    values: Matrix
    stated: Mask
    defaults: Mask


def list_columns(contract: Contract) -> list[str]:
    """The columns of every form."""
    flat = [name_flat(f.index, form) for f in contract.features for form in (FLAT, FLAT_SOURCE)]
    return [*VALUE_ARRAYS, _NAMES, *flat]


def name_flat(index: int, form: str = FLAT) -> str:
    """The column of one feature.

    >>> name_flat(25)
    'feature_25_value'
    """
    return form.replace("N", str(index))


def compare_forms(part: Part) -> dict[str, Mask]:
    """Where each form that the rows keep differs from what was scored: records × features."""
    records, contract = part.records, part.contract
    out = {}
    for column in VALUE_ARRAYS:
        if _is_list(records, column) and _is_list(records, _NAMES):
            out[column] = _differ(part, _read_arrays(part, column))
    flat = _read_flat(part)
    if flat.stated.any():
        out[FLAT] = _differ(part, flat)
        types = _read_types(records, contract)
        types[np.isnan(flat.values)] = 0
        types[~flat.stated] = -1  # without its value, nothing tells whether it counts as a default
        scored = part.fields["source_type"].cast(pl.Enum(_list_types(contract)), strict=False)
        kinds = scored.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
        out[FLAT_SOURCE] = (types >= 0) & (types != kinds.reshape(types.shape)) & ~out[FLAT]
    return out


def _is_list(records: pl.DataFrame, column: str) -> bool:
    return isinstance(records.schema.get(column), pl.List | pl.Array)


def _is_number(kind: pl.DataType | None) -> bool:
    """Whether a column may hold a feature; one of texts or dates only bears such a name."""
    return kind is not None and (kind.is_numeric() or isinstance(kind, pl.Boolean | pl.Null))


def _list_types(contract: Contract) -> list[str]:
    """The types of sources, the default first."""
    return list(dict.fromkeys([DEFAULT, *(s.type for s in contract.sources.values())]))


def _differ(part: Part, own: _Form) -> Mask:
    """Whether the values differ from those that were scored.

    Scoring may have clamped a value. A default may stand for none, in either of them.
    """
    scored = part.get_cells(VALUE)
    equal = _are_close(own.values, scored) | (np.isnan(own.values) & np.isnan(scored))
    if "original_value" in part.fields.columns:
        equal |= _are_close(own.values, part.get_cells("original_value"))
    filled = np.isnan(own.values) & ~np.isnan(scored) & part.is_default
    held = np.isnan(scored) & own.defaults
    return np.asarray(own.stated & ~equal & ~filled & ~held)


def _are_close(one: Matrix, other: Matrix) -> Mask:
    return np.isclose(one, other, rtol=1e-5, atol=1e-6)


def _read_flat(part: Part) -> _Form:
    records = part.records
    values = np.full(part.is_default.shape, np.nan)
    stated = np.zeros(values.shape, dtype=np.bool_)
    for f in part.contract.features:
        column = name_flat(f.index)
        if _is_number(records.schema.get(column)):
            own = records[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
            values[:, f.index] = np.where(np.isfinite(own), own, np.nan)
            stated[:, f.index] = True
    return _Form(values, stated, _read_types(records, part.contract) == 0)


def _read_types(records: pl.DataFrame, contract: Contract) -> Codes:
    """Positions among the types of sources, as the flat columns state them; -1 where unknown."""
    out = np.full((records.height, len(contract.features)), -1, dtype=np.int64)
    for f in contract.features:
        column = name_flat(f.index, FLAT_SOURCE)
        kind = records.schema.get(column)
        if kind is not None and not kind.is_nested():
            out[:, f.index] = _code_types(records[column], contract)
    return out


def _code_types(labels: pl.Series, contract: Contract) -> Codes:
    types = _list_types(contract)
    known = {label: types.index(s.type) for label, s in contract.sources.items()}
    codes = labels.cast(pl.String).replace_strict(known, default=-1, return_dtype=pl.Int64)
    return codes.fill_null(-1).to_numpy()


def _read_arrays(part: Part, column: str) -> _Form:
    """The arrays' values by their names; NaN where there is none."""
    names = list(part.contract.names)
    listed = part.records.select(
        pl.col(_NAMES).cast(pl.List(pl.String)),
        pl.col(column).cast(pl.List(pl.Float64), strict=False).alias("values"),
    ).with_row_index("row")
    values = np.full((part.records.height, len(names)), np.nan)
    for _, group in listed.group_by(pl.col(_NAMES).list.join("\n")):
        own = group[_NAMES][0]
        place = {} if own is None else {n: i for i, n in enumerate(own.to_list())}
        known = [(at, place[n]) for at, n in enumerate(names) if n in place]
        if not known:
            continue
        held = group.select(
            pl.col("values").list.get(i, null_on_oob=True).fill_null(np.nan).alias(str(at))
            for at, i in known
        ).to_numpy()
        rows = group["row"].to_numpy()
        columns = np.array([at for at, _ in known], dtype=np.int64)
        values[rows[:, None], columns] = np.where(np.isfinite(held), held, np.nan)
    # An array cannot hold NULL in every store: upstream's default stands for it.
    expected = np.array([f.expected or 0.0 for f in part.contract.features])
    return _Form(values, np.ones(values.shape, dtype=np.bool_), values == expected)
