"""Dates held against a learned profile: the query says what Python says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from google.cloud import bigquery
from polars.testing import assert_frame_equal

import fsq
from fsq import sql
from fsq.cli import main
from fsq.demo import simulate_season
from fsq.profile import Profile, write_profile
from fsq.profile.twins import Twin
from fsq.schema.arrow import to_arrow
from fsq.sql import create
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.fields import table_fields
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.write import write_rows
from tests.sql.test_text import reserved, strip
from tests.support.frames import CONTRACT
from tests.support.profiles import compare
from tests.support.v2 import OUTPUT

TABLE = TableName("p", "sql_profile", "scored")
URI = f"bigquery://{TABLE.dotted}"
LEARNED = 34
PLACE = pl.int_range(pl.len()).over("game_date")

# One worker runs all of them, since the table and Google's analyzer take a while to make.
pytestmark = pytest.mark.xdist_group("zetasql")


def make_rows() -> pl.DataFrame:
    """Forty-four dates of a season; the last ten have a fault each, or none."""
    rows = simulate_season("2025-26", incidents=False).rows
    days = rows["game_date"].unique().sort().to_list()[26:70]
    rows = rows.filter(pl.col("game_date").is_in(days), PLACE < 70)
    at_home = (pl.col("home_away") == 1).alias("at_home")
    rows = rows.with_columns(at_home, PLACE.alias("place"))
    stamp = "player_daily_cache__last_updated"

    def put(day: int, where: pl.Expr, **values: pl.Expr) -> None:
        nonlocal rows
        hit = (pl.col("game_date") == days[LEARNED + day]) & where
        rows = rows.with_columns(
            pl.when(hit).then(v).otherwise(pl.col(n)).alias(n) for n, v in values.items()
        )

    some = pl.col("place") % 3 == 0
    put(1, pl.lit(True), minutes_avg_last_10=pl.col("minutes_avg_last_10") * 1.4)
    put(2, pl.col("place") < 21, team_pace=pl.col("team_pace") + pl.col("place"))
    put(3, some, points_std_last_10=pl.lit(0.0))
    put(4, pl.lit(True), home_away=1 - pl.col("home_away"))
    put(5, pl.lit(True), **{stamp: pl.col(stamp) + pl.duration(hours=40)})
    cache = [f.name for f in CONTRACT.features if f.upstream_table == "player_daily_cache"]
    put(6, some, **{f"{n}__source": pl.lit("default") for n in cache})
    every = {f"{n}__source": pl.lit("missing") for n in CONTRACT.names}
    put(7, some, **every)
    late = pl.col("computed_at") - pl.duration(hours=30)
    put(9, pl.lit(True), computed_at=late)
    put(8, pl.lit(True), opponent_pace=pl.col("opponent_pace") + 4)
    return rows.drop("place")


SCORED = fsq.score(make_rows())
DAYS: list[date] = SCORED["game_date"].unique().sort().to_list()


@pytest.fixture(scope="module")
def profile() -> Profile:
    learned = fsq.learn_profile(SCORED.filter(pl.col("game_date") < DAYS[LEARNED]))
    assert learned is not None
    assert learned.structure.groupings
    assert learned.structure.mirrors
    assert Twin("at_home", CONTRACT.names.index("home_away")) in learned.structure.twins
    return learned


@pytest.fixture(scope="module")
def client(emulator: dict[str, str]) -> Iterator[Any]:
    """A client beside the table."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.items():
            patch.setenv(name, value)
        with open_clients("p") as clients:
            clients.tables.create_dataset("p.sql_profile")
            rows = to_arrow(SCORED)
            clients.tables.create_table(
                bigquery.Table(TABLE.dotted, schema=table_fields(rows.schema, OUTPUT))
            )
            write_rows(clients.writer, TABLE.path, rows)
            yield clients.tables


def run(client: Any, query: str) -> pl.DataFrame:
    job = client.query(query, retry=None, job_retry=None)
    frame = pl.from_arrow(job.result(retry=None).to_arrow(create_bqstorage_client=False))
    assert isinstance(frame, pl.DataFrame)
    return frame


def query(profile: Profile, start: date | None = None, end: date | None = None) -> str:
    return sql.make_profile_query(profile, TABLE, CONTRACT, SCORED.schema, start, end)


@pytest.fixture(scope="module")
def whole(client: Any, profile: Profile) -> pl.DataFrame:
    """What the query says of all dates."""
    return run(client, query(profile))


def test_levels_and_structure(whole: pl.DataFrame, profile: Profile) -> None:
    cells = compare(whole, profile, SCORED, CONTRACT)
    seen = {(DAYS.index(d) - LEARNED, m, f) for d, m, f in cells}
    assert seen >= {
        (1, "mean", "minutes_avg_last_10"),
        (2, "disagree", "team_pace"),
        (3, "zero", "points_std_last_10"),
        (4, "contradict", "home_away"),
        (6, "table_absent", "minutes_avg_last_10"),
        (8, "contradict", "opponent_pace"),
    }


def test_provenance(client: Any, whole: pl.DataFrame, profile: Profile) -> None:
    """Stamps and labels need no profile: the dates and tables of the checks themselves."""
    start, end = DAYS[LEARNED + 4], DAYS[-1]
    narrow = run(client, query(profile, start, end))
    found = narrow.filter(pl.col("strength").is_null())
    got = {
        (row["game_date"], row["evidence"], name): row["rows_affected"]
        for row in found.iter_rows(named=True)
        for name in row["features"]
    }
    kinds = {"row_before_upstream", "updated_after_as_of", "sources_absent"}
    diagnosis = fsq.diagnose(SCORED, CONTRACT, dates=DAYS[LEARNED + 4 :], profile=profile)
    want = {
        (day, f.kind, name): f.rows_affected
        for f in diagnosis.findings
        for day in f.dates
        for name in f.features
        if f.kind in kinds
    }
    assert got == want
    assert {k for _, k, _ in got} == kinds
    # Only what the dates before the first are needed for is read, and says the same.
    key = ["game_date", "evidence", "upstream_table"]
    assert_frame_equal(narrow.sort(key), whole.filter(pl.col("game_date") >= start).sort(key))


@pytest.fixture(scope="module")
def store(client: Any, profile: Profile) -> str:
    """The table as a store that has a profile."""
    opened = fsq.open_store(URI, "v2_33features")
    opened.write_side("profile", write_profile(profile))
    return URI


def test_the_canary_knows_the_profile(
    client: Any, profile: Profile, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `fsq sql` prints it: no date with evidence is green, and others are what they were."""
    start, end = DAYS[LEARNED], DAYS[LEARNED + 4]
    dates = ["--start", str(start), "--end", str(end)]
    words = ["--store", store, "--contract", "v2_33features", *dates]
    assert main(["sql", "canary", *words]) == 0
    got = run(client, capsys.readouterr().out)
    assert main(["sql", "profile", *words]) == 0
    assert capsys.readouterr() == (query(profile, start, end), "")
    plain = run(client, sql.make_query("canary", TABLE, CONTRACT, start, end))
    said = got.select("profile_evidence").to_series().to_list()
    assert said[:4] == [[], ["mean"], ["contradict", "disagree"], ["zero"]]
    assert got["profile_features"].to_list()[1] == ["minutes_avg_last_10"]
    for before, after, evidence in zip(plain["verdict"], got["verdict"], said, strict=True):
        assert after == ("yellow" if evidence and before != "red" else before)
    assert_frame_equal(got.select(plain.columns).drop("verdict"), plain.drop("verdict"))
    assert main(["sql", "profile", *words, "--create-view"]) == 0
    made = capsys.readouterr().out
    assert made.startswith(f"CREATE OR REPLACE VIEW `{TABLE.dotted}_profile`\n")


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Statements that create views, by the view; the emulator would take a minute for them."""
    found: dict[str, str] = {}

    def note(_: Any, statement: str) -> None:
        found[statement.splitlines()[0].rpartition("_")[2].strip("`")] = statement

    monkeypatch.setattr(create, "run_query", note)
    return found


def migrate_views(uri: str, capsys: pytest.CaptureFixture[str]) -> tuple[bool, str]:
    """Whether the canary that is created knows a profile, and what people are told."""
    words = ["schema", "migrate", uri, "--views", "--contract", "v2_33features"]
    assert main([*words, "--json"]) == 0
    told = capsys.readouterr()
    return json.loads(told.out)["profile"], told.err


def test_a_migration_creates_it(
    client: Any,
    profile: Profile,
    store: str,
    views: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    knows, told = migrate_views(store, capsys)
    assert knows
    assert f"knows the profile of {len(profile.clean_dates)} clean dates" in told
    schema = pl.Schema(SCORED.schema)
    assert views["canary"].endswith(sql.make_canary_query(profile, TABLE, CONTRACT, schema))
    assert "profile_evidence" not in views["findings"]


def test_a_migration_without_a_profile(
    client: Any, views: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    new = "p.sql_profile.new"
    fields = table_fields(to_arrow(SCORED.head(1)).schema, OUTPUT)
    client.create_table(bigquery.Table(new, schema=fields))
    knows, told = migrate_views(f"bigquery://{new}", capsys)
    assert not knows
    assert f"`fsq profile learn --store bigquery://{new}` learns one" in told
    assert "profile_evidence" not in views["canary"]


def test_a_profile_of_other_rows_changes_nothing(
    client: Any, profile: Profile, views: dict[str, str]
) -> None:
    other = TableName("p", "sql_profile", "other")
    columns = to_arrow(SCORED.drop("team_abbr").head(1)).schema
    client.create_table(bigquery.Table(other.dotted, schema=table_fields(columns, OUTPUT)))
    with pytest.raises(fsq.InputError, match="no column team_abbr; learn the profile again"):
        sql.create_views(client, other, CONTRACT, profile=profile)
    assert views == {}


def test_without_a_profile(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    bare = "p.sql_profile.bare"
    fields = table_fields(to_arrow(SCORED.head(1)).schema, OUTPUT)
    client.create_table(bigquery.Table(bare, schema=fields))
    uri = f"bigquery://{bare}"
    for name in ("profile", "canary"):
        assert main(["sql", name, "--store", uri, "--contract", "v2_33features"]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert f"{uri} has no profile; `fsq profile learn --store {uri}`" in told.err


def test_what_is_refused(profile: Profile) -> None:
    other = fsq.load_contract("v3_37features")
    with pytest.raises(fsq.InputError, match="another version of v2_33features"):
        sql.make_profile_query(profile, TABLE, other, SCORED.schema)
    bare = SCORED.drop("team_abbr").schema
    with pytest.raises(fsq.InputError, match="no column team_abbr; learn the profile again"):
        sql.make_profile_query(profile, TABLE, CONTRACT, bare)
    with pytest.raises(fsq.InputError, match="swap them"):
        query(profile, DAYS[3], DAYS[2])
    empty = replace(profile, clean=np.zeros_like(profile.clean))
    with pytest.raises(fsq.InputError, match="no clean date; learn it again"):
        query(empty)
    twins = (Twin("x` OR TRUE --", 0),)
    bad = replace(profile, structure=replace(profile.structure, twins=twins))
    schema = pl.Schema({**SCORED.schema, twins[0].column: pl.Float64()})
    with pytest.raises(fsq.InputError, match="not a BigQuery identifier"):
        sql.make_profile_query(bad, TABLE, CONTRACT, schema)


def test_the_text_keeps_the_rules_of_all_queries(profile: Profile) -> None:
    start = DAYS[LEARNED]
    for made in (
        query(profile, start),
        sql.make_canary_query(profile, TABLE, CONTRACT, SCORED.schema, start),
    ):
        text = strip(made)
        assert reserved(text) == set()
        assert "$" not in text
        read = (
            r"FROM `p\.sql_profile\.scored` AS (\w)\b.*?WHERE \1\.`game_date` (?:BETWEEN|>=) DATE"
        )
        assert len(re.findall(read, made, re.S)) == made.count("`p.sql_profile.scored`") > 0


def test_googles_analyzer_accepts_it(profile: Profile, analyzer: Any) -> None:
    fields = [f.to_api_repr() for f in table_fields(to_arrow(SCORED.head(1)).schema, OUTPUT)]
    catalog = analyzer.make_catalog({TABLE.dotted: fields})
    for start in (None, DAYS[LEARNED]):
        canary = sql.make_canary_query(profile, TABLE, CONTRACT, SCORED.schema, start)
        for made in (query(profile, start), canary, sql.wrap_view("canary", TABLE, "a", canary)):
            assert analyzer.analyze(made, catalog) is None
