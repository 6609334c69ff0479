"""Every statement that fsq prints or runs passes Google's own analyzer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

import fsq
from fsq import sql
from fsq.backfilling.run import backfill
from fsq.cli import main
from fsq.contract import load_contract
from fsq.contract.loading import shipped_contracts
from fsq.schema.bigquery import output_fields
from fsq.stores import LedgerEntry, open_batch_write, open_store
from fsq.stores.bigquery import ddl
from fsq.stores.bigquery.names import TableName
from tests.support.frames import wide
from tests.support.rest_front import Answer, Request, fronted
from tests.support.warehouse import made, upstream_rows

# One worker runs all of them, since the analyzer takes a while to start.
pytestmark = pytest.mark.xdist_group("zetasql")
TABLE = TableName("p", "d", "scored")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
PRINTED: dict[str, tuple[Any, dict[str, Any]]] = {
    "as a view": (sql.make_view, {}),
    "of some dates": (sql.make_query, {"start": date(2026, 2, 1), "end": date(2026, 2, 6)}),
}


def test_the_analyzer_refuses_what_is_wrong(analyzer: Any) -> None:
    catalog = analyzer.make_catalog({"p.d.t": [{"name": "n", "type": "INTEGER"}]})
    assert analyzer.analyze("SELECT n FROM `p.d.t`", catalog) is None
    assert "nonsense" in analyzer.analyze("SELECT nonsense FROM `p.d.t`", catalog)
    assert analyzer.analyze("SELECT n FROM `p.d.t` WHERE n = 'a'", catalog) is not None
    assert analyzer.analyze("MERGE `p.d.t` T USING `p.d.t` S", catalog) is not None


@pytest.mark.parametrize("name", sorted(shipped_contracts()))
def test_what_is_printed(name: str, analyzer: Any) -> None:
    contract = load_contract(name)
    fields, group = output_fields(contract.output), contract.table.group
    if group is not None:
        fields.append({"name": group, "type": "STRING", "mode": "NULLABLE"})
    catalog = analyzer.make_catalog({TABLE.dotted: fields})
    statements = {
        f"{view} {which}": make(view, TABLE, contract, **dates)
        for view in sql.VIEWS
        for which, (make, dates) in PRINTED.items()
    }
    statements["the table"] = ddl.create_table(
        TableName("p", "d", "t"), contract.output, 'A \\ "b"'
    )
    statements["the columns"] = ddl.alter_table(TABLE, contract.output)
    problems = {k: p for k, text in statements.items() if (p := analyzer.analyze(text, catalog))}
    assert problems == {}


def run_everything(dataset: str) -> None:
    """One of each statement that fsq runs, on tables of every kind."""
    from google.cloud import bigquery

    rows = fsq.score(wide(), now=NOW)
    partitions = [
        None,
        bigquery.TimePartitioning("DAY"),
        bigquery.TimePartitioning(field="game_date"),
    ]
    for partitioning in partitions:
        for upstream in (upstream_rows(wide()), rows):
            uri = made(
                dataset, upstream, partitioning=partitioning, filtered=partitioning is not None
            )
            backfill(uri, uri, now=NOW)
            open_store(uri).replace(rows)
    entry = {d: LedgerEntry("c", "v", "f", 10) for d in rows["game_date"].unique().sort()}
    open_store(uri).replace(rows, entry)
    open_store(uri).ledger()
    write = open_batch_write(open_store(uri))
    messages = [write.create_writer(rows.head(0)).write(0, [rows])]
    assert not write.committed("run")
    write.commit(messages, entry, "run")
    assert main(["backfill", "--source", uri, "--store", f"{uri}?location=US", "--dry-run"]) == 0
    assert main(["schema", "drop-legacy", uri, "--yes", "--snapshot", "--input-too"]) == 0
    assert main(["schema", "migrate", uri, "--views"]) == 0
    open_store(uri).write_side("notes", pl.DataFrame({"text": ["a", None]}))
    open_store(uri).read_side("notes")


@dataclass
class Traffic:
    """What was sent to the service, and every column that it stated of a table."""

    requests: list[Request] = field(default_factory=list)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)

    def note(self, _: Request, status: int, body: dict[str, Any]) -> Answer:
        if "tableReference" in body and "schema" in body:
            name = ".".join(body["tableReference"].values())
            columns = self.tables.setdefault(name, {})
            columns |= {f["name"]: f for f in body["schema"].get("fields", ())}
        return status, body


@pytest.fixture(scope="module")
def traffic(emulator: dict[str, str]) -> Iterator[Traffic]:
    """What was sent and answered while one of each statement was run."""
    from fsq.stores.bigquery.client import open_clients

    traffic = Traffic()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.items():
            patch.setenv(name, value)
        with open_clients("p") as clients:
            clients.tables.create_dataset("p.all_statements", exists_ok=True)
        with fronted(patch, emulator, after=traffic.note) as traffic.requests:
            run_everything("p.all_statements")
        yield traffic


def test_what_is_run(traffic: Traffic, analyzer: Any) -> None:
    catalog = analyzer.make_catalog({t: c.values() for t, c in traffic.tables.items()})
    jobs = {
        re.sub(r"[0-9a-f]{8,}", "#", r.sql): r.body["configuration"]["query"]
        for r in traffic.requests
        if r.is_job
    }
    kinds = {re.match(r"\s*(?:--.*\n)*\s*(\w+)", s)[1].upper() for s in jobs}  # type: ignore[index]
    assert kinds == {"SELECT", "MERGE", "INSERT", "ALTER", "CREATE"}
    assert len(jobs) >= 25
    problems = {
        q["query"]: p
        for q in jobs.values()
        if (p := analyzer.analyze(q["query"], catalog, q.get("queryParameters", ())))
    }
    assert problems == {}, json.dumps(problems, indent=1)
