"""How much a check of one date asks of Polars, counted: no load on the machine changes that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import fsq
from fsq.checking import CheckOptions, check_store, dates
from fsq.diagnosis.checks import distribution_shift
from fsq.diagnosis.diagnose import list_detail_fields
from fsq.store_profile import learn_from_store
from fsq.stores import Store
from fsq.stores.delta import read
from tests.support.healthy_days import LAST, make_days

# Planning a query and handing it to other threads takes a tenth of a millisecond.
_MOST_QUERIES = 200
_ONE_DATE = CheckOptions(start=LAST, end=LAST)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Five weeks, with a profile."""
    opened = fsq.open_store(tmp_path_factory.mktemp("weeks") / "store")
    opened.replace(fsq.score(make_days(35, per_day=60)))
    learn_from_store(opened)
    return opened


def _count(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> list[str]:
    """The calls of a function from now on, while the test runs."""
    known: Callable[..., Any] = getattr(owner, name)
    calls: list[str] = []

    def call(*arguments: Any, **named: Any) -> Any:
        calls.append(name)
        return known(*arguments, **named)

    monkeypatch.setattr(owner, name, call)
    return calls


def test_a_check_of_one_date_plans_few_queries(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Methods of frames collect by the second, where there is one.
    names = [n for n in ("collect", "_collect_eager") if hasattr(pl.LazyFrame, n)]
    counted = [_count(monkeypatch, pl.LazyFrame, name) for name in names]
    done = check_store(store, _ONE_DATE)
    assert done.dx.verdict == "green"
    assert 50 < sum(map(len, counted)) <= _MOST_QUERIES


def test_no_query_is_planned_for_each_feature_of_the_details(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One date more takes no query more."""
    names = [n for n in ("collect", "_collect_eager") if hasattr(pl.LazyFrame, n)]
    counted = [_count(monkeypatch, pl.LazyFrame, name) for name in names]
    check_store(store, _ONE_DATE)
    one = sum(map(len, counted))
    check_store(store, CheckOptions(start=LAST.replace(day=LAST.day - 3), end=LAST))
    assert sum(map(len, counted)) - one <= one + 30


def test_rows_of_one_date_are_read_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What flat columns say, the dates of events, and the details; after that, the profile."""
    files = _count(monkeypatch, read, "_read_file")
    check_store(store, _ONE_DATE)
    assert len(files) == len(list(Path(store.uri).glob("*.parquet"))) + 1


def test_many_rows_are_read_part_by_part_with_the_same_result(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = check_store(store, _ONE_DATE).dx.to_dict()
    monkeypatch.setattr(dates, "PART_CELLS", 1)
    files = _count(monkeypatch, read, "_read_file")
    assert check_store(store, _ONE_DATE).dx.to_dict() == known
    assert len(files) > 2 * len(list(Path(store.uri).glob("*.parquet")))


def test_a_batch_of_rows_is_cut_out_without_a_copy(store: Store) -> None:
    whole = store.read(fields=list_detail_fields()).collect().rechunk()
    day = store.contract.table.date
    first = whole[day].unique().sort()[-10]
    cut = read._cut_dates(whole, day, first, None)
    assert cut.height < whole.height
    kept = cut["feature_quality_score"].to_numpy()
    assert np.shares_memory(kept, whole["feature_quality_score"].to_numpy())


def test_with_a_profile_shifts_are_measured_of_the_asked_date_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of earlier dates they would be for information: such dates stay in the history."""
    measured = _count(monkeypatch, distribution_shift, "_measure_shift")
    check_store(store, _ONE_DATE)
    assert 0 < len(measured) <= len(store.contract.features)
