"""Every input form scores the same, and bad input is rejected with every problem."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

import fsq
from fsq.contract.loading import parse_contract
from fsq.errors import InputError
from fsq.schema.columns import DETAIL_FIELDS
from fsq.scoring import engine
from tests.support.frames import FORMS, NAMES, hybrid, legacy, wide
from tests.support.v2 import ARROW_SCHEMA, COLUMN_NAMES, COLUMNS, POLARS_SCHEMA

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = wide()
SCORED = fsq.score(ROWS, now=NOW)
QUALITY = SCORED.select(COLUMN_NAMES)
DETAIL_NAME = "feature_quality_detail"
DETAIL, DETAIL_TYPE = pl.col(DETAIL_NAME), POLARS_SCHEMA[DETAIL_NAME]


def quality(rows: pl.DataFrame) -> pl.DataFrame:
    return fsq.score(rows, now=NOW).select(COLUMN_NAMES)


def test_44_columns_and_23_fields_follow_the_carried_columns() -> None:
    assert len(COLUMNS) == 44
    assert len(DETAIL_FIELDS) == 23
    carried = ["player_lookup", "game_date", "game_id"]
    assert SCORED.columns == [*carried, *COLUMN_NAMES]
    assert dict(QUALITY.schema) == dict(POLARS_SCHEMA)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_scores_the_same(form: str) -> None:
    assert_frame_equal(quality(FORMS[form](ROWS)), QUALITY)


def test_scored_rows_without_labels_score_the_same_if_labels_are_types() -> None:
    labels = pl.col([f"{n}__source" for n in NAMES])
    types = {
        "minutes_ppm": "phase4",
        "opponent_history": "phase4",
        "vegas": "phase4",
        "missing": "default",
        "fallback": "default",
    }
    values = pl.col(NAMES).fill_null(1.0)  # NULL counts as missing, whatever its label
    rows = ROWS.with_columns(values, labels.cast(pl.String).replace(types))
    scored = fsq.score(rows, now=NOW)
    assert scored["feature_sources"].str.contains("calculated").any()
    got = quality(scored.drop("feature_sources"))
    assert_frame_equal(got, scored.select(COLUMN_NAMES))


def test_legacy_fields_that_rows_state_are_kept() -> None:
    stated = SCORED.with_columns(primary_data_source=pl.lit("by hand"))
    assert quality(stated)["primary_data_source"].unique().to_list() == ["by hand"]
    assert_frame_equal(
        quality(stated).drop("primary_data_source"), QUALITY.drop("primary_data_source")
    )


def test_features_are_read_by_name_not_position() -> None:
    mixed = pl.concat([legacy(ROWS.head(15)), legacy(ROWS.slice(15), list(reversed(NAMES)))])
    without = [c for c in COLUMN_NAMES if c != "feature_sources"]
    assert_frame_equal(quality(mixed).select(without), QUALITY.select(without))


def test_sources_as_a_map() -> None:
    pairs = [pl.struct(key=pl.lit(str(i)), value=f"{n}__source") for i, n in enumerate(NAMES)]
    mapped = legacy(ROWS).with_columns(ROWS.select(pl.concat_list(pairs).alias("feature_sources")))
    assert_frame_equal(quality(mapped), QUALITY)


@pytest.mark.parametrize(
    "other",
    [DETAIL.list.reverse(), DETAIL.list.head(32), DETAIL.list.head(0), pl.lit(None, DETAIL_TYPE)],
    ids=["in another order", "fewer", "none", "NULL"],
)
def test_a_detail_of_other_features_is_rejected(other: pl.Expr) -> None:
    first = pl.int_range(pl.len()) == 0
    rows = SCORED.with_columns(pl.when(first).then(other).otherwise(DETAIL).alias(DETAIL_NAME))
    with pytest.raises(fsq.InputError, match="features are not those of v2_33features"):
        fsq.score(rows)


def test_a_source_that_a_map_lacks_is_missing() -> None:
    few = pl.struct(pl.lit("phase4").alias("0"), pl.lit("phase3").alias("2"))
    rows = wide(2, 1).with_columns(pl.col(NAMES).fill_null(1.0))
    scored = fsq.score(legacy(rows).with_columns(feature_sources=few), now=NOW)
    detail = scored["feature_quality_detail"].explode(empty_as_null=False).struct
    assert detail.field("source_type").to_list()[:4] == ["phase4", "default", "phase3", "default"]
    assert scored["default_feature_count"].to_list() == [31, 31]


def test_lazy_rows_stay_lazy_and_push_down() -> None:
    lazy = fsq.score(ROWS.lazy(), now=NOW)
    assert lazy.collect_schema() == SCORED.schema
    assert_frame_equal(lazy.collect(), SCORED)
    first = pl.col("game_date") == date(2026, 1, 1)
    late = pl.col("quality_tier") == "critical"
    for predicate in (first, late, first & late):
        want = SCORED.filter(predicate).select("quality_tier", "player_lookup")
        got = lazy.filter(predicate).select("quality_tier", "player_lookup").collect()
        assert_frame_equal(got, want)
    assert_frame_equal(lazy.head(7).collect(), SCORED.head(7))


def test_bad_rows_on_other_dates_do_not_matter() -> None:
    bad = pl.when(pl.col("game_date") > date(2026, 1, 2)).then(pl.lit("typo"))
    rows = ROWS.with_columns(bad.otherwise("pace_score__source").alias("pace_score__source"))
    wanted = pl.col("game_date") == date(2026, 1, 1)
    assert fsq.score(rows.lazy()).filter(wanted).collect().height == 10
    with pytest.raises(fsq.InputError, match="typo"):
        fsq.score(rows.lazy()).collect()


def test_arrow_in_gives_plain_arrow_out() -> None:
    table = fsq.score(ROWS.to_arrow(), now=NOW)
    assert isinstance(table, pa.Table)
    assert pa.schema([table.schema.field(c) for c in COLUMN_NAMES]) == ARROW_SCHEMA
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    assert_frame_equal(frame, SCORED)


@pytest.mark.parametrize("form", FORMS)
def test_no_rows_give_the_same_schema(form: str) -> None:
    rows = FORMS[form](ROWS)
    assert fsq.score(rows.clear()).schema == fsq.score(rows).schema


@pytest.mark.parametrize("form", FORMS)
def test_columns_of_nothing_but_null_score_or_are_named(form: str) -> None:
    """A column without a value often has no type, too; that is an answer or one clear error."""
    rows = FORMS[form](ROWS)
    keys = ("player_lookup", "game_date")
    for column in (c for c in rows.columns if c not in keys):
        empty = rows.with_columns(pl.lit(None, pl.Null).alias(column))
        try:
            assert fsq.score(empty, now=NOW).height == rows.height
        except fsq.InputError as error:
            assert error.problems  # noqa: PT017 - either is right


def test_row_order_is_kept() -> None:
    shuffled = ROWS.sample(fraction=1, shuffle=True, seed=3)
    keys = ["player_lookup", "game_date"]
    assert_frame_equal(fsq.score(shuffled).select(keys), shuffled.select(keys))


@pytest.mark.parametrize("rows", [7, 39, 40])
def test_chunk_size_does_not_matter(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fsq.scoring.engine.CHUNK_ROWS", rows)
    assert_frame_equal(fsq.score(ROWS, now=NOW), SCORED)
    assert_frame_equal(fsq.score(ROWS.lazy(), now=NOW).collect(), SCORED)
    assert_frame_equal(fsq.score(ROWS.lazy(), now=NOW).head(9).collect(), SCORED.head(9))


def test_a_key_in_capitals_tells_the_table() -> None:
    text = (
        'name = "shops"\nunlabelled = "read"\nsource_types = [{ name = "read", tier = "gold" }]\n'
        'categories = [{ name = "all" }]\n'
        'features = [{ name = "heat", category = "all", upstream_table = "t", min = 0, max = 9 }]\n'
        '[table]\nkeys = ["SHOP"]\ndate = "DAY"\n'
        '[sources]\nread = { type = "read", base = 100, reliability = 1 }\n'
    )
    rows = pl.DataFrame({"SHOP": ["a"], "DAY": [date(2026, 2, 1)]})
    with pytest.raises(InputError, match="missing columns: \\['heat'\\]") as caught:
        fsq.score(rows, parse_contract(text, "shops"))
    assert "not a table" not in str(caught.value)


def test_explode_detail() -> None:
    long = fsq.explode_detail(SCORED)
    assert long.height == ROWS.height * 33
    assert long["feature_index"].head(33).to_list() == list(range(33))


@pytest.mark.parametrize(
    ("rows", "problems"),
    [
        (ROWS.drop("home_away"), ["missing columns: ['home_away']"]),
        (ROWS.drop("game_date"), ["missing key column 'game_date'"]),
        (pl.DataFrame({"shop": ["a"]}), ["not a table that v2_33features describes", "--contract"]),
        (ROWS.with_columns(pace_score=pl.lit("x")), ["pace_score is String; make it a number"]),
        (ROWS.with_columns(game_date=pl.lit("x")), ["game_date: 'x' is not an ISO date"]),
        (ROWS.with_columns(as_of=pl.lit(1)), ["as_of is Int32; make it a timestamp"]),
        (ROWS.with_columns(pace_score__source=pl.lit("typo")), ["'typo' (40)", "on_unknown"]),
        (pl.concat([ROWS, ROWS.head(1)]), ["duplicate keys: 1, e.g. player0 2026-01-01 (2 times)"]),
        (
            ROWS.with_columns(player_lookup=pl.lit(None, pl.String)),
            ["player_lookup: NULL in 40 rows"],
        ),
        (ROWS.with_columns(quality_tier=pl.lit("gold")), ["named like output columns"]),
        (legacy(ROWS, list(NAMES[:25])), ["40 rows lack ['vegas_points_line'"]),
        (legacy(ROWS).drop("feature_sources"), ["missing column feature_sources"]),
        (legacy(ROWS).with_columns(feature_sources=pl.lit("{")), ["not a JSON object"]),
        (legacy(ROWS).with_columns(features=pl.lit([1.0])), ["the number of values differs"]),
        (hybrid(ROWS).drop("feature_32_value"), ["feature_32_value"]),
        (
            pl.concat([ROWS, ROWS.head(1)])
            .with_columns(pace_score__source=pl.lit("typo"), home_away=pl.lit("x"))
            .drop("fatigue_score"),
            ["(4 problems)", "fatigue_score", "home_away", "typo", "duplicate"],
        ),
    ],
)
def test_bad_input_is_rejected_with_every_problem(rows: pl.DataFrame, problems: list[str]) -> None:
    with pytest.raises(fsq.InputError) as error:
        fsq.score(rows)
    for problem in problems:
        assert problem in str(error.value)
    with pytest.raises(fsq.InputError):
        fsq.score(rows.lazy()).collect()


def test_rows_of_another_type_are_rejected() -> None:
    rows: Any = [3, 4]
    with pytest.raises(fsq.InputError, match="rows is a list"):
        fsq.score(rows)


def test_unknown_labels_may_count_as_default() -> None:
    at = pl.int_range(pl.len())
    odd = pl.when(at < 7).then(pl.lit("typo")).otherwise(pl.lit("phase4"))
    with pytest.raises(fsq.InputError) as error:
        fsq.score(ROWS.with_columns(pace_score__source=odd))
    assert error.value.problems[0].startswith("unknown source labels: 'typo' (7); use [")
    rows = ROWS.with_columns(pace_score__source=pl.lit("typo"))
    detail = fsq.explode_detail(fsq.score(rows, on_unknown_source="default"))
    pace = detail.filter(pl.col("feature_name") == "pace_score")
    assert pace["is_default"].all()
    assert set(pace["quality_score"]) <= {40.0, 30.0}


@pytest.mark.parametrize("held", [20, 100_000])
def test_lazy_flat_columns_start_only_once_all_labels_are_known(
    held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "CHUNK_ROWS", 10)
    monkeypatch.setattr(engine, "HELD_ROWS", held)
    tiers = fsq.score(ROWS.lazy()).select("player_lookup", "quality_tier")
    assert tiers.collect().equals(SCORED.select("player_lookup", "quality_tier"))
    at = pl.int_range(pl.len())
    odd = pl.when(at >= pl.len() - 7).then(pl.lit("typo")).otherwise(pl.lit("phase4"))
    tiers = fsq.score(ROWS.with_columns(pace_score__source=odd).lazy()).select("quality_tier")
    batches = tiers.collect_batches(chunk_size=10, maintain_order=True)
    with pytest.raises(fsq.InputError, match=r"unknown source labels: 'typo' \(7\)"):
        next(iter(batches))


def test_a_run_context_fills_in_what_rows_lack() -> None:
    run = fsq.RunContext(
        "run-1",
        ["PlayerDailyCacheProcessor", "Zeta", "Alpha"],
        {date(2026, 1, 2): fsq.RunContext("run-2", [])},
    )
    scored = fsq.score(ROWS, run=run)
    first = scored.row(0, named=True)
    assert first["upstream_pipeline_run_id"] == "run-1"
    assert first["upstream_processors_ran"] == "PlayerDailyCacheProcessor,Alpha,Zeta"
    assert first["missing_processors"].startswith("PlayerCompositeFactorsProcessor,")
    second = scored.filter(pl.col("game_date") == date(2026, 1, 2)).row(0, named=True)
    assert (second["upstream_pipeline_run_id"], second["upstream_processors_ran"]) == ("run-2", "")
    assert SCORED["missing_processors"].null_count() == SCORED.height


def test_score_in_the_namespace() -> None:
    assert_frame_equal(ROWS.fsq.score(now=NOW), SCORED)  # type: ignore[attr-defined]
    assert_frame_equal(ROWS.lazy().fsq.score(now=NOW).collect(), SCORED)  # type: ignore[attr-defined]
