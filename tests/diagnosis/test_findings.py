"""What somebody accepted: the same cause, no worse, and for as long as it lasts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from fsq.diagnosis.findings import Accepted, Signal

DAY = date(2026, 2, 6)
SIGNAL = Signal(
    "upstream_table_missing", "yellow", DAY, "", ("pace_score", "usage_spike_score"), 40, 120,
    "player_composite_factors", {},
)  # fmt: skip
ACCEPTED = Accepted(
    "upstream_table_missing", "player_composite_factors", frozenset(SIGNAL.features), "yellow",
    frozenset(), DAY, "phased out",
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "covered"),
    [
        ({}, True),
        ({"day": DAY + timedelta(days=30)}, True),
        ({"day": DAY - timedelta(days=1)}, False),
        ({"severity": "info"}, True),
        ({"severity": "red"}, False),
        ({"features": ("pace_score",)}, True),
        ({"features": ("pace_score", "fatigue_score")}, False),
        ({"kind": "feature_missing"}, False),
        ({"table": "player_daily_cache"}, False),
        ({"table": None, "subject": "player_composite_factors"}, True),
    ],
)
def test_what_lasts_is_accepted_from_its_first_date_on(
    change: dict[str, Any], covered: bool
) -> None:
    assert ACCEPTED.covers(replace(SIGNAL, **change)) == covered


@pytest.mark.parametrize(("days", "covered"), [(0, True), (1, False), (-1, False)])
def test_what_is_over_is_accepted_on_its_dates_alone(days: int, covered: bool) -> None:
    over = replace(ACCEPTED, since=None, dates=frozenset([DAY]))
    assert over.covers(replace(SIGNAL, day=DAY + timedelta(days=days))) == covered


def test_what_is_accepted_is_good_to_know_and_says_why() -> None:
    known = ACCEPTED.accept(SIGNAL)
    assert (known.severity, known.accepted) == ("info", "phased out")
    assert replace(known, severity="yellow", accepted=None) == SIGNAL
