"""Fingerprints, files, other libraries and displays of a training set."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

import fsq
from fsq.reporting.pictures import draw_waterfall
from fsq.training import read_provenance
from tests.support.training import SCORED


@pytest.mark.parametrize("mode", ["drop", "mask", "keep"])
def test_the_fingerprint_knows_rows_and_gates_but_no_order(mode: Any) -> None:
    want = fsq.training_set(SCORED, "points", mode)
    shuffled = SCORED.sample(fraction=1.0, shuffle=True, seed=3)
    parts = pl.concat([shuffled[:57], shuffled[57:60], shuffled[60:]], rechunk=False)
    table = pa.Table.from_batches(parts.to_arrow().to_batches(max_chunksize=7))
    for same in (parts, parts.lazy(), table):
        made = fsq.training_set(same, "points", mode)
        assert_frame_equal(made.frame, want.frame)
        assert made.fingerprint == want.fingerprint
        assert made.waterfall.equals(want.waterfall)
    other = SCORED.with_columns(points=pl.col("points") + 1e-9)
    assert fsq.training_set(other, "points", mode).fingerprint != want.fingerprint
    gate = fsq.training_set(SCORED, "points", mode, drop_late=True)
    assert gate.frame.equals(want.frame)
    assert gate.fingerprint != want.fingerprint


BEYOND = pl.lit(2**30, pl.Int32).cast(pl.Date)
CARRIED: dict[str, tuple[pl.Expr, pl.Expr]] = {
    "bytes": (pl.lit(b"\xff"), pl.lit(b"\xfe")),
    "a date that no calendar has": (BEYOND, BEYOND.dt.offset_by("1d")),
    "a date": (pl.lit(date(2026, 1, 1)), pl.lit(date(2026, 1, 2))),
    "bytes in a list": (pl.concat_list(pl.lit(b"\xff")), pl.concat_list(pl.lit(b"\xfe"))),
    "bytes in an array": (
        pl.concat_list(pl.lit(b"a")).list.to_array(1),
        pl.concat_list(pl.lit(b"b")).list.to_array(1),
    ),
    "dates in a struct": (pl.struct(a=BEYOND), pl.struct(a=pl.lit(date(2026, 1, 1)))),
    "a struct or none": (
        pl.struct(a=pl.lit(None, pl.Int8)),
        pl.lit(None, pl.Struct({"a": pl.Int8})),
    ),
}


@pytest.mark.parametrize("case", CARRIED)
def test_the_fingerprint_knows_carried_values_of_any_type(case: str) -> None:
    made = [
        fsq.training_set(SCORED.with_columns(extra=value), "points", "keep", carry="extra")
        for value in (*CARRIED[case], CARRIED[case][0])
    ]
    first, other, again = (m.fingerprint for m in made)
    assert first == again != other
    assert made[0].frame["extra"].dtype == made[1].frame["extra"].dtype


def test_files_say_where_they_come_from(tmp_path: Path) -> None:
    made = fsq.training_set(SCORED, "points", "mask", exclude=[date(2026, 1, 2)])
    for name in ("t.parquet", "t.arrow", "t.npz"):
        path = made.write(tmp_path / name)
        provenance = read_provenance(path)
        assert provenance == json.loads(json.dumps(made.provenance))
        assert provenance["filter"]["excluded_dates"] == ["2026-01-02"]
        assert provenance["waterfall"] == made.waterfall.to_dicts()
    assert_frame_equal(pl.read_parquet(tmp_path / "t.parquet"), made.frame)
    assert_frame_equal(pl.read_ipc(tmp_path / "t.arrow"), made.frame)
    assert pq.read_schema(tmp_path / "t.parquet").field("pace_score").type == pa.float64()
    with np.load(tmp_path / "t.npz") as held:
        assert np.array_equal(held["features"], made.to_numpy()[0], equal_nan=True)
        assert held["label"].tolist() == made.frame["points"].to_list()
        assert held["player_lookup"].tolist() == made.frame["player_lookup"].to_list()
    with pytest.raises(fsq.InputError, match="use one of"):
        made.write(tmp_path / "t.csv")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(fsq.InputError, match="holds no provenance"):
        read_provenance(tmp_path / "other.parquet")


def test_pandas_gets_the_frame_or_a_clear_word(monkeypatch: pytest.MonkeyPatch) -> None:
    made = fsq.training_set(SCORED, "points")
    pytest.importorskip("pandas")
    frame = made.to_pandas()
    assert list(frame.columns) == made.frame.columns
    assert frame.attrs["fsq"]["fingerprint"] == made.fingerprint
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(fsq.InputError, match="pip install pandas"):
        made.to_pandas()


def test_displays_fit_and_escape() -> None:
    odd = SCORED.rename({"points": "<b>points</b>"})
    made = fsq.training_set(odd, "<b>points</b>", critical_features=True)
    text = str(made)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert f"{len(made):,} of {SCORED.height:,}" in text
    page = made._repr_html_()
    assert "<b>points" not in page
    assert "&lt;b&gt;points" in page
    assert draw_waterfall(made).png.startswith(b"\x89PNG")
