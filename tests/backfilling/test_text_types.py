"""Types of CSV files, which are those that all of their values have, however late one comes."""

from __future__ import annotations

from functools import partial
from itertools import product
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.backfilling import text_types
from fsq.backfilling.files import scan_files
from fsq.backfilling.text_types import infer_text_types
from tests.support.frames import CONTRACT, wide

HUGE = "9" * 20
FRACTIONS = ("2.5", "1e5", "inf", "NaN")
MIXED = [{HUGE, fraction} for fraction in FRACTIONS]  # which are numbers, and not text
TEXTS = (
    "", "7", "-0", "007", "2.5", "1e5", "inf", "NaN", HUGE, "true", "james",
    '"a, b"', '"two\nlines"', "2026-02-06", "2026-13-45", "06/02/2026", "2026-02-06T19:30:00",
    "2026-02-06T19:30:00Z", "19:30:00",
)  # fmt: skip


@pytest.fixture(autouse=True)
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_types, "_SAMPLE", 3)


def write(path: Path, columns: list[list[str]]) -> Path:
    names = [f"c{at}" for at in range(len(columns) + 1)]
    rows = [[str(at), *row] for at, row in enumerate(zip(*columns, strict=True))]
    path.write_text("\n".join(",".join(row) for row in [names, *rows]) + "\n")
    return path


def test_types_are_those_of_all_values(tmp_path: Path) -> None:
    kinds = [(a, b) for a, b in product(TEXTS, TEXTS) if {a, b} not in MIXED]
    columns = [[a] * 8 + [b] + [a] * 8 + [c] for (a, b), c in product(kinds, ("", "8", "x"))]
    scan = partial(pl.scan_csv, write(tmp_path / "rows.csv", columns), try_parse_dates=True)
    schema = infer_text_types(scan).collect_schema()
    whole = scan(infer_schema_length=None).collect_schema()
    wrong = [columns[int(c[1:]) - 1] for c in schema if schema[c] != whole[c]]
    assert not wrong


def test_a_huge_number_among_fractions_is_one_too(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", [["2.5"] * 9 + [HUGE]])
    assert scan_files(str(path)).collect()["c1"][-1] == 1e20


@pytest.mark.parametrize("late", ["2.5", "james", "99999999999999999999", ""])
def test_values_are_those_that_polars_reads(tmp_path: Path, late: str) -> None:
    path = write(tmp_path / "rows.csv", [["7"] * 9 + [late], [""] * 9 + ["2026-02-06"]])
    expected = pl.read_csv(path, infer_schema_length=None, try_parse_dates=True)
    assert scan_files(str(path)).collect().equals(expected)


def test_a_column_without_any_value_has_no_type(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", [[""] * 9, ["2.5"] * 9])
    assert dict(scan_files(str(path)).collect_schema()) == {
        "c0": pl.Int64, "c1": pl.Null, "c2": pl.Float64,
    }  # fmt: skip


@pytest.mark.parametrize("ending", ["csv", "tsv"])
@pytest.mark.parametrize("text", ["20260206", "007", "true", "2026-02-06", "1e5"])
def test_what_the_contract_reads_as_text_is_text(tmp_path: Path, ending: str, text: str) -> None:
    named = ("pipeline_run_id", "pace_score__data_hash", "pace_score__upstream_table")
    rows = wide().with_columns(pl.lit(text).alias(name) for name in named)
    path = tmp_path / f"rows.{ending}"
    rows.rename({"pipeline_run_id": "PIPELINE_RUN_ID"}).write_csv(
        path, separator="," if ending == "csv" else "\t"
    )
    read = scan_files(str(path), CONTRACT)
    for name in named:
        assert read.collect()[name].unique().to_list() == [text]
    scored = fsq.score(read).collect()
    assert scored["upstream_pipeline_run_id"].unique().to_list() == [text]
