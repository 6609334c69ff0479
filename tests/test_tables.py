"""Tables as people hold them, of any library, go into every function."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import fsq
from fsq.schema.tables import read_rows
from tests.support.frames import wide
from tests.support.healthy_days import make_days

DAY = date(2026, 1, 2)
MOMENT = datetime(2026, 1, 2, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def scored() -> pl.DataFrame:
    return fsq.score(wide(240, 6).with_columns(points=pl.int_range(pl.len()).cast(pl.Float64) % 31))


@pytest.fixture(scope="module")
def store(scored: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> fsq.stores.Store:
    opened = fsq.open_store(tmp_path_factory.mktemp("arguments") / "store")
    opened.replace(scored)
    return opened


def make_tables() -> dict[str, Any]:
    rows = wide().select(pl.exclude("^.*__game_ids$"))
    filtered = pd.concat([rows.to_pandas()] * 2)[40:]
    flat = rows.to_arrow()  # noqa: F841 - DuckDB finds it by its name
    return {
        "Polars": rows,
        "lazy": rows.lazy(),
        "Arrow": rows.to_arrow(),
        "pandas": rows.to_pandas(),
        "filtered pandas": filtered,
        "pandas with keys as index": rows.to_pandas().set_index(["player_lookup", "game_date"]),
        "pandas with dates as timestamps": rows.to_pandas().assign(
            game_date=lambda f: pd.to_datetime(f["game_date"])
        ),
        "DuckDB": duckdb.sql("select * from flat"),
        "a mapping of columns": rows.to_dict(as_series=False),
        "a list of mappings": rows.to_dicts(),
    }


TABLES = make_tables()


@pytest.mark.parametrize("kind", TABLES)
def test_any_table_is_scored_and_everything_after_it(kind: str, tmp_path: Path) -> None:
    now, table = MOMENT, TABLES[kind]
    want = fsq.score(TABLES["Polars"], now=now)
    got = fsq.score(table, now=now)
    assert isinstance(got, {"lazy": pl.LazyFrame, "Arrow": pa.Table}.get(kind, pl.DataFrame))
    plain = pl.DataFrame(got.collect() if isinstance(got, pl.LazyFrame) else got)
    assert set(plain.columns) == set(want.columns)
    quality = [c for c in want.columns if c != "game_id"]
    assert plain["feature_quality_score"].to_list() == want["feature_quality_score"].to_list()
    assert plain.select("player_lookup", "game_date").equals(
        want.select("player_lookup", "game_date")
    )
    result = fsq.backfill(table, tmp_path / "store")
    assert result.rows == want.height
    assert fsq.backfill(table, str(tmp_path / "store")).rows == 0
    assert set(quality) <= set(fsq.open_store(tmp_path / "store").read().collect_schema())


@pytest.mark.parametrize("kind", ["Polars", "lazy", "Arrow", "pandas", "DuckDB", "store"])
def test_any_scored_table_is_read(
    scored: pl.DataFrame, store: Any, kind: str, tmp_path: Path
) -> None:
    flat = scored.to_arrow()
    made: dict[str, Any] = {
        "Polars": scored,
        "lazy": scored.lazy(),
        "Arrow": flat,
        "pandas": scored.to_pandas(use_pyarrow_extension_array=True),
        "DuckDB": duckdb.sql("select * from flat"),
        "store": store,
    }
    rows = made[kind]
    want = fsq.diagnose(scored)
    assert fsq.diagnose(rows).dates == want.dates
    assert fsq.trend(rows).equals(fsq.trend(scored))
    detail = fsq.explode_detail(rows)
    count = detail.num_rows if isinstance(detail, pa.Table) else detail.lazy().collect().height
    assert count == 33 * scored.height
    same = fsq.training_set(scored, "points", "keep").fingerprint
    assert fsq.training_set(rows, "points", "keep").fingerprint == same
    assert fsq.check_model("v2_14features", rows, on_incompatible="report").needed
    player, day = scored.row(0, named=True)["player_lookup"], scored["game_date"][0]
    assert fsq.explain(rows, player, day).record["player_lookup"] == player
    other = fsq.open_store(tmp_path / "copy")
    if kind != "store":
        assert other.replace(rows).rows == scored.height


def assert_same_profile(got: fsq.Profile | None, want: fsq.Profile) -> None:
    assert got is not None
    assert (got.contract, got.clean_dates) == (want.contract, want.clean_dates)
    assert got.measures.keys() == want.measures.keys()
    for metric, values in want.measures.items():
        np.testing.assert_allclose(got.measures[metric], values)


def test_a_profile_is_learned_from_any_scored_table(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nextends = "v2_33features"\n')
    scored = fsq.score(make_days(14, 60), path)
    store = fsq.open_store(tmp_path / "store", path)
    store.replace(scored)
    want = fsq.learn_profile(scored, path)
    assert want is not None
    flat = scored.to_arrow()  # noqa: F841 - DuckDB finds it by its name
    for table in (scored.lazy(), duckdb.sql("select * from flat")):
        assert_same_profile(fsq.learn_profile(table, path), want)
    known = fsq.learn_profile(fsq.open_store(tmp_path / "store"))
    assert_same_profile(known, want)
    found = fsq.diagnose(store, profile=known)
    assert found.dates == fsq.diagnose(scored, path, profile=want).dates
    with pytest.raises(fsq.InputError, match=r"under mine, which has .* under v3_37features"):
        fsq.diagnose(scored, "v3_37features", profile=want)


@pytest.mark.parametrize(
    ("rows", "cure"),
    [
        ("season.parquet", "scan_parquet"),
        (Path("season.parquet"), "open_store"),
        (None, "pass a frame"),
        (3, "pass a store"),
        (pl.Series([1]), "."),
        (pd.DataFrame({"a": [1, "x"]}), "one type"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "its own name"),
        ({"a": [1, 2], "b": [1]}, "equally many values"),
        (np.zeros((2, 2)), "pass a store"),
        ([{"a": 1}, 3], "pass a store"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_holds_no_rows_is_refused_with_the_cure(rows: Any, cure: str, tmp_path: Path) -> None:
    calls: list[Any] = [
        lambda: fsq.score(rows),
        lambda: fsq.diagnose(rows),
        lambda: fsq.learn_profile(rows),
        lambda: fsq.training_set(rows),
        lambda: fsq.trend(rows),
        lambda: fsq.explain(rows, "x", DAY),
        lambda: fsq.explode_detail(rows),
        lambda: fsq.check_model("v2_14features", rows),
        lambda: fsq.report(rows),
        lambda: fsq.open_store(tmp_path / "s").replace(rows),
    ]
    for call in calls:
        with pytest.raises(fsq.InputError, match=cure) as raised:
            call()
        assert len(str(raised.value).splitlines()) < 20


def test_an_index_is_kept_wherever_the_class_of_the_frame_says_it_lives() -> None:
    # With pandas 3 it is ``pandas``; before, it was a module within.
    for module in ("pandas", "pandas.core.frame"):
        kind = type("DataFrame", (pd.DataFrame,), {"__module__": module})
        frame = kind({"pace": [1.5]}, index=pd.Index(["amy"], name="player_lookup"))
        assert type(frame).__module__ == module
        assert read_rows(frame, "rows", "no rows").columns == ["player_lookup", "pace"]
