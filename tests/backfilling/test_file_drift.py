"""Files of one folder that were written at different times: read as one table, or named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fsq
from fsq.backfilling import backfill
from fsq.backfilling.file_schemas import unify_types
from fsq.backfilling.files import scan_files
from fsq.backfilling.source import scan_source
from fsq.errors import InputError
from fsq.schema.arrow import to_arrow
from tests.support.frames import CONTRACT, legacy, wide

FIRST, THEN = date(2026, 1, 1), date(2026, 1, 2)
WRITERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "parquet": pl.DataFrame.write_parquet,
    "arrow": pl.DataFrame.write_ipc,
    "csv": pl.DataFrame.write_csv,
    "ndjson": pl.DataFrame.write_ndjson,
}


def of_day(day: date, **columns: pl.Expr) -> pl.DataFrame:
    return wide().filter(pl.col("game_date") == day).head(3).with_columns(**columns)


def write(folder: Path, *frames: pl.DataFrame, ending: str = "parquet") -> str:
    folder.mkdir(exist_ok=True)
    for i, frame in enumerate(frames):
        WRITERS[ending](frame, folder / f"{i}.{ending}")
    return str(folder)


US, NS = (pl.Datetime(unit) for unit in ("us", "ns"))
MOMENT = datetime(2026, 2, 6, 19, 30)
DRIFTS: dict[str, tuple[dict[str, pl.Expr], dict[str, pl.Expr]]] = {
    "a feature as int": ({"home_away": pl.lit(1, pl.Int64)}, {}),
    "a feature as flag": ({"home_away": pl.lit(value=True)}, {}),
    "a feature as decimal": ({"home_away": pl.lit(Decimal("1.5"))}, {}),
    "a feature as large int": ({"home_away": pl.lit(2**62 + 1, pl.Int64)}, {}),
    "a feature without values": ({"vegas_points_line": pl.lit(None)}, {}),
    "a feature of texts without values": ({"vegas_points_line": pl.lit(None, pl.String)}, {}),
    "a date of texts without values": ({"n": pl.lit(None, pl.String)}, {"n": pl.lit(FIRST)}),
    "a source without values": ({"team_pace__source": pl.lit(None)}, {}),
    "sources as categories": ({"team_pace__source": pl.lit("phase4", pl.Categorical)}, {}),
    "ns then us": ({"computed_at": pl.lit(MOMENT, NS)}, {"computed_at": pl.lit(MOMENT, US)}),
    "us then UTC": (
        {"computed_at": pl.lit(MOMENT, US)},
        {"computed_at": pl.lit(MOMENT, pl.Datetime("ms", "UTC"))},
    ),
    "broken ns then us": (
        {"computed_at": pl.lit(1_770_379_200_123_456_789).cast(NS)},
        {"computed_at": pl.lit(MOMENT, US)},
    ),
    "an added column": ({}, {"last_10__sample_size": pl.lit(9)}),
    "a dropped column": ({"last_10__sample_size": pl.lit(9)}, {}),
    "a wider int": ({"n": pl.lit(1, pl.Int8)}, {"n": pl.lit(2**40)}),
    "unsigned and signed": ({"n": pl.lit(1, pl.UInt64)}, {"n": pl.lit(-1)}),
    "int and float": ({"n": pl.lit(1)}, {"n": pl.lit(1.5)}),
    "decimals": ({"n": pl.lit(Decimal("1.5"))}, {"n": pl.lit(Decimal("1.25"))}),
    "an added field": (
        {"n": pl.struct(a=pl.lit(1))},
        {"n": pl.struct(a=pl.lit(1.5), b=pl.lit("x"))},
    ),
    "a list without values": ({"n": pl.lit([1])}, {"n": pl.lit(None)}),
    "lists": ({"n": pl.lit([1])}, {"n": pl.lit([], pl.List(pl.Null))}),
}


@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned"])
@pytest.mark.parametrize("drift", DRIFTS)
def test_harmless_drift_is_read(tmp_path: Path, drift: str, turned: bool) -> None:
    frames = [of_day(day, **more) for day, more in zip((FIRST, THEN), DRIFTS[drift], strict=True)]
    frames = frames[::-1] if turned else frames
    source, store = write(tmp_path / "source", *frames), str(tmp_path / "store")
    assert backfill(source, store).rows == 6
    rows = scan_source(source, CONTRACT).collect()
    for frame in frames:
        of_frame = rows.filter(pl.col("game_date") == frame["game_date"][0])
        for column in frame.columns:
            found = of_frame[column]
            if column in CONTRACT.names:
                assert found.cast(pl.Float64).equals(frame[column].cast(pl.Float64))
            elif frame[column].null_count() == frame.height:
                assert found.null_count() == frame.height
            elif column != "computed_at" and frame[column].dtype != pl.Struct:
                assert found.cast(frame[column].dtype).equals(frame[column]), column


def test_a_field_that_a_file_lacks_is_null_and_no_struct_appears(tmp_path: Path) -> None:
    first = pl.DataFrame({"s": [{"a": 1}, None], "l": [[{"a": 1}], None]})
    then = pl.DataFrame({"s": [{"b": "x", "a": 2.5}], "l": [[{"b": "x", "a": 2.5}]]})
    rows = scan_files(write(tmp_path / "f", first, then)).collect()
    assert rows["s"].to_list() == [{"a": 1.0, "b": None}, None, {"a": 2.5, "b": "x"}]
    assert rows["l"].to_list() == [[{"a": 1.0, "b": None}], None, [{"a": 2.5, "b": "x"}]]


BAD_DRIFTS: dict[str, tuple[pl.Expr, pl.Expr]] = {
    "text and int": (pl.lit("1"), pl.lit(1)),
    "text and date": (pl.lit("2026-01-01"), pl.lit(FIRST)),
    "date and moment": (pl.lit(FIRST), pl.lit(MOMENT)),
    "flag and int": (pl.lit(value=True), pl.lit(2)),
    "flag and int in a struct": (pl.struct(a=pl.lit(value=True)), pl.struct(a=pl.lit(2))),
    "large int and float": (pl.lit(2**62 + 1, pl.Int64), pl.lit(1.5)),
    "large ints in a list": (pl.lit([2**53 + 1]), pl.lit([1.5])),
    "large ints in a struct": (
        pl.struct(a=pl.lit(2**53 + 1)),
        pl.struct(a=pl.lit(1.5), b=pl.lit(1)),
    ),
    "large unsigned and int": (pl.lit(2**64 - 1, pl.UInt64), pl.lit(1)),
    "decimal and float": (pl.lit(Decimal("0.1")), pl.lit(0.1)),
    "list and text": (pl.lit(["a"]), pl.lit("a")),
    "a fraction of a microsecond": (pl.lit(1, pl.Int64).cast(NS), pl.lit(MOMENT, US)),
}


@pytest.mark.parametrize("drift", BAD_DRIFTS)
def test_drift_that_would_lose_is_named(tmp_path: Path, drift: str) -> None:
    first, then = BAD_DRIFTS[drift]
    source = write(tmp_path / "f", of_day(FIRST, venue=first), of_day(THEN, venue=then))
    with pytest.raises(InputError, match=r"venue is .* in .*0\.parquet.*; write") as error:
        backfill(source, str(tmp_path / "store"), dry_run=True)
    assert len(error.value.problems) == 1


@pytest.mark.parametrize("column", ["pace_score", "pace_score__source", "player_lookup"])
def test_a_file_that_lacks_what_rows_need_is_named(tmp_path: Path, column: str) -> None:
    source = write(tmp_path / "f", of_day(FIRST), of_day(THEN).drop(column))
    with pytest.raises(InputError, match=rf"1\.parquet lacks {column}, which .*0\.parquet has"):
        backfill(source, str(tmp_path / "store"))


def test_an_optional_feature_may_be_newer_than_a_file(tmp_path: Path) -> None:
    line = ["vegas_points_line", "vegas_points_line__source"]
    there = {line[0]: pl.lit(20.5), line[1]: pl.lit("vegas")}
    source = write(tmp_path / "f", of_day(FIRST).drop(line), of_day(THEN, **there))
    store = str(tmp_path / "store")
    backfill(source, store)
    detail = fsq.explode_detail(fsq.open_store(store).read(FIRST, THEN).collect())
    own = detail.filter(pl.col("feature_name") == line[0])
    assert own.filter(pl.col("game_date") == FIRST)["is_default"].all()
    assert not own.filter(pl.col("game_date") == THEN)["is_default"].any()
    source = write(tmp_path / "f", of_day(FIRST).drop(line[1]), of_day(THEN))
    with pytest.raises(InputError, match=rf"0\.parquet lacks {line[1]}, which"):
        backfill(source, str(tmp_path / "other"))


def test_files_of_two_forms_are_refused_briefly(tmp_path: Path) -> None:
    source = write(tmp_path / "f", of_day(FIRST), legacy(of_day(THEN)))
    with pytest.raises(InputError, match=r"1\.parquet lacks .* more") as error:
        backfill(source, str(tmp_path / "store"))
    assert len(str(error.value)) < 1_000


def test_names_may_differ_in_case_from_file_to_file(tmp_path: Path) -> None:
    upper = of_day(THEN).rename(str.upper)
    source = write(tmp_path / "f", of_day(FIRST), upper.rename({"GAME_ID": "game_id"}))
    assert backfill(source, str(tmp_path / "store")).rows == 6


def test_dates_may_be_texts_in_one_file(tmp_path: Path) -> None:
    text = of_day(THEN, game_date=pl.lit("2026-01-02"))
    assert backfill(write(tmp_path / "f", of_day(FIRST), text), str(tmp_path / "s")).dates == 2
    wrong = of_day(THEN, game_date=pl.lit("tomorrow"))
    with pytest.raises(InputError, match=r"1\.parquet: game_date: 'tomorrow'"):
        backfill(write(tmp_path / "f", of_day(FIRST), wrong), str(tmp_path / "s"))


@pytest.mark.parametrize("ending", WRITERS)
def test_a_file_without_rows_has_no_say(tmp_path: Path, ending: str) -> None:
    empty = pl.DataFrame(schema=dict.fromkeys(of_day(FIRST).columns[:5], pl.Null))
    source = write(tmp_path / "f", of_day(FIRST), empty, of_day(THEN), ending=ending)
    assert backfill(source, str(tmp_path / "store")).rows == 6
    alone = write(tmp_path / "alone", of_day(FIRST).clear())
    assert backfill(alone, str(tmp_path / "store")).rows == 0


@pytest.mark.parametrize("ending", WRITERS)
def test_a_file_of_no_byte_is_no_text_and_named_else(tmp_path: Path, ending: str) -> None:
    source = write(tmp_path / "f", of_day(FIRST), ending=ending)
    empty = tmp_path / "f" / f"1.{ending}"
    empty.touch()
    if ending in ("csv", "ndjson"):
        assert scan_files(source).collect().height == 3
    else:
        with pytest.raises(InputError, match=f"{empty.name} is empty; write it again"):
            scan_files(source)
    with pytest.raises(InputError, match="is empty"):
        scan_files(str(empty))


def test_a_csv_column_without_values_has_no_type(tmp_path: Path) -> None:
    first = of_day(FIRST, vegas_points_line=pl.lit(None, pl.Float64), n=pl.lit(None, pl.Int64))
    source = write(tmp_path / "f", first, of_day(THEN, n=pl.lit(5)), ending="csv")
    rows = scan_files(source).collect()
    assert rows["n"].to_list() == [None] * 3 + [5] * 3
    store = str(tmp_path / "store")
    assert backfill(source, store).rows == 6
    alone = write(tmp_path / "alone", first, ending="csv")
    assert backfill(alone, store, force=True).rows == 3
    assert fsq.open_store(store).read().collect()["n"].drop_nulls().to_list() == [5] * 3


def test_a_damaged_file_among_others_is_named(tmp_path: Path) -> None:
    source = write(tmp_path / "f", of_day(FIRST), of_day(THEN))
    (tmp_path / "f" / "1.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(InputError, match=r"1\.parquet cannot be read"):
        scan_files(source)


@pytest.mark.parametrize(
    "inside",
    [
        "_temporary/0/_temporary/attempt/part-1.parquet",
        ".ipynb_checkpoints/part-1.parquet",
        "deep/er/.hidden/part-1.parquet",
        "deep/_x/y/part-1.parquet",
        "._part-0.parquet",
        "deep/._part-0.parquet",
        "_SUCCESS",
        "deep/.part-0.parquet.crc",
    ],
)
@pytest.mark.parametrize("pattern", ["", "/*", "/*.parquet", "/**", "/**/*.parquet", "/*/*"])
def test_what_is_hidden_is_no_data_at_any_depth(tmp_path: Path, inside: str, pattern: str) -> None:
    folder = tmp_path / "_build" / ".cache"  # what lies above the source does not matter
    for path in (folder / "0.parquet", folder / "deep" / "1.parquet"):
        path.parent.mkdir(parents=True, exist_ok=True)
        of_day(FIRST).write_parquet(path)
    wanted = scan_files(f"{folder}{pattern}").collect().height
    hidden = folder / inside
    hidden.parent.mkdir(parents=True, exist_ok=True)
    hidden.write_bytes(b"\0\5\26\7" + bytes(100))
    assert scan_files(f"{folder}{pattern}").collect().height == wanted > 0


def make_delta(folder: Path) -> None:
    fsq.open_store(str(folder)).replace(fsq.score(of_day(FIRST)))


def make_iceberg(folder: Path) -> None:
    (folder / "metadata").mkdir(parents=True)
    (folder / "metadata" / "v1.metadata.json").write_text("{}")
    (folder / "data").mkdir()
    of_day(FIRST).write_parquet(folder / "data" / "0.parquet")


def make_hudi(folder: Path) -> None:
    (folder / ".hoodie").mkdir(parents=True)
    (folder / "part").mkdir()
    of_day(FIRST).write_parquet(folder / "part" / "0.parquet")


@pytest.mark.parametrize(
    ("kind", "make"), [("Delta", make_delta), ("Iceberg", make_iceberg), ("Hudi", make_hudi)]
)
@pytest.mark.parametrize(
    "source", ["lake", "lake/table/data", "lake/*", "lake/**/*.parquet", "lake/table/**", "file"]
)
def test_files_of_a_lake_table_are_never_read_loose(
    tmp_path: Path, kind: str, make: Callable[[Path], None], source: str
) -> None:
    table = tmp_path / "lake" / "table"
    make(table)
    file = next(f for f in table.rglob("*.parquet") if "_delta_log" not in f.parts)
    if source == "file":
        source = str(file)
    elif source == "lake/table/data":
        source = str(table if kind != "Delta" else f"{table}/*.parquet")
    else:
        source = str(tmp_path / source)
    with pytest.raises(InputError, match=f"is a {kind} table; its files cannot be read"):
        scan_files(source)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (["2026-02-05", "2026-02-06"], [date(2026, 2, 5), date(2026, 2, 6)]),
        (["2026-02-05 19%3A30%3A00"], [datetime(2026, 2, 5, 19, 30)]),
        (["1", "20", "__HIVE_DEFAULT_PARTITION__"], [1, 20, None]),
        (["1", "x"], ["1", "x"]),
        (["007", "8"], ["007", "8"]),
        (["2026-02-05", "latest"], ["2026-02-05", "latest"]),
        (["12345678901234567890"], ["12345678901234567890"]),
        (["a%2Fb", "a b"], ["a b", "a/b"]),
        (["__HIVE_DEFAULT_PARTITION__"], [None]),
    ],
)
def test_a_folders_column_has_one_type(
    tmp_path: Path, values: list[str], wanted: list[object]
) -> None:
    for value in values:
        folder = tmp_path / f"part={value}"
        folder.mkdir()
        pl.DataFrame({"x": [1]}).write_parquet(folder / "0.parquet")
    found = scan_files(str(tmp_path)).collect()["part"].to_list()
    assert sorted(found, key=str) == sorted(wanted, key=str)
    assert scan_files(f"{tmp_path}/part=*").collect().height == len(values)


def test_decimals_of_76_digits_are_read(tmp_path: Path) -> None:
    table = to_arrow(of_day(FIRST))
    for column, values in {
        "team_pace": [Decimal("100." + "3" * 37)] * 3,
        "price": [Decimal("12.5")] * 3,
    }.items():
        wide_decimal = pa.array(values, pa.decimal256(76, 38))
        at = table.schema.get_field_index(column)
        table = (
            table.append_column(column, wide_decimal)
            if at < 0
            else table.set_column(at, column, wide_decimal)
        )
    pq.write_table(table, tmp_path / "s.parquet")
    assert backfill(str(tmp_path / "s.parquet"), str(tmp_path / "store")).rows == 3
    stored = fsq.open_store(str(tmp_path / "store")).read().collect()
    assert stored["price"].to_list() == [Decimal("12.5")] * 3
    assert fsq.score(table)["price"].to_pylist() == [Decimal("12.5")] * 3
    at = table.schema.get_field_index("price")
    long = pa.array([Decimal("1" * 30 + "." + "1" * 30)] * 3, pa.decimal256(76, 38))
    with pytest.raises(InputError, match=r"price is .* needs more than 38 digits"):
        fsq.score(table.set_column(at, "price", long))


SIMPLE: list[pl.DataType] = [
    *(pl.Null(), pl.Int8(), pl.Int64(), pl.UInt64(), pl.Float32(), pl.Float64(), pl.String()),
    *(pl.Boolean(), pl.Date(), US, NS, pl.Decimal(10, 2), pl.Binary(), pl.Categorical()),
]
TYPES = st.recursive(
    st.sampled_from(SIMPLE),
    lambda inner: (
        st.builds(pl.List, inner)
        | st.builds(pl.Struct, st.dictionaries(st.sampled_from("abc"), inner, min_size=1))
    ),
    max_leaves=4,
)


@given(TYPES, TYPES)
def test_the_type_for_two_does_not_depend_on_their_order(a: pl.DataType, b: pl.DataType) -> None:
    both, turned = unify_types(a, b), unify_types(b, a)
    if isinstance(both, pl.Struct | pl.List):  # the order of fields follows the files
        assert (turned is None) == (both is None)
        return
    assert both == turned


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=3),
    "float": st.lists(st.none() | st.floats(allow_nan=False), min_size=1, max_size=3),
    "text": st.lists(st.none() | st.text("ab1", max_size=3), min_size=1, max_size=3),
    "flag": st.lists(st.none() | st.booleans(), min_size=1, max_size=3),
    "null": st.lists(st.none(), min_size=1, max_size=3),
}


@given(
    st.lists(st.one_of(*VALUES.values()), min_size=1, max_size=4),
    st.sampled_from(["plain", "in a list", "in a struct"]),
)
def test_no_value_changes_by_reading_files_together(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[Any]], nesting: str
) -> None:
    if nesting == "in a list":
        files = [[[v] for v in values] for values in files]
    elif nesting == "in a struct":
        files = [[{"a": v} for v in values] for values in files]
    folder = tmp_path_factory.mktemp("drift")
    source = write(folder, *(pl.DataFrame({"x": values}) for values in files))
    try:
        found = scan_files(source).collect()["x"].to_list()
    except InputError:
        return
    assert found == [v for values in files for v in values]
