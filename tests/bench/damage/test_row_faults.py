"""Rows that are missing or doubled: as many, and those, as the template says."""

from __future__ import annotations

import pytest

from tests.support.damage_scenes import plant_named, season


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("a tenth of the rows missing", 0.1),
        ("three tenths of the rows missing", 0.3),
        ("63 % of the rows missing", 0.63),
    ],
)
def test_as_many_rows_are_missing_as_it_says(name: str, share: float) -> None:
    scene = season()
    lost = scene.day.height - plant_named(name, scene).rows.height
    assert lost == round(share * scene.day.height)


def test_missing_groups_and_subgroups() -> None:
    scene = season()
    games = scene.day["game_id"].n_unique()
    assert plant_named("one group missing", scene).rows["game_id"].n_unique() == games - 1
    third = plant_named("a third of the groups missing", scene).rows["game_id"].n_unique()
    assert third == games - games // 3
    teams = plant_named("one subgroup missing", scene).rows
    assert teams["team_abbr"].n_unique() == scene.day["team_abbr"].n_unique() - 1
    half = plant_named("half of one subgroup missing", scene).rows
    (changed,) = [
        t
        for t in scene.day["team_abbr"].unique()
        if half.filter(team_abbr=t).height < scene.day.filter(team_abbr=t).height
    ]
    assert half.filter(team_abbr=changed).height > 0


def test_the_lower_half_has_the_lowest_values() -> None:
    scene = season()
    kept = plant_named("the lower half missing", scene).rows
    best = scene.table.varied[0]
    for team in scene.day["team_abbr"].unique():
        every, left = scene.day.filter(team_abbr=team)[best], kept.filter(team_abbr=team)[best]
        assert len(left) == pytest.approx(len(every) / 2, abs=1)
        assert left.max() == every.max()


def test_entities_in_two_spellings() -> None:
    scene = season()
    rows = plant_named("a tenth in two spellings", scene).rows
    new = set(rows["player_lookup"]) - set(scene.day["player_lookup"])
    assert len(new) == round(0.1 * scene.day.height)
    assert all(name.removesuffix("_001") in set(scene.day["player_lookup"]) for name in new)
    again = plant_named("one group under a second id", scene).rows
    assert again["game_id"].n_unique() == scene.day["game_id"].n_unique() + 1
