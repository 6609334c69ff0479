"""Hostile bytes, texts, columns and documents, all drawn from a seeded generator."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl

TEXTS = (
    "", " ", "\x00", "a\x00b", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m",
    "\r\n::error::x",
    "\u202egnp.exe", "\u2066rtl\u2069", "e\u0301" * 50, "שלום", "مرحبا", "👩‍👩‍👧‍👦", "\U000e0041",
    "<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>", "'; DROP TABLE t; --",
    '" OR ""="', "`x`", "\\", "%s%n", "{date}", "{{7*7}}", "${x}", "=cmd|' /C calc'!A0", "+1", "-1",
    "@SUM(A1)", "|a|b|", "[x](javascript:alert(1))", "../../etc/passwd", "/dev/null", "file:///etc",
    "NaN", "null", "true", "1e999", "0" * 400, "x" * 5_000, "\ud7ff", "\ufeff", "\u2028", "a,b",
    "player_lookup", "game_date", "phase4", "default", "missing", "__proto__", "constructor",
)  # fmt: skip
MOMENTS = (
    datetime(1, 1, 1),
    datetime(1677, 9, 21),
    datetime(1970, 1, 1),
    datetime(2026, 1, 2),
    datetime(2262, 4, 12),
    datetime(9999, 12, 31, 23, 59, 59, 999999),
)
INTEGERS = (0, 1, -1, 4, 5, 127, -128, 255, 2**31 - 1, -(2**31), 2**53, 2**63 - 1, -(2**63))
FLOATS = (0.0, -0.0, 1.5, -1.0, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf"))


def damaged(rng: Random, data: bytes) -> bytes:
    """The bytes with up to a few faults: flipped, cut, overwritten, repeated, swapped."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        if not out:
            break
        # Headers and footers say how the rest is read, so they are hit more often.
        at = rng.randrange(len(out))
        if rng.random() < 0.5:
            edge = min(len(out), 600)
            at = rng.choice((rng.randrange(edge), len(out) - 1 - rng.randrange(edge)))
        kind = rng.randrange(7)
        if kind == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind == 2:
            del out[at : at + rng.choice((1, 4, 100, len(out)))]
        elif kind == 3:
            value = rng.choice((0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1))
            out[at : at + 8] = value.to_bytes(8, "little")
        elif kind == 4:
            out[at:at] = out[at : at + rng.choice((1, 8, 64))]
        elif kind == 5:
            out[at : at + rng.choice((4, 64, 512))] = rng.randbytes(rng.choice((0, 4, 64)))
        else:
            other = rng.randrange(len(out))
            out[at], out[other] = out[other], out[at]
    return bytes(out)


def text(rng: Random) -> str:
    """A text that somebody might have sent on purpose."""
    if rng.random() < 0.7:
        return rng.choice(TEXTS)
    return "".join(chr(rng.choice((rng.randrange(0x80), rng.randrange(0xD800)))) for _ in range(9))


def value(rng: Random, depth: int = 0) -> Any:
    """A JSON value of any kind."""
    kind = rng.randrange(9 if depth < 3 else 6)
    if kind < 2:
        return text(rng)
    if kind == 2:
        return rng.choice(INTEGERS)
    if kind == 3:
        return rng.choice((1.5, 1e300, -0.0))
    if kind == 4:
        return rng.choice((None, True, False))
    if kind == 5:
        return rng.choice(("phase4", "default"))
    if kind == 6:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {key(rng): value(rng, depth + 1) for _ in range(rng.randrange(4))}


def key(rng: Random) -> str:
    """A key as ``feature_sources`` has them, or nearly."""
    odd = ("-1", "00", "1.0", "999", "1000", "99999999999999999999", " 1", "١")
    return rng.choice((str(rng.randrange(40)), rng.choice(odd), text(rng)))


def json_text(rng: Random) -> str:
    """JSON, or what is nearly so: nested deep, keys twice, numbers without end."""
    kind = rng.randrange(12)
    if kind == 0:
        depth = rng.choice((10, 200, 5_000))
        return '{"0":' * depth + "1" + "}" * depth
    if kind == 1:
        return "[" * rng.choice((10, 2_000, 50_000))
    if kind == 2:
        word = rng.choice(("phase4", "phase3", "default"))
        return '{"0":"phase4",' + ",".join(f'"{i}":"{word}"' for i in [0, 0, 1, 1, 0]) + "}"
    if kind == 3:
        return '{"0":' + rng.choice(("1" * 5_000, "-0", "1e999", "NaN", "Infinity", "0x1")) + "}"
    if kind == 4:
        return "{" + ",".join(f'"{i}":"phase4"' for i in range(rng.choice((0, 40, 1_000)))) + "}"
    if kind == 5:
        return rng.choice(("", " ", "null", "true", "1", '"x"', "{}", "[]", "{", "}", "\ufeff{}"))
    made = json.dumps(value(rng), ensure_ascii=rng.random() < 0.5)
    if kind < 9:
        words = {str(i): rng.choice(("phase4", "default", "vegas")) for i in range(33)}
        words |= {key(rng): value(rng, 2) for _ in range(rng.randrange(3))}
        made = json.dumps(words)
    if kind == 9:
        cut = damaged(rng, made.encode()).decode("utf-8", "replace")
        return cut
    return made


def column(rng: Random, rows: int) -> pl.Series:
    """A column of any type that Polars has."""
    kind = rng.choice(tuple(_COLUMNS))
    try:
        made = _COLUMNS[kind](rng, rows)
    except (pl.exceptions.PolarsError, OverflowError, TypeError, ValueError):
        made = pl.Series([None] * rows)
    if kind != "object" and rng.random() < 0.3:
        return made.head(rows - 1).extend(made.clear(1)) if rows else made
    return made


def _of(values: Any, dtype: Any = None) -> Any:
    def make(rng: Random, rows: int) -> pl.Series:
        return pl.Series([rng.choice(values) for _ in range(rows)], dtype=dtype, strict=False)

    return make


def _extreme_dates(rng: Random, rows: int) -> pl.Series:
    days = [
        rng.choice((-(2**31), -(10**7), -719_163, 0, 2_932_896, 10**7, 2**31 - 1))
        for _ in range(rows)
    ]
    return pl.Series(days, dtype=pl.Int32).cast(pl.Date)


def _extreme_moments(rng: Random, rows: int) -> pl.Series:
    unit = rng.choice(("ms", "us", "ns"))
    zone = rng.choice((None, "UTC", "Asia/Tokyo"))
    return pl.Series([rng.choice(INTEGERS) for _ in range(rows)], dtype=pl.Int64).cast(
        pl.Datetime(unit, zone)  # type: ignore[arg-type]
    )


_WORDS = ("phase4", "default", "missing", "calculated", "odd", None)
_COLUMNS: dict[str, Any] = {
    "text": lambda rng, rows: pl.Series([text(rng) for _ in range(rows)], dtype=pl.String),
    "words": _of(_WORDS),
    "categories": _of(_WORDS, pl.Categorical),
    "enum": _of(_WORDS[:4], pl.Enum(_WORDS[:4])),
    "int8": _of(INTEGERS, pl.Int8),
    "uint64": _of(INTEGERS, pl.UInt64),
    "int64": _of(INTEGERS, pl.Int64),
    "int128": _of(INTEGERS, pl.Int128),
    "float": _of(FLOATS, pl.Float64),
    "float32": _of(FLOATS, pl.Float32),
    "boolean": _of((True, False, None)),
    "decimal": _of((Decimal("1.5"), Decimal("-99999999999.123"), None), pl.Decimal(38, 3)),
    "duration": _of((timedelta(0), timedelta(days=9), None), pl.Duration("us")),
    "time": _of((time(0), time(23, 59), None)),
    "date": _of((date(2026, 1, 1), date(1, 1, 1), date(9999, 12, 31), None)),
    "extreme dates": _extreme_dates,
    "moments": _of(MOMENTS, pl.Datetime("us")),
    "extreme moments": _extreme_moments,
    "binary": _of((b"", b"\xff\xfe", b"x" * 100, None), pl.Binary),
    "null": lambda _, rows: pl.Series([None] * rows, dtype=pl.Null),
    "object": lambda _, rows: pl.Series([object()] * rows, dtype=pl.Object),
    "list of text": _of((["a"], [], [None], None, ["a\x00b", "c"]), pl.List(pl.String)),
    "list of float": _of(([1.0], [], [None, 2.0], None, [1.0] * 40), pl.List(pl.Float64)),
    "list of null": _of(([], [None], None), pl.List(pl.Null)),
    "list of list": _of(([["a"]], [], None), pl.List(pl.List(pl.String))),
    "array of text": _of((["a", "b"], None), pl.Array(pl.String, 2)),
    "array of float": _of(([1.0, 2.0], None), pl.Array(pl.Float64, 2)),
    "struct": _of(({"0": "phase4", "1": None}, None), pl.Struct({"0": pl.String, "1": pl.String})),
    "odd struct": _of(({"0": [1], "x": {"y": 1}}, None)),
    "map": _of(([{"key": "0", "value": "phase4"}], [], None)),
    "odd map": _of(([{"key": "0", "value": "phase4", "more": 1}], None)),
    "list of struct": _of(([{"feature_name": "pace_score", "feature_value": "x"}], [], None)),
}
