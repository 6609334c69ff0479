"""Names whose conditions are met, as lists: one way for few conditions, another for many."""

from __future__ import annotations

import polars as pl
import pytest

from fsq.scoring.record_rules import _MAX_BITS, _list_met


@pytest.mark.parametrize("count", [0, 1, 5, _MAX_BITS, _MAX_BITS + 1, 30])
def test_names_whose_condition_is_met_are_listed_in_order(count: int) -> None:
    rows = pl.DataFrame({"n": [None, 0, 1, 2, 6, 30, 7 * 11 * 13]})
    conditions = {f"divides_by_{i}": pl.col("n") % i == 0 for i in range(2, count + 2)}
    got = rows.with_columns(names=_list_met(conditions))["names"].to_list()
    wanted = [
        [name for i, name in enumerate(conditions, 2) if n is not None and n % i == 0]
        for n in rows["n"]
    ]
    assert got == wanted
