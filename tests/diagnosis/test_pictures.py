"""A band as a picture: the line keeps within it, and the date in question is at its end."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from fsq.diagnosis.pictures import draw_band


def _make_band(values: list[float], low: float | None, high: float) -> dict[str, Any]:
    dates = [{"date": f"2026-01-{i + 1:02}", "value": v} for i, v in enumerate(values)]
    return {
        "what": "mean", "feature": "pace", "share": False, "low": low, "high": high,
        "usual": high, "value": values[-1], "dates": dates,
    }  # fmt: skip


@pytest.mark.parametrize("low", [95.0, None])
@pytest.mark.parametrize("values", [[130.0], [100.0, 90.0], [*range(96, 109), 130.0], [99.0] * 5])
def test_the_line_goes_from_side_to_side_within_the_picture(
    values: list[float], low: float | None
) -> None:
    drawn = draw_band(_make_band(values, low, 105.0))
    width, height = (float(re.search(rf' {w}="(\d+)"', drawn)[1]) for w in ("width", "height"))  # type: ignore[index]
    (line,) = re.findall(r'points="([^"]+)"', drawn)
    points = [tuple(map(float, p.split(","))) for p in line.split()]
    xs, ys = zip(*points, strict=True)
    assert len(points) == len(values)
    if len(values) > 1:
        assert (xs[0], xs[-1]) == (5, width - 5)
        steps = [after - before for before, after in itertools.pairwise(xs)]
        assert steps == pytest.approx([steps[0]] * len(steps), abs=0.11)
    else:
        assert xs == (width / 2,)
    assert min(ys) >= 5
    assert max(ys) <= height - 5
    assert [v < values[0] for v in values] == [y > ys[0] for y in ys]  # upwards is more
    now = re.search(r'cx="([\d.]+)" cy="([\d.]+)"', drawn)
    assert now is not None
    assert tuple(map(float, now.groups())) == points[-1]
