"""The figures of a benchmark of detection: shares, intervals, false alarms."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from fsq.bench.detection import Alarm
from fsq.bench.detection.summary import bootstrap, summarize
from fsq.bench.detection.trials import Trial
from fsq.bench.detection.worker import CleanDate
from tests.support.detectors import make_alarm


def _trial(template: str, seen: Any, **changes: Any) -> Trial:
    values: dict[str, Any] = {
        "detector": "d", "template": template, "family": "leaks", "day": date(2026, 1, 1),
        "step": 0, "about_features": True, "alarmed": seen is not None, "seen": seen,
        "right_table": seen is not None, "right_kind": seen is not None, "kinds": (), "rows": 5,
        "harm": None, "harm_stopped": None,
    }  # fmt: skip
    return Trial(**(values | changes))


def _clean(*alarms: Alarm) -> CleanDate:
    return CleanDate({"d": list(alarms)}, {"d": {"learn_s": 1.0, "date_s": 0.1}})


def test_templates_count_effective_groups_however_many_dates_they_have() -> None:
    trials = [_trial("a", "red"), _trial("b", None), _trial("b", None), _trial("b", "yellow")]
    alarms = [make_alarm("f", severity="red"), make_alarm("g"), make_alarm("f", kind="other")]
    figures = summarize(trials, [_clean(*alarms), *(_clean() for _ in range(49))])
    assert figures["clean_dates"] == 50
    found = figures["detectors"]["d"]
    leaks = found["families"]["leaks"]
    assert leaks["seen"] == pytest.approx((1 + 1 / 3) / 2)
    assert (leaks["red"], leaks["templates"], leaks["dates"], leaks["blind"]) == (0.5, 2, 4, 0)
    assert found["families"]["all"]["interval"] == pytest.approx([1 / 3, 1])
    assert found["false_alarms"] == {
        "dates": 1,
        "per_100": 2.0,
        "red": 1,
        "kinds": {"other": 1, "stuck_constant": 1},
        "days": ["2000-01-01"],
    }


def test_naming_harm_lasting_faults_and_controls() -> None:
    trials = [
        _trial("a", "red", harm=4.0, harm_stopped=4.0),
        _trial("a", "yellow", right_kind=False, harm=6.0, harm_stopped=1.0),
        _trial("a", None, alarmed=True, harm=-3.0, harm_stopped=-3.0),  # by chance, it helped
        _trial("c", "red", about_features=False, right_table=None),
        _trial("l", "red", family="lasting faults"),
        _trial("l", None, family="lasting faults", step=1),
        _trial("o", None, family="controls", alarmed=True),
    ]
    found = summarize(trials, [_clean()])["detectors"]["d"]
    assert found["seconds"] == {"learn_s": 1.0, "date_s": 0.1}
    assert found["naming"] == {
        "feature": pytest.approx(2 / 3),
        "table": 1.0,
        "kind": pytest.approx(2 / 3),
    }
    assert found["harm"] == {"dates": 2, "total": 10.0, "stopped": 0.5}
    assert found["lasting"] == {"l": [1.0, 0.0]}
    assert found["controls"] == {"o": 1.0}
    assert found["families"]["all"]["templates"] == 2


def test_an_interval_needs_two_templates() -> None:
    assert bootstrap([1.0]) is None
    assert bootstrap([1.0, None]) is None
    low, high = bootstrap([0.0, 1.0] * 20) or (0, 0)
    assert 0.3 < low < 0.4
    assert 0.6 < high < 0.7
