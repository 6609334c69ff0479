"""Hypothesis strategies: what other programs leave in a source besides plain rows."""

from __future__ import annotations

from urllib.parse import quote

import polars as pl
from hypothesis import strategies as st

from fsq.schema.polars_types import is_pattern

_LETTERS = st.characters(codec="utf-8", exclude_characters="\0/")
_NAMES = st.text(_LETTERS, min_size=1, max_size=8).filter(lambda n: n not in (".", ".."))
_ENDINGS = st.sampled_from(["", ".parquet", ".csv", ".crc", ".parquet.tmp"])
_SAMPLED = [
    *("box.points", "a.b.c", ".x", "x.", "", " ", "a b", "a,b", "a`b", "a'b", 'a"b', "a/b", "a\\b"),
    *("$x", "@x", "%", "{x}", "[x]", "select", "null", "index", "len", "literal", "🏀", "поле"),
    *("feature_quality_detail.x", "feature_quality_detail.", "label", "count", "--x", "a\nb"),
]
# As sentinels, overflows and broken arithmetic leave them.
EXTREMES = [
    *(1.7976931348623157e308, -1.7976931348623157e308, 1e300, 1e155, -1e155, 5e-324, -0.0, 0.0),
    *(2.0**63, -(2.0**63), 2.0**53 + 1, float("inf"), float("-inf"), float("nan"), None),
]


@st.composite
def hidden_paths(draw: st.DrawFn) -> str:
    """Paths below a folder of which some part begins with ``_`` or ``.``."""
    parts = draw(st.lists(_NAMES, min_size=1, max_size=3))
    at = draw(st.integers(0, len(parts) - 1))
    parts[at] = draw(st.sampled_from("._")) + parts[at]
    return "/".join(parts) + draw(_ENDINGS)


def column_names() -> st.SearchStrategy[str]:
    """Names that a carried column may have, whatever they mean to Polars, SQL or a shell."""
    names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
    return (st.sampled_from(_SAMPLED) | names).filter(lambda name: not is_pattern(name))


def extremes() -> st.SearchStrategy[list[float | None]]:
    """A few numbers of which some are absurd."""
    usual = st.floats(0, 100)
    return st.lists(st.sampled_from(EXTREMES) | usual, min_size=1, max_size=4)


@st.composite
def said_by_folders(draw: st.DrawFn, rows: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Rows without some columns of one value each, and the folders that say these instead."""
    fixed = [c for c in rows.columns if rows[c].n_unique() == 1 and _can_be_said(rows[c].dtype)]
    said = draw(st.lists(st.sampled_from(fixed), max_size=4, unique=True)) if fixed else []
    folders = []
    for column in said:
        name = draw(st.sampled_from([column, column.upper(), column.replace("_", "%5F")]))
        value = rows[column][0]
        text = "__HIVE_DEFAULT_PARTITION__" if value is None else quote(_write(value), safe=" ")
        folders.append(f"{name}={text}")
        if draw(st.booleans()):
            folders.append("parts")
    return rows.drop(said), "/".join(folders)


def _can_be_said(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or isinstance(dtype, pl.String | pl.Date | pl.Boolean)


def _write(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
