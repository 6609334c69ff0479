"""A table of three keys, one of them an integer, and a time: filled, checked, trained on."""

from __future__ import annotations

import json
import shlex
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import write_deltalake
from google.cloud import bigquery
from polars.testing import assert_frame_equal

import fsq
from fsq.backfilling import backfill
from fsq.cli import main
from fsq.cli._store import shorten_path
from fsq.errors import InputError
from fsq.schema.arrow import to_arrow
from fsq.stores import open_store
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.fields import quality_fields, table_fields
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.validate import standard_type_of
from fsq.stores.bigquery.write import write_rows
from tests.support.any_table import CONTRACT, PATH, make_rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TABLE = CONTRACT.table
ROWS = make_rows(dates=9, entities=70, incidents=False)
SCORED = fsq.score(ROWS, CONTRACT, now=NOW).sort(TABLE.order)
DAYS = SCORED[TABLE.date].unique().sort().to_list()
OTHER = CONTRACT.model_copy(update={"name": "legs_of_others"})
NEWER = CONTRACT.model_copy(
    update={"feature_rules": CONTRACT.feature_rules.model_copy(update={"stale_hours": 7.0})}
)


@pytest.fixture(params=["delta", "bigquery"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URI of a store that does not exist yet."""
    if request.param == "delta":
        return str(tmp_path / "store")
    return f"bigquery://{request.getfixturevalue('dataset')}.t{uuid.uuid4().hex[:8]}"


@pytest.fixture
def source(tmp_path: Path) -> str:
    """Rows whose date is only known from their time."""
    path = tmp_path / "rows.parquet"
    ROWS.drop(TABLE.date).write_parquet(path)
    return str(path)


def stored(uri: str) -> pl.DataFrame:
    rows = open_store(uri).read().collect()
    return rows.select(SCORED.columns).sort(TABLE.order)


def in_hybrid_form() -> pl.DataFrame:
    """The same rows with numbered columns, as upstream may keep them in the store itself."""
    names = CONTRACT.names
    renamed = {n: f"feature_{i}_value" for i, n in enumerate(names)}
    renamed |= {f"{n}__source": f"feature_{i}_source" for i, n in enumerate(names)}
    return ROWS.rename(renamed)


def make_table(uri: str, rows: pl.DataFrame) -> None:
    """A table of upstream's with these rows."""
    sent = to_arrow(rows)
    if "://" not in uri:
        write_deltalake(uri, sent)
        return
    name = TableName.parse(uri)
    fields = table_fields(sent.schema, CONTRACT.output)
    fields += [f for f in quality_fields(CONTRACT.output) if f.name not in sent.column_names]
    table = bigquery.Table(name.dotted, schema=fields)
    table.time_partitioning = bigquery.TimePartitioning(field=TABLE.date)
    with open_clients("p") as clients:
        clients.tables.create_table(table)
        write_rows(clients.writer, name.path, sent)


def run_json(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*words, "--json"]) == status
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_a_store_is_filled_and_remembers_from_what(place: str, source: str) -> None:
    done = backfill(source, place, contract=PATH, now=NOW, chunk_rows=200)
    assert (done.rows, done.dates) == (SCORED.height, len(DAYS))
    assert_frame_equal(stored(place), SCORED)
    opened = open_store(place)
    assert opened.contract.version_hash == CONTRACT.version_hash
    assert opened.contract.model_dump() == CONTRACT.model_dump()
    assert opened.source == source
    assert {e.contract for e in opened.ledger().values()} == {"legs"}

    again = backfill(source, place, now=NOW)  # the store knows the contract
    assert (again.rows, again.skipped) == (0, len(DAYS))
    part = opened.read(DAYS[2], DAYS[4], ["quality_tier", "feature_quality_detail.is_default"])
    assert part.collect().height == SCORED[TABLE.date].is_between(DAYS[2], DAYS[4]).sum()


def test_in_place_it_keeps_what_is_upstreams(place: str) -> None:
    rows = in_hybrid_form()
    make_table(place, rows)
    assert backfill(place, place, contract=CONTRACT, now=NOW).rows == rows.height
    quality = [n for n in CONTRACT.output.names if n in SCORED.columns]
    assert_frame_equal(stored(place).select(quality), SCORED.select(quality))
    if place.startswith("bigquery://"):
        kept = open_store(place).read().select(rows.columns).sort(TABLE.order).collect()
        assert_frame_equal(kept, rows.sort(TABLE.order))
    again = backfill(place, place, now=NOW)
    assert (again.rows, again.skipped) == (0, len(DAYS))


def test_commands_take_contract_and_source_from_the_store(
    place: str, source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = pl.col("scheduled_at") >= pl.col("scheduled_at").max().dt.offset_by("-20h")
    broken = pl.read_parquet(source).with_columns(
        delay_avg_last_10=pl.when(late).then(0.0).otherwise("delay_avg_last_10")
    )
    broken.write_parquet(source)
    backfill(source, place, contract=PATH)
    dx = run_json(capsys, "check", "--store", place, status=1)
    commands = [c for f in dx["findings"] for c in f["remedy"] if c.startswith("fsq ")]
    assert commands
    for command in set(commands):
        _, *words = shlex.split(command)
        assert shorten_path(source) in words
        assert run_json(capsys, *words, "--force")["rows"] > 0
    key = SCORED.row(-1, named=True)
    named = [f"--key={k}={key[k]}" for k in TABLE.keys]
    explained = run_json(capsys, "explain", *named, str(DAYS[-1]), "--store", place)
    assert [f["feature_name"] for f in explained["features"]] == [*CONTRACT.names]
    assert len(run_json(capsys, "trend", "--store", place)["days"]) == len(DAYS)
    refused = run_json(capsys, "model", "check", "delay_1", "--store", place, status=1)
    assert any("delay_avg_last_10" in problem for problem in refused["problems"])

    out = tmp_path / "train.parquet"
    run_json(
        capsys, "training-set", "--store", place, "--out", str(out), "--label", "outcome", "--force"
    )
    assert set(TABLE.key) | {*CONTRACT.names} <= set(pl.read_parquet_schema(out))
    chosen = fsq.training_set(open_store(place), "outcome")
    assert len(chosen) == pl.read_parquet(out).height > 0


def test_rows_of_two_contracts_do_not_mix(place: str, source: str) -> None:
    backfill(source, place, contract=CONTRACT, now=NOW)
    version = open_store(place).version()
    # The last one's columns are not in the source either: of two problems this is the first.
    for contract, start in ((OTHER, None), (NEWER, DAYS[-2]), (fsq.load_contract(), None)):
        with pytest.raises(InputError, match="--change-contract") as error:
            backfill(source, place, contract=contract, start=start, now=NOW)
        assert place in str(error.value)
    assert main(["backfill", "--source", source, "--store", place, "--season", "2025-26"]) == 2
    with pytest.raises(InputError, match="scored with legs_of_others"):
        open_store(place).replace(fsq.score(ROWS, OTHER))
    assert open_store(place).version() == version
    assert open_store(place).contract.version_hash == CONTRACT.version_hash

    # All dates under the newer version: nothing is mixed, so nothing has to be asked for.
    assert backfill(source, place, contract=NEWER, now=NOW).dates == len(DAYS)
    assert open_store(place).contract.version_hash == NEWER.version_hash
    part = backfill(source, place, contract=OTHER, start=DAYS[-1], change_contract=True, now=NOW)
    assert part.dates == 1
    assert open_store(place).contract.name == "legs_of_others"
    held = open_store(place).ledger()
    assert [held[d].contract for d in DAYS] == ["legs"] * (len(DAYS) - 1) + ["legs_of_others"]
    assert backfill(source, place, start=DAYS[-1], now=NOW).skipped == 1


def test_a_table_that_remembers_nothing_goes_by_its_ledger(source: str, tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    backfill(source, store, contract=CONTRACT, now=NOW)
    for log in (tmp_path / "store" / "_delta_log").glob("*.json"):
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        for line in lines:
            line.get("commitInfo", {}).pop("fsq_origin", None)
        log.write_text("\n".join(map(json.dumps, lines)))
    assert open_store(store).origin() is None
    assert open_store(store).contract.name == "v2_33features"
    with pytest.raises(InputError, match="holds rows of the contract legs"):
        backfill(source, store, contract=OTHER, now=NOW)
    assert backfill(source, store, contract=CONTRACT, now=NOW).skipped == len(DAYS)


def test_dates_may_be_texts(place: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    texts = ROWS.with_columns(pl.col(TABLE.date).cast(pl.String))
    texts.write_parquet(path)
    start = DAYS[0] + timedelta(days=3)
    done = backfill(str(path), place, contract=CONTRACT, start=start, now=NOW)
    assert done.plan[0].day == start
    assert done.rows == texts.filter(pl.col(TABLE.date) >= str(start)).height
    wrong = texts.with_columns(pl.lit("6 Feb 2026").alias(TABLE.date))
    wrong.write_parquet(path)
    with pytest.raises(InputError, match="not an ISO date"):
        backfill(str(path), place, contract=CONTRACT)


def test_a_new_table_has_the_types_of_its_keys(
    dataset: str, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = f"bigquery://{dataset}.made"
    words = ("schema", "migrate", uri, "--create", "--contract", str(PATH))
    assert main([*words, "--integer-key", "flight"]) == 0
    with open_clients("p") as clients:
        table = clients.tables.get_table(uri.removeprefix("bigquery://"))
    keys = {f.name: (standard_type_of(f), f.mode) for f in table.schema[:5]}
    assert keys == {
        "carrier": ("STRING", "REQUIRED"),
        "flight": ("INT64", "REQUIRED"),
        "origin": ("STRING", "REQUIRED"),
        "flight_date": ("DATE", "REQUIRED"),
        "scheduled_at": ("TIMESTAMP", "REQUIRED"),
    }
    assert table.time_partitioning.field == "flight_date"
    assert table.clustering_fields == ["carrier", "flight", "origin"]
    capsys.readouterr()
    assert main(["schema", "ddl", "--contract", str(PATH), "--integer-key", "flight"]) == 0
    printed = capsys.readouterr().out
    assert "CLUSTER BY `carrier`, `flight`, `origin`" in printed
    assert "`flight` INT64 NOT NULL" in printed
    assert "feature_sources" not in printed
    assert main(["schema", "drop-legacy", uri, "--contract", str(PATH)]) == 2
    assert "has no legacy fields" in capsys.readouterr().err
