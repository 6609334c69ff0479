"""Words whose conditions are met, as lists: one way for few words, another for many."""

from __future__ import annotations

import polars as pl
import pytest

from fsq.scoring.record_rules import _MOST_BITS, _listed


@pytest.mark.parametrize("count", [0, 1, 5, _MOST_BITS, _MOST_BITS + 1, 30])
def test_the_words_that_are_met_in_order(count: int) -> None:
    rows = pl.DataFrame({"n": [None, 0, 1, 2, 6, 30, 7 * 11 * 13]})
    words = {f"divides_by_{i}": pl.col("n") % i == 0 for i in range(2, count + 2)}
    got = rows.select(_listed(words).alias("words"))["words"].to_list()
    assert (
        got
        == [[w for i, w in enumerate(words, 2) if n is not None and n % i == 0] for n in rows["n"]]
        if count
        else [[]] * rows.height
    )
