"""The benchmark of any contract: its inputs, and the check of its answer."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.bench.cases import select_day, write_inputs
from fsq.bench.check import compute_digest, validate_consistency
from fsq.contract import Contract
from fsq.errors import FsqError
from tests.support.any_table import CONTRACT, make_large_contract, make_rows


def test_copies_have_later_dates_and_times(tmp_path: Path) -> None:
    source = tmp_path / "legs.parquet"
    rows = make_rows(dates=10, entities=20, incidents=False)
    rows.write_parquet(source)
    (tmp_path / "copies").mkdir()
    paths = write_inputs(str(source), "ten-seasons", tmp_path / "copies", CONTRACT)
    copies = pl.read_parquet(paths)
    assert copies.select(CONTRACT.table.key).is_unique().all()
    assert copies.height == 10 * rows.height
    assert fsq.score(copies, CONTRACT).height == copies.height


def test_a_source_without_dates(tmp_path: Path) -> None:
    source = tmp_path / "legs.parquet"
    pl.DataFrame({"carrier": ["UA"]}).write_parquet(source)
    with pytest.raises(fsq.InputError, match="no rows with a flight_date"):
        write_inputs(str(source), "day", tmp_path, CONTRACT)


@pytest.mark.parametrize("contract", [CONTRACT, make_large_contract()], ids=lambda c: c.name)
def test_answers_are_checked(contract: Contract, tmp_path: Path) -> None:
    rows = pl.read_parquet(write_inputs(None, "day", tmp_path, contract))
    assert rows.height == 200
    assert select_day(rows, contract).height == 200
    scored = fsq.score(rows, contract)
    validate_consistency(scored, contract)
    digest = compute_digest(scored, contract)
    assert compute_digest(scored.reverse(), contract) == digest
    wrong = scored.with_columns(pl.col("measured_feature_count") + 1)
    assert compute_digest(wrong, contract) != digest
    with pytest.raises(FsqError, match="measured_feature_count"):
        validate_consistency(wrong, contract)
