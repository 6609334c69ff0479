"""Whatever the data: the draft loads, and every value lies in its range; or one error says why."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fsq
from fsq.contract.drafting import draft_contract
from fsq.contract.loading import parse_contract

FINITE = st.floats(allow_nan=False, allow_infinity=False)
SMALL = st.sampled_from([0.0, 1.0, 0.5, -1.0, 100.0, 1e-300, -0.0, 7.0])
VALUES = st.one_of(
    SMALL, FINITE, st.floats(-100, 100), st.none(), st.just(float("nan")), st.just(float("inf"))
)
LABELS = st.sampled_from(["db", "csv", "default", "fallback", None])
NAMES = st.one_of(
    st.sampled_from(["a", "b", "rate", "a_last_5", "a_last_7d", "hour", "b_pct", "a_b", "last_5"]),
    st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True),
    st.text(min_size=1, max_size=12),
)


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """Rows of a few keys and dates, with columns of any name, and some provenance."""
    dates, keys = draw(st.integers(1, 6)), draw(st.integers(1, 12))
    rows = dates * keys
    columns: dict[str, pl.Series] = {
        "key": pl.Series([f"k{i % keys}" for i in range(rows)]),
        "day": pl.Series([date(2026, 1, 1) + timedelta(days=i // keys) for i in range(rows)]),
    }
    labelled = draw(st.integers(0, 3)) == 0
    for name in draw(st.lists(NAMES, min_size=1, max_size=6, unique=True)):
        assume(name not in columns and "\0" not in name)
        pool = draw(st.sampled_from([VALUES, SMALL, st.integers(-3, 40).map(float)]))
        values = draw(st.lists(pool, min_size=rows, max_size=rows))
        columns[name] = pl.Series(values, dtype=pl.Float64)
        if labelled:
            labels = draw(st.lists(LABELS, min_size=rows, max_size=rows))
            columns[f"{name}__source"] = pl.Series(labels, dtype=pl.String)
        if draw(st.integers(0, 4)) == 0:
            sizes = draw(st.lists(st.integers(0, 9), min_size=rows, max_size=rows))
            columns[f"{name}__sample_size"] = pl.Series(sizes)
    if draw(st.booleans()):
        stamp = datetime(2026, 1, 1, tzinfo=UTC)
        stamps = draw(st.lists(st.sampled_from([None, stamp]), min_size=rows, max_size=rows))
        columns["up__last_updated"] = pl.Series(stamps, dtype=pl.Datetime("us", "UTC"))
    return pl.DataFrame(columns)


def draft_or_refuse(rows: pl.DataFrame) -> str | None:
    """The draft; None if the error says that there is nothing to draft."""
    try:
        return draft_contract(rows, keys=["key"], date="day")
    except fsq.InputError as error:
        nothing = ("no column can be a feature", "no feature has a value")
        if not any(told in str(error) for told in nothing):
            raise
    return None


@given(rows=tables())
def test_a_draft_loads_and_scores_its_data(rows: pl.DataFrame) -> None:
    text = draft_or_refuse(rows)
    if text is None:
        return
    contract = parse_contract(text, "draft")
    scored = fsq.score(rows, contract)
    assert scored.height == rows.height
    detail = scored["feature_quality_detail"].list.explode(empty_as_null=True, keep_nulls=True)
    assert detail.struct.field("value_range_valid").drop_nulls().all()
    assert draft_contract(rows, keys=["key"], date="day") == text


HOSTILE = (
    'a"b', "a'b", 'x"""y', "new\nline", "tab\tbed", "cr\rlf", "# comment", "a = 1", "[table]",
    "ünïcode", "日本", "\u202eright", "\x7f", "\x1b[31mred", "a.b", "UPPER", " a ", "a b", "1st",
    "\ud7ff", "{}", "\\", "\\u0041", "x" * 5_000,
)  # fmt: skip


@pytest.mark.parametrize("name", [n for n in HOSTILE if n not in ("UPPER", "a.b")])
def test_hostile_names_are_left_out_and_told(name: str) -> None:
    base = {"key": ["a", "b", "c"], "day": [date(2026, 1, 1)] * 3}
    rows = pl.DataFrame({**base, "fine": [1.0, 2.0, 3.0], name: [1.0, 2.0, 3.0]})
    text = draft_contract(rows, keys=["key"], date="day", name="mine")
    assert parse_contract(text, "draft").names == ("fine",)
    assert "to make it a feature" in text
    assert all(line.isprintable() for line in text.splitlines())
    assert [f["name"] for f in tomllib.loads(text)["features"]] == ["fine"]
    with pytest.raises(fsq.InputError, match="no column can be a feature"):
        draft_contract(rows.drop("fine"), keys=["key"], date="day")


@pytest.mark.parametrize("name", [n for n in HOSTILE if n not in ("UPPER", "日本")])
def test_hostile_keys_are_refused(name: str) -> None:
    rows = pl.DataFrame({name: ["a", "b"], "day": [date(2026, 1, 1)] * 2, "fine": [1.0, 2.0]})
    with pytest.raises(fsq.InputError, match="cannot be a key; rename it"):
        draft_contract(rows, keys=[name], date="day")


def test_hostile_words_in_the_data() -> None:
    words = ['"', "'''", "\n", "\x00", "]"]
    base: dict[str, Any] = {"key": words, "day": [date(2026, 1, 1)] * 5}
    rows = pl.DataFrame({**base, "fine": [1.0, 2.0, 3.0, 4.0, 5.0]})
    assert parse_contract(draft_contract(rows, keys=["key"], date="day"), "draft").names == (
        "fine",
    )
    labelled = rows.with_columns(fine__source=pl.Series(words))
    with pytest.raises(fsq.InputError, match="a contract cannot name"):
        draft_contract(labelled, keys=["key"], date="day")


def test_more_prefixes_than_categories(tmp_path: Path) -> None:
    base = {"key": ["a", "b"] * 2, "day": [date(2026, 1, 1)] * 2 + [date(2026, 1, 2)] * 2}
    columns = {f"p{j}_{part}": [1.0, 2.0, 3.0, float(j)] for j in range(1_100) for part in "xy"}
    path = tmp_path / "wide.toml"
    path.write_text(draft_contract(pl.DataFrame(base | columns), keys=["key"], date="day"))
    contract = fsq.load_contract(path)
    assert (len(contract.features), len(contract.categories)) == (2_200, 901)


def test_three_hundred_columns(tmp_path: Path) -> None:
    keys = {"key": [f"k{i}" for i in range(80)] * 5, "day": [date(2026, 1, 1)] * 400}
    days = pl.Series([date(2026, 1, 1) + timedelta(days=i // 80) for i in range(400)])
    columns = {
        f"f{j % 40}_{j}": [float((i * 7919 * (j + 3)) % 1009) for i in range(400)]
        for j in range(300)
    }
    rows = pl.DataFrame({**keys, **columns}).with_columns(day=days)
    path = tmp_path / "wide.toml"
    path.write_text(draft_contract(rows, keys=["key"], date="day"))
    contract = fsq.load_contract(path)
    assert (len(contract.features), len(contract.categories)) == (300, 40)
    assert fsq.score(rows, contract).height == 400
