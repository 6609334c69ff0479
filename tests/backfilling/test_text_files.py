"""CSV and TSV: what types would alter stays text, and what is no such file says what it is."""

from __future__ import annotations

import gzip
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from fsq.backfilling.files import scan_files
from fsq.contract import load_contract
from fsq.errors import InputError
from tests.support.frames import wide

CONTRACT = load_contract("v2_33features")


def read(path: Path, text: str | bytes) -> pl.DataFrame:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return scan_files(str(path)).collect()


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz"])
def test_identifiers_keep_their_zeros(tmp_path: Path, ending: str) -> None:
    text = "game,shirt,home\n0022500001,00,1\n0022500002,7,0\n"
    text = text.replace(",", "\t") if ending == ".tsv" else text
    data = gzip.compress(text.encode()) if ending.endswith("gz") else text.encode()
    rows = read(tmp_path / f"in{ending}", data)
    assert rows["game"].to_list() == ["0022500001", "0022500002"]
    assert rows["shirt"].to_list() == ["00", "7"]
    assert rows["home"].to_list() == [1, 0]


def test_keys_keep_their_zeros_and_features_are_numbers(tmp_path: Path) -> None:
    rows = wide(3, 1).with_columns(
        player_lookup=pl.Series(["007", "08", "9"]), points_avg_last_5=pl.lit("07")
    )
    rows.write_csv(tmp_path / "in.csv")
    read_again = scan_files(str(tmp_path / "in.csv"), CONTRACT).collect()
    assert read_again["player_lookup"].to_list() == ["007", "08", "9"]
    assert read_again["points_avg_last_5"].to_list() == [7, 7, 7]


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("01/02/2026", "01/02/2026"),  # in Europe it is February
        ("31.12.2026", "31.12.2026"),
        ("01/02/2026 10:00:00", "01/02/2026 10:00:00"),
        ("2026-02-01", date(2026, 2, 1)),
        ("2026/02/01", date(2026, 2, 1)),
        ("2026-02-01 10:00:00", datetime(2026, 2, 1, 10)),
    ],
)
def test_dates_are_not_guessed(tmp_path: Path, written: str, read_as: object) -> None:
    rows = read(tmp_path / "in.csv", f"day,pace\n{written},1\n,2\n")
    assert rows["day"].to_list() == [read_as, None]


def test_a_date_that_could_be_two_is_refused(tmp_path: Path) -> None:
    rows = wide(2, 1).with_columns(game_date=pl.lit("01/02/2026"))
    rows.write_csv(tmp_path / "in.csv")
    with pytest.raises(InputError, match="game_date: '01/02/2026' is not an ISO date"):
        scan_files(str(tmp_path / "in.csv"), CONTRACT)


def test_a_column_of_texts_in_one_file_is_one_in_all(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("game,pace\n1,1.5\n")
    (tmp_path / "2.csv").write_text("game,pace\nfinal,2\n")
    (tmp_path / "3.csv").write_text("game,pace\n,2\n")
    rows = scan_files(str(tmp_path)).collect()
    assert rows.rows() == [("1", 1.5), ("final", 2.0), (None, 2.0)]


@pytest.mark.parametrize("other", [";", "|", "\t"])
@pytest.mark.parametrize("value", ["1.5", "1,5"])
def test_another_separator_is_named(tmp_path: Path, other: str, value: str) -> None:
    text = f"game{other}pace\n1{other}{value}\n"
    with pytest.raises(InputError, match=r"its columns are separated by .* not by ','"):
        read(tmp_path / "in.csv", text)


def test_commas_in_a_file_of_tabs_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"separated by ',', not by '\\t'"):
        read(tmp_path / "in.tsv", "game,pace\n1,2\n")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_another_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(InputError, match=r"in.csv .*write it as UTF-8"):
        read(
            tmp_path / "in.csv",
            "player,pace\nDonči\u0107,1\n".replace("č", "é").replace("ć", "é").encode(encoding),
        )


def test_a_file_of_one_column_is_one(tmp_path: Path) -> None:
    assert read(tmp_path / "in.csv", "game\n1\n").rows() == [(1,)]
