"""Dates held against a profile: what is planted stands out, what is clean does not."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from fsq.errors import InputError
from fsq.profile import Profile, Rows, judge, learn, read_profile, write_profile
from fsq.profile.evidence import METRICS
from tests.support.small_league import TABLES, make_league, take_dates

Values = np.ndarray
LAST_DATES = 9  # the last one is judged, the others are its history


@pytest.fixture(scope="module")
def league() -> Rows:
    return make_league(dates=60)


@pytest.fixture(scope="module")
def profile(league: Rows) -> Profile:
    early = take_dates(league, 0, 50)
    every = np.ones(50, dtype=np.bool_)
    learned = learn(early, every, every, TABLES, "league", "0")
    assert learned is not None
    return learned


def _judge(profile: Profile, rows: Rows) -> dict[str, np.ndarray]:
    """The strength of the last date's alarms, per metric and feature."""
    none = np.zeros((len(rows.dates), len(rows.names)), dtype=np.bool_)
    strength = judge(profile, rows, none).measure_strength(~none[:, 0])
    return {m: s[-1] for m, s in strength.items()}


def _other_member(values: Values, _: np.random.Generator) -> None:
    values[:30, :3] = np.roll(values[:, :3], 40, axis=0)[:30]


def _shuffled_sides(values: Values, rng: np.random.Generator) -> None:
    values[:40, 3] = rng.permutation(values[:, 3])[:40]


def _placeholder(values: Values, _: np.random.Generator) -> None:
    values[::5, 0] = 10.0


def _zeros(values: Values, _: np.random.Generator) -> None:
    values[::8, 1] = 0.0


def _times_hundred(values: Values, _: np.random.Generator) -> None:
    values[:, 2] *= 100


def _outliers(values: Values, _: np.random.Generator) -> None:
    values[[3, 17, 42, 71], 0] += 40


def _inverted(values: Values, _: np.random.Generator) -> None:
    values[:, 5] = 1 - values[:, 5]


def _lost(values: Values, _: np.random.Generator) -> None:
    values[12:24, :3] = np.nan


@pytest.mark.parametrize(
    ("damage", "features"),
    [
        (_other_member, {0, 1, 2}),
        (_shuffled_sides, {3}),
        (_placeholder, {0}),
        (_zeros, {1}),
        (_times_hundred, {2}),
        (_outliers, {0}),
        (_inverted, {5}),
        (_lost, {0, 1, 2}),
    ],
)
def test_damage_stands_out(
    league: Rows,
    profile: Profile,
    damage: Callable[[Values, np.random.Generator], None],
    features: set[int],
) -> None:
    rows = take_dates(league, 60 - LAST_DATES, 60)
    last = np.flatnonzero(rows.date_index == LAST_DATES - 1)
    values = rows.values[last]
    damage(values, np.random.default_rng(2))
    rows.values[last] = values
    rows.is_default[last] = np.isnan(values)
    alarms = _judge(profile, rows)
    found = {int(f) for s in alarms.values() for f in np.flatnonzero(s > 1)}
    assert features <= found


def test_yesterdays_values_stand_out(league: Rows, profile: Profile) -> None:
    rows = take_dates(league, 60 - LAST_DATES, 60)
    last = rows.date_index == LAST_DATES - 1
    rows.values[last, :2] = rows.values[rows.date_index == LAST_DATES - 2, :2]
    assert (_judge(profile, rows)["still"][:2] > 1).all()


def test_clean_dates_keep_the_budget(league: Rows, profile: Profile) -> None:
    alarmed = []
    for end in range(51, 61):
        strength = _judge(profile, take_dates(league, end - LAST_DATES, end))
        alarmed.append(any((s > 1).any() for s in strength.values()))
    assert sum(alarmed) <= 1


def test_a_date_learned_from_is_judged_without_itself(league: Rows, profile: Profile) -> None:
    rows = take_dates(league, 20, 20 + LAST_DATES)
    last = rows.date_index == LAST_DATES - 1
    rows.values[last, 0] += 6
    alarms = _judge(profile, rows)
    assert max(s[0] for s in alarms.values()) > 1


def test_residuals_without_a_suspect_are_measured_once(league: Rows, profile: Profile) -> None:
    rows = take_dates(league, 60 - LAST_DATES, 60)
    last = rows.date_index == LAST_DATES - 1
    rows.values[last, 0] = np.roll(rows.values[last, 0], 40)
    none = np.zeros((len(rows.dates), len(rows.names)), dtype=np.bool_)
    judged = judge(profile, rows, none)
    (found,) = judged.measure_without([[0]], [2])
    known = judged.evidence.without[0, 2]
    judged.measure_without([[0], [1]], [2])
    assert judged.evidence.without[0, 2] is known
    # Another feature hangs on the suspect: without it, that one is as it should be.
    assert judged.evidence.measures["outlier"][-1, 2] > 0.5
    assert found["outlier"][-1, 0] < 0.3


def test_too_few_dates_teach_nothing(league: Rows) -> None:
    few = take_dates(league, 0, 9)
    every = np.ones(9, dtype=np.bool_)
    assert learn(few, every, every, TABLES, "league", "0") is None


def test_a_profile_is_the_same_after_it_was_stored(profile: Profile) -> None:
    table = write_profile(profile)
    again = read_profile(table)
    assert again.describe() == profile.describe()
    assert again.clean_dates == profile.clean_dates
    assert again.limits.alarm == profile.limits.alarm
    for metric in METRICS:
        np.testing.assert_array_equal(again.measures[metric], profile.measures[metric])
        np.testing.assert_array_equal(again.limits.scales[metric], profile.limits.scales[metric])
    assert again.structure.groupings == profile.structure.groupings
    assert write_profile(again).equals(table)


def _to_first_format(table: pl.DataFrame) -> pl.DataFrame:
    """The same with a row per date, as the first release wrote it."""
    rows: list[tuple[str, str, object]] = []
    for part, name, text in table.iter_rows():
        content = json.loads(text)
        if part == "about":
            content["format"] = 1
        if part != "dates":
            rows.append((part, name, content))
            continue
        for at, day in enumerate(content["dates"]):
            measures = {
                metric: [_pack_row(packed, at) for packed in both]
                for metric, both in content["measures"].items()
            }
            rows.append(("date", day, {"clean": content["clean"][at], "measures": measures}))
    written = [(part, name, json.dumps(content)) for part, name, content in rows]
    return pl.DataFrame(written, schema=table.schema, orient="row")


def _pack_row(packed: tuple[list[int], str], at: int) -> list[object]:
    """One row of a packed matrix, packed."""
    (_, width), data = packed
    plain = zlib.decompress(base64.b64decode(data))[at * width * 8 : (at + 1) * width * 8]
    return [[width], base64.b64encode(zlib.compress(plain)).decode()]


def test_a_profile_of_the_first_format_is_read(profile: Profile) -> None:
    new = write_profile(profile)
    old = _to_first_format(new)
    assert old.filter(pl.col("part") == "date").height == len(profile.dates)
    assert write_profile(read_profile(old)).equals(new)


def test_a_wide_profile_is_kept_in_several_rows(profile: Profile) -> None:
    """A row of all dates of thousands of features would not fit into every store."""
    table = write_profile(profile)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("fsq.profile.table._BLOCK_VALUES", 7 * len(profile.names) + 1)
        several = write_profile(profile)
    assert several.filter(pl.col("part") == "dates").height == -(-len(profile.dates) // 7)
    assert write_profile(read_profile(several)).equals(table)


@pytest.mark.parametrize(
    "table",
    [
        pl.DataFrame({"part": ["about"], "name": ["profile"], "content": ['{"format": 99}']}),
        pl.DataFrame({"part": ["about"], "name": ["profile"], "content": ["no JSON"]}),
        pl.DataFrame({"other": [1]}),
        pl.DataFrame(schema={"part": pl.String, "name": pl.String, "content": pl.String}),
    ],
)
def test_another_table_is_no_profile(table: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="learn it again"):
        read_profile(table)


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("about", "[]"),
        ("about", '{"format": 1}'),
        ("structure", "null"),
        ("structure", '[[2], "AAAA"]'),
        ("structure", '[[2], "not base64"]'),
        ("limits", "{}"),
        ("dates", '{"dates": ["2026-02-06"], "clean": [true], "measures": 3}'),
        ("dates", '{"dates": ["2026-02-06"], "clean": [], "measures": {}}'),
    ],
)
def test_a_damaged_profile_is_refused(profile: Profile, part: str, content: str) -> None:
    here = pl.col("part") == part
    damaged = write_profile(profile).with_columns(
        pl.when(here).then(pl.lit(content)).otherwise("content").alias("content")
    )
    with pytest.raises(InputError, match="learn it again"):
        read_profile(damaged)


def test_what_holds_is_said_in_sentences(profile: Profile) -> None:
    said = profile.describe()
    assert "side_rate is one value per side and date." in said
    assert "rival_rate equals the other side's side_rate in the same event." in said
    assert "at_home equals the column home_flag." in said
    explained = [s for s in said if s.startswith("The other features explain")]
    assert [s.rpartition(" of ")[2] for s in explained] == ["form.", "long_form.", "effort."]
    assert profile.headline in str(profile)
    assert "<table" in profile._repr_html_()
    assert profile.compare(profile) == []


def test_what_clean_dates_did_not_show_makes_nothing_stand_out(league: Rows) -> None:
    """A feature that was one value on many dates has no spread that a date could exceed."""
    early, every = take_dates(league, 0, 50), np.ones(50, dtype=np.bool_)
    early.values[early.date_index % 5 == 0, 0] = 3.0
    learned = learn(early, every, every, TABLES, "league", "0")
    assert learned is not None
    alarms = _judge(learned, take_dates(league, 60 - LAST_DATES, 60))
    assert max(alarms[m][0] for m in ("spread", "zero", "spike", "still", "step_mean")) <= 1


def test_after_a_short_break_records_are_compared(league: Rows, profile: Profile) -> None:
    rows = take_dates(league, 50 - LAST_DATES + 1, 60)
    here, rng = rows.date_index == len(rows.dates) - 1, np.random.default_rng(1)
    rows.values[here, 0] = rng.permutation(rows.values[here, 0])
    none = np.zeros((len(rows.dates), len(rows.names)), dtype=np.bool_)
    judged, every = judge(profile, rows, none), ~none[:, 0]
    away = judged.measure_strength(none[:, 0])
    after = judged.measure_strength(none[:, 0], every)
    calm = judged.measure_strength(every)
    assert 2 * after["jump"][-1, 0] == calm["jump"][-1, 0] > 2
    assert 2 * after["leap"][-1, 0] == calm["leap"][-1, 0] > 2
    assert away["jump"][-1, 0] == away["leap"][-1, 0] == 0
    assert not after["mean"].any()
    assert not after["residual_spread"].any()


def test_a_feature_that_a_break_has_moved_is_left_alone(league: Rows, profile: Profile) -> None:
    rows = take_dates(league, 50 - LAST_DATES + 1, 60)
    rows.values[rows.date_index == len(rows.dates) - 1, 0] = 0.0  # a window that has run empty
    none = np.zeros((len(rows.dates), len(rows.names)), dtype=np.bool_)
    after = judge(profile, rows, none).measure_strength(none[:, 0], ~none[:, 0])
    assert not after["leap"][-1, 0]
    assert not after["jump"][-1, 0]


def test_dates_that_are_judged_again_are_judged_as_before(league: Rows, profile: Profile) -> None:
    rows = take_dates(league, 30, 60)
    none = np.zeros((len(rows.dates), len(rows.names)), dtype=np.bool_)
    none[20] = True  # a date that is no history
    again = np.array([3, 21, 29])
    every, some = (judge(profile, rows, none, wanted=wanted) for wanted in (None, again))
    for metric in METRICS:
        for whole, part in ((every.distances, some.distances), (every.usual, some.usual)):
            assert np.array_equal(whole[metric][again], part[metric][again], equal_nan=True)
    assert np.isnan(np.delete(some.distances["mean"], again, axis=0)).all()


def test_what_is_known_of_other_dates_stays(league: Rows, profile: Profile) -> None:
    rows = take_dates(league, 30, 60)
    none = np.zeros((len(rows.dates), len(rows.names)), dtype=np.bool_)
    found = none.copy()
    found[20] = True  # a date that turns out to be no history
    again = np.array([21, 22, 29])
    before, after = judge(profile, rows, none), judge(profile, rows, found)
    known = judge(profile, rows, none)
    strength = known.measure_strength(~none[:, 0])
    known = judge(profile, rows, found, wanted=again, known=known)
    some = known.measure_strength(~none[:, 0], wanted=again)
    assert not np.array_equal(before.usual["mean"], after.usual["mean"], equal_nan=True)
    whole = after.measure_strength(~none[:, 0])
    for metric in METRICS:
        for now, old, new in (
            (known.usual, before.usual, after.usual),
            (known.distances, before.distances, after.distances),
        ):
            expected = old[metric].copy()
            expected[again] = new[metric][again]
            np.testing.assert_array_equal(now[metric], expected, err_msg=metric)
        np.testing.assert_array_equal(some[metric], whole[metric][again], err_msg=metric)
        assert strength[metric].shape == whole[metric].shape
