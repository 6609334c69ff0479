"""Partitioned Delta tables: each value is read from its folder, whoever named it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsq.errors import StoreRefusedError
from fsq.stores.delta.store import DeltaStore
from tests.support.delta_logs import delete_row, write_partitioned

VALUES = [
    *("Ball Arena", " lead", "trail ", "19:30", "A/B", "100%", "50%25 off", "%", "a%20b", "%25"),
    *("Québec", "日本", "a+b", "x=y", "a#b", "a?b", "[a]", "{x}", "a\\b", "~", "a'b", 'a"b'),
    *("a^b", "a|b", "a&b", "*", "<x>", "a,b;c", "a@b!$()", "`b`", "a\tb", "a\nb"),
]


def read_back(folder: Path, value: str, *, as_spark: bool) -> list[object]:
    rows = pl.DataFrame({"venue": [value, value], "x": [1, 2]})
    write_partitioned(folder, rows, "venue", as_spark=as_spark)
    return DeltaStore(str(folder)).scan().collect()["venue"].to_list()


@pytest.mark.parametrize("as_spark", [False, True], ids=["delta-rs", "Spark"])
@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_read_as_it_was_written(tmp_path: Path, value: str, as_spark: bool) -> None:
    assert read_back(tmp_path / "a blank é", value, as_spark=as_spark) == [value, value]


@pytest.mark.parametrize("as_spark", [False, True], ids=["delta-rs", "Spark"])
@pytest.mark.parametrize("value", VALUES)
def test_rows_that_a_vector_deletes_stay_deleted(
    tmp_path: Path, value: str, as_spark: bool
) -> None:
    table = tmp_path / "a blank é"
    rows = pl.DataFrame({"venue": [value] * 3, "x": [1, 2, 3]})
    write_partitioned(table, rows, "venue", as_spark=as_spark)
    delete_row(table, 1)
    assert DeltaStore(str(table)).scan().collect()["x"].to_list() == [1, 3]


def test_partitions_by_bytes_are_named(tmp_path: Path) -> None:
    rows = pl.DataFrame({"venue": [b"\xff", b"a"], "x": [1, 2]})
    write_deltalake(tmp_path / "t", rows.to_arrow(), partition_by=["venue"])
    with pytest.raises(StoreRefusedError, match=r"partitioned by \['venue'\], which holds bytes"):
        DeltaStore(str(tmp_path / "t")).scan()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12),
    as_spark=st.booleans(),
)
def test_any_text_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, value: str, as_spark: bool
) -> None:
    if value in (".", ".."):  # no folder has such a name
        return
    assert read_back(tmp_path_factory.mktemp("p"), value, as_spark=as_spark) == [value, value]


@pytest.mark.parametrize(
    "value",
    [
        *(7, 1.5, True, Decimal("1.50"), date(2026, 2, 6)),
        *(datetime(2026, 2, 6, 19, 30, tzinfo=UTC), datetime(2026, 2, 6, 19, 30)),
    ],
    ids=str,
)
def test_a_value_of_another_type_is_read_too(tmp_path: Path, value: object) -> None:
    rows = pl.DataFrame({"part": [value], "x": [1]})
    write_deltalake(tmp_path / "t", rows.to_arrow(), partition_by=["part"])
    assert DeltaStore(str(tmp_path / "t")).scan().collect()["part"].to_list() == [value]
