"""Training sets and model checks of a table with three keys, and of very many features."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fsq
from fsq.demo import simulate_table
from fsq.training import read_provenance
from tests.support.any_table import CONTRACT, make_large_contract, make_rows

SCORED = fsq.score(make_rows(), CONTRACT)
TABLE = CONTRACT.table


@pytest.fixture(scope="module")
def ts() -> fsq.TrainingSet:
    return fsq.training_set(SCORED, "outcome", contract=CONTRACT)


def test_rows_are_named_by_the_contract_and_in_its_order(ts: fsq.TrainingSet) -> None:
    assert ts.frame.columns == [*TABLE.key, "wave", *CONTRACT.names, "outcome"]
    assert_frame_equal(ts.frame, ts.frame.sort(TABLE.order), check_exact=True)
    shuffled = SCORED.sample(fraction=1, shuffle=True, seed=1)
    other = fsq.training_set(shuffled, "outcome", contract=CONTRACT)
    assert other.fingerprint == ts.fingerprint


def test_what_is_kept() -> None:
    """Ready for training, and no untrusted value in a required feature."""
    ts = fsq.training_set(SCORED, "outcome", contract=CONTRACT, exclude=None)
    detail = fsq.explode_detail(SCORED, CONTRACT)
    empty = (
        pl.col("is_default")
        & (pl.col("sample_size") == 0)
        & (pl.col("feature_name") == "cancel_rate")
    )
    poor = detail.filter(
        pl.col("feature_quality_tier") == "poor", pl.col("feature_category") == "history", ~empty
    )
    want = SCORED.filter("is_training_ready").join(poor, on=TABLE.key, how="anti")
    assert 0.5 * SCORED.height < want.height < SCORED.height
    keys = list(TABLE.key)
    assert_frame_equal(ts.frame.select(keys), want.select(keys).sort(TABLE.order))
    assert ts.dropped_by_date[TABLE.date].n_unique() == SCORED[TABLE.date].n_unique()


def test_entities_are_grouped_by_all_keys(ts: fsq.TrainingSet) -> None:
    groups = ts.dropped_by_group
    assert groups.height == 4
    assert groups["rows"].sum() == SCORED.height
    medians = SCORED.group_by(TABLE.keys).agg(pl.col("outcome").median())["outcome"]
    assert groups["group"][0].startswith(f"1 of 4: {medians.min():.1f} to ")


def test_a_value_may_be_as_old_as_its_own_threshold_says() -> None:
    chosen = fsq.training_set(SCORED, contract=CONTRACT, max_age_hours={"seats": 24})
    assert "seats ≤ 24" in chosen.waterfall["asks"][-1]
    assert chosen.late_rows == 0


def test_files(ts: fsq.TrainingSet, tmp_path: Path) -> None:
    for name in ("set.npz", "set.parquet", "set.arrow"):
        provenance = read_provenance(ts.write(tmp_path / name))
        assert provenance["contract"]["name"] == "legs"
        assert provenance["fingerprint"] == ts.fingerprint
    with np.load(tmp_path / "set.npz", allow_pickle=False) as arrays:
        for key in TABLE.key:
            assert arrays[key].tolist() == ts.frame[key].to_numpy().tolist()
        assert arrays["features"].shape == (len(ts), 6)


def test_a_store_gives_the_same_as_a_frame(ts: fsq.TrainingSet, tmp_path: Path) -> None:
    store = fsq.open_store(str(tmp_path / "store"), CONTRACT)
    store.replace(SCORED)
    stored = fsq.training_set(store, "outcome", contract=CONTRACT)
    assert stored.fingerprint == ts.fingerprint
    first = SCORED[TABLE.date].min()
    assert isinstance(first, date)
    part = fsq.training_set(store, "outcome", contract=CONTRACT, start=first, end=first)
    of_frame = fsq.training_set(SCORED, "outcome", contract=CONTRACT, start=first, end=first)
    assert part.fingerprint == of_frame.fingerprint
    assert set(of_frame.dropped_by_date[TABLE.date]) == {first}
    check = fsq.check_model("delay_1", store, contract=CONTRACT, on_incompatible="report")
    assert check.records.height == SCORED.height


def test_models() -> None:
    check = fsq.check_model("delay_1", SCORED, contract=CONTRACT, on_incompatible="report")
    supported = SCORED.filter(pl.col("usable_by").list.contains("delay_1"))
    keys = list(TABLE.key)
    assert_frame_equal(check.predictable, supported.select(keys).sort(TABLE.order))
    assert [d["flight_date"] for d in check.to_dict()["dates"] if not d["supported"]] == [
        # Windows of the first date are empty; later, a table is lost.
        str(SCORED[TABLE.date].min()),
        "2025-10-17",
    ]


def test_many_features_and_categories() -> None:
    large = make_large_contract()
    scored = fsq.score(simulate_table(large, dates=5, entities=30, incidents=False)[0], large)
    chosen = fsq.training_set(scored, "outcome", contract=large)
    assert len(chosen.waterfall) == 1 + 1 + 3 + 1 + 40 + 3
    assert chosen.frame.width == 5 + 1 + 300 + 1
    assert 0 < len(chosen) < scored.height
    assert chosen.overlaps["rows"].sum() == scored.height - len(chosen)
    assert "300 features of large" in str(chosen)
