"""A season that is parted into dates to learn from and dates that are kept."""

from __future__ import annotations

import pytest

from fsq.bench.detection import Season, load_season
from tests.support.any_table import CONTRACT, make_rows


@pytest.fixture(scope="module")
def season() -> Season:
    rows = make_rows(dates=50, entities=100, incidents=False)
    return load_season([rows], CONTRACT, "outcome", kept_share=0.4)
