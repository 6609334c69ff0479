"""What is asked of the Storage Read API, and how many bytes come back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import polars as pl
import pytest
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import BigQueryReadClient

import fsq
from fsq.checking import CheckOptions, check_store
from fsq.cli import main
from fsq.demo import simulate_season
from fsq.errors import InputError, StoreError
from fsq.stores import open_store
from fsq.stores.bigquery.carried import to_service_arrow
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.fields import table_fields
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.read import scan_table
from tests.support.frames import wide
from tests.support.v2 import OUTPUT
from tests.support.warehouse import made

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Transfers:
    """Read sessions, and the bytes of their rows."""

    sessions: list[Any] = field(default_factory=list)
    size: int = 0


@contextmanager
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Transfers]:
    """Record what is read in the block."""
    seen, lock = Transfers(), threading.Lock()
    create, read = BigQueryReadClient.create_read_session, BigQueryReadClient.read_rows

    def note_session(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.sessions.append(kwargs["read_session"])
        return create(self, *args, **kwargs)

    def note_rows(self: Any, *args: Any, **kwargs: Any) -> Any:
        for answer in read(self, *args, **kwargs):
            size = len(answer.arrow_record_batch.serialized_record_batch)
            with lock:  # streams are read by several threads
                seen.size += size
            yield answer

    with monkeypatch.context() as patch:
        patch.setattr(BigQueryReadClient, "create_read_session", note_session)
        patch.setattr(BigQueryReadClient, "read_rows", note_rows)
        yield seen


def test_one_date_of_a_season_is_a_small_part_of_it(
    dataset: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = simulate_season("2025-26").rows.with_columns(pl.col("^.*__source$").cast(pl.String))
    rows = rows.filter(pl.int_range(pl.len()).over("game_date") < 12)
    uri = made(dataset, fsq.score(rows, now=NOW))
    with recorded(monkeypatch) as whole:
        held = open_store(uri).read().collect()
    assert held.height == rows.height
    stored = held.to_arrow().nbytes
    day = rows["game_date"].unique().sort()[100]
    player = rows.filter(pl.col("game_date") == day)["player_lookup"][0]
    with recorded(monkeypatch) as explained:
        assert main(["explain", player, str(day), "--store", uri]) == 0
    with recorded(monkeypatch) as checked:
        assert main(["check", "--store", uri, "--date", str(day)]) in (0, 1)
    assert checked.size < 0.03 * stored
    assert main(["profile", "learn", "--store", uri]) == 0
    for command in (["check", "--date", str(day)], ["explain", player, str(day)]):
        with recorded(monkeypatch) as by_profile:
            assert main([*command, "--store", uri]) in (0, 1)
        assert by_profile.size < 0.02 * stored
    capsys.readouterr()
    # Beside the record, what a check of its date reads.
    assert explained.size - checked.size < 0.002 * stored
    # Without a profile, what is normal is learned from earlier dates, by half of what they hold.
    dates = open_store(uri).contract.diagnosis.learning_dates + 1
    assert checked.size < 0.55 * whole.size * dates / rows["game_date"].n_unique()
    whole_details = [
        s.read_options.row_restriction
        for s in explained.sessions
        if "feature_quality_detail" in s.read_options.selected_fields
    ]
    assert whole_details
    for restriction in whole_details:
        assert f'`player_lookup` = "{player}"' in restriction
        assert f"DATE '{day}'" in restriction
    fields = [f for s in checked.sessions for f in s.read_options.selected_fields]
    assert "feature_quality_detail.is_default" in fields
    assert "feature_quality_detail.upstream_data_hash" not in fields
    assert "feature_quality_detail" not in fields


COMMANDS: dict[str, Any] = {
    "diagnose": fsq.diagnose,
    "learn_profile": fsq.learn_profile,
    "trend": fsq.trend,
    "report": fsq.report,
    "training_set": lambda store: fsq.training_set(store).frame,
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_field_is_read_that_is_not_used(
    name: str, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole detail is read of single records only, which a report shows."""
    uri = made(dataset, fsq.score(wide(), now=NOW))
    with recorded(monkeypatch) as seen:
        COMMANDS[name](open_store(uri))
    asked = [(list(s.read_options.selected_fields), s.read_options) for s in seen.sessions]
    of_all = [f for fields, o in asked if "player_lookup" not in o.row_restriction for f in fields]
    assert "game_date" in of_all
    assert "feature_quality_detail" not in of_all
    assert "feature_quality_detail.upstream_data_hash" not in of_all
    values = "feature_quality_detail.feature_value" in of_all
    assert values == (name != "trend")


def test_rows_come_compressed(dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = fsq.score(wide(), now=NOW)
    store = open_store(made(dataset, rows))
    with recorded(monkeypatch) as seen:
        assert store.read().collect().height == rows.height
    assert seen.size < 0.5 * rows.to_arrow().nbytes


def test_opening_a_table_reads_nothing(dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = made(dataset, fsq.score(wide(), now=NOW))
    with recorded(monkeypatch) as seen:
        rows = open_store(uri).read(columns=["feature_quality_detail.is_default"])
        assert rows.collect_schema() == {"feature_quality_detail.is_default": pl.List(pl.Boolean)}
    assert seen.sessions == []
    with recorded(monkeypatch) as seen:
        assert rows.collect().height == 40
        assert open_store(uri).read().select(pl.len()).collect().item() == 40
        assert open_store(uri).read().filter(pl.lit(False)).collect().is_empty()
    asked = [list(s.read_options.selected_fields) for s in seen.sessions]
    assert asked[0] == ["feature_quality_detail.is_default"]
    assert len(asked[1]) == 1


ODD = [
    bigquery.SchemaField("game_date", "DATE"),
    bigquery.SchemaField("player_lookup", "STRING"),
    bigquery.SchemaField("pause", "INTERVAL"),
    bigquery.SchemaField("place", "GEOGRAPHY"),
    bigquery.SchemaField("notes", "JSON"),
    bigquery.SchemaField("span", "RANGE", range_element_type=bigquery.FieldElementType("DATE")),
]
# The emulator can make no such column.
BIG = bigquery.SchemaField("big", "BIGNUMERIC")


def test_types_that_nobody_asks_for_do_not_matter(dataset: str) -> None:
    name = f"{dataset}.odd"
    with open_clients("p") as clients:
        clients.tables.create_table(bigquery.Table(name, schema=ODD))
        values = "VALUES (DATE '2026-01-02', 'a')"
        insert = f"INSERT INTO `{name}` (game_date, player_lookup) {values}"
        clients.tables.query(insert).result()
    rows = open_store(f"bigquery://{name}").read()
    assert rows.select("player_lookup").collect()["player_lookup"].to_list() == ["a"]
    of_the_day = rows.filter(pl.col("game_date") == date(2026, 1, 2))
    assert of_the_day.select(pl.len()).collect().item() == 1
    with pytest.raises(StoreError, match="column pause is INTERVAL"):
        rows.collect()


def test_a_check_needs_no_column_that_polars_cannot_hold(dataset: str) -> None:
    name, rows = f"{dataset}.odd", fsq.score(wide(), now=NOW)
    with open_clients("p") as clients:
        schema = [*table_fields(to_service_arrow(rows).schema, OUTPUT), *ODD[2:]]
        clients.tables.create_table(bigquery.Table(name, schema=schema))
    store = open_store(f"bigquery://{name}")
    store.replace(rows)
    days = rows["game_date"].unique().sort().to_list()
    done = check_store(store, CheckOptions(start=days[-1], end=days[-1]))
    assert done.dx.to_dict()["dates"][-1]["rows"] == rows["game_date"].eq(days[-1]).sum()


@pytest.mark.parametrize(
    ("column", "kind"), [("big", "BIGNUMERIC"), ("pause", "INTERVAL"), ("span", "RANGE")]
)
def test_types_that_polars_cannot_take_are_refused_by_name(column: str, kind: str) -> None:
    table = bigquery.Table("p.d.t", schema=[*ODD, BIG])
    rows = scan_table(partial(open_clients, "p"), TableName.parse("p.d.t"), table)
    with pytest.raises(StoreError, match=f"column {column} is {kind}.*CAST.{column} AS STRING"):
        rows.select(column).collect()


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED_VIEW", "EXTERNAL"])
def test_what_the_read_api_refuses_is_refused_before_any_work(
    kind: str,
    dataset: str,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uri = made(dataset, fsq.score(wide(), now=NOW))
    name = f"{dataset}.other"
    with open_clients("p") as clients:
        if kind == "VIEW":
            source = TableName.parse(uri).sql
            clients.tables.query(f"CREATE VIEW `{name}` AS SELECT * FROM {source}").result()
        else:
            fields = [{"name": "game_date", "type": "DATE"}]
            project, place, table = name.split(".")
            body = {
                "tableReference": {"projectId": project, "datasetId": place, "tableId": table},
                "type": kind,
                "schema": {"fields": fields},
            }
            path = f"/projects/{project}/datasets/{place}/tables"
            clients.tables._connection.api_request(method="POST", path=path, data=body)
    view, store = f"bigquery://{name}", str(tmp_path / "store")
    with recorded(monkeypatch) as seen:
        with pytest.raises(InputError, match=r"CREATE TABLE `p\..*_table` .*AS SELECT \*") as told:
            open_store(view).read()
        assert main(["backfill", "--source", view, "--store", store]) == 2
        capsys.readouterr()
        assert main(["backfill", "--source", uri, "--store", view]) == 2
        assert "name the table itself" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()
    assert not [s for s in seen.sessions if s.table.endswith("/other")]
    if kind != "VIEW":  # the emulator keeps no schema of views
        assert "PARTITION BY `game_date`" in str(told.value)
