"""A carried column may have any name that a table can have, as label and as what is carried."""

from __future__ import annotations

import polars as pl
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import fsq
from tests.support.odd_inputs import column_names
from tests.support.training import SCORED

ROWS = SCORED.head(60).drop("points")


@settings(max_examples=40)
@given(name=column_names(), is_label=st.booleans(), is_lazy=st.booleans())
def test_a_label_or_a_carried_column_may_have_any_name(
    name: str, is_label: bool, is_lazy: bool
) -> None:
    assume(name not in ROWS.columns and name not in fsq.load_contract("v2_33features").names)
    rows = ROWS.with_columns(pl.int_range(pl.len()).cast(pl.Float64).alias(name))
    source = rows.lazy() if is_lazy else rows
    options = {"label": name} if is_label else {"carry": [name]}
    made = fsq.training_set(source, on_default="keep", **options)
    assert sorted(made.frame[name]) == rows[name].to_list()
