"""The tables that fsq keeps for itself: where, under which names, and how they are protected."""

from __future__ import annotations

import fnmatch
import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from google.cloud import bigquery

import fsq
from fsq.backfilling.run import backfill
from fsq.errors import InputError
from fsq.stores import LedgerEntry, open_store
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.own import make_own_table
from fsq.stores.bigquery.partitions import require_lasting_partitions
from tests.support.frames import wide
from tests.support.rest_front import Answer, Request, fronted
from tests.support.warehouse import made, tables, upstream_rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = fsq.score(wide(), now=NOW)
ENTRY = {date(2026, 1, 2): LedgerEntry("c", "v", "f", 10)}
KEY = "projects/p/locations/us/keyRings/r/cryptoKeys/k"


def created(requests: list[Request]) -> dict[str, dict[str, Any]]:
    """The tables that were created, by the part of the name that says what for."""
    bodies = [
        r.body for r in requests if r.method == "POST" and r.path.split("?")[0].endswith("tables")
    ]
    return {b["tableReference"]["tableId"]: b for b in bodies}


def is_get(request: Request, uri: str) -> bool:
    """Whether a request asks for the table itself."""
    path = request.path.split("?")[0]
    return request.method == "GET" and path.endswith("/tables/" + uri.rpartition(".")[2])


@pytest.mark.parametrize("wildcard", ["scores*", "s*", "scores_*", "scores__fsq*"])
def test_no_wildcard_of_the_tables_name_meets_them(wildcard: str) -> None:
    name = TableName.parse("bigquery://p.d.scores")
    for suffix in ("ledger", "origin", "runs", "staging_0123456789ab", "incidents"):
        assert not fnmatch.fnmatch(name.beside(suffix).table, wildcard)
        assert name.beside(suffix).dataset == "d"


def test_tables_of_one_name_do_not_share_a_ledger() -> None:
    names = [
        TableName.parse(f"bigquery://{t}?staging=scratch") for t in ("p.a.t", "p.b.t", "p2.a.t")
    ]
    assert len({n.beside("ledger").table for n in names}) == 3
    assert {n.beside("ledger").dataset for n in names} == {"scratch"}
    other = TableName.parse("bigquery://p.a.t?staging=tools.scratch").beside("ledger")
    assert (other.project, other.dataset) == ("tools", "scratch")


def test_a_dataset_of_choice(dataset: str) -> None:
    scratch = f"{dataset}_scratch"
    with open_clients("p") as clients:
        clients.tables.create_dataset(scratch)
    uri = f"bigquery://{dataset}.t?staging={scratch.partition('.')[2]}"
    store = open_store(uri, source="rows.parquet")
    store.replace(ROWS, {d: ENTRY[date(2026, 1, 2)] for d in ROWS["game_date"].unique()})
    assert tables(dataset) == {"t"}
    assert {t.split("__")[0] for t in tables(scratch)} == {"_fsq_ledger", "_fsq_origin"}
    again = open_store(uri)
    assert len(again.ledger()) == 4
    assert again.source == "rows.parquet"


def test_what_the_first_release_kept_is_used_on(dataset: str) -> None:
    uri = made(dataset, upstream_rows(wide()))
    backfill(uri, uri, now=NOW)
    name = uri.rpartition(".")[2]
    with open_clients("p") as clients:
        for suffix in ("ledger", "origin"):
            old, new = f"{dataset}.{name}__fsq_{suffix}", f"{dataset}._fsq_{suffix}__{name}"
            clients.tables.query(f"CREATE TABLE `{old}` AS SELECT * FROM `{new}`").result()
            clients.tables.delete_table(new)
    assert backfill(uri, uri, now=NOW).skipped == 4
    assert backfill(uri, uri, now=NOW, force=True).rows == 40
    assert tables(dataset) == {name, f"{name}__fsq_ledger", f"{name}__fsq_origin"}


def test_they_are_labelled_and_encrypted_like_the_table(
    dataset: str, emulator: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = made(dataset, upstream_rows(wide()))

    def encrypted(request: Request, status: int, body: dict[str, Any]) -> Answer:
        if is_get(request, uri) and status == 200:
            body = body | {"encryptionConfiguration": {"kmsKeyName": KEY}}
        return status, body

    with fronted(monkeypatch, emulator, after=encrypted) as requests:
        backfill(uri, f"{uri}?label=team:ml", now=NOW)
    made_tables = created(requests)
    purposes = {b["labels"]["fsq_purpose"] for b in made_tables.values()}
    assert purposes == {"staging", "ledger", "origin"}
    for body in made_tables.values():
        assert body["encryptionConfiguration"] == {"kmsKeyName": KEY}
        assert body["labels"].items() >= {"tool": "fsq", "team": "ml"}.items()


def test_side_tables_are_too_and_do_not_expire(
    dataset: str, emulator: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are created by a statement, together with their first row."""
    uri = made(dataset, ROWS)

    def changed(request: Request, status: int, body: dict[str, Any]) -> Answer:
        if is_get(request, uri) and status == 200:
            body = body | {"encryptionConfiguration": {"kmsKeyName": KEY}}
        elif request.method == "GET" and "_fsq_incidents" in request.path and status == 200:
            body = body | {"expirationTime": "4000000000000"}
        return status, body

    with fronted(monkeypatch, emulator, after=changed) as requests:
        store = open_store(f"{uri}?label=team:ml")
        store.write_side("incidents", pl.DataFrame({"id": ["a"]}))
    statement = next(str(r.body) for r in requests if "CREATE TABLE" in str(r.body))
    assert f'kms_key_name="{KEY}"' in statement
    for label in ('("tool", "fsq")', '("fsq_purpose", "incidents")', '("team", "ml")'):
        assert label in statement
    assert [r.body for r in requests if r.method == "PATCH"] == [{"expirationTime": None}]
    found = store.read_side("incidents")
    assert found is not None
    assert found["id"].to_list() == ["a"]


def test_policy_tags_are_not_set_on_staging_tables(
    dataset: str,
    emulator: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who may write rows need not be allowed to set tags; what is in the clear is said."""
    uri = made(dataset, ROWS)
    tag = {"names": ["projects/p/locations/us/taxonomies/1/policyTags/2"]}

    def tagged(request: Request, status: int, body: dict[str, Any]) -> Answer:
        if is_get(request, uri) and status == 200:
            for field in body["schema"]["fields"]:
                if field["name"] == "quality_tier":
                    field["policyTags"] = tag
        return status, body

    with (
        fronted(monkeypatch, emulator, after=tagged) as requests,
        caplog.at_level(logging.WARNING, "fsq"),
    ):
        open_store(uri).replace(ROWS)
    assert "policyTags" not in str(created(requests))
    assert "no policy tags" in caplog.text
    assert "quality_tier" in caplog.text


def test_tags_inside_of_structs_are_left_out_too() -> None:
    tags = bigquery.PolicyTagList(["projects/p/locations/us/taxonomies/1/policyTags/2"])
    inner = bigquery.SchemaField("n", "INTEGER", policy_tags=tags)
    outer = bigquery.SchemaField("detail", "RECORD", "REPEATED", fields=[inner])
    table = make_own_table(TableName("p", "d", "t"), [outer], bigquery.Table("p.d.x"), "staging_1")
    assert "policyTags" not in str(table.to_api_repr())
    assert table.schema[0].fields[0].name == "n"


def test_default_expirations_are_noticed(
    dataset: str,
    emulator: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The ledger is kept; of the table itself it is said that it expires."""
    at = str(int((datetime.now(UTC) + timedelta(days=60)).timestamp() * 1000))

    def expiring(request: Request, status: int, body: dict[str, Any]) -> Answer:
        if request.method == "POST" and request.path.split("?")[0].endswith("/tables"):
            body = {"expirationTime": at} | body
        return status, body

    with (
        fronted(monkeypatch, emulator, after=expiring) as requests,
        caplog.at_level(logging.WARNING, "fsq"),
    ):
        open_store(f"bigquery://{dataset}.t").replace(ROWS)
    kept = {r.path.split("?")[0].rpartition("/")[2] for r in requests if r.method == "PATCH"}
    assert kept == {"_fsq_ledger__t", "_fsq_origin__t"}
    assert all(r.body == {"expirationTime": None} for r in requests if r.method == "PATCH")
    assert f"{dataset}.t expires on" in caplog.text
    assert "expiration_timestamp = NULL" in caplog.text


def test_dates_that_would_expire_at_once_are_refused(dataset: str) -> None:
    name = f"{dataset}.t"
    uri = made(
        dataset,
        ROWS,
        partitioning=bigquery.TimePartitioning(field="game_date", expiration_ms=86_400_000),
    )
    with pytest.raises(InputError, match="4 dates from 2026-01-01 on are older than the 1 days"):
        open_store(uri).replace(ROWS)
    assert not [t for t in tables(dataset) if "staging" in t], name


def test_more_partitions_than_a_statement_may_change_are_refused() -> None:
    table = bigquery.Table("p.d.t")
    table.time_partitioning = bigquery.TimePartitioning(field="day")
    days = [date(2000, 1, 1) + timedelta(days=i) for i in range(4_001)]
    require_lasting_partitions(table, "day", days[:4_000])
    with pytest.raises(InputError, match="4,001 partitions"):
        require_lasting_partitions(table, "day", days)
    table.time_partitioning = bigquery.TimePartitioning("MONTH", field="day")
    require_lasting_partitions(table, "day", days)
