"""Identities of the contract, which must hold in every row."""

from __future__ import annotations

import polars as pl

import fsq
from fsq.contract.sections import Identity
from tests.support.healthy_days import CONTRACT, LAST, make_days

MOVE = Identity(
    name="move_is_line_less_opening",
    left="vegas_line_move",
    right="vegas_points_line - vegas_opening_line",
    tolerance=0.01,
)
SHARES = Identity(name="shares_add_up", left="pct_paint + pct_three", right="1", tolerance=0.001)


def _diagnose(identity: Identity, rows: pl.DataFrame) -> fsq.Diagnosis:
    contract = CONTRACT.model_copy(update={"identities": (identity,)})
    return fsq.diagnose(fsq.score(rows, contract), contract, dates=[LAST])


def _true_rows() -> pl.DataFrame:
    line, opening = pl.col("vegas_points_line"), pl.col("vegas_opening_line")
    return make_days().with_columns(
        vegas_line_move=line - opening, pct_three=1 - pl.col("pct_paint")
    )


def _break(every: int) -> pl.DataFrame:
    rows = _true_rows().with_row_index("n")
    hit = (pl.col("game_date") == LAST) & (pl.col("n") % every == 0)
    return rows.with_columns(pct_three=pl.col("pct_three") + pl.when(hit).then(0.1).otherwise(0.0))


def test_what_holds_is_not_reported() -> None:
    for identity in (MOVE, SHARES):
        kinds = {f.kind for f in _diagnose(identity, _true_rows()).findings}
        assert "identity_broken" not in kinds


def test_many_broken_rows_are_red_few_are_yellow_and_they_are_named() -> None:
    for every, severity, rows in ((5, "red", 24), (60, "yellow", 2)):
        dx = _diagnose(SHARES, _break(every))
        at, finding = next((i, f) for i, f in enumerate(dx.findings) if f.kind == "identity_broken")
        assert (finding.severity, finding.rows_affected) == (severity, rows)
        assert finding.features == ("pct_paint", "pct_three")
        assert dx.named_rows.filter(pl.col("finding") == at).height == rows
        assert "pct_paint + pct_three should equal 1" in finding.cause


def test_a_difference_within_the_tolerance_is_none() -> None:
    rows = _true_rows().with_columns(pct_three=pl.col("pct_three") + 0.0005)
    assert "identity_broken" not in {f.kind for f in _diagnose(SHARES, rows).findings}


def test_rows_that_lack_a_feature_are_not_judged() -> None:
    rows = _break(5).with_columns(
        pct_paint=pl.when(pl.col("n") % 5 == 0).then(None).otherwise(pl.col("pct_paint"))
    )
    assert "identity_broken" not in {f.kind for f in _diagnose(SHARES, rows).findings}
