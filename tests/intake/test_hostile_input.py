"""Input that somebody made to pass for something else, or to break what reads it."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fsq
from fsq.cli import main
from fsq.intake.run_context import RunContext
from fsq.intake.validation import validate_input, validate_rows
from fsq.schema.arrow import to_arrow
from fsq.training.export import read_provenance
from tests.support.frames import CONTRACT, NAMES, legacy, wide


def ordered(names: list[list[str | None]]) -> pl.DataFrame:
    """Legacy rows in which each value is its feature's place in the contract."""
    values = [[float(NAMES.index(n)) if n in NAMES else -99.0 for n in row] for row in names]
    return legacy(wide(len(names), 1)).with_columns(
        pl.Series("features", values, dtype=pl.List(pl.Float64)),
        pl.Series("feature_names", names, dtype=pl.List(pl.String)),
    )


def test_a_null_among_the_names_shifts_no_value() -> None:
    rows = ordered([list(NAMES), [None, *NAMES], [*NAMES[:5], None, *NAMES[5:]]])
    detail = fsq.score(rows, on_unknown_source="default")["feature_quality_detail"]
    for row in detail.to_list():
        told = [
            d["feature_value"] if d["original_value"] is None else d["original_value"] for d in row
        ]
        assert told == [float(i) for i in range(33)]


@pytest.mark.parametrize("glued", [2, 33])
def test_names_glued_by_nul_do_not_pass_for_names(glued: int) -> None:
    short: list[str | None] = ["\x00".join(NAMES[:glued]), *NAMES[glued:]]
    with pytest.raises(fsq.InputError, match="NUL character"):
        fsq.score(ordered([list(NAMES), short]), on_unknown_source="default")


@pytest.mark.parametrize(
    "text", ['{"5":"default","5":"phase4"}', '{"5":"default","\\u0035":"phase4"}']
)
def test_a_default_does_not_hide_behind_a_second_key(text: str) -> None:
    rows = legacy(wide(2, 1)).with_columns(feature_sources=pl.lit(text))
    with pytest.raises(fsq.InputError, match="a key is there twice"):
        fsq.score(rows)


def test_json_bombs_are_refused_soon() -> None:
    deep = '{"0":' * 100_000 + "1" + "}" * 100_000
    wide_one = "{" + ",".join(f'"{i}":"phase4"' for i in range(1_000_000)) + "}"
    for text, refused in ((deep, True), ("[" * 1_000_000, True), (wide_one, False)):
        rows = legacy(wide(1, 1)).with_columns(feature_sources=pl.lit(text))
        if refused:
            with pytest.raises(fsq.InputError, match="feature_sources") as told:
                fsq.score(rows)
            assert len(str(told.value)) < 5_000
        else:
            assert fsq.score(rows)["phase4_feature_count"].item() > 20


def test_a_map_may_be_empty_or_null() -> None:
    full = [{"key": str(i), "value": "phase4"} for i in range(33)]
    odd = [{"key": f"{i}x", "value": "phase4"} for i in range(50)]
    rows = legacy(wide(4, 1)).with_columns(pl.Series("feature_sources", [full, [], None, odd]))
    assert fsq.score(rows)["phase4_feature_count"].to_list()[1:] == [0, 0, 0]


def test_ten_thousand_columns_and_ten_megabytes_in_one_cell() -> None:
    rows = (
        wide(4, 1)
        .with_columns(pl.lit(1).alias(f"extra_{i}") for i in range(10_000))
        .with_columns(pl.lit("x" * 10_000_000).alias("game_id"))
    )
    scored = fsq.score(rows)
    assert scored.height == 4
    assert scored["extra_9999"].sum() == 4
    with pytest.raises(fsq.InputError) as told:
        fsq.score(rows.with_columns(pace_score__source=pl.lit("y" * 10_000_000)))
    assert len(str(told.value)) < 5_000


@pytest.mark.parametrize("day", [-(2**31), -719_163, 2_932_532, 2**31 - 1])
def test_dates_that_python_has_not_are_refused(day: int) -> None:
    days = pl.Series("game_date", [day], dtype=pl.Int32).cast(pl.Date)
    for rows in (wide(1, 1), legacy(wide(1, 1))):
        with pytest.raises(fsq.InputError, match="outside the years"):
            fsq.score(rows.with_columns(days))


def test_fixed_size_arrays_read_as_lists() -> None:
    rows = legacy(wide(5, 1))
    arrays = rows.with_columns(
        pl.col("features").list.to_array(33), pl.col("feature_names").list.to_array(33)
    )
    own = ["features", "feature_names"]
    now = pl.datetime(2026, 3, 1, time_zone="UTC")
    stamp = now.alias("quality_computed_at")
    assert (
        fsq.score(arrays)
        .drop(own)
        .with_columns(stamp)
        .equals(fsq.score(rows).drop(own).with_columns(stamp))
    )


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("features", [["a"] * 33]),
        ("feature_names", [[1] * 33]),
        ("feature_sources", [["phase4"]]),
        ("feature_sources", [[{"key": "0", "value": "phase4", "more": 1}]]),
        ("feature_sources", [{"0": [1]}]),
        ("feature_sources", [date(2026, 1, 1)]),
        ("updated_at", ["2026-01-01"]),
        ("created_at", [date(2026, 1, 1)]),
        ("source_composite_last_updated", [1]),
        ("source_composite_hash", [7]),
    ],
)
def test_odd_types_are_named(column: str, values: list[object]) -> None:
    rows = legacy(wide(1, 1)).with_columns(pl.Series(column, values))
    with pytest.raises(fsq.InputError, match=f"wrong type: {column}"):
        fsq.score(rows)


@pytest.mark.parametrize(
    "extra", [pl.lit(1).alias("a\0b"), pl.struct(pl.lit(1).alias("x\0")), pl.lit([[{"y\0z": 1}]])]
)
def test_no_name_of_a_column_or_field_holds_nul(extra: pl.Expr) -> None:
    with pytest.raises(fsq.InputError, match="NUL character in the name") as refused:
        fsq.score(wide(1, 1).with_columns(extra))
    assert len(refused.value.problems) == 1


def test_an_arrow_table_that_polars_cannot_read_is_told_in_words() -> None:
    nowhere = pa.array([0], pa.timestamp("us", tz="Mars/Olympus_Mons"))
    table = to_arrow(wide(1, 1)).append_column("computed", nowhere)
    with pytest.raises(fsq.InputError, match="Mars"):
        fsq.score(table)
    with pytest.raises(fsq.InputError, match="Mars"):
        fsq.diagnose(table)


def test_text_that_cannot_be_stored_is_no_run_context(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text('{"pipeline_run_id": "\\ud800", "processors_completed": ["\\udfff"]}')
    with pytest.raises(fsq.InputError) as told:
        RunContext.from_json(path)
    assert len(told.value.problems) == 2


@pytest.mark.parametrize("name", ["player_lookup", "feature_sources", "as_of", "pace__source"])
def test_a_feature_may_not_bear_the_name_of_something_else(tmp_path: Path, name: str) -> None:
    assert any("rename it" in p for p in problems(tmp_path, [("pace_score", name)]))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("history_days = 7", "history_days = 999999999999", "less than or equal"),
        ("size = 10", "size = 99999999999999999999999999", "less than or equal"),
        ("stale_hours = 24", "stale_hours = 1e300", "less than or equal"),
        ("--date {date}", "--date {date", "placeholder"),
        ("--date {date}", "--date }", "placeholder"),
        ("--date {date}", "--date {date!r}", "placeholder"),
        ("--date {date}", "\\nrm -rf x", "printable"),
    ],
)
def test_an_enemy_contract_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert any(told in p for p in problems(tmp_path, [(old, new)]))


def problems(folder: Path, changes: list[tuple[str, str]]) -> list[str]:
    text = (Path(fsq.__file__).parent / "contract/shipped/v2_33features.toml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "enemy.toml"
    path.write_text(text)
    with pytest.raises(fsq.ContractError) as told:
        fsq.load_contract(path)
    return told.value.problems


def test_more_source_words_than_a_byte_counts_are_refused(tmp_path: Path) -> None:
    words = "\n".join(f'w{i} = {{type = "phase4", base = 1, reliability = 1}}' for i in range(300))
    path = tmp_path / "many.toml"
    path.write_text(f'extends = "v2_33features"\nname = "many"\n[sources]\n{words}\n')
    with pytest.raises(fsq.ContractError, match="255"):
        fsq.load_contract(path)


def test_a_chain_of_contracts_ends(tmp_path: Path) -> None:
    for i in range(3_000):
        (tmp_path / f"{i}.toml").write_text(f'extends = "{i + 1}.toml"\n')
    with pytest.raises(fsq.ContractError, match="in a chain"):
        fsq.load_contract(tmp_path / "0.toml")


def test_pipes_and_devices_are_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("pipe.toml", "pipe.json", "pipe.parquet"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    for name in ("pipe.toml", "zero.toml"):
        with pytest.raises(fsq.ContractError, match="not a regular file"):
            fsq.load_contract(tmp_path / name)
    with pytest.raises(fsq.InputError, match="not a regular file"):
        RunContext.from_json(tmp_path / "pipe.json")
    for source in (tmp_path, tmp_path / "pipe.parquet", tmp_path / "*.parquet"):
        assert main(["score", str(source), "--out", str(tmp_path / "out.parquet")]) == 2
        assert "no Parquet files" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["st*r", "sp ace", "per%zz", "ha#sh", "qu?ery=1", "é~{}", "s3:x"])
def test_paths_are_taken_literally(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.mkdir()
    wide().write_parquet(home / "in.parquet")
    store = home / "store"
    assert main(["score", str(home / "in.parquet"), "--out", str(home / "out.parquet")]) == 0
    assert main(["score", str(home), "--out", str(store)]) in (0, 2)  # out.parquet is in there
    assert main(["score", str(home / "in.parquet"), "--out", str(store)]) == 0
    assert main(["check", "--store", str(store), "--date", "2026-01-02"]) in (0, 1)
    assert main(["model", "check", "v2_14features", "--store", str(store)]) in (0, 1)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert sorted(p.name for p in home.iterdir()) == ["in.parquet", "out.parquet", "store"]


@pytest.mark.parametrize(
    "name", ["..%2F..%2Fetc", "a%20b", "a[1]", "a|b", "a\\b", "a\nb", "a\x00b"]
)
def test_no_store_has_a_path_that_would_be_misread(tmp_path: Path, name: str) -> None:
    with pytest.raises(fsq.StoreError, match="misread"):
        fsq.open_store(str(tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_a_link_at_the_target_is_replaced_and_its_goal_left_alone(tmp_path: Path) -> None:
    rows, goal, out = tmp_path / "in.parquet", tmp_path / "goal", tmp_path / "out.parquet"
    wide().write_parquet(rows)
    goal.write_text("mine")
    out.symlink_to(goal)
    # What an enemy could foresee of the name that is written first.
    (tmp_path / f".out.parquet.{os.getpid()}.tmp").symlink_to(goal)
    assert main(["score", str(rows), "--out", str(out)]) == 0
    assert goal.read_text() == "mine"
    assert not out.is_symlink()
    assert pl.read_parquet(out).height == 40


def test_no_link_of_a_store_leads_its_writing_elsewhere(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    fsq.open_store(str(link)).replace(fsq.score(wide()))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "real"]
    assert (real / "_delta_log").is_dir()  # the link was named, so its goal is what was named


@pytest.mark.parametrize("damage", ["data", "gone", "log"])
@pytest.mark.parametrize(
    "words",
    [
        ["check", "--date", "2026-01-02"],
        ["explain", "player3", "2026-01-02"],
        ["trend"],
        ["report", "--out", "report.html"],
        ["model", "check", "v2_14features"],
        ["training-set", "--out", "set.parquet"],
    ],
)
def test_a_damaged_store_is_told_in_words(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    damage: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    fsq.open_store("store").replace(fsq.score(wide()))
    for file in Path("store").glob("_delta_log/*.json" if damage == "log" else "*.parquet"):
        if damage == "gone":
            file.unlink()
        elif damage == "data":
            file.write_bytes(file.read_bytes()[:-2_000] + b"\xff" * 1_990)
        else:
            file.write_text('{"add":{"path":"' + "[" * 5_000)
    assert main([*words, "--store", "store"]) in (2, 3)
    told = capsys.readouterr()
    assert "Error: " in told.err
    assert "Traceback" not in told.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["store"]


@pytest.mark.parametrize("path", ["../secret.parquet", "..%2Fsecret.parquet"])
def test_no_log_leads_out_of_the_table(
    tmp_path: Path, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, store = tmp_path / "secret.parquet", tmp_path / "store"
    fsq.score(wide()).write_parquet(secret)
    fsq.open_store(str(store)).replace(fsq.score(wide()))
    log = max((store / "_delta_log").glob("*.json"))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        if "add" in line:
            line["add"] |= {"path": path, "size": secret.stat().st_size}
    log.write_text("\n".join(map(json.dumps, lines)))
    assert main(["check", "--store", str(store), "--date", "2026-01-02"]) == 3
    assert "outside the table" in capsys.readouterr().err


@pytest.mark.parametrize("size", [0, 20_000])
def test_a_source_that_is_cut_while_it_is_read_is_refused(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    wide(2_000, 10).write_parquet(given, row_group_size=500)

    def then_cut(*words: object) -> object:
        layout = validate_input(*words)  # type: ignore[arg-type]
        os.truncate(given, size)
        return layout

    monkeypatch.setattr("fsq.cli.score.validate_input", then_cut)
    assert main(["score", str(given), "--out", str(out)]) in (2, 3)
    assert not out.exists()


@pytest.mark.parametrize("size", [0, 20_000])
def test_rows_that_are_cut_while_they_are_read_lazily_are_refused(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "in.parquet"
    wide(2_000, 10).write_parquet(given, row_group_size=500)
    scored = fsq.score(pl.scan_parquet(given))

    def then_cut(*args: object, **named: object) -> None:
        validate_rows(*args, **named)  # type: ignore[arg-type]
        os.truncate(given, size)

    monkeypatch.setattr("fsq.scoring.engine.validate_rows", then_cut)
    with pytest.raises((fsq.FsqError, pl.exceptions.PolarsError)):
        scored.collect()


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def test_no_pickle_is_loaded_unasked(tmp_path: Path) -> None:
    import pickle

    sprung = tmp_path / "sprung"
    scored = fsq.score(wide())
    for suffix in (".pkl", ".pickle", ".joblib", ".cbm", ".txt", ".json", ".ubj", ".toml", ".bin"):
        path = tmp_path / f"model{suffix}"
        path.write_bytes(pickle.dumps(Trap(sprung)))
        with pytest.raises(fsq.InputError):
            fsq.check_model(str(path), scored)
        with pytest.raises(fsq.FsqError):
            fsq.load_contract(path)
        assert not sprung.exists(), suffix
    for suffix in (".npz", ".parquet", ".arrow"):
        path = tmp_path / f"set{suffix}"
        np.savez(path.with_suffix(".npz"), provenance=np.array([Trap(sprung)], dtype=object))
        if suffix != ".npz":
            path.write_bytes(path.with_suffix(".npz").read_bytes())
        with pytest.raises(fsq.InputError):
            read_provenance(path)
        assert not sprung.exists(), suffix
    with pytest.raises(fsq.InputError):  # trusted, the trap springs: so it is one
        fsq.check_model(str(tmp_path / "model.pkl"), scored, trust_pickle=True)
    assert sprung.exists()


def test_what_is_written_holds_no_pickle(tmp_path: Path) -> None:
    made = fsq.training_set(fsq.score(wide()), on_default="keep", training_ready=False)
    with np.load(made.write(tmp_path / "set.npz"), allow_pickle=False) as held:
        assert {held[name].dtype.kind for name in held} <= {"f", "U", "M"}
    metadata = pq.read_schema(made.write(tmp_path / "set.parquet")).metadata
    assert json.loads(metadata[b"fsq"])["contract"]["name"] == CONTRACT.name
