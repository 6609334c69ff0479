"""``df.fsq`` takes what the functions take: names, kinds, types and defaults of parameters."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any, cast

import polars as pl
import pytest

import fsq

METHODS = [n for n in vars(fsq.FrameNamespace.__mro__[1]) if not n.startswith("_")]


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    signature = inspect.signature(function)
    return [p for n, p in signature.parameters.items() if n not in ("self", "rows", "scored")]


def namespace(frame: pl.DataFrame | pl.LazyFrame) -> Any:
    return cast("Any", frame).fsq


def test_there_are_methods() -> None:
    assert len(METHODS) >= 5
    assert isinstance(namespace(pl.DataFrame()), fsq.FrameNamespace)
    assert isinstance(namespace(pl.LazyFrame()), fsq.LazyNamespace)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_takes_what_its_function_takes(name: str) -> None:
    method, function = getattr(fsq.FrameNamespace, name), getattr(fsq, name)
    assert parameters(method) == parameters(function)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_passes_all_that_it_takes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []
    function = getattr(fsq, name)

    def record(*args: Any, **keywords: Any) -> None:
        calls.append(inspect.signature(function).bind(*args, **keywords).arguments)

    monkeypatch.setattr(sys.modules[function.__module__], name, record)
    given = {p.name: object() for p in parameters(function)}
    frame = pl.DataFrame()
    getattr(namespace(frame), name)(**given)
    (passed,) = calls
    assert {n: v for n, v in passed.items() if n in given} == given
    assert frame is passed.get("rows", passed.get("scored"))
