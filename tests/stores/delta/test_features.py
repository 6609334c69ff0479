"""Delta tables with features of other writers: read, written, or refused with the real cause."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

import fsq
from fsq.backfilling import backfill
from fsq.cli import main
from fsq.errors import InputError, StoreError, StoreRefusedError
from fsq.schema.arrow import to_arrow
from fsq.stores import migrate
from fsq.stores.delta.protocol import WRITABLE
from tests.support import delta_logs
from tests.support.frames import wide

DAY = date(2026, 1, 2)
# Features that must be read, by whom they are demanded, and whether fsq then writes, too.
READ = ["deletionVectors", "timestampNtz", "v2Checkpoint", "vacuumProtocolCheck", "typeWidening"]
WRITTEN_ONLY = [
    "appendOnly",
    "invariants",
    "checkConstraints",
    "changeDataFeed",
    "generatedColumns",
    "identityColumns",
    "allowColumnDefaults",
    "rowTracking",
    "domainMetadata",
    "clustering",
    "icebergCompatV1",
    "inCommitTimestamp",
    "somethingNew",
]


def scored(**columns: pl.Expr) -> pl.DataFrame:
    return fsq.score(wide().with_columns(**columns))


def make_table(path: Path, **columns: pl.Expr) -> Path:
    write_deltalake(path, to_arrow(scored(**columns)))
    return path


def of_day(rows: pl.DataFrame, day: date = DAY) -> pl.DataFrame:
    return rows.filter(pl.col("game_date") == day)


@pytest.mark.parametrize("feature", [*READ, *WRITTEN_ONLY])
def test_a_feature_is_written_or_named(tmp_path: Path, feature: str) -> None:
    path = make_table(tmp_path / "my table")
    reader = [feature] if feature in READ else []
    delta_logs.set_features(path, reader, [feature])
    store = fsq.open_store(str(path))
    assert store.read().collect().height == 40
    assert store.read(DAY, DAY, ["feature_quality_detail.is_default"]).collect().height == 10
    if feature in WRITABLE:
        store.replace(of_day(scored()).head(3))
        assert store.read().collect().height == 33
        return
    before = sorted(path.rglob("*"))
    with pytest.raises(StoreRefusedError, match=feature) as error:
        store.replace(of_day(scored()))
    assert len(str(error.value).splitlines()) == 1
    assert "run it again" not in str(error.value)
    with pytest.raises(StoreRefusedError, match=feature):
        migrate(str(path))
    assert sorted(path.rglob("*")) == before


@pytest.fixture(scope="module")
def plain_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_table(tmp_path_factory.mktemp("plain") / "t")


@settings(max_examples=25)
@given(
    readers=st.lists(st.sampled_from([*READ, "somethingElse"]), max_size=3, unique=True),
    writers=st.lists(st.sampled_from(WRITTEN_ONLY), max_size=3, unique=True),
)
def test_any_features_together_are_supported_or_named(
    plain_table: Path,
    tmp_path_factory: pytest.TempPathFactory,
    readers: list[str],
    writers: list[str],
) -> None:
    path = tmp_path_factory.mktemp("f") / "t"
    shutil.copytree(plain_table, path)
    delta_logs.set_features(path, readers, writers)
    store = fsq.open_store(str(path))
    if "somethingElse" in readers:
        with pytest.raises(StoreRefusedError, match="somethingElse"):
            store.read().collect()
        return
    if "deletionVectors" in readers and {"vacuumProtocolCheck", "typeWidening"} & {*readers}:
        with pytest.raises(StoreRefusedError, match="combines the Delta features deletionVectors"):
            store.read().collect()
        return
    assert store.read().collect().height == 40
    if beyond := {*readers, *writers} - WRITABLE:
        with pytest.raises(StoreRefusedError) as error:
            store.replace(of_day(scored()))
        assert all(feature in str(error.value) for feature in beyond)
    else:
        assert store.replace(of_day(scored())).rows == 10


@pytest.mark.parametrize("rule", ["gone > 1", "unheard_of(points) > 1"])
def test_a_rule_that_cannot_be_checked_is_named(tmp_path: Path, rule: str) -> None:
    rows, path = scored(points=pl.lit(5.25)), tmp_path / "t"
    write_deltalake(path, to_arrow(rows).slice(0, 0))
    delta_logs.change_metadata(path, {"delta.constraints.odd": rule})
    delta_logs.set_features(path, [], ["checkConstraints"])
    with pytest.raises(
        StoreRefusedError, match=re.escape(f"CHECK odd ({rule})) cannot be checked")
    ):
        fsq.open_store(str(path)).replace(rows)


def test_a_folder_of_something_else_is_refused_for_good(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.md").touch()
    with pytest.raises(StoreRefusedError, match="is not a Delta table; name another folder"):
        fsq.open_store(str(tmp_path / "notes"))


@pytest.mark.parametrize("feature", [*READ, *WRITTEN_ONLY])
def test_the_list_of_features_is_that_of_delta_rs(tmp_path: Path, feature: str) -> None:
    rows = pl.DataFrame({"day": [DAY], "x": [1]}).to_arrow()
    write_deltalake(tmp_path, rows)
    delta_logs.set_features(tmp_path, [feature] if feature in READ else [], [feature])
    try:
        write_deltalake(tmp_path, rows, mode="overwrite", predicate=f"day = '{DAY}'")
        written = True
    except Exception:
        written = False
    assert written == (feature in WRITABLE)


def test_column_mapping_is_read_as_a_source_and_refused_as_a_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, store = tmp_path / "a source", str(tmp_path / "store")
    write_deltalake(source, to_arrow(wide().with_columns(venue=pl.lit("Ball Arena"))))
    delta_logs.map_columns(source)
    delta_logs.rename_mapped(source, "venue", "arena")
    assert backfill(str(source), store, start=DAY).rows == 30
    assert fsq.open_store(store).read(columns=["arena"]).collect()["arena"].unique().to_list() == [
        "Ball Arena"
    ]
    delta_logs.map_columns(Path(store))
    for words in (["check"], ["training-set", "--out", str(tmp_path / "t.parquet")]):
        assert main([*words, "--store", store]) == 3
        error = capsys.readouterr().err
        assert "columnMapping" in error
        assert len(error.splitlines()) == 2
    with pytest.raises(StoreRefusedError, match="columnMapping"):
        backfill(str(source), store, dry_run=True)


def test_a_feature_that_delta_rs_does_not_know_is_named(tmp_path: Path) -> None:
    path = make_table(tmp_path / "t")
    delta_logs.set_features(path, ["somethingNew"], [])
    with pytest.raises(StoreError, match="somethingNew"):
        fsq.open_store(str(path)).read()
    mapped = make_table(tmp_path / "mapped")
    delta_logs.set_features(mapped, ["columnMapping", "typeWidening"], [])
    with pytest.raises(StoreError, match="columnMapping and typeWidening"):
        backfill(str(mapped), str(tmp_path / "new"))


@pytest.mark.parametrize(
    ("protocol", "reason"),
    [
        ({"minReaderVersion": 99, "minWriterVersion": 99}, "reader version 99"),
        (
            {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": ["catalogManaged"],
                "writerFeatures": ["catalogManaged"],
            },
            "catalogManaged",
        ),
    ],
)
def test_what_never_can_be_read_is_not_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], protocol: object, reason: str
) -> None:
    path = make_table(tmp_path / "t")
    log = path / "_delta_log" / f"{1:020}.json"
    log.write_text(json.dumps({"protocol": protocol}))
    for words in (["check", "--store", str(path)], ["score", str(path), "--out", "o.parquet"]):
        assert main(words) == 3
        said = capsys.readouterr().err
        assert reason in said
        assert "copy its rows into a table without it" in said
        assert "run it again" not in said


@pytest.mark.parametrize("words", [["backfill", "--source"], ["score"]])
def test_a_table_of_something_else_is_no_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    write_deltalake(tmp_path / "other", pl.DataFrame({"a": [1]}).to_arrow())
    source = tmp_path / "in.parquet"
    wide().write_parquet(source)
    into = "--store" if words[0] == "backfill" else "--out"
    assert main([*words, str(source), into, str(tmp_path / "other")]) == 3
    assert "is a table without game_date" in capsys.readouterr().err
    assert pl.read_delta(str(tmp_path / "other")).columns == ["a"]


@pytest.mark.parametrize("folder", ["plain", "with a blank", "à+b"])
def test_deleted_rows_stay_deleted(tmp_path: Path, folder: str) -> None:
    path = make_table(tmp_path / folder)
    delta_logs.delete_row(path, 11)
    gone = scored().row(11, named=True)
    store = fsq.open_store(str(path))
    for rows in (store.read(), store.read(columns=["game_date", "player_lookup"])):
        keys = rows.select("game_date", "player_lookup").collect().rows()
        assert len(keys) == 39
        assert (gone["game_date"], gone["player_lookup"]) not in keys
    store.replace(of_day(scored(), date(2026, 1, 1)).head(2))
    assert store.read().collect().height == 31


@pytest.mark.parametrize(
    ("column", "narrow", "wide_type", "readable"),
    [
        ("n", pl.Int8, "integer", True),
        ("n", pl.Int32, "long", True),
        ("n", pl.Float32, "double", True),
        ("n", pl.Int32, "double", False),
        ("n", pl.Date, "timestamp_ntz", False),
        ("n", pl.Decimal(5, 2), "decimal(10,3)", False),
    ],
)
def test_widened_types_are_read_or_their_column_is_named(
    tmp_path: Path, column: str, narrow: pl.DataType, wide_type: str, readable: bool
) -> None:
    source = tmp_path / "source"
    write_deltalake(source, wide().with_columns(pl.lit(7).cast(narrow).alias(column)).to_arrow())
    delta_logs.change_metadata(source, types={column: wide_type})
    delta_logs.set_features(source, ["typeWidening", "timestampNtz"], [])
    out = str(tmp_path / "out.parquet")
    status = main(["score", str(source), "--out", out])
    assert status == (0 if readable else 2)
    if readable:
        assert pl.read_parquet(out)[column].unique().to_list() == [7]


def test_an_append_only_table_takes_new_dates_and_keeps_old_ones(tmp_path: Path) -> None:
    source, store = str(tmp_path / "s.parquet"), str(tmp_path / "store")
    of_day(wide()).write_parquet(source)
    write_deltalake(
        store, to_arrow(scored()).slice(0, 0), configuration={"delta.appendOnly": "true"}
    )
    assert backfill(source, store).rows == 10
    wide().write_parquet(source)
    assert backfill(source, store).rows == 30
    for options in ({"dry_run": True}, {"dry_run": False}):
        with pytest.raises(StoreRefusedError, match="append-only and already has rows of"):
            backfill(source, store, force=True, **options)  # type: ignore[arg-type]
    assert fsq.open_store(store).read().collect().height == 40


def add_check(path: Path) -> str:
    DeltaTable(str(path)).alter.add_constraint({"few": "points < 1"})
    return r"CHECK few \(points < 1\)"


def add_invariant(path: Path) -> str:
    rule = json.dumps({"expression": {"expression": "points < 1"}})
    delta_logs.change_metadata(path, fields={"points": {"delta.invariants": rule}})
    return "points must satisfy points < 1"


def generate(path: Path) -> str:
    delta_logs.change_metadata(
        path, fields={"points": {"delta.generationExpression": "default_feature_count * 0.5"}}
    )
    delta_logs.set_features(path, [], ["generatedColumns"])
    return r"points = default_feature_count \* 0.5"


@pytest.mark.parametrize("demand", [add_check, add_invariant, generate])
def test_a_rule_of_the_table_is_named_in_one_line(
    tmp_path: Path, demand: Callable[[Path], str]
) -> None:
    rows = scored(points=pl.lit(5.25))
    path = tmp_path / "t"
    write_deltalake(path, to_arrow(rows).slice(0, 0))
    rule = demand(path)
    store = fsq.open_store(str(path))
    with pytest.raises(StoreRefusedError, match=rule) as error:
        store.replace(rows)
    assert len(str(error.value)) < 400
    assert store.read().collect().is_empty()


@pytest.mark.parametrize("points", [pl.lit(None, pl.Float64), None], ids=["NULL", "no column"])
def test_a_column_that_may_not_be_null_is_named_in_a_dry_run_too(
    tmp_path: Path, points: pl.Expr | None
) -> None:
    source, store = str(tmp_path / "s.parquet"), tmp_path / "t"
    write_deltalake(store, to_arrow(scored(points=pl.lit(5.25))).slice(0, 0))
    delta_logs.change_metadata(store, required=("points",))
    (wide() if points is None else wide().with_columns(points=points)).write_parquet(source)
    for dry_run in (True, False):
        with pytest.raises(InputError, match=r"points is NULL in 40 rows|the rows lack \['points'"):
            backfill(source, str(store), dry_run=dry_run)
    wide().with_columns(points=pl.lit(1.0)).write_parquet(source)
    assert backfill(source, str(store)).rows == 40


def test_a_column_that_the_table_generates_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "t"
    write_deltalake(path, to_arrow(scored(double=pl.lit(1.0))).slice(0, 0))
    delta_logs.change_metadata(
        path, fields={"double": {"delta.generationExpression": "feature_quality_score * 2"}}
    )
    delta_logs.set_features(path, [], ["generatedColumns"])
    fsq.open_store(str(path)).replace(scored())
    rows = fsq.open_store(str(path)).read().collect()
    assert rows["double"].equals(rows["feature_quality_score"] * 2)


def test_the_change_feed_has_what_was_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    write_deltalake(path, to_arrow(scored()), configuration={"delta.enableChangeDataFeed": "true"})
    fsq.open_store(path).replace(of_day(scored()).head(4))
    changes = pl.DataFrame(DeltaTable(path).load_cdf(1).read_all())["_change_type"]
    assert dict(changes.value_counts().iter_rows()) == {"delete": 10, "insert": 4}
