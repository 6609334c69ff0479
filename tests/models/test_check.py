"""Can data feed a model: by names, by contract, and by models that four libraries have fitted."""

from __future__ import annotations

import pickle
import sys
from datetime import date
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fsq
from tests.support.frames import CONTRACT, NAMES, wide

SCORED = fsq.score(wide(80))
FEATURES = ["pace_score", "home_away", "points_avg_season"]
DAY = date(2026, 1, 2)


def sound(**sources: str) -> pl.DataFrame:
    """Rows whose features are all there, but for those that are named."""
    rows = wide(40).with_columns(pl.col(NAMES).fill_null(1.0))
    return rows.with_columns(pl.lit(sources.get(n, "phase4")).alias(f"{n}__source") for n in NAMES)


def rejected(model: Any, scored: Any, **options: Any) -> fsq.ModelIncompatibleError:
    with pytest.raises(fsq.ModelIncompatibleError) as raised:
        fsq.check_model(model, scored, **options)
    return raised.value


def test_a_contract_model_may_predict_where_the_record_says_so() -> None:
    words = pl.Series(["phase4", "default", "missing"])
    rng = np.random.default_rng(0)
    mixed = sound().with_columns(
        words.gather(rng.choice(3, 40, p=[0.8, 0.1, 0.1])).alias(f"{n}__source")
        for n in ("home_away", "points_avg_season", "pace_score")
    )
    scored = fsq.score(mixed)
    found = fsq.check_model("v2_14features", scored)
    want = scored.filter(pl.col("breakout_model_compatible").list.contains("v2_14features"))
    assert 0 < want.height < scored.height
    assert sorted(found.predictable.rows()) == sorted(
        want.select("player_lookup", "game_date").rows()
    )
    assert found.dates["may_predict"].sum() == want.height
    assert found.dates["records"].to_list() == [10] * 4


def test_what_keeps_records_out_is_listed_the_most_frequent_first() -> None:
    often = pl.when(pl.int_range(pl.len()) % 5 > 0).then(pl.lit("default"))
    mixed = sound().with_columns(
        often.otherwise(pl.lit("phase4")).alias("pace_score__source"),
        pl.when(pl.int_range(pl.len()) % 5 == 1)
        .then(None)
        .otherwise("home_away")
        .alias("home_away"),
    )
    told = str(fsq.check_model(FEATURES, fsq.score(mixed)))
    listed = told.partition("Kept out by:")[2].split("\n")[1:3]
    assert [line.split() for line in listed] == [
        ["pace_score", "default", "in", "32", "records"],
        ["home_away", "default", "in", "8", "records"],
    ]


def test_a_lacking_feature_is_refused_with_both_lists() -> None:
    detail = pl.col("feature_quality_detail")
    named = pl.element().struct.field("feature_name")
    without = fsq.score(sound()).with_columns(
        detail.list.eval(pl.element().filter(named != "points_avg_season"))
    )
    error = rejected(FEATURES, without)
    assert "points_avg_season is missing" in str(error)
    assert error.needed == FEATURES
    assert f"it needs: {', '.join(FEATURES)}" in str(error)
    assert error.available == [n for n in NAMES if n != "points_avg_season"]
    assert f"the data has: {', '.join(error.available)}" in str(error)
    report = fsq.check_model(FEATURES, without, on_incompatible="report")
    assert not report.supported
    assert report.records["missing"].to_list() == [["points_avg_season"]] * 40


def test_a_feature_that_is_default_for_all_is_lacking_on_that_date_alone() -> None:
    rows = sound().with_columns(
        points_avg_season__source=pl.when(pl.col("game_date") == DAY)
        .then(pl.lit("default"))
        .otherwise(pl.lit("phase4"))
    )
    scored = fsq.score(rows)
    report = fsq.check_model(FEATURES, scored, on_incompatible="report")
    assert dict(report.dates.select("game_date", "supported").rows()) == {
        d: d != DAY for d in rows["game_date"]
    }
    assert report.problems == (f"points_avg_season is default for nearly all records on {DAY}",)
    assert "points_avg_season" not in report.available
    assert fsq.check_model(FEATURES, scored, start=date(2026, 1, 3)).supported
    assert "points_avg_season" in str(rejected(FEATURES, scored, end=DAY))


def test_optional_features_may_be_default_and_others_as_asked() -> None:
    scored = fsq.score(sound(vegas_points_line="missing", pace_score="default"))
    assert fsq.check_model(["vegas_points_line", "home_away"], scored).supported
    rejected(["vegas_points_line", "home_away"], scored, optional=[])
    assert fsq.check_model(["pace_score"], scored, optional=["pace_score"]).supported


def test_renamed_and_reordered_features_are_named() -> None:
    scored = fsq.score(sound())
    report = fsq.check_model(
        ["pace_score", "Points_Avg_Last5", "home_away"], scored, on_incompatible="report"
    )
    assert report.renamed == {"Points_Avg_Last5": "points_avg_last_5"}
    assert "is it now points_avg_last_5?" in report.problems[0]
    assert report.reordered == ()
    found = fsq.check_model(FEATURES, scored)
    assert found.reordered == ("points_avg_season", "pace_score", "home_away")
    assert "another order" in str(rejected(FEATURES, scored, ordered=True))
    fsq.check_model(sorted(FEATURES, key=NAMES.index), scored, ordered=True)


def test_quality_can_be_asked_for() -> None:
    scored = fsq.score(sound(pace_score="phase3"))
    assert fsq.check_model(FEATURES, scored, min_quality=80).supported
    error = rejected(FEATURES, scored, min_quality={"pace_score": 90})
    assert error.problems == ["no record has all features on 4 dates from 2026-01-01 to 2026-01-04"]


def test_dates_of_two_contracts_are_judged_each_by_its_own_features() -> None:
    rows = sound()
    extra = {f: 1.0 for f in fsq.load_contract("v3_37features").names if f not in NAMES}
    newer = rows.filter(pl.col("game_date") == DAY).with_columns(
        *(pl.lit(v).alias(f) for f, v in extra.items()),
        *(pl.lit("phase4").alias(f"{f}__source") for f in extra),
    )
    both = pl.concat(
        [fsq.score(rows.filter(pl.col("game_date") != DAY)), fsq.score(newer, "v3_37features")]
    )
    report = fsq.check_model(["star_teammate_out", "pace_score"], both, on_incompatible="report")
    assert report.dates.filter("supported")["game_date"].to_list() == [DAY]
    assert fsq.check_model("v3_13features", both, contract="v3_37features", start=DAY, end=DAY)


def test_nothing_to_judge_is_not_fine() -> None:
    assert "no records" in str(rejected(FEATURES, SCORED.clear()))
    with pytest.raises(fsq.InputError, match=r"fsq\.score"):
        fsq.check_model(FEATURES, wide(4))
    with pytest.raises(fsq.InputError, match="occurs twice"):
        fsq.check_model(["pace_score", "pace_score"], SCORED)
    with pytest.raises(fsq.InputError, match="v2_14features"):
        fsq.check_model("v9", SCORED)


def frame() -> tuple[Any, np.ndarray]:
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, len(FEATURES)))
    return pandas.DataFrame(values, columns=FEATURES), values[:, 0] + rng.normal(size=200) * 0.1


def fitted(kind: str) -> Any:
    x, y = frame()
    if kind == "sklearn":
        return make_pipeline(StandardScaler(), LinearRegression()).fit(x, y)
    if kind == "lightgbm":
        return lightgbm.LGBMRegressor(n_estimators=2, verbose=-1).fit(x, y)
    if kind == "xgboost":
        return pytest.importorskip("xgboost").XGBRegressor(n_estimators=2).fit(x, y)
    catboost = pytest.importorskip("catboost")
    return catboost.CatBoostRegressor(iterations=2, verbose=False, allow_writing_files=False).fit(
        x, y
    )


@pytest.mark.parametrize("kind", ["sklearn", "lightgbm", "xgboost", "catboost"])
def test_a_fitted_model_names_its_features(kind: str) -> None:
    assert list(fsq.check_model(fitted(kind), fsq.score(sound())).needed) == FEATURES


@pytest.mark.parametrize(
    ("kind", "name"),
    [("lightgbm", "m.txt"), ("xgboost", "m.json"), ("xgboost", "m.ubj"), ("catboost", "m.cbm")],
)
def test_a_model_file_names_its_features(kind: str, name: str, tmp_path: Path) -> None:
    path, model = tmp_path / name, fitted(kind)
    {
        "lightgbm": lambda: model.booster_.save_model(str(path)),
        "xgboost": lambda: model.save_model(path),
        "catboost": lambda: model.save_model(str(path)),
    }[kind]()
    found = fsq.check_model(path, fsq.score(sound()))
    assert list(found.needed) == FEATURES
    assert found.model == name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3][::-1])
    with pytest.raises(fsq.InputError, match="cannot be read as a model"):
        fsq.check_model(path, SCORED)


@pytest.mark.parametrize(("name", "library"), [("m.cbm", "catboost"), ("m.ubj", "xgboost")])
def test_a_library_that_is_not_installed_is_named(
    name: str, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(b"tree")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(fsq.InputError, match=f"pip install {library}"):
        fsq.check_model(tmp_path / name, SCORED)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.txt", "tree\nfeature_names=a b\n"),
        ("m.txt", "tree\nmax_feature_idx=5\nfeature_names=a b\n\nTree=0\n"),
        ("m.txt", "tree\nmax_feature_idx=0\nfeature_infos=[0:1]\n\nTree=0\n"),
        ("m.json", '{"learner": {"feature_names": {"a": 1}}}'),
        ("m.json", '{"learner": ' * 100_000),
        ("m.json", "[]"),
    ],
)
def test_a_damaged_text_model_is_refused(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(fsq.InputError, match="cannot be read as a model"):
        fsq.check_model(tmp_path / name, SCORED)


class Bomb:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("exploded"),))


@pytest.mark.parametrize("name", ["m.pkl", "m.joblib", "m.cbm", "m.txt", "m.json", "m.ubj"])
def test_a_pickle_is_never_loaded_untold(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
    if name == "m.cbm":
        pytest.importorskip("catboost")
    with pytest.raises(fsq.InputError):
        fsq.check_model(tmp_path / name, SCORED)
    assert not (tmp_path / "exploded").exists()
    if name == "m.pkl":  # the bomb works, so that its silence above says something
        with pytest.raises(fsq.InputError):
            fsq.check_model(tmp_path / name, SCORED, trust_pickle=True)
        assert (tmp_path / "exploded").exists()


def test_a_trusted_pickle_is_loaded(tmp_path: Path) -> None:
    joblib.dump(fitted("sklearn"), tmp_path / "m.joblib")
    found = fsq.check_model(tmp_path / "m.joblib", fsq.score(sound()), trust_pickle=True)
    assert list(found.needed) == FEATURES


def test_features_without_names_are_refused() -> None:
    x, y = frame()
    unnamed = lightgbm.LGBMRegressor(n_estimators=1, verbose=-1).fit(x.to_numpy(), y)
    for model in (unnamed, LinearRegression().fit(x.to_numpy(), y), LinearRegression()):
        with pytest.raises(fsq.InputError, match="named columns"):
            fsq.check_model(model, SCORED)


def test_displays_fit_and_escape() -> None:
    report = fsq.check_model(
        ["<b>pace</b>", *NAMES[:9]], SCORED, on_incompatible="report", contract=CONTRACT
    )
    assert max(len(line) for line in str(report).splitlines()) <= 80
    assert "<b>pace" not in report._repr_html_()
    assert report.to_dict()["supported"] is False
    lazy: Any = fsq.score(sound()).lazy()
    assert lazy.fsq.check_model("v2_14features").supported
