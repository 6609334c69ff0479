from __future__ import annotations

from pathlib import Path

import pytest
from google.cloud import bigquery

from fsq.stores.bigquery.client import open_clients
from tests.conftest import command, started, stopped


def test_a_data_dir_outlasts_the_emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for first in (True, False):
        process, environment = started(command("--data-dir", str(tmp_path / "data")))
        try:
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            with open_clients("p") as clients:
                if first:
                    clients.tables.create_dataset("p.d")
                    field = bigquery.SchemaField("k", "STRING", description="the key")
                    clients.tables.create_table(bigquery.Table("p.d.t", schema=[field]))
                    clients.tables.query("INSERT INTO `p.d.t` (k) VALUES ('a')").result()
                (row,) = clients.tables.query("SELECT k FROM `p.d.t`").result()
                assert row.k == "a"
                assert clients.tables.get_table("p.d.t").schema[0].description == "the key"
        finally:
            stopped(process)
        assert process.returncode == 0
