"""What people pass from Python: dates and moments of any library, single names, any table."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fsq
from fsq.utils.arguments import read_date, read_moment
from tests.support.frames import wide

DAY = date(2026, 1, 2)
DAYS: dict[str, Any] = {
    "a date": DAY,
    "an ISO text": "2026-01-02",
    "a text with blanks": " 2026-01-02 ",
    "a basic ISO text": "20260102",
    "a text of a midnight": "2026-01-02T00:00:00",
    "a midnight": datetime(2026, 1, 2),
    "a midnight with a zone": datetime(2026, 1, 2, tzinfo=UTC),
    "a pandas midnight": pd.Timestamp("2026-01-02"),
    "a pandas midnight with a zone": pd.Timestamp("2026-01-02", tz="America/New_York"),
    "a NumPy date": np.datetime64("2026-01-02"),
    "a NumPy moment": np.datetime64("2026-01-02T00:00:00", "ns"),
}
NO_DAYS: dict[str, Any] = {
    "another order": "2.1.2026",
    "a word": "soon",
    "nothing": "",
    "a number": 20260102,
    "a moment": datetime(2026, 1, 2, 10, 30),
    "a text of a moment": "2026-01-02T10:30:00Z",
    "a missing pandas moment": pd.NaT,
    "a missing NumPy moment": np.datetime64("NaT", "D"),
    "bytes": b"2026-01-02",
    "a list": [DAY],
    "a mapping": {"day": DAY},
    "SQL": "2026-01-02' OR '1'='1",
    "the last year": date(9999, 12, 31),
}


@pytest.fixture(scope="module")
def scored() -> pl.DataFrame:
    return fsq.score(wide(240, 6).with_columns(points=pl.int_range(pl.len()).cast(pl.Float64) % 31))


@pytest.fixture(scope="module")
def store(scored: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> fsq.stores.Store:
    opened = fsq.open_store(tmp_path_factory.mktemp("arguments") / "store")
    opened.replace(scored)
    return opened


def use_day(what: Any, day: Any, target: Path) -> list[Any]:
    """What each function that takes dates gives for one."""
    entity = "player-0000"
    results = [
        list(fsq.diagnose(what, dates=day).dates),
        list(fsq.diagnose(what, dates=[day]).dates),
        fsq.training_set(what, "points", "keep", start=day, end=day).frame.height,
        fsq.training_set(what, "points", "keep", exclude=day).frame["game_date"].unique().to_list(),
        fsq.check_model("v2_14features", what, start=day, end=day, on_incompatible="report").dates,
        fsq.trend(what, start=day, end=day)["game_date"].to_list(),
    ]
    if hasattr(what, "read"):
        results.append(what.read(day, day).collect().height)
        results.append(what.read(day, day, "game_date").collect().height)
        results.append(what.read(day, day, ["feature_quality_detail.is_default"]).collect().height)
        results.append(entity)
    return results


@pytest.mark.parametrize("kind", DAYS)
def test_a_date_may_be_written_in_many_ways(
    scored: pl.DataFrame, store: Any, kind: str, tmp_path: Path
) -> None:
    want = use_day(store, DAY, tmp_path)
    got = use_day(store, DAYS[kind], tmp_path)
    for left, right in zip(got, want, strict=True):
        assert left.equals(right) if isinstance(left, pl.DataFrame) else left == right
    player = scored.filter(pl.col("game_date") == DAY)["player_lookup"][0]
    assert fsq.explain(scored, player, DAYS[kind]).record["game_date"] == DAY
    plan = fsq.backfill(wide(), tmp_path / "new", start=DAYS[kind], end=DAYS[kind], dry_run=True)
    assert [step.day for step in plan.plan] == [DAY]


@pytest.mark.parametrize("kind", NO_DAYS)
def test_what_is_no_date_is_refused_with_the_cure(store: Any, kind: str, tmp_path: Path) -> None:
    day = NO_DAYS[kind]
    calls: list[Any] = [
        lambda: fsq.training_set(store, start=day),
        lambda: fsq.check_model("v2_14features", store, end=day),
        lambda: fsq.trend(store, start=day),
        lambda: fsq.explain(store, "x", day),
        lambda: fsq.backfill(wide(), tmp_path / "new", start=day),
        lambda: store.read(day),
        lambda: store.read(None, day, ["feature_quality_detail.is_default"]),
        lambda: fsq.report(store, start=day),
    ]
    if not isinstance(day, list | dict):
        calls.append(lambda: fsq.diagnose(store, dates=[day]))
        calls.append(lambda: fsq.training_set(store, exclude=[day]))
    for call in calls:
        with pytest.raises(fsq.InputError, match=r"2026-02-06|pass its date"):
            call()


MOMENT = datetime(2026, 1, 2, 15, tzinfo=UTC)
MOMENTS: dict[str, Any] = {
    "without a zone": datetime(2026, 1, 2, 15),
    "in another zone": datetime(2026, 1, 2, 10, tzinfo=timezone(timedelta(hours=-5))),
    "an ISO text": "2026-01-02T15:00:00Z",
    "an ISO text without a zone": "2026-01-02 15:00",
    "an ISO text with an offset": "2026-01-02T10:00:00-05:00",
    "a pandas moment": pd.Timestamp("2026-01-02 15:00"),
    "a pandas moment with a zone": pd.Timestamp("2026-01-02 10:00", tz="America/New_York"),
    "a NumPy moment": np.datetime64("2026-01-02T15:00:00", "ns"),
}


@pytest.mark.parametrize("kind", MOMENTS)
def test_a_moment_may_be_written_in_many_ways(kind: str) -> None:
    rows = wide()
    want = fsq.score(rows, as_of=MOMENT, now=MOMENT)
    assert fsq.score(rows, as_of=MOMENTS[kind], now=MOMENTS[kind]).equals(want)


@pytest.mark.parametrize(
    "moment",
    [
        "noon",
        "",
        1767366000,
        1.5,
        pd.NaT,
        b"x",
        [MOMENT],
        "0001-01-01T00:00:00+14:00",
        datetime.max,
    ],
    ids=str,
)
def test_what_is_no_moment_is_refused_with_the_cure(moment: Any) -> None:
    for name in ("as_of", "now"):
        with pytest.raises(fsq.InputError, match=f"{name}: .*2026-02-06T23:00:00Z"):
            fsq.score(wide(), **{name: moment})
    with pytest.raises(fsq.InputError, match=r"now: .*2026-02-06T23:00:00Z"):
        fsq.training_set(fsq.score(wide()), now=moment)


anything = st.one_of(
    st.none(),
    st.text(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.datetimes(timezones=st.none() | st.timezones()),
    st.binary(),
    st.lists(st.integers(), max_size=2),
    st.datetimes().map(lambda d: d.isoformat()),
    st.dates().map(str),
)


@given(anything)
def test_any_value_is_a_date_or_an_error_of_ours(value: Any) -> None:
    for read, kind in ((read_date, date), (read_moment, datetime)):
        try:
            found = cast("Any", read)(value, "start", "nothing can be read")
        except fsq.InputError as error:
            found = error
        if isinstance(found, fsq.InputError):
            assert "start: " in str(found)
            assert len(str(found)) < 400
        else:
            assert found is None if value is None else isinstance(found, kind)


def test_numbers_may_be_texts(scored: pl.DataFrame) -> None:
    bounds: dict[str, Any] = {"min_training_quality": 3, "min_quality": 40, "leak_from": 0.9}
    want = fsq.training_set(scored, "points", "mask", **bounds)
    texts: dict[str, Any] = {name: str(value) for name, value in bounds.items()}
    numbers = {name: np.float64(value) for name, value in bounds.items()}
    for arguments in (texts, numbers):
        got = fsq.training_set(scored, "points", "mask", **cast("Any", arguments))
        assert got.fingerprint == want.fingerprint


def test_a_single_name_is_one_name(scored: pl.DataFrame) -> None:
    ts = fsq.training_set(scored, "points", "keep", features="pace_score", carry="game_id")
    assert ts.frame.columns == ["player_lookup", "game_date", "game_id", "pace_score", "points"]
    check = fsq.check_model(["pace_score"], scored, optional="pace_score", on_incompatible="report")
    assert check.optional == ("pace_score",)


@pytest.mark.parametrize(
    "arguments",
    [
        {"leak_from": "high"},
        {"min_quality": "good"},
        {"min_quality": {"pace_score": None, "home_away": "x"}},
        {"min_training_quality": [3]},
        {"min_training_quality": 2.5},
        {"min_training_quality": float("nan")},
        {"features": [3]},
        {"features": 3},
        {"carry": {"points": 1}.values()},
        {"max_age_hours": timedelta(hours=3)},
        {"group": ["points"]},
    ],
    ids=str,
)
def test_what_is_no_number_or_name_is_refused(
    scored: pl.DataFrame, arguments: dict[str, Any]
) -> None:
    with pytest.raises(fsq.InputError, match=next(iter(arguments))):
        fsq.training_set(scored, "points", **arguments)


RUN = {"pipeline_run_id": "run-7", "processors_completed": ["MLFeatureStoreProcessor"]}


@pytest.mark.parametrize(
    "run",
    [
        RUN,
        fsq.RunContext(**RUN),  # type: ignore[arg-type]
        {"by_date": {"2026-01-01": RUN, date(2026, 1, 2): fsq.RunContext(**RUN)}},  # type: ignore[arg-type]
        RUN | {"processors_completed": "MLFeatureStoreProcessor"},
    ],
    ids=["mapping", "context", "by date", "single name"],
)
def test_a_run_may_be_a_mapping(run: Any, tmp_path: Path) -> None:
    rows = wide(20, 2).drop("pipeline_run_id", "processors_completed", strict=False)
    scored = fsq.score(rows, run=run)
    assert scored["upstream_pipeline_run_id"].unique().to_list() == ["run-7"]
    assert scored["upstream_processors_ran"].unique().to_list() == ["MLFeatureStoreProcessor"]
    fsq.diagnose(scored, run=run)
    assert fsq.backfill(rows, tmp_path / "s", run=run).rows == 20


@pytest.mark.parametrize(
    "run", ["run-7", {"run_id": "run-7"}, 7, {"by_date": {"soon": {}}}, {"by_date": ["2026-01-01"]}]
)
def test_what_is_no_run_is_refused(run: Any) -> None:
    with pytest.raises(fsq.InputError, match="run context"):
        fsq.score(wide(), run=run)


@pytest.mark.parametrize("contract", [{"name": "mine"}, 3, b"x"], ids=str)
def test_what_is_no_contract_is_refused(contract: Any) -> None:
    with pytest.raises(fsq.ContractError, match="is not a contract"):
        fsq.score(wide(), contract)


def test_other_arguments_are_refused_with_the_cure(scored: pl.DataFrame, tmp_path: Path) -> None:
    calls: list[Any] = [
        lambda: fsq.training_set(scored, cast("Any", ["points"])),
        lambda: fsq.explain(scored, cast("Any", None), DAY),
        lambda: fsq.backfill(wide(), tmp_path / "s", chunk_rows=cast("Any", "many")),
        lambda: fsq.backfill(wide(), tmp_path / "s", chunk_rows=0),
        lambda: fsq.backfill(wide(), cast("Any", None)),
        lambda: fsq.open_store(cast("Any", 3)),
        lambda: fsq.check_model([3], scored),
        lambda: fsq.check_model(None, scored),
        lambda: fsq.check_model("v2_14features", scored, exclude=cast("Any", [DAY, DAY])),
        lambda: fsq.check_model("v2_14features", scored, exclude=cast("Any", np.zeros(2))),
        lambda: fsq.diagnose(scored, profile=cast("Any", "latest")),
        lambda: fsq.training_set(scored, exclude=cast("Any", np.zeros(2))),
        lambda: fsq.training_set(scored, exclude="yellow"),
    ]
    for call in calls:
        with pytest.raises(fsq.InputError):
            call()
    assert fsq.backfill(wide(), tmp_path / "t", chunk_rows=cast("Any", "5")).rows == 40
    names = np.array(["pace_score"])
    assert fsq.check_model(names, scored, on_incompatible="report").needed == ("pace_score",)


def test_a_store_brings_contract_source_and_name(tmp_path: Path) -> None:
    source = tmp_path / "rows.parquet"
    wide(240).with_columns(team_pace__source=pl.lit("default")).write_parquet(source)
    fsq.backfill(source, tmp_path / "store")
    opened = fsq.open_store(tmp_path / "store")
    assert repr(opened) == f"DeltaStore('{tmp_path / 'store'}')"
    remedies = [line for f in fsq.diagnose(opened).findings for line in f.remedy]
    commands = [line for line in remedies if line.startswith("fsq backfill")]
    assert commands
    assert all(str(source) in c and str(tmp_path / "store") in c for c in commands)
    again = fsq.backfill(opened, fsq.open_store(tmp_path / "copy"), dry_run=True)
    assert len(again.plan) == 4


def test_the_home_folder_may_be_written_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    wide().write_parquet(tmp_path / "rows.parquet")
    assert fsq.backfill("~/rows.parquet", "~/store").rows == 40
    assert (tmp_path / "store" / "_delta_log").is_dir()
    assert fsq.open_store("~/store").version() is not None
    fsq.report(fsq.open_store("~/store"), "~/report.html")
    assert (tmp_path / "report.html").is_file()
    (tmp_path / "mine.toml").write_text('name = "mine"\nextends = "v2_33features"\n')
    assert fsq.load_contract("~/mine.toml").name == "mine"
    assert not Path("~").exists()


def test_the_functions_are_found_and_named() -> None:
    assert {"backfill", "report", "explain", "trend"} <= set(fsq.__all__) & set(dir(fsq))
    assert all(callable(getattr(fsq, n)) and getattr(fsq, n).__doc__ for n in fsq.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        fsq.nothing  # noqa: B018
