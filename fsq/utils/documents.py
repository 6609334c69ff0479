"""JSON documents that any parser reads."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def encode_json(data: Any, **how: Any) -> str:
    r"""Data as JSON. What JSON lacks becomes null or text: NaN, infinities, dates, stray bytes.

    Args:
        data: of mappings, sequences and values.
        how: further arguments of ``json.dumps``.

    >>> encode_json({"quality": float("nan"), "limits": (0, float("inf")), "key": "\ud800"})
    '{"quality": null, "limits": [0, null], "key": "?"}'
    """
    return json.dumps(_make_valid(data), default=str, allow_nan=False, **how)


def _make_valid(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # half a surrogate pair is not a character
    if isinstance(value, Mapping):
        return {_make_valid(str(k)): _make_valid(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_make_valid(v) for v in value]
    return value
