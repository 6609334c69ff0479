"""Training sets against a slow truth, and what they say of themselves."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import fsq
from fsq.report.pictures import draw_waterfall
from fsq.training import read_provenance
from fsq.training.gates import (
    list_excusable_features,
    list_required_features,
    list_training_ready_conditions,
)
from tests.support import strategies
from tests.support.frames import CONTRACT, NAMES, wide
from tests.support.oracle_contracts import V2

KEYS = ["game_date", "player_lookup"]


def rows(records: int = 400, seed: int = 1, share: float = 0.02) -> pl.DataFrame:
    """Scored rows that are mostly sound, with a label and some faults of every kind."""
    rng = np.random.default_rng(seed)
    plain = wide(records, days=8, seed=seed)
    sound = plain.with_columns(
        *(pl.lit("phase4").alias(f"{n}__source") for n in NAMES),
        *(
            pl.Series(n, rng.uniform(f.min, f.max, records))
            for n, f in zip(NAMES, CONTRACT.features, strict=True)
        ),
    )
    faulty = [pl.Series(rng.random(records) < share) for _ in NAMES]
    mixed = sound.with_columns(
        pl.when(bad).then(plain[c]).otherwise(pl.col(c)).alias(c)
        for n, bad in zip(NAMES, faulty, strict=True)
        for c in (n, f"{n}__source")
    )
    noon = pl.col("game_date").cast(pl.Datetime("us", "UTC"))
    late = pl.lit(pl.Series(rng.choice([6, 20, 30, 60], records, p=[0.7, 0.1, 0.1, 0.1])))
    at = rng.choice(3, records, p=[0.2, 0.1, 0.7])
    sizes = pl.Series([None, 0, 6], dtype=pl.Int64).gather(at)
    labels = pl.Series([None, np.nan, 12.0, 20.5, 3.0], strict=False).gather(rng.choice(5, records))
    return fsq.score(
        mixed.with_columns(
            points=labels,
            team=pl.Series(rng.choice(["A", "B"], records)),
            player_daily_cache__last_updated=noon + pl.duration(hours=24) - pl.duration(hours=late),
            vs_opponent__sample_size=sizes,
        )
    )


SCORED = rows()


def slow(scored: pl.DataFrame, mode: str) -> list[dict[str, Any]]:
    """What is kept, record by record."""
    out = []
    for record in scored.sort(KEYS).to_dicts():
        if record.get("points") is None or not np.isfinite(record["points"]):
            continue
        kept, values = True, {}
        for f in record["feature_quality_detail"]:
            fault = f["feature_quality_tier"] == "poor"
            feature = CONTRACT.features[f["feature_index"]]
            empty = (
                f["is_default"]
                and f["sample_size"] == 0
                and feature.window in ("season", "vs_opponent")
            )
            kept &= not (fault and not feature.optional and not empty)
            masked = fault and mode == "mask"
            values[f["feature_name"]] = None if masked else f["feature_value"]
        if mode != "drop" or (kept and record["is_training_ready"]):
            names = {k: record[k] for k in ("player_lookup", "game_date", "points")}
            out.append(names | values)
    return out


@pytest.mark.parametrize("mode", ["drop", "mask", "keep"])
def test_kept_records_and_values_are_those_of_the_slow_truth(mode: Any) -> None:
    made = fsq.training_set(SCORED, "points", mode)
    want = slow(SCORED, mode)
    assert 0 < len(want) < SCORED.height
    assert made.frame.drop("game_id").to_dicts() == [
        {k: r[k] for k in ("player_lookup", "game_date", *NAMES, "points")} for r in want
    ]


@given(strategies.wide_frames(V2), st.sampled_from(["drop", "mask", "keep"]))
def test_any_rows_give_the_slow_truth(frame: pl.DataFrame, mode: Any) -> None:
    scored = fsq.score(frame.unique(["player_lookup", "game_date"])).with_columns(points=1.0)
    made = fsq.training_set(scored, "points", mode)
    got = made.frame.select("player_lookup", "game_date", *NAMES).to_dicts()
    want = [{k: r[k] for k in ("player_lookup", "game_date", *NAMES)} for r in slow(scored, mode)]
    assert got == want


def test_the_gates_together_are_the_training_gate() -> None:
    every = fsq.score(wide(2_000, seed=5)).vstack(SCORED.select(fsq.score(wide(1)).columns))
    met = every.select(
        pl.all_horizontal(g.expression for g in list_training_ready_conditions(CONTRACT))
    )
    assert met.to_series().to_list() == every["is_training_ready"].to_list()
    assert 0 < every["is_training_ready"].sum() < every.height


def test_waterfall_adds_up_and_overlaps_are_counted() -> None:
    made = fsq.training_set(
        SCORED,
        "points",
        critical_features=True,
        min_training_quality=28,
        exclude=[date(2026, 1, 3)],
    )
    falls = made.waterfall.to_dicts()
    assert [w["gate"] for w in falls] == [
        "all",
        "label",
        "date",
        "tier",
        "matchup",
        "player_history",
        "no_critical_default",
        "critical_features",
        "training_quality",
        "default",
        "out_of_range",
        "stale",
    ]
    for before, after in itertools.pairwise(falls):
        assert after["left"] == before["left"] - after["dropped"]
    assert falls[-1]["left"] == made.frame.height == len(made)
    counts = Counter(gate for gates, n in made.overlaps.rows() for gate in gates for _ in range(n))
    alone = {gates[0]: n for gates, n in made.overlaps.rows() if len(gates) == 1}
    assert all(w["failed"] == counts[w["gate"]] for w in falls[1:])
    assert all(w["alone"] == alone.get(w["gate"], 0) for w in falls[1:])
    assert made.overlaps["rows"].sum() + len(made) == SCORED.height
    assert date(2026, 1, 3) not in made.frame["game_date"]
    assert 0 < len(made) < len(fsq.training_set(SCORED, "points"))


def test_bounds_drop_records_or_mask_values() -> None:
    asked: dict[str, Any] = {
        "min_quality": {"pace_score": 90.0},
        "max_age_hours": {"points_avg_last_5": 24.0},
    }
    dropped = fsq.training_set(SCORED, "points", "drop", training_ready=False, **asked)
    masked = fsq.training_set(SCORED, "points", "mask", **asked)
    long = fsq.explode_detail(SCORED).filter(pl.col("feature_name") == "pace_score")
    good = long.filter(pl.col("quality_score") >= 90).select(KEYS)
    assert dropped.frame.join(good, on=KEYS, how="anti").is_empty()
    weak = masked.frame.join(good, on=KEYS, how="anti")
    assert weak.height
    assert weak["pace_score"].null_count() == weak.height
    hours = SCORED.select(*KEYS, pl.col("upstream_data_freshness_hours"))
    old = masked.frame.join(hours.filter(pl.col("upstream_data_freshness_hours") > 24), on=KEYS)
    assert old.height
    assert old["points_avg_last_5"].null_count() == old.height
    young = masked.frame.join(hours.filter(pl.col("upstream_data_freshness_hours") <= 24), on=KEYS)
    assert young["points_avg_last_5"].null_count() < young.height / 2
    # Nobody knows how old these are.
    unknown = fsq.training_set(SCORED, "points", "mask", max_age_hours={"pace_score": 1e9})
    assert unknown.frame["pace_score"].null_count() == len(unknown)


def test_what_is_unknown_is_not_trusted() -> None:
    fields = [f.name for f in SCORED.schema["feature_quality_detail"].inner.fields]  # type: ignore[attr-defined]
    for blank in ("is_default", "feature_quality_tier"):
        element = pl.element().struct.field
        hidden = pl.struct(
            pl.lit(None, pl.Boolean if blank == "is_default" else pl.String).alias(f)
            if f == blank
            else element(f)
            for f in fields
        )
        unknown = SCORED.with_columns(pl.col("feature_quality_detail").list.eval(hidden))
        assert len(fsq.training_set(unknown, "points")) == 0
        masked = fsq.training_set(unknown, "points", "mask").frame.select(NAMES)
        assert masked.null_count().sum_horizontal().item() == masked.height * len(NAMES)


def test_a_number_binds_required_features_only() -> None:
    made = fsq.training_set(SCORED, "points", "mask", min_quality=100)
    assert set(made.options.min_quality) == set(list_required_features(CONTRACT))
    assert list_excusable_features(CONTRACT) == ("points_avg_season", "avg_points_vs_opponent")


@pytest.mark.parametrize("mode", ["drop", "mask", "keep"])
def test_the_fingerprint_knows_rows_and_gates_but_no_order(mode: Any) -> None:
    want = fsq.training_set(SCORED, "points", mode)
    shuffled = SCORED.sample(fraction=1.0, shuffle=True, seed=3)
    parts = pl.concat([shuffled[:57], shuffled[57:60], shuffled[60:]], rechunk=False)
    table = pa.Table.from_batches(parts.to_arrow().to_batches(max_chunksize=7))
    for same in (parts, parts.lazy(), table):
        made = fsq.training_set(same, "points", mode)
        assert_frame_equal(made.frame, want.frame)
        assert made.fingerprint == want.fingerprint
        assert made.waterfall.equals(want.waterfall)
    other = SCORED.with_columns(points=pl.col("points") + 1e-9)
    assert fsq.training_set(other, "points", mode).fingerprint != want.fingerprint
    gate = fsq.training_set(SCORED, "points", mode, drop_late=True)
    assert gate.frame.equals(want.frame)
    assert gate.fingerprint != want.fingerprint


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(fsq.InputError) as raised:
        fsq.training_set(
            SCORED.drop("quality_tier"),
            "pts",
            "dorp",  # type: ignore[arg-type]
            features=["pace_score", "pace_scor"],
            min_quality={"nothing": 50.0},
            max_age_hours=-1.0,
            carry=["tem"],
            leak_from=2.0,
            min_training_quality=99,
            exclude="yellow",  # type: ignore[arg-type]
            training_ready=True,
        )
    told = "\n".join(raised.value.problems)
    for word in (
        "column pts",
        "dorp",
        "'pace_score'",
        "nothing",
        "is -1",
        "tem",
        "leak_from",
        "is 99",
        "exclude",
        "quality_tier",
    ):
        assert word in told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": "pace_score"}, "has a feature's name"),
        ({"label": "team"}, "cast it to a number"),
        ({"on_default": "keep", "min_quality": 50}, "have no effect"),
        ({"start": date(2026, 1, 2), "end": date(2026, 1, 1)}, "swap them"),
        ({"features": ["pace_score", "pace_score"]}, "occurs twice"),
        ({"features": []}, "at least one"),
        ({"group": "pace_score", "features": ["home_away"]}, "not among the features"),
    ],
)
def test_arguments_that_cannot_be_meant(change: dict[str, Any], words: str) -> None:
    with pytest.raises(fsq.InputError, match=words):
        fsq.training_set(SCORED, **change)


def test_rows_that_are_not_scored_or_of_another_contract_are_refused() -> None:
    with pytest.raises(fsq.InputError, match=r"fsq\.score"):
        fsq.training_set(wide(4))
    with pytest.raises(fsq.InputError, match="name the contract"):
        _ = fsq.training_set(SCORED, contract="v3_37features").frame
    order = SCORED.with_columns(pl.col("feature_quality_detail").list.reverse())
    with pytest.raises(fsq.InputError, match="name the contract"):
        _ = fsq.training_set(order).frame
    with pytest.raises(fsq.InputError, match="duplicate keys: 400"):
        _ = fsq.training_set(pl.concat([SCORED, SCORED])).frame


def test_features_and_carried_columns_are_as_asked() -> None:
    made = fsq.training_set(SCORED, "points", features=["home_away", "pace_score"], carry=["team"])
    assert made.frame.columns == [
        "player_lookup",
        "game_date",
        "game_id",
        "team",
        "home_away",
        "pace_score",
        "points",
    ]
    features, label = made.to_numpy()
    assert features.shape == (len(made), 2)
    assert label is not None
    assert label.tolist() == made.frame["points"].to_list()


def test_empty_rows_give_an_empty_set() -> None:
    made = fsq.training_set(SCORED.clear(), "points")
    assert made.frame.height == 0
    assert [f.kind for f in made.findings] == ["nothing_kept"]
    assert "0 of 0" in str(made)


def test_a_feature_that_knows_the_label_is_a_leak() -> None:
    rng = np.random.default_rng(0)
    noise = pl.Series(rng.normal(0, 0.5, SCORED.height))
    detail = pl.col("feature_quality_detail")
    leaky = fsq.explode_detail(
        SCORED.select(*KEYS, detail).join(SCORED.select(*KEYS, "points"), on=KEYS)
    )
    truth = SCORED.select(*KEYS, told=pl.col("points") + noise)
    changed = leaky.join(truth, on=KEYS, how="left", maintain_order="left").with_columns(
        feature_value=pl.when(pl.col("feature_name") == "points_avg_last_5")
        .then("told")
        .otherwise("feature_value")
    )
    fields = [f.name for f in SCORED.schema["feature_quality_detail"].inner.fields]  # type: ignore[attr-defined]
    nested = changed.group_by(KEYS, maintain_order=True).agg(
        feature_quality_detail=pl.struct(fields)
    )
    scored = SCORED.drop("feature_quality_detail").join(nested, on=KEYS)
    made = fsq.training_set(scored, "points", "keep")
    (leak,) = [f for f in made.findings if f.kind == "label_leak"]
    assert leak.severity == "red"
    assert leak.features == ("points_avg_last_5",)
    top = made.correlations.row(0, named=True)
    pair = made.frame.select("points_avg_last_5", "points").drop_nulls()
    assert top["rows"] == pair.height
    assert top["correlation"] == pytest.approx(pair.select(pl.corr(*pair.columns)).item())
    assert not [
        f
        for f in fsq.training_set(scored, "points", "keep", leak_from=1.0).findings
        if f.kind == "label_leak"
    ]
    few = fsq.training_set(scored.head(30), "points", "keep")
    assert few.correlations["correlation"].null_count() == len(NAMES)


@pytest.mark.parametrize("own", [True, False])
def test_values_from_after_their_as_of_are_counted_and_dropped_on_request(own: bool) -> None:
    stamp = "team_offense_game_summary__last_updated"
    as_of = datetime(2026, 1, 9, 0, 0, tzinfo=UTC)
    stamps = [as_of - timedelta(hours=2), as_of, as_of + timedelta(microseconds=1), None]
    plain = wide(4, days=1).with_columns(
        pl.Series(stamp, stamps),
        player_daily_cache__last_updated=pl.lit(as_of - timedelta(hours=5, minutes=7)),
    )
    if own:
        plain = plain.with_columns(as_of=pl.lit(as_of).dt.replace_time_zone(None))
    scored = fsq.score(plain, as_of=as_of, now=as_of)
    made = fsq.training_set(scored, on_default="keep")
    assert made.late_rows == 1
    assert [f.kind for f in made.findings] == ["updated_after_as_of"]
    dropped = fsq.training_set(scored, on_default="keep", drop_late=True)
    assert dropped.waterfall.filter(pl.col("gate") == "late")["dropped"].item() == 1
    assert sorted(dropped.frame["player_lookup"]) == ["player0", "player1", "player3"]


def test_definitions_and_contracts_that_mix_are_named() -> None:
    newer = CONTRACT.model_copy(
        update={
            "name": "mine",
            "features": tuple(
                f.model_copy(update={"definition_version": "v9"}) if f.name == "pace_score" else f
                for f in CONTRACT.features
            ),
        }
    )
    early, late = wide(80).filter(pl.col("game_date") < date(2026, 1, 3)), wide(80)
    late = late.filter(pl.col("game_date") >= date(2026, 1, 3))
    both = pl.concat([fsq.score(early), fsq.score(late, newer)])
    found = {f.kind: f for f in fsq.training_set(both, on_default="keep").findings}
    assert found["mixed_definitions"].features == ("pace_score",)
    assert "v2 and v9" in found["mixed_definitions"].cause
    assert "mine and v2_33features" in found["mixed_contracts"].title
    assert not fsq.training_set(fsq.score(early), on_default="keep").findings


def test_what_is_dropped_is_told_by_date_column_and_group() -> None:
    made = fsq.training_set(SCORED, "points", carry=["team"])
    labelled = SCORED.filter(pl.col("points").is_finite())
    kept = made.frame.select(KEYS)
    for column, found in (("game_date", made.dropped_by_date), ("team", made.dropped_by("team"))):
        gone = labelled.join(kept, on=KEYS, how="anti")
        want = dict(gone.group_by(column).len().rows())
        assert {r[0]: r[2] for r in found.rows()} == {k: want.get(k, 0) for k in labelled[column]}
        assert found["rows"].sum() == labelled.height
    assert made.dropped_by_group["rows"].sum() == labelled.height
    by_team = fsq.training_set(SCORED, "points", group="team").dropped_by_group
    assert by_team["group"].to_list() == ["A", "B"]
    with pytest.raises(fsq.InputError, match="name it in carry"):
        made.dropped_by("team_abbr")


def test_a_filter_that_takes_one_group_is_a_finding() -> None:
    poor = SCORED["player_lookup"].is_in([f"player{i}" for i in range(12)])
    plain = wide(400, days=8).with_columns(pl.lit("phase4").alias(f"{n}__source") for n in NAMES)
    plain = plain.with_columns(pl.col(NAMES).fill_null(1.0))
    source = [
        pl.when(poor).then(pl.lit("default")).otherwise(pl.lit("phase4")).alias(f"{n}__source")
        for n in NAMES
    ]
    number = pl.col("player_lookup").str.slice(6).cast(pl.Float64)
    scored = fsq.score(plain.with_columns(*source, points=number))
    kinds = [
        f.kind
        for f in fsq.training_set(scored, "points", training_ready=True, on_default="keep").findings
    ]
    assert "uneven_drop" in kinds
    assert "uneven_drop" not in [
        f.kind for f in fsq.training_set(scored, "points", "mask").findings
    ]


def test_red_dates_are_left_out() -> None:
    hit = pl.col("game_date") == date(2026, 1, 6)
    plain = wide(480, days=8).with_columns(
        pl.when(hit & (f.category == "matchup"))
        .then(pl.lit("default"))
        .otherwise(pl.lit("phase4"))
        .alias(f"{f.name}__source")
        for f in CONTRACT.features
    )
    scored = fsq.score(plain.with_columns(points=1.0))
    dx = fsq.diagnose(scored)
    red = [d for d, verdict in dx.dates.items() if verdict == "red"]
    assert date(2026, 1, 6) in red
    assert len(red) < 8
    told = fsq.training_set(scored, "points", "keep", exclude=dx)
    assert set(told.frame["game_date"]) == set(scored["game_date"]) - set(red)
    itself = fsq.training_set(scored, "points", "keep", exclude="red")
    assert itself.frame.equals(told.frame)


def test_files_say_where_they_come_from(tmp_path: Path) -> None:
    made = fsq.training_set(SCORED, "points", "mask", exclude=[date(2026, 1, 2)])
    for name in ("t.parquet", "t.arrow", "t.npz"):
        path = made.write(tmp_path / name)
        told = read_provenance(path)
        assert told == json.loads(json.dumps(made.provenance))
        assert told["filter"]["excluded_dates"] == ["2026-01-02"]
        assert told["waterfall"] == made.waterfall.to_dicts()
    assert_frame_equal(pl.read_parquet(tmp_path / "t.parquet"), made.frame)
    assert_frame_equal(pl.read_ipc(tmp_path / "t.arrow"), made.frame)
    assert pq.read_schema(tmp_path / "t.parquet").field("pace_score").type == pa.float64()
    with np.load(tmp_path / "t.npz") as held:
        assert np.array_equal(held["features"], made.to_numpy()[0], equal_nan=True)
        assert held["label"].tolist() == made.frame["points"].to_list()
        assert held["player_lookup"].tolist() == made.frame["player_lookup"].to_list()
    with pytest.raises(fsq.InputError, match="use one of"):
        made.write(tmp_path / "t.csv")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(fsq.InputError, match="holds no provenance"):
        read_provenance(tmp_path / "other.parquet")


def test_pandas_gets_the_frame_or_a_clear_word(monkeypatch: pytest.MonkeyPatch) -> None:
    made = fsq.training_set(SCORED, "points")
    pytest.importorskip("pandas")
    frame = made.to_pandas()
    assert list(frame.columns) == made.frame.columns
    assert frame.attrs["fsq"]["fingerprint"] == made.fingerprint
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(fsq.InputError, match="pip install pandas"):
        made.to_pandas()


def test_displays_fit_and_escape() -> None:
    odd = SCORED.rename({"points": "<b>points</b>"})
    made = fsq.training_set(odd, "<b>points</b>", critical_features=True)
    text = str(made)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert f"{len(made):,} of {SCORED.height:,}" in text
    page = made._repr_html_()
    assert "<b>points" not in page
    assert "&lt;b&gt;points" in page
    assert draw_waterfall(made).png.startswith(b"\x89PNG")


def test_namespaces_do_the_same() -> None:
    want = fsq.training_set(SCORED, "points", "mask")
    assert SCORED.fsq.training_set("points", on_default="mask").frame.equals(want.frame)  # type: ignore[attr-defined]
    lazy = SCORED.lazy().fsq.training_set("points", on_default="mask")  # type: ignore[attr-defined]
    assert lazy.fingerprint == want.fingerprint
