"""The options of a backfill: one documented class, and the same fields as keywords."""

from __future__ import annotations

import inspect
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import get_type_hints

import pytest

import fsq
from fsq.backfilling import BackfillKeywords, BackfillOptions, backfill
from tests.support.frames import wide


def test_keywords_are_the_fields_and_every_field_is_documented() -> None:
    assert get_type_hints(BackfillKeywords) == get_type_hints(BackfillOptions)
    documented = inspect.getdoc(BackfillOptions) or ""
    assert [f.name for f in fields(BackfillOptions) if f"    {f.name}: " not in documented] == []


def test_keywords_win_over_options(tmp_path: Path) -> None:
    wide(days=8).write_parquet(tmp_path / "rows.parquet")
    options = BackfillOptions(start=date(2026, 1, 3), dry_run=True)
    source, store = str(tmp_path / "rows.parquet"), str(tmp_path / "t")
    assert len(backfill(source, store, options).plan) == 6
    assert len(backfill(source, store, options, end=date(2026, 1, 4)).plan) == 2
    assert not Path(store).exists()


def test_wrong_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(fsq.InputError, match="swap them"):
        BackfillOptions(start=date(2026, 1, 3), end=date(2026, 1, 2))
    with pytest.raises(TypeError, match="chunks"):
        backfill("rows.parquet", str(tmp_path / "t"), chunks=5)  # type: ignore[call-arg]
