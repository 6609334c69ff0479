"""Files as people have them: formats, compression, folders, and what is no data."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake

import fsq
from fsq.backfilling import data_files, files
from fsq.backfilling.files import scan_files
from fsq.contract import load_contract
from fsq.errors import InputError
from tests.support.frames import wide

ROWS = pl.DataFrame({"player": ["james", "curry"], "points": [30.5, 41.0]})


def write_csv(path: Path) -> None:
    ROWS.write_csv(path)


def write_csv_gz(path: Path) -> None:
    path.write_bytes(gzip.compress(ROWS.write_csv().encode()))


def write_tsv(path: Path) -> None:
    ROWS.write_csv(path, separator="\t")


def write_ndjson(path: Path) -> None:
    ROWS.write_ndjson(path)


def write_arrow(path: Path) -> None:
    ROWS.write_ipc(path)


def write_stream(path: Path) -> None:
    ROWS.write_ipc_stream(path)


def write_parquet(path: Path) -> None:
    ROWS.write_parquet(path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("rows.parquet", write_parquet),
        ("rows.pq", write_parquet),
        ("rows.csv", write_csv),
        ("ROWS.CSV", write_csv),
        ("rows.csv.gz", write_csv_gz),
        ("rows.tsv", write_tsv),
        ("rows.jsonl", write_ndjson),
        ("rows.ndjson", write_ndjson),
        ("rows.arrow", write_arrow),
        ("rows.feather", write_arrow),
        ("rows.arrows", write_stream),
        ("rows", write_parquet),
    ],
)
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str, write: object) -> None:
    assert callable(write)
    write(tmp_path / name)
    assert scan_files(str(tmp_path / name)).collect().equals(ROWS)


def test_a_number_that_comes_late_in_a_csv_keeps_its_fraction(tmp_path: Path) -> None:
    lines = ["points", *["1"] * 5_000, "2.5"]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    assert scan_files(str(tmp_path / "rows.csv")).collect()["points"][-1] == 2.5


def test_folders_of_partitions_give_columns(tmp_path: Path) -> None:
    for day, place in (("2026-02-06", "a%20b"), ("2026-02-07", "__HIVE_DEFAULT_PARTITION__")):
        folder = tmp_path / f"game_date={day}" / f"place={place}" / "number=007"
        folder.mkdir(parents=True)
        ROWS.write_parquet(folder / "part.parquet")
    rows = scan_files(str(tmp_path)).collect().sort("game_date")
    assert rows["game_date"].to_list()[::2] == [date(2026, 2, 6), date(2026, 2, 7)]
    assert rows["place"].to_list()[::2] == ["a b", None]
    assert rows["number"].unique().to_list() == ["007"]  # no number: it would lose its zeros
    one = scan_files(str(tmp_path / "game_date=2026-02-06")).collect()
    assert one["game_date"].unique().to_list() == [date(2026, 2, 6)]


def test_a_files_own_column_wins_over_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "player=nobody"
    folder.mkdir()
    ROWS.write_parquet(folder / "part.parquet")
    assert scan_files(str(tmp_path)).collect()["player"].to_list() == ["james", "curry"]


def test_a_folder_that_contradicts_the_dates_in_it_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "game_date=2026-02-05"
    folder.mkdir()
    rows = wide().filter(pl.col("game_date") == date(2026, 1, 1))
    rows.write_parquet(folder / "part.parquet")
    contract = load_contract("v2_33features")
    with pytest.raises(InputError, match="2026-01-01 in it, but its folder says game_date="):
        scan_files(str(tmp_path), contract)
    folder.rename(tmp_path / "game_date=20260101")
    assert scan_files(str(tmp_path), contract).collect().height == rows.height


DAY = "game_date=2026-01-01"
SAID_BY_FOLDERS: dict[str, tuple[str, str, object]] = {
    "a midnight": ("game_date=2026-01-01T00:00:00", "game_date", date(2026, 1, 1)),
    "a midnight in a zone": ("game_date=2026-01-01 00%3A00%3A00Z", "game_date", date(2026, 1, 1)),
    "upper case": ("GAME_DATE=20260101", "game_date", date(2026, 1, 1)),
    "a folder of parts": (f"{DAY}/part", "game_date", date(2026, 1, 1)),
    "parts of parts": (f"x/{DAY}/part=1/y", "game_date", date(2026, 1, 1)),
    "the date twice": (f"{DAY}/{DAY}", "game_date", date(2026, 1, 1)),
    "a negative number": (f"{DAY}/line=-7", "line", -7),
    "a negative feature": (f"{DAY}/pace_score=-1", "pace_score", -1.0),
    "a fraction": (f"{DAY}/pace_score=0.5", "pace_score", 0.5),
    "an exponent": (f"{DAY}/pace_score=1e0", "pace_score", 1.0),
    "no value": (f"{DAY}/pace_score=__HIVE_DEFAULT_PARTITION__", "pace_score", None),
    "digits that are a text": (f"{DAY}/pipeline_run_id=17", "pipeline_run_id", "17"),
    "a source": (f"{DAY}/pace_score__source=phase4", "pace_score__source", "phase4"),
}


@pytest.mark.parametrize("case", SAID_BY_FOLDERS)
def test_folders_say_what_the_contract_expects(tmp_path: Path, case: str) -> None:
    name, column, value = SAID_BY_FOLDERS[case]
    rows = wide().filter(pl.col("game_date") == date(2026, 1, 1)).drop("game_date")
    (tmp_path / "rows" / name).mkdir(parents=True)
    rows.drop(column, strict=False).write_parquet(tmp_path / "rows" / name / "a.parquet")
    read = scan_files(str(tmp_path / "rows"), load_contract("v2_33features")).collect()
    assert read[column].to_list() == [value] * rows.height
    assert fsq.score(read).height == rows.height


def test_parts_that_a_source_names_itself_are_no_columns_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "run=7" / "rows" / DAY
    folder.mkdir(parents=True)
    ROWS.write_parquet(folder / "a.parquet")
    for source in ("run=7", "run=7/rows", "run=7/rows/*", f"run=7/rows/{DAY}/a.parquet"):
        assert scan_files(str(tmp_path / source)).collect().columns == [*ROWS.columns, "game_date"]
    assert "run" in scan_files(str(tmp_path)).collect().columns


NO_DATES = {
    "2026-01-01": "the folders say 2026-01-01; name the folders game_date=",
    "2026/01/01": "the folders say 2026; name the folders game_date=",
    "game_date=2026/01/01": "'2026' is not an ISO date; write dates as",
    "game_date=01-02-2026": "'01-02-2026' is not an ISO date; write dates as",
    "game_date=2026-01-01/game_date=2026-01-02": "say game_date= twice; keep one",
    "game_date=__HIVE_DEFAULT_PARTITION__": "game_date: NULL in 10 rows",
}


@pytest.mark.parametrize("name", NO_DATES)
def test_folders_that_say_no_date_are_named_with_a_cure(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(parents=True)
    rows = wide().filter(pl.col("game_date") == date(2026, 1, 1)).drop("game_date")
    rows.write_parquet(tmp_path / name / "a.parquet")
    with pytest.raises(InputError, match=NO_DATES[name]):
        fsq.score(scan_files(str(tmp_path), load_contract("v2_33features")).collect())


@pytest.mark.parametrize("name", ["dt=2026-01-01", "year=2026/month=01/day=01"])
def test_folders_of_other_names_that_may_be_dates_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(parents=True)
    wide().drop("game_date").write_parquet(tmp_path / name / "part.parquet")
    with pytest.raises(
        InputError, match=rf"folders say {name[:2]}\w*=.*name the folders game_date="
    ):
        scan_files(str(tmp_path), load_contract("v2_33features"))


def test_what_begins_with_a_dot_or_an_underscore_is_no_data(tmp_path: Path) -> None:
    (tmp_path / "_temporary").mkdir()
    for name in (
        "part.parquet",
        ".part.parquet.tmp.parquet",
        "_old.parquet",
        "_temporary/0.parquet",
    ):
        ROWS.write_parquet(tmp_path / name)
    (tmp_path / "_SUCCESS").touch()
    assert scan_files(str(tmp_path)).collect().height == 2
    assert scan_files(str(tmp_path / "*.parquet")).collect().height == 2


@pytest.mark.parametrize("pattern", ["", "/*", "/*.parquet"])
def test_a_link_to_nothing_is_named(tmp_path: Path, pattern: str) -> None:
    pl.DataFrame({"n": [1]}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").symlink_to(tmp_path / "gone.parquet")
    with pytest.raises(InputError, match=r"b\.parquet is a link to nothing; restore"):
        scan_files(f"{tmp_path}{pattern}")
    pl.DataFrame({"n": [2]}).write_parquet(tmp_path / "_x")
    (tmp_path / "b.parquet").unlink()
    (tmp_path / "b.parquet").symlink_to(tmp_path / "_x")
    assert scan_files(f"{tmp_path}{pattern}").collect()["n"].to_list() == [1, 2]


@pytest.mark.parametrize("pattern", ["", "/*"])
def test_a_file_whose_name_is_no_text_is_named(tmp_path: Path, pattern: str) -> None:
    try:
        (tmp_path / "a\udce9.parquet").touch()
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(InputError, match=r"a\\udce9\.parquet' is not UTF-8; rename it"):
        scan_files(f"{tmp_path}{pattern}")


def test_a_lake_table_is_never_read_file_by_file(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / "warehouse/table"), ROWS.to_arrow())
    with pytest.raises(InputError, match="is a Delta table"):
        scan_files(str(tmp_path / "warehouse"))


def test_mixed_and_unknown_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no data files"):
        scan_files(str(tmp_path))
    write_csv(tmp_path / "rows.csv")
    write_parquet(tmp_path / "rows.parquet")
    with pytest.raises(InputError, match=r"holds \['CSV', 'Parquet'\] files"):
        scan_files(str(tmp_path))


def test_a_path_with_nothing_there_is_told_as_such(tmp_path: Path) -> None:
    for path in (tmp_path / "rows.csv", f"file://{tmp_path}/rows.csv"):
        with pytest.raises(InputError, match="there is no such file or folder"):
            scan_files(str(path))
    with pytest.raises(InputError, match="no data files"):  # a glob may match nothing
        scan_files(str(tmp_path / "*.csv"))


def test_a_bug_of_a_reader_is_not_blamed_on_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ROWS.write_parquet(tmp_path / "rows.parquet")

    def fail(*_: object) -> pl.LazyFrame:
        raise RuntimeError("a bug")

    monkeypatch.setattr(files, "_scan", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        scan_files(str(tmp_path / "rows.parquet"))


TREE = (
    "2026/01/a.parquet", "2026/01/b.csv", "2026/02/a.parquet", "2026/02/notes.txt",
    "2026/_tmp/a.parquet", "2026/.hidden.parquet", "other/2026/a.parquet", "top.parquet",
)  # fmt: skip


@pytest.mark.parametrize(
    "pattern",
    [
        "*", "*/*", "**", "**/*.parquet", "2026/*", "2026/**", "2026/0?/*.parquet", "20*/0[12]",
        "**/2026", "**/2026/a.parquet", "2026/_*/*", "2026/.*", "*/01/?.csv", "nothing/*",
    ],
)  # fmt: skip
def test_a_glob_names_the_same_files_in_a_bucket_as_in_a_folder(
    tmp_path: Path, pattern: str
) -> None:
    for name in TREE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    here = [p.relative_to(tmp_path).as_posix() for p in data_files._match(tmp_path / pattern)]
    parts = pattern.split("/")
    fixed, hidden = data_files._split_pattern(parts)
    there = [n for n in TREE if data_files._is_named(n.split("/"), parts, fixed, hidden)]
    within = [n for n in there if n.split("/")[:fixed] == parts[:fixed]]
    assert sorted(here) == sorted(within)
