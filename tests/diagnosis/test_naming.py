"""What happened to a feature is told by its values, and by which records show it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fsq.diagnosis.attribution import Blame
from fsq.diagnosis.naming import Cause, Clues, find_cause
from fsq.profile import Profile, Rows, judge, learn
from fsq.profile.rows import Mask, Matrix
from tests.support.small_league import NAMES, TABLES, make_league, take_dates

FORM, LONG_FORM, EFFORT = 0, 1, 2
LEARNED, KEPT = 40, 9  # dates to learn from; dates that are judged, the last of which is damaged
EVERY_THIRD = slice(None, None, 3)


@pytest.fixture(scope="module")
def league() -> Rows:
    return make_league(LEARNED + KEPT)


@pytest.fixture(scope="module")
def profile(league: Rows) -> Profile:
    every = np.ones(LEARNED, dtype=np.bool_)
    learned = learn(take_dates(league, 0, LEARNED), every, every, TABLES, "league", "0")
    assert learned is not None
    return learned


@pytest.fixture
def rows(league: Rows) -> Rows:
    return take_dates(league, LEARNED, LEARNED + KEPT)


def _find(
    profile: Profile,
    rows: Rows,
    feature: int,
    metrics: dict[str, float],
    *,
    named: Mask | None = None,
    default: float = np.nan,
    others: tuple[int, ...] = (),
) -> Cause:
    """The cause of alarms of the last date."""
    none = np.zeros((len(rows.dates), len(NAMES)), dtype=np.bool_)
    clues = Clues(judge(profile, rows, none), KEPT - 1, np.full(len(NAMES), default), {})
    blames = [Blame(f, metrics, named) for f in (feature, *others)]
    return find_cause(clues, blames[0], blames)


def _change(rows: Rows, feature: int, change: Callable[[Matrix], Matrix]) -> Mask:
    """Change values of the last date; return which records have another one now."""
    last = rows.date_index == KEPT - 1
    before = rows.values[:, feature].copy()
    rows.values[last, feature] = change(before[last])
    return np.asarray(rows.values[:, feature] != before)


def _every_third(change: Callable[[Matrix], Matrix]) -> Callable[[Matrix], Matrix]:
    def apply(values: Matrix) -> Matrix:
        out = values.copy()
        out[EVERY_THIRD] = change(values[EVERY_THIRD])
        return out

    return apply


@pytest.mark.parametrize("factor", [100.0, 0.01, 60.0, 2.54])
@pytest.mark.parametrize("some", [True, False])
def test_a_factor_is_told_and_which_records_have_it(
    profile: Profile, rows: Rows, factor: float, some: bool
) -> None:
    def scale(values: Matrix) -> Matrix:
        return values * factor

    hit = _change(rows, EFFORT, _every_third(scale) if some else scale)
    cause = _find(profile, rows, EFFORT, {"leap": 9.0, "outlier": 5.0})
    assert (cause.kind, cause.facts) == ("wrong_unit", {"factor": factor})
    assert cause.named is not None
    assert (cause.named <= hit).all()
    assert cause.named.sum() > 0.8 * hit.sum()


def test_another_sign_is_a_factor(profile: Profile, rows: Rows) -> None:
    hit = _change(rows, LONG_FORM, np.negative)
    cause = _find(profile, rows, LONG_FORM, {"leap": 9.0})
    assert (cause.kind, cause.facts) == ("wrong_unit", {"factor": -1.0})
    assert cause.named is not None
    assert (cause.named <= hit).all()


def test_a_factor_shows_without_the_records_past(profile: Profile, rows: Rows) -> None:
    """Entities that are all new have no previous value."""
    new = rows.carried.with_columns(member=rows.carried["member"] + rows.carried["event"])
    strangers = Rows(
        rows.names, rows.dates, rows.date_index, rows.values, rows.is_default, new, rows.keys,
        rows.group,
    )  # fmt: skip
    hit = _change(strangers, EFFORT, lambda v: v * 1000)
    cause = _find(profile, strangers, EFFORT, {"mean": 9.0, "spread": 9.0})
    assert (cause.kind, cause.facts) == ("wrong_unit", {"factor": 1000.0})
    assert cause.named is not None
    assert (cause.named == hit).all()


def test_two_features_that_changed_places_are_told(profile: Profile, rows: Rows) -> None:
    last = rows.date_index == KEPT - 1
    rows.values[np.ix_(last, [FORM, EFFORT])] = rows.values[np.ix_(last, [EFFORT, FORM])]
    for f, other in ((FORM, EFFORT), (EFFORT, FORM)):
        cause = _find(profile, rows, f, {"leap": 9.0}, others=(other,))
        assert (cause.kind, cause.facts) == ("swapped_features", {"with": NAMES[other]})
        assert cause.named is not None
        assert not cause.named[~last].any()
        assert cause.named.sum() > 0.8 * last.sum()


@pytest.mark.parametrize("grid", [1.0, 0.5, 10.0])
@pytest.mark.parametrize("some", [True, False])
def test_a_grid_is_told(profile: Profile, rows: Rows, grid: float, some: bool) -> None:
    def snap(values: Matrix) -> Matrix:
        out = np.round(values / grid) * grid
        if some:
            out[EVERY_THIRD] = values[EVERY_THIRD]
        return np.asarray(out)

    hit = _change(rows, EFFORT, snap)
    cause = _find(profile, rows, EFFORT, {"outlier": 2.0})
    assert cause.kind == "rounded_values"
    assert cause.facts == {"grid": 1.0 if grid == 10.0 else grid}  # tens are ones, too
    assert cause.named is not None
    assert (cause.named == hit).all()


def test_zero_alone_is_no_grid(profile: Profile, rows: Rows) -> None:
    _change(rows, EFFORT, lambda v: v * 0)
    assert _find(profile, rows, EFFORT, {"outlier": 2.0}).kind != "rounded_values"


@pytest.mark.parametrize("high", [True, False])
def test_a_bound_that_holds_values_back_is_told(profile: Profile, rows: Rows, high: bool) -> None:
    last = rows.date_index == KEPT - 1
    edge = float(np.quantile(rows.values[last, FORM], 0.8 if high else 0.2))
    clamp = np.minimum if high else np.maximum
    _change(rows, FORM, lambda v: clamp(v, edge))
    cause = _find(profile, rows, FORM, {"spread": 3.0})
    assert (cause.kind, cause.facts) == ("clamped_values", {"value": edge})
    assert cause.named is not None
    assert (cause.named == (last & (rows.values[:, FORM] == edge))).all()


def test_old_values_are_counted_on_the_date_alone(profile: Profile, rows: Rows) -> None:
    """Three dates on which a third of the records stand still."""
    who = rows.carried["member"].to_numpy()
    for at in (KEPT - 3, KEPT - 2, KEPT - 1):
        for i in np.flatnonzero(rows.date_index == at)[EVERY_THIRD]:
            before = (rows.date_index == at - 1) & (who == who[i])
            rows.values[i, FORM] = rows.values[before, FORM][0]
    hit = np.flatnonzero(rows.date_index == KEPT - 1)[EVERY_THIRD]
    cause = _find(profile, rows, FORM, {"still": 9.0})
    assert (cause.kind, cause.facts) == ("old_values", {"share": pytest.approx(1 / 3, abs=1e-4)})
    assert cause.named is not None
    assert np.flatnonzero(cause.named).tolist() == hit.tolist()


@pytest.mark.parametrize(
    ("default", "kind"), [(10.0, "silent_default"), (np.nan, "value_too_common")]
)
def test_a_value_that_is_too_common_is_told(
    profile: Profile, rows: Rows, default: float, kind: str
) -> None:
    hit = _change(rows, FORM, _every_third(lambda v: np.full_like(v, 10.0)))
    cause = _find(profile, rows, FORM, {"spike": 9.0}, default=default)
    assert cause.kind == kind
    assert cause.facts == {"value": 10.0, "share": pytest.approx(1 / 3, abs=1e-4), "usual_share": 0}
    assert cause.named is not None
    assert (cause.named == hit).all()


def test_defaults_are_counted(profile: Profile, rows: Rows) -> None:
    hit = np.flatnonzero(rows.date_index == KEPT - 1)[EVERY_THIRD]
    rows.values[hit, FORM] = np.nan
    rows.is_default[hit, FORM] = True
    cause = _find(profile, rows, FORM, {"absent": 9.0})
    facts = {"default_share": pytest.approx(1 / 3, abs=1e-4), "usual_share": 0}
    assert (cause.kind, cause.facts) == ("default_rate_shift", facts)
    assert cause.named is not None
    assert np.flatnonzero(cause.named).tolist() == hit.tolist()


def test_values_of_others_are_normal_but_not_theirs(profile: Profile, rows: Rows) -> None:
    hit = _change(rows, EFFORT, _every_third(lambda v: np.roll(v, 7)))
    cause = _find(profile, rows, EFFORT, {"leap": 9.0, "mean": 2.9}, named=hit)
    assert cause.kind == "wrong_entity"
    assert cause.named is hit
    level = _find(profile, rows, EFFORT, {"leap": 9.0, "mean": 3.0}, named=hit)
    assert level.kind == "level_shift"  # as a whole they are not where they were


def test_a_feature_that_knows_the_label_leaks(profile: Profile, rows: Rows) -> None:
    cause = _find(profile, rows, FORM, {"step_mean": 9.0, "leak": 5.0})
    assert cause.kind == "leak"
    assert cause.facts["label"] == "label"
    assert _find(profile, rows, FORM, {"step_mean": 9.0, "leak": 4.0}).kind != "leak"


@pytest.mark.parametrize(
    ("count", "metric", "kind"),
    [(9, "outlier", "outlier_values"), (10, "outlier", "level_shift"), (9, "mean", "level_shift")],
)
def test_a_few_records_are_outliers_and_many_a_level(
    profile: Profile, rows: Rows, count: int, metric: str, kind: str
) -> None:
    named = np.zeros(len(rows.date_index), dtype=np.bool_)
    named[np.flatnonzero(rows.date_index == KEPT - 1)[:count]] = True
    rows.values[named, LONG_FORM] += np.linspace(300, 400, count)  # beyond what others have
    cause = _find(profile, rows, LONG_FORM, {metric: 9.0}, named=named)
    assert cause.kind == kind


def test_a_default_in_half_of_each_group_is_told(profile: Profile, rows: Rows) -> None:
    last = rows.date_index == KEPT - 1
    side = NAMES.index("side_rate")
    hit = _change(rows, side, lambda v: np.where(np.arange(len(v)) % 2 == 0, 100.0, v))
    cause = _find(profile, rows, side, {"disagree": 9.0}, named=last, default=100.0)
    assert (cause.kind, cause.facts["value"]) == ("silent_default", 100.0)
    assert cause.named is not None
    assert (cause.named == hit).all()
    other = _find(profile, rows, side, {"disagree": 9.0}, named=last, default=99.0)
    assert other.kind != "silent_default"


def test_a_common_default_is_not_blamed_for_a_wrong_join(profile: Profile, rows: Rows) -> None:
    last = np.flatnonzero(rows.date_index == KEPT - 1)
    home = NAMES.index("at_home")
    few = last[rows.values[last, home] == 1][:12]
    rows.values[few, home] = 0.0
    named = np.zeros(len(rows.values), dtype=np.bool_)
    named[few] = True
    cause = _find(profile, rows, home, {"disagree": 9.0}, named=named, default=0.0)
    assert cause.kind == "wrong_entity"
