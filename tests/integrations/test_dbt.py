from __future__ import annotations

import json
import os

import polars as pl

import fsq
from fsq.sql import create_views
from fsq.stores.bigquery.client import open_clients
from tests.integrations.conftest import GOOD, RED, Bench

QUIET = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "NO_COLOR": "1"}


def test_a_build_stops_on_a_date_not_fit_to_predict_on(bench: Bench) -> None:
    bench.environment = QUIET
    bench.run("fsq", "score", str(bench.source), "--out", "scored.parquet")
    said = bench.run("dbt", "build", "--vars", f"{{day: {GOOD}}}")
    assert "PASS=3 " in said
    said = bench.run("dbt", "build", "--vars", f"{{day: {RED}}}", status=1)
    assert "FAIL 1 fit_to_predict_on" in said
    assert "SKIP relation main.trainable" in said


def test_a_data_test_reads_the_views_of_a_warehouse(bench: Bench, dataset: str) -> None:
    store = f"bigquery://{dataset}.ml_feature_store_v2"
    rows = pl.read_parquet(bench.source)
    fsq.backfill(rows, store)
    with open_clients("p") as clients:
        create_views(clients.tables, store, names=["canary", "training_set"])
    local = {
        "type": "bigquery",
        "method": "oauth-secrets",
        "token": "local",
        "project": dataset.split(".")[0],
        "dataset": dataset.split(".")[1],
        "api_endpoint": os.environ["BIGQUERY_EMULATOR_HOST"],
        "location": "US",
    }
    profiles = {"warehouse": {"target": "dev", "outputs": {"dev": local}}}
    (bench.home / "warehouse/profiles.yml").write_text(json.dumps(profiles))  # JSON is YAML
    bench.environment = QUIET
    words = ("dbt", "build", "--project-dir", "warehouse", "--profiles-dir", "warehouse", "--vars")
    given = {"dataset": local["dataset"]}
    assert "PASS=1 " in bench.run(*words, json.dumps(given | {"day": str(GOOD)}))
    said = bench.run(*words, json.dumps(given | {"day": str(RED)}), status=1)
    assert "FAIL 1 features_are_not_red" in said
